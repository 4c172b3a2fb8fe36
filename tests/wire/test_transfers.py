"""Transfers: downloads to disk, uploads from disk, several concurrently."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from langchain_fal_image import FalImageEdit, FalProvider, GeneratedImage, ImageResult
from langchain_fal_image.errors import FalDownloadError, FalInputImageError
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.wire.bodies import Body, FileSource
from langchain_fal_image.wire.config import Limits
from langchain_fal_image.wire.effects import Call, Flow, Gather

Run = Callable[..., Any]
"""Drives a flow."""


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    def asynchronous(fal: FalProvider, flow: Flow[Any]) -> Any:
        return asyncio.run(fal.arun(flow))

    def sync(fal: FalProvider, flow: Flow[Any]) -> Any:
        return fal.run(flow)

    return sync if request.param == "sync" else asynchronous


def png(size: int) -> bytes:
    """Return a PNG of a size in bytes, of which only the header is valid."""
    head = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000400000004008020000")
    return head + os.urandom(size - len(head))


# --- Downloads ---


def test_a_result_is_saved_into_a_folder(
    run: Run, fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    contents = [png(700_000 + each) for each in range(12)]
    urls = [
        fal_sandbox.files.put(f"{number}.png", content, "image/png")
        for number, content in enumerate(contents)
    ]
    result = ImageResult.from_output(
        {"images": [{"url": url} for url in urls]}, model="fal-ai/qwen-image"
    ).using(fal)
    paths = run(fal, result._save_flow(tmp_path / "new" / "folder"))
    assert [path.read_bytes() for path in paths] == contents
    assert [path.name for path in paths[:2]] == ["image_1.png", "image_2.png"]
    assert result.images[0].width == 64
    assert sorted((tmp_path / "new" / "folder").iterdir()) == sorted(paths)


@pytest.mark.parametrize(
    ("names", "saved"),
    [
        (["a.png", "b.png"], ["a.png", "b.png"]),
        (["a.png", "a.png"], ["img_1.png", "img_2.png"]),
        (["a.png", None], ["img_1.png", "img_2.png"]),
    ],
)
def test_files_of_a_result_never_overwrite_each_other(
    fal: FalProvider,
    fal_sandbox: Sandbox,
    tmp_path: Path,
    names: list[Any],
    saved: list[str],
) -> None:
    url = fal_sandbox.files.put("x.png", png(100), "image/png")
    images = [{"url": url, "file_name": name} for name in names]
    result = ImageResult.from_output({"images": images}, model="fal-ai/qwen-image")
    named = result.with_handles(["img_1", "img_2"]).using(fal)
    assert [path.name for path in named.save(tmp_path)] == saved


def test_a_failed_download_leaves_no_file_behind(
    run: Run, fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    good = fal_sandbox.files.put("a.png", png(1000), "image/png")
    page = fal_sandbox.files.put("b.png", b"<html>gone</html>", "text/html")
    missing = good.replace("a.png", "c.png")
    for url, text in ((page, "17 bytes of text"), (missing, "404")):
        image = GeneratedImage(url=url).using(fal)
        with pytest.raises(FalDownloadError, match=text):
            run(fal, image._save_flow(tmp_path / "deep" / "er.png"))
        assert list(tmp_path.iterdir()) == []


def test_a_download_that_breaks_off_starts_again_in_the_same_file(
    run: Run, fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    content = png(600_000)
    url = fal_sandbox.files.put("a.png", content, "image/png")
    fal_sandbox.faults.next("cut short", on="file")
    saved = run(fal, GeneratedImage(url=url).using(fal)._save_flow(tmp_path / "a.png"))
    assert saved.read_bytes() == content
    assert len([each for each in fal_sandbox.requests if "a.png" in each.path]) == 2


# --- Uploads ---


@pytest.mark.parametrize("side", [32, 110, 500])
def test_a_file_is_sent_from_disk_completely(
    side: int, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "in.png"
    image = PIL.Image.frombytes("RGB", (side, side), os.urandom(3 * side * side))
    image.save(path)
    limits = Limits(inline_bytes=1000, multipart_bytes=50_000, part_bytes=30_000)
    fal = fal_sandbox.provider(limits=limits, allowed_dirs=[tmp_path])
    edit = FalImageEdit("fal-ai/nano-banana-pro/edit", fal=fal)
    result = edit.invoke({"prompt": "add a moon", "images": path})
    [reference] = result.inputs
    assert reference.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    sent = GeneratedImage(url=reference.url).using(fal).read()
    assert sent == path.read_bytes()


def test_a_file_that_shrinks_while_it_is_sent_is_an_error() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"12345678")
        body = Body(FileSource(file), 2, 6)
        assert b"".join(body.iter_bytes()) == b"345678"
        file.truncate(5)
        with pytest.raises(OSError, match="became shorter"):
            list(body.iter_bytes())


# --- Gathered flows ---


def test_gathered_flows_return_their_results_in_order(
    run: Run, fal: FalProvider
) -> None:
    meeting = threading.Barrier(3)

    def one(number: int) -> Flow[int]:
        yield Call(lambda: meeting.wait(10))
        return number

    def all_of_them() -> Flow[list[int]]:
        numbers: list[int] = yield Gather([one(each) for each in range(6)], limit=3)
        return numbers

    assert run(fal, all_of_them()) == [0, 1, 2, 3, 4, 5]


def test_the_first_failure_of_gathered_flows_ends_the_others(
    run: Run, fal: FalProvider
) -> None:
    begun: list[int] = []

    def one(number: int) -> Flow[None]:
        begun.append(number)
        if number == 0:
            message = "the disk is full"
            raise OSError(message)
        yield Call(lambda: None)

    def all_of_them() -> Flow[str]:
        try:
            yield Gather([one(each) for each in range(500)], limit=1)
        except OSError as error:
            return str(error)
        return "none failed"

    assert run(fal, all_of_them()) == "the disk is full"
    assert len(begun) < 500


def test_an_input_that_is_not_an_image_is_refused_before_it_is_sent(
    fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"not image!" * 1000)
    fal = fal_sandbox.provider(allowed_dirs=[tmp_path])
    edit = FalImageEdit("fal-ai/nano-banana-pro/edit", fal=fal)
    with pytest.raises(
        FalInputImageError, match="10000 bytes are not in a known image format"
    ):
        edit.invoke({"prompt": "add a moon", "images": path})
    assert fal_sandbox.requests == []
