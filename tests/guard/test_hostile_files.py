"""Hostile paths and file contents are not read, or not in full."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from conftest import CANARY
from hostile_servers import FixedResponse, Trap

from langchain_fal_image import FalImageEdit, GeneratedImage, Limits, create_fal, errors


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


# --- Sizes ---


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
