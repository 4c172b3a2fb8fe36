"""Image and audio files are recognised by their bytes."""

from __future__ import annotations

import io

import PIL.Image
import pytest
from audio_files import BEGINNINGS, wav

from langchain_fal_image._formats.audio import sniff_audio
from langchain_fal_image._formats.image import sniff_image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_files_are_recognised_by_their_bytes(kind: str) -> None:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (31, 17)).save(encoded, kind)
    seen = sniff_image(encoded.getvalue())
    assert seen is not None
    assert seen.mime_type == f"image/{kind.lower()}"
    if kind not in {"BMP", "TIFF"}:
        assert (seen.width, seen.height) == (31, 17)


def test_webp_and_png_variants_and_truncated_files() -> None:
    for settings in ({"lossless": True}, {"lossless": False}):
        encoded = io.BytesIO()
        PIL.Image.new("RGBA", (31, 17), (1, 2, 3, 4)).save(encoded, "WEBP", **settings)
        seen = sniff_image(encoded.getvalue())
        assert seen is not None
        assert (seen.width, seen.height) == (31, 17)
    alpha = io.BytesIO()
    PIL.Image.new("RGBA", (3, 3)).save(alpha, "PNG")
    seen = sniff_image(alpha.getvalue())
    assert seen is not None
    assert seen.has_alpha
    for length in range(60):
        for data in (alpha.getvalue(), encoded.getvalue()):
            sniff_image(data[:length])
    assert sniff_image(b"<?xml version='1.0'?><svg/>") is not None
    assert sniff_image(b"hello") is None


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [(kind, each) for kind, all_ in BEGINNINGS.items() for each in all_],
)
def test_audio_is_recognised_by_its_bytes(kind: str, beginning: bytes) -> None:
    found = sniff_audio(beginning)
    assert found is not None
    assert found.mime_type == kind


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"R", b"RIFF\0\0\0\0WEBP", b"hello", b"\xff\xd8\xff\xe0" + b"\0" * 9),
        *(b"\0\0\0\x20ftypavif", b"\xff\xff\xff\xff", b"\xff\xfb", b"FORM\0\0\0\0ILBM"),
    ],
)
def test_other_bytes_are_not_audio(content: bytes) -> None:
    assert sniff_audio(content) is None


def test_the_duration_of_wav_and_flac() -> None:
    found = sniff_audio(wav(1.5))
    assert found is not None
    assert found.duration == 1.5
    rate, samples = 44100, 88200
    packed = (rate << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8, "big")
    flac = b"fLaC\0\0\0\x22" + b"\0" * 10 + packed + b"\0" * 16
    found = sniff_audio(flac)
    assert found is not None
    assert found.duration == 2.0


def test_truncated_audio_headers_raise_nothing() -> None:
    for whole in (wav(0.1), *(each for all_ in BEGINNINGS.values() for each in all_)):
        for end in range(min(len(whole), 80)):
            sniff_audio(whole[:end])
    streamed = bytearray(wav(0.1))
    streamed[40:44] = b"\xff\xff\xff\xff"
    found = sniff_audio(bytes(streamed))
    assert found is not None
    assert found.duration is None
