"""Small audio files for the tests: tones and file headers."""

from __future__ import annotations

import io
import math
import struct
import wave

__all__ = ["BEGINNINGS", "MP3", "wav"]

MP3 = b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\x64" + b"\0" * 4000

BEGINNINGS = {
    "audio/mpeg": [MP3, b"\xff\xfb\x90\x64" + b"\0" * 60, b"\xff\xf3\x40\xc0" + b"\0"],
    "audio/flac": [b"fLaC\0\0\0\x22" + b"\0" * 34],
    "audio/ogg": [b"OggS\0\x02" + b"\0" * 30],
    "audio/mp4": [b"\0\0\0\x20ftypM4A \0\0\0\0"],
    "video/mp4": [b"\0\0\0\x20ftypisom\0\0\0\0", b"\0\0\0\x20ftypmp42\0\0\0\0"],
    "video/webm": [b"\x1a\x45\xdf\xa3" + b"\0" * 30],
    "audio/aac": [b"\xff\xf1\x50\x80" + b"\0" * 30, b"\xff\xf9\x50\x80" + b"\0" * 9],
    "audio/aiff": [b"FORM\0\0\0\x2eAIFFCOMM", b"FORM\0\0\0\x2eAIFCCOMM"],
    "audio/amr": [b"#!AMR\n" + b"\0" * 20],
}


def wav(seconds: float = 1.0, *, rate: int = 8000, pitch: float = 440.0) -> bytes:
    """Return a tone as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        turn = 2 * math.pi * pitch / rate
        samples = [
            round(9000 * math.sin(turn * at)) for at in range(int(seconds * rate))
        ]
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file.getvalue()
