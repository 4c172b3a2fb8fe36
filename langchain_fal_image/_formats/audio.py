"""Recognise audio formats by their first bytes, not by the file name."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from langchain_fal_image._formats.signatures import (
    IMAGE_BRANDS,
    read_ftyp_brands,
    read_riff_form,
)

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
_M4A_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P "})
_IMAGE_BRANDS = frozenset({*IMAGE_BRANDS, b"crx "})
_MAX_READ = 1024 * 1024
_SYNC = 0xFFE0
_LAYER = 0x0006
_LAYER_3 = 0x0002
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AudioType:
    """The format of audio and its duration in seconds, if the header contains it.

    `mime_type` is `video/mp4` or `video/webm` for a container that can also hold video.
    """

    mime_type: str
    duration: float | None = None


def sniff_audio(data: bytes) -> AudioType | None:
    """Recognise MP3, WAV, FLAC, Ogg, M4A, MP4, WebM, AAC, AIFF and AMR files.

    `data` is the file, or at least its beginning; only the first MiB is read.
    """
    data = data[:_MAX_READ]
    if read_riff_form(data) == b"WAVE":
        return AudioType("audio/wav", _read_wav_duration(data))
    if data[:4] == b"FORM" and data[8:12] in {b"AIFF", b"AIFC"}:
        return AudioType("audio/aiff")
    if brands := read_ftyp_brands(data):
        if brands[0] in _IMAGE_BRANDS:
            return None
        return AudioType("audio/mp4" if brands[0] in _M4A_BRANDS else "video/mp4")
    for signature, mime_type in _SIGNATURES:
        if data.startswith(signature):
            seconds = _read_flac_duration(data) if mime_type == "audio/flac" else None
            return AudioType(mime_type, seconds)
    return _sniff_frame(data)


def _sniff_frame(data: bytes) -> AudioType | None:
    """Recognise an MP3 or AAC frame: eleven set bits, then the layer."""
    if len(data) < 4:  # noqa: PLR2004 - the length of a frame's header
        return None
    (head,) = struct.unpack(">H", data[:2])
    if head & _SYNC != _SYNC:
        return None
    if head & 0xFFF6 == 0xFFF0:  # noqa: PLR2004 - twelve set bits, layer 0: ADTS
        return AudioType("audio/aac")
    bitrate, sample_rate = data[2] >> 4, data[2] >> 2 & 3
    is_frame = bitrate not in {0, 15} and sample_rate != 3  # noqa: PLR2004 - reserved
    if is_frame and head & _LAYER == _LAYER_3 and head & 0x18 != 0x08:  # noqa: PLR2004 - a reserved version
        return AudioType("audio/mpeg")
    return None


def _read_wav_duration(data: bytes) -> float | None:
    """Return the duration of a WAV file: its data length divided by the byte rate."""
    at, byte_rate = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        if name == b"fmt " and at + 20 <= len(data):
            (byte_rate,) = struct.unpack("<I", data[at + 16 : at + 20])
        elif name == b"data":
            # A header written while streaming has 0 or the maximum as the length.
            return size / byte_rate if byte_rate and 0 < size < _UNKNOWN else None
        at += 8 + size + size % 2
    return None


def _read_flac_duration(data: bytes) -> float | None:
    """Return the duration of a FLAC file: samples divided by the sample rate."""
    info = data[8:42]
    if len(info) < 18 or data[4] & 0x7F:  # noqa: PLR2004 - the fields read below
        return None
    packed = int.from_bytes(info[10:18], "big")
    sample_rate, samples = packed >> 44, packed & 0xFFFFFFFFF
    return samples / sample_rate if sample_rate and samples else None
