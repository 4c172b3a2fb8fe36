"""Image files of every format that is recognised are sent, with their MIME type."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image import FalImageEdit, FalProvider, Limits
from langchain_fal_image._formats.audio import sniff_audio
from langchain_fal_image._formats.image import EXTENSIONS, sniff_image
from langchain_fal_image.errors import FalInputImageError
from langchain_fal_image.sandbox import Sandbox

EDIT = "fal-ai/nano-banana-pro/edit"


def encode(name: str, size: tuple[int, int] = (64, 48)) -> bytes:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", size, (200, 10, 10)).save(encoded, name)
    return encoded.getvalue()


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def heif(*brands: bytes, sizes: Any = (), rotation: int | None = None) -> bytes:
    """Return the boxes of a HEIF file that state its brands and its images' sizes."""
    ispe = [box(b"ispe", bytes(4) + struct.pack(">II", *each)) for each in sizes]
    turned = [] if rotation is None else [box(b"irot", bytes([rotation]))]
    properties = box(b"iprp", box(b"ipco", b"".join([*ispe, *turned])))
    return (
        box(b"ftyp", brands[0] + bytes(4) + b"".join(brands))
        + box(b"free", b"ispe" + bytes(12))
        + box(b"meta", bytes(4) + properties)
        + box(b"mdat", b"ispe" + b"\xff" * 99)
    )


TILES = ((512, 512), (4032, 3024), (320, 240))
HEIC = heif(b"heic", b"mif1", b"heic", sizes=TILES, rotation=0)
JXL = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl " + bytes(4) + b"jxl ")
FILES = {
    "image/heic": HEIC,
    "image/heif": heif(b"mif1", b"unci"),
    "image/avif": encode("AVIF"),
    "image/jxl": JXL,
    "image/jp2": encode("JPEG2000"),
    "image/gif": encode("GIF"),
    "image/bmp": encode("BMP"),
    "image/tiff": encode("TIFF"),
    "image/vnd.microsoft.icon": encode("ICO"),
    "image/svg+xml": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize("mime_type", FILES)
def test_a_file_is_recognised_by_its_bytes(mime_type: str) -> None:
    found = sniff_image(FILES[mime_type])
    assert found is not None
    assert found.mime_type == mime_type
    assert sniff_audio(FILES[mime_type]) is None
    assert mime_type in EXTENSIONS


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (b"\xff\x0a\xfa\x1f\x01", "image/jxl"),
        (heif(b"mif1", b"heix"), "image/heic"),
        (heif(b"mif1", b"miaf", b"avif"), "image/avif"),
        (b"MM\0*" + bytes(8), "image/tiff"),
    ],
)
def test_other_beginnings_of_the_same_formats_are_recognised(
    content: bytes, mime_type: str
) -> None:
    found = sniff_image(content)
    assert found is not None
    assert found.mime_type == mime_type


def test_the_size_of_a_heif_file_is_that_of_its_largest_image() -> None:
    for content, size in (
        (FILES["image/avif"], (64, 48)),
        (encode("AVIF", (31, 17)), (31, 17)),
        (HEIC, (4032, 3024)),
        (heif(b"heic", sizes=TILES, rotation=2), (4032, 3024)),
        # A quarter turn swaps the sides of one of the images.
        (heif(b"heic", sizes=TILES, rotation=1), (None, None)),
        (heif(b"heic", sizes=TILES, rotation=3), (None, None)),
        (heif(b"heic"), (None, None)),
        (HEIC[:40], (None, None)),
    ):
        found = sniff_image(content)
        assert found is not None
        assert (found.width, found.height) == size


@given(
    st.sampled_from([b"", *(each[:64] for each in FILES.values())]),
    st.binary(max_size=64),
)
def test_no_bytes_break_the_recognition(beginning: bytes, rest: bytes) -> None:
    for end in range(0, len(beginning) + 1, 4):
        sniff_image(beginning[:end] + rest)


def sent_images(sandbox: Sandbox) -> list[str]:
    [payload] = sandbox.accepted.values()
    return [str(each) for each in payload["image_urls"]]


@pytest.mark.parametrize("mime_type", FILES)
def test_a_recognised_image_is_sent_with_its_mime_type(
    mime_type: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    content = FILES[mime_type]
    FalImageEdit(EDIT, fal=fal).submit({"prompt": "make it night", "images": [content]})
    encoded = base64.b64encode(content).decode()
    assert sent_images(fal_sandbox) == [f"data:{mime_type};base64,{encoded}"]


UNKNOWN = b"8BPS\0\1" + bytes(200)
UNKNOWN_B64 = base64.b64encode(UNKNOWN).decode()


@pytest.mark.parametrize(
    ("given", "mime_type"),
    [
        (UNKNOWN, "application/octet-stream"),
        (f"data:image/x-psd;base64,{UNKNOWN_B64}", "image/x-psd"),
        (f"data:image/<b>;base64,{UNKNOWN_B64}", "application/octet-stream"),
        (Path("a.jpeg"), "image/jpeg"),
        (Path("a.unknown"), "application/octet-stream"),
    ],
)
def test_unknown_bytes_are_sent_only_if_options_are_not_checked(
    given: Any, mime_type: str, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    if isinstance(given, Path):
        given = tmp_path / given
        given.write_bytes(UNKNOWN)
    fal = fal_sandbox.provider(allowed_dirs=[tmp_path])
    with pytest.raises(FalInputImageError, match="206 bytes are not in") as caught:
        FalImageEdit(EDIT, fal=fal).submit(
            {"prompt": "make it night", "images": [given]}
        )
    assert "check_options=False" in caught.value.next_step
    assert "check_options" not in caught.value.message
    assert fal_sandbox.requests == []
    edit = FalImageEdit(EDIT, fal=fal, check_options=False)
    edit.submit({"prompt": "make it night", "images": [given]})
    assert sent_images(fal_sandbox) == [f"data:{mime_type};base64,{UNKNOWN_B64}"]


def test_unknown_bytes_are_uploaded_under_a_plain_name(fal_sandbox: Sandbox) -> None:
    fal = fal_sandbox.provider(limits=Limits(inline_bytes=100))
    edit = FalImageEdit(EDIT, fal=fal, check_options=False)
    edit.submit({"prompt": "make it night", "images": [UNKNOWN, HEIC]})
    psd, heic = sent_images(fal_sandbox)
    assert psd.endswith(".bin")
    assert heic.endswith(".heic")


@pytest.mark.parametrize("given", [b"", "data:image/png;base64,"])
def test_an_empty_file_is_never_sent(
    given: Any, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    edit = FalImageEdit(EDIT, fal=fal, check_options=False)
    with pytest.raises(FalInputImageError, match="0 bytes"):
        edit.invoke({"prompt": "make it night", "images": [given]})
    assert fal_sandbox.requests == []


def test_a_path_is_not_taken_for_base64(fal: FalProvider) -> None:
    path = "/work/" + "a" * 94  # as base64, it begins like a JPEG XL file
    with pytest.raises(FalInputImageError, match="no directory is allowed"):
        FalImageEdit(EDIT, fal=fal).invoke(
            {"prompt": "make it night", "images": [path]}
        )
