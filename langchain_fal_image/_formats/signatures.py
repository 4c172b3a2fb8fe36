"""File signatures that several formats share."""

from __future__ import annotations

import codecs

__all__ = ["is_text", "read_ftyp_brand", "read_riff_form"]


def read_riff_form(data: bytes) -> bytes | None:
    """Return the form of a RIFF or RF64 file, such as `b"WAVE"` or `b"WEBP"`."""
    return data[8:12] if data[:4] in {b"RIFF", b"RF64"} else None


def read_ftyp_brand(data: bytes) -> bytes | None:
    """Return the major brand of an ISO base media file, such as `b"avif"`."""
    return data[8:12] if data[4:8] == b"ftyp" else None


def is_text(data: bytes) -> bool:
    """Return whether a file of unknown format, or its beginning, is text."""
    beginning = data[:512]
    try:
        # An incremental decoder, because the slice may end inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return b"\0" not in beginning
