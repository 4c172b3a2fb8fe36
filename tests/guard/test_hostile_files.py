"""Hostile paths and file contents are not read, or not in full."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from conftest import CANARY
from hostile_servers import FixedResponse, Trap

from langchain_fal_image import FalImageEdit, GeneratedImage, Limits, create_fal, errors
from langchain_fal_image._formats.audio import sniff_audio
from langchain_fal_image._formats.image import sniff_image


@pytest.fixture
def trap() -> Iterator[Trap]:
    with Trap() as trap:
        yield trap


# --- Paths ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    secret = tmp_path / "secret.png"
    PIL.Image.new("RGB", (512, 512)).save(secret)
    (allowed / "link.png").symlink_to(secret)
    (allowed / "dir").symlink_to(tmp_path)
    (tmp_path / "allowed-too").mkdir()
    PIL.Image.new("RGB", (512, 512)).save(tmp_path / "allowed-too" / "x.png")
    os.mkfifo(allowed / "pipe.png")
    return allowed


PATHS = (
    "../secret.png",
    "link.png",
    "dir/secret.png",
    "dir/../../secret.png",
    "../allowed-too/x.png",
    "pipe.png",
    ".",
    "none.png",
    "a\0b.png",
    "/etc/passwd",
    "/dev/zero",
    "/proc/self/environ",
    "~/.ssh/id_rsa",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_hostile_path_is_not_read(path: str, folder: Path, trap: Trap) -> None:
    fal = create_fal(
        CANARY, base_url=f"http://127.0.0.1:{trap.port}", allowed_dirs=[folder]
    )
    full_path = path if path.startswith(("/", "~")) else f"{folder}/{path}"
    with pytest.raises(errors.FalInputImageError, match="refused"):
        FalImageEdit(fal=fal, prompt="a").invoke({"images": [full_path]})


@pytest.mark.parametrize("path", ["/etc/passwd", "x" * 5000, "a\0b", "~/x", "\ud800"])
def test_a_refusal_names_no_directory_to_a_model(path: str, folder: Path) -> None:
    with create_fal("k", allowed_dirs=[folder]) as fal:
        edit = FalImageEdit(fal=fal, prompt="a")
        with pytest.raises(errors.FalInputImageError) as caught:
            edit.invoke({"images": [path]})
        assert str(folder) not in caught.value.message
        # A developer reads the next step, a chat model does not.
        assert str(folder) in caught.value.next_step


def test_a_file_that_cannot_be_read_is_named_without_its_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PIL.Image.new("RGB", (512, 512)).save(folder / "good.png")

    def refuse(self: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.chdir(folder)
    with create_fal("k", allowed_dirs=[folder]) as fal:
        edit = FalImageEdit(fal=fal, prompt="a")
        with pytest.raises(errors.FalInputImageError, match=r"good\.png") as caught:
            edit.invoke({"images": ["good.png"]})
    assert str(folder) not in caught.value.message


def test_a_file_replaced_by_a_link_is_not_read(
    folder: Path, tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = folder / "good.png"
    PIL.Image.new("RGB", (512, 512)).save(good)
    real = Path.open

    def replace_and_open(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == good and not good.is_symlink():
            good.unlink()
            good.symlink_to(tmp_path / "secret.png")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", replace_and_open)
    fal = create_fal(
        CANARY, base_url=f"http://127.0.0.1:{trap.port}", allowed_dirs=[folder]
    )
    with pytest.raises(errors.FalInputImageError, match="refused"):
        FalImageEdit(fal=fal, prompt="a").invoke({"images": [str(good)]})


def make_cmyk(_: Path) -> PIL.Image.Image:
    return PIL.Image.new("CMYK", (512, 512))


def make_truncated(folder: Path) -> PIL.Image.Image:
    path = folder / "truncated.jpg"
    PIL.Image.effect_noise((512, 512), 50).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    return PIL.Image.open(path)


@pytest.mark.parametrize("make", [make_cmyk, make_truncated])
def test_a_pillow_image_that_cannot_be_written_is_an_input_error(
    make: Callable[[Path], PIL.Image.Image], tmp_path: Path
) -> None:
    with create_fal("k") as fal, make(tmp_path) as image:
        edit = FalImageEdit(fal=fal, prompt="a")
        with pytest.raises(errors.FalInputImageError, match="as PNG"):
            edit.invoke({"images": [image]})


# --- Sizes ---


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\0\2",
        b"\0\0\0\x10ftypheic\0\0\0\0",
        b"RIFF\4\0\0\0WAVE",
    ],
)
@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xe0\0\2", bytes(8)])
def test_a_long_header_is_read_to_a_limit(head: bytes, filling: bytes) -> None:
    content = head + filling * (32 * 1024 * 1024 // len(filling))
    started = time.process_time()
    for sniff in (sniff_image, sniff_audio):
        sniff(content)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_compressed_bomb_is_not_unpacked(way: str) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    headers = {"content-encoding": "gzip", "content-type": "image/png"}
    with FixedResponse(headers, status=200, body=bomb) as here:
        limits = Limits(download_bytes=1024 * 1024)
        async with create_fal(CANARY, base_url=here.url, limits=limits) as fal:
            image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
            with pytest.raises(errors.FalDownloadError, match="than 1048576"):
                await (
                    asyncio.to_thread(image.read) if way == "sync" else image.aread()
                )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_of_too_many_pixels_is_not_decoded() -> None:
    content = io.BytesIO()
    PIL.Image.new("1", (12_000, 12_000)).save(content, "PNG")
    with FixedResponse({}, status=200, body=content.getvalue()) as here:
        fal = create_fal(CANARY, base_url=here.url)
        image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
        with pytest.raises(errors.FalDownloadError, match="12000x12000 pixels"):
            image.to_pil()
        fal.close()


@pytest.mark.parametrize(
    "content", [b"", b"<html>gone</html>", json.dumps({"detail": "no"}).encode()]
)
def test_a_file_that_is_not_an_image_is_recognised_by_its_bytes(content: bytes) -> None:
    with FixedResponse({"content-type": "image/png"}, status=200, body=content) as here:
        fal = create_fal(CANARY, base_url=here.url)
        image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
        with pytest.raises(errors.FalDownloadError, match="is not an image"):
            image.read()
        fal.close()
