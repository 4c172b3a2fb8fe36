"""Broken and hostile images: no program starts, and every failure is a FalError."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import PIL.EpsImagePlugin
import PIL.Image
import pytest
from hostile_servers import FixedResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import ToolMessage
from langchain_core.stores import InMemoryByteStore

from langchain_fal_image import (
    FalImageEdit,
    FalProvider,
    ImageResult,
    Limits,
    create_fal,
)
from langchain_fal_image.errors import FalDownloadError, FalError
from langchain_fal_image.middleware import FalThumbnails
from langchain_fal_image.sandbox.drawing.input_image import open_image
from langchain_fal_image.sandbox.input_file import InputFile, UnreadableInputError


def refuse(_: httpx.Request) -> httpx.Response:
    return httpx.Response(422, json={"detail": "no"})


@pytest.fixture
def fal() -> Iterator[FalProvider]:
    """Yield a provider whose images come from its store and whose fal refuses all."""
    client = httpx.Client(transport=httpx.MockTransport(refuse))
    with create_fal("k", store=InMemoryByteStore(), http_client=client) as provider:
        yield provider


def store_image(fal: FalProvider, content: bytes) -> ImageResult:
    digest = hashlib.sha256(content).hexdigest()
    fal.store.mset([(digest, content)])
    return ImageResult.from_output(
        {"images": [{"sha256": digest}]}, model="fal-ai/qwen-image", request_id="r"
    ).using(fal)


# --- Programs that Pillow starts ---


def make_dos_eps() -> bytes:
    """Return an EPS file with a binary header, so that it is not text."""
    script = (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    )
    return struct.pack("<4sLL20x", b"\xc5\xd0\xd3\xc6", 32, len(script)) + script


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in for Ghostscript on the path; it writes the returned file."""
    folder, proof = tmp_path / "bin", tmp_path / "it ran"
    folder.mkdir()
    (folder / "gs").write_text(f"#!/bin/sh\ntouch '{proof}'\n")
    (folder / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(PIL.EpsImagePlugin, "gs_binary", None)
    with PIL.Image.open(io.BytesIO(make_dos_eps())) as image:
        with pytest.raises(OSError, match=r"."):
            image.load()
        assert proof.exists(), "Pillow alone starts the stand-in"
    proof.unlink()
    return proof


def test_no_image_starts_ghostscript(fal: FalProvider, ghostscript: Path) -> None:
    result = store_image(fal, make_dos_eps())
    assert result.image.read() == make_dos_eps()
    with pytest.raises(FalDownloadError, match="no decoder"):
        result.image.to_pil()
    with pytest.raises(UnreadableInputError):
        open_image(InputFile(["image_url"], "https://a.b/c.png", make_dos_eps()))
    assert not ghostscript.exists()


def test_a_thumbnail_starts_no_program(ghostscript: Path) -> None:
    with FixedResponse({}, status=200, body=make_dos_eps()) as server:
        fal = create_fal("k", base_url=server.url)
        result = ImageResult.from_output(
            {"images": [f"{server.url}/a.png"]}, model="fal-ai/qwen-image"
        )
        message = ToolMessage("Made.", tool_call_id="1", artifact=result.to_artifact())
        [shown] = fal.run(FalThumbnails(fal=fal)._add_thumbnails([message]))
        assert server.requests == 1
        fal.close()
    assert "base64" not in str(shown.content)
    assert not ghostscript.exists()


# --- Mutated images ---


def encode(name: str, **options: Any) -> bytes:
    encoded = io.BytesIO()
    image = PIL.Image.radial_gradient("L").resize((24, 20)).convert("RGB")
    image.save(encoded, name, **options)
    return encoded.getvalue()


def make_heif(brand: bytes) -> bytes:
    size = struct.pack(">I4sIII", 20, b"ispe", 0, 24, 20)
    meta = struct.pack(">I4sI", 12 + len(size), b"meta", 0) + size
    return struct.pack(">I4s4sI", 16, b"ftyp", brand, 0) + meta


IMAGES: dict[str, bytes] = {
    **{
        name.lower(): encode(name)
        for name in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "ICO", "JPEG2000", "PPM")
    },
    "webp": encode("WEBP"),
    "webp without loss": encode("WEBP", lossless=True),
    "deflated tiff": encode("TIFF", compression="tiff_deflate"),
    "progressive jpeg": encode("JPEG", progressive=True, exif=b"Exif\0\0II*\0\1\0"),
    "heic": make_heif(b"heic"),
    "avif": make_heif(b"avif"),
    "jxl": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40),
    "jxl stream": b"\xff\x0a" + bytes(40),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9"/>',
    "eps": make_dos_eps(),
}
if "AVIF" in PIL.Image.SAVE:
    IMAGES["avif"] = encode("AVIF")

EDITS = st.lists(
    st.tuples(st.integers(0, 1200), st.binary(min_size=1, max_size=8)), max_size=6
)


def mutate(content: bytes, edits: list[tuple[int, bytes]], end: int | None) -> bytes:
    mutated = bytearray(content)
    for at, replacement in edits:
        start = at % len(content)
        mutated[start : start + len(replacement)] = replacement
    return bytes(mutated[:end])


def edit_image(fal: FalProvider, result: ImageResult) -> None:
    FalImageEdit(fal=fal, prompt="night").invoke({"images": [result.image.read()]})


WAYS: tuple[Callable[[FalProvider, ImageResult], object], ...] = (
    lambda _, result: result.image.to_pil(),
    lambda _, result: result.image._repr_html_(),
    lambda _, result: result.image._make_thumbnail(result.image.read(), 64),
    edit_image,
)


@pytest.mark.parametrize("name", IMAGES)
@settings(
    max_examples=(settings.default or settings()).max_examples // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=EDITS, end=st.none() | st.integers(0, 1200))
def test_a_mutated_image_is_read_or_raises_a_fal_error(
    name: str,
    edits: list[tuple[int, bytes]],
    end: int | None,
    fal: FalProvider,
    tmp_path: Path,
) -> None:
    result = store_image(fal, mutate(IMAGES[name], edits, end))
    ways = (*WAYS, lambda *_: result.image.save(tmp_path / "a", overwrite=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about some files
        for way in ways:
            try:
                way(fal, result)
            except FalError as error:
                assert error.next_step  # noqa: PT017 - one of two outcomes


# --- Bombs ---


def make_large_header(name: str) -> bytes:
    """Return a small file whose header promises 16,000 x 16,000 pixels."""
    side = 16_000
    if name == "png":
        return b"".join(
            (IMAGES[name][:16], struct.pack(">II", side, side), IMAGES[name][24:])
        )
    if name == "gif":
        return b"".join(
            (IMAGES[name][:6], struct.pack("<HH", side, side), IMAGES[name][10:])
        )
    if name == "webp":
        vp8x = struct.pack("<B3x", 0) + 2 * (side - 1).to_bytes(3, "little")
        chunks = b"WEBPVP8X" + struct.pack("<I", len(vp8x)) + vp8x + IMAGES[name][12:]
        return b"RIFF" + struct.pack("<I", len(chunks)) + chunks
    sof = IMAGES[name].index(b"\xff\xc0") + 5
    return b"".join(
        (IMAGES[name][:sof], struct.pack(">HH", side, side), IMAGES[name][sof + 4 :])
    )


@pytest.mark.parametrize("name", ["png", "gif", "webp", "jpeg"])
def test_an_image_of_too_many_pixels_is_not_decoded(
    fal: FalProvider, name: str
) -> None:
    result = store_image(fal, make_large_header(name))
    with pytest.raises(FalDownloadError, match="16000x16000 pixels"):
        result.image.to_pil()


def test_the_limit_of_pixels_is_a_setting() -> None:
    fal = create_fal("k", store=InMemoryByteStore(), limits=Limits(image_pixels=479))
    with pytest.raises(FalDownloadError, match=r"24x20 pixels.*is 479"):
        store_image(fal, IMAGES["tiff"]).image.to_pil()


def test_a_jpeg_of_many_scans_is_not_decoded(fal: FalProvider) -> None:
    content = IMAGES["progressive jpeg"]
    start = content.rindex(b"\xff\xda")  # the last scan, which can be repeated
    bomb = content[:start] + content[start:-2] * 5000 + content[-2:]
    with pytest.raises(FalDownloadError, match="too many scans"):
        store_image(fal, bomb).image.to_pil()
    assert store_image(fal, content).image.to_pil().size == (24, 20)
