"""What an audio file is, told by its first bytes and not by its name."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["EXTENSIONS", "AudioType", "sniff_audio"]

EXTENSIONS = {
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/aiff": ".aiff",
    "audio/amr": ".amr",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "audio/pcm": ".pcm",
}

_SIGNATURES = (
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
)
_M4A = frozenset({b"M4A ", b"M4B ", b"M4P "})
_PICTURES = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"crx "})
_SYNC = 0xFFE0
_LAYER = 0x0006
_LAYER_3 = 0x0002
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AudioType:
    """What the bytes say.

    Attributes:
        mime_type: Such as `audio/mpeg`. A container that may hold pictures too is
            `video/mp4` or `video/webm`.
        duration: In seconds; None where the header does not tell.
    """

    mime_type: str
    duration: float | None = None


def sniff_audio(data: bytes) -> AudioType | None:
    """Recognise MP3, WAV, FLAC, Ogg, M4A, MP4, WebM, AAC, AIFF and AMR.

    Args:
        data: The file, or at least its beginning.

    Returns:
        What it is, or None where it is none of these.
    """
    if data[:4] in {b"RIFF", b"RF64"} and data[8:12] == b"WAVE":
        return AudioType("audio/wav", _wav_seconds(data))
    if data[:4] == b"FORM" and data[8:12] in {b"AIFF", b"AIFC"}:
        return AudioType("audio/aiff")
    if data[4:8] == b"ftyp":
        if data[8:12] in _PICTURES:
            return None
        return AudioType("audio/mp4" if data[8:12] in _M4A else "video/mp4")
    for signature, mime_type in _SIGNATURES:
        if data.startswith(signature):
            seconds = _flac_seconds(data) if mime_type == "audio/flac" else None
            return AudioType(mime_type, seconds)
    return _frames(data)


def _frames(data: bytes) -> AudioType | None:
    """Recognise bare frames: eleven set bits, then the layer."""
    if len(data) < 4:  # noqa: PLR2004 - a frame's header
        return None
    (head,) = struct.unpack(">H", data[:2])
    if head & _SYNC != _SYNC:
        return None
    if head & 0xFFF6 == 0xFFF0:  # noqa: PLR2004 - twelve set bits, layer 0: ADTS
        return AudioType("audio/aac")
    bitrate, rate = data[2] >> 4, data[2] >> 2 & 3
    is_frame = bitrate not in {0, 15} and rate != 3  # noqa: PLR2004 - reserved
    if is_frame and head & _LAYER == _LAYER_3 and head & 0x18 != 0x08:  # noqa: PLR2004 - a reserved version
        return AudioType("audio/mpeg")
    return None


def _wav_seconds(data: bytes) -> float | None:
    """Divide the length of the data by the bytes of a second."""
    at, a_second = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        if name == b"fmt " and at + 20 <= len(data):
            (a_second,) = struct.unpack("<I", data[at + 16 : at + 20])
        elif name == b"data":
            # A stream's header says 0 or the most there is: it was not known yet.
            return size / a_second if a_second and 0 < size < _UNKNOWN else None
        at += 8 + size + size % 2
    return None


def _flac_seconds(data: bytes) -> float | None:
    """Divide the samples of the stream by those of a second."""
    info = data[8:42]
    if len(info) < 18 or data[4] & 0x7F:  # noqa: PLR2004 - the parts that are read
        return None
    packed = int.from_bytes(info[10:18], "big")
    rate, samples = packed >> 44, packed & 0xFFFFFFFFF
    return samples / rate if rate and samples else None
