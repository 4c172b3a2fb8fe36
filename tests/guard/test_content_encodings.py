"""Compressed responses: only gzip, unpacked in pieces up to the limit."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from conftest import CANARY
from hostile_servers import FixedResponse

from langchain_fal_image import GeneratedImage, Limits, Retry, create_fal, errors
from langchain_fal_image.wire.decompression import Decompressor

MIB = 1024 * 1024
ZEROS = gzip.compress(bytes(64 * MIB))
EMPTY = gzip.compress(b"")
ENDLESS_NAME = EMPTY[:3] + b"\x08" + bytes(6) + b"n" * (2 * MIB)


@contextmanager
def memory_below(limit: int) -> Iterator[None]:
    """Fail if the block allocates more than `limit` bytes at a time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("transport", ["sync", "httpx", "aiohttp"])
@pytest.mark.parametrize(
    ("encoding", "body", "problem"),
    [
        ("gzip", ZEROS, "larger than 1048576 bytes"),
        ("gzip, gzip", gzip.compress(ZEROS), "'gzip, gzip' was not requested"),
        ("gzip,identity,gzip", gzip.compress(ZEROS), "was not requested"),
        ("deflate", zlib.compress(bytes(64 * MIB)), "'deflate' was not requested"),
        ("br", b"x", "'br' was not requested"),
        ("gzip", gzip.compress(b"x")[:-4], "incomplete"),
        ("gzip", b"plain", "incorrect header"),
        ("gzip", EMPTY + bytes(2 * MIB), "larger than 1048576 bytes"),
        ("gzip", ENDLESS_NAME, "larger than 1048576 bytes"),
    ],
    ids=range(9),
)
async def test_a_bomb_is_not_unpacked(
    transport: Any, encoding: str, body: bytes, problem: str
) -> None:
    if transport == "aiohttp":
        pytest.importorskip("aiohttp")
    headers = {"content-encoding": encoding, "content-type": "image/png"}
    here = FixedResponse(headers, status=200, body=body, may_receive_key=True)
    with here:
        async with create_fal(
            CANARY,
            base_url=here.url,
            limits=Limits(download_bytes=MIB, answer_bytes=MIB),
            retry=Retry(attempts=1),
            async_transport=None if transport == "sync" else transport,
        ) as fal:
            image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
            request = fal.request("fal-ai/qwen-image", "r-1")
            read: Any = image.aread
            status: Any = request.astatus
            if transport == "sync":
                read = partial(asyncio.to_thread, image.read)
                status = partial(asyncio.to_thread, request.status)
            with memory_below(16 * MIB):
                with pytest.raises(errors.FalDownloadError, match=problem):
                    await read()
                with pytest.raises(errors.FalError):
                    await status()


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_any_split_of_a_compressed_body_gives_the_same_bytes(size: int) -> None:
    content = json.dumps(list(range(100_000))).encode()
    compressed = gzip.compress(content)
    decompressor = Decompressor("gzip", max_bytes=10 * MIB)
    pieces = [
        piece
        for start in range(0, len(compressed), size)
        for piece in decompressor.feed(compressed[start : start + size])
    ]
    assert b"".join([*pieces, decompressor.finish()]) == content
    assert max(map(len, pieces)) <= MIB


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", " , "])
def test_a_plain_body_is_not_changed(encoding: str) -> None:
    decompressor = Decompressor(encoding, max_bytes=1)
    assert [*decompressor.feed(b"ab"), decompressor.finish()] == [b"ab", b""]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_an_empty_body_with_an_encoding_is_empty(encoding: str) -> None:
    assert Decompressor(encoding, max_bytes=1).finish() == b""


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_files_are_requested_without_a_content_encoding(way: str) -> None:
    seen: dict[str, str] = {}

    def respond(request: httpx.Request) -> httpx.Response:
        seen["api"] = request.headers["accept-encoding"]
        return httpx.Response(200, json={"status": "COMPLETED"})

    with FixedResponse({}, status=200, body=b"x") as here:
        transport = httpx.MockTransport(respond)
        fal = create_fal(
            CANARY,
            base_url=here.url,
            http_client=httpx.Client(transport=transport),
            http_async_client=httpx.AsyncClient(transport=transport),
        )
        request = fal.request("fal-ai/qwen-image", "r-1")
        image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
        with pytest.raises(errors.FalDownloadError):
            await (asyncio.to_thread(image.read) if way == "sync" else image.aread())
        await (
            asyncio.to_thread(request.status) if way == "sync" else request.astatus()
        )
        await fal.aclose()
    assert here.encodings == ["identity"]
    assert seen == {"api": "gzip"}
