"""File signatures that several formats share."""

from __future__ import annotations

import codecs

__all__ = ["IMAGE_BRANDS", "is_text", "read_ftyp_brands", "read_riff_form"]

IMAGE_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"
    ),
    **dict.fromkeys((b"mif1", b"msf1"), "image/heif"),
}
"""The MIME types of image files by their brand; `image/heif` may hold any codec."""

_MAX_FTYP = 256


def read_riff_form(data: bytes) -> bytes | None:
    """Return the form of a RIFF or RF64 file, such as `b"WAVE"` or `b"WEBP"`."""
    return data[8:12] if data[:4] in {b"RIFF", b"RF64"} else None


def read_ftyp_brands(data: bytes) -> list[bytes]:
    """Return the brands of an ISO base media file: the major one, then compatible ones.

    Such as `b"avif"`; empty for other files.
    """
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4]), len(data), _MAX_FTYP)
    return [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]


def is_text(data: bytes) -> bool:
    """Return whether a file of unknown format, or its beginning, is text."""
    beginning = data[:512]
    try:
        # An incremental decoder, because the slice may end inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return b"\0" not in beginning
