"""Async requests through aiohttp: the same protocol, the same care with submits."""

from __future__ import annotations

import asyncio
import gzip
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from langchain_fal_image import FalTextToImage, create_fal, errors
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.wire.config import Retry, Timeouts

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("aiohttp") is None, reason="the extra fast is absent"
)
KEY = "canary-fast-not-a-key"
SMALL = {"width": 64, "height": 64}
Answer = Callable[[asyncio.StreamWriter, str], Awaitable[None]]


class Server:
    """An HTTP/1.1 server without a library, so that it can send broken responses."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.connections = 0
        self.url = ""

    async def talk(self, reader: asyncio.StreamReader, writer: Any) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                self.heads.append(head)
                _, _, after = head.partition("content-length: ")
                if after:
                    await reader.readexactly(int(after.split()[0]))
                await self.answer(writer, head)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def methods(self) -> list[str]:
        return [head.split()[0] for head in self.heads]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    server = Server(answer)
    async with await asyncio.start_server(server.talk, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        server.url = f"http://{host}:{port}"
        yield server


def reply(
    body: Any, *, status: str = "200 OK", kind: str = "application/json"
) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: "
    return f"{head}{len(content)}\r\n\r\n".encode() + content


async def respond_as_fal(writer: asyncio.StreamWriter, head: str) -> None:
    """Respond as fal does; the stream ends a moment after its last event."""
    if head.startswith("post"):
        writer.write(reply({"request_id": "r-1", "queue_position": 0}))
    elif "/status/stream" in head:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        event = b'data: {"status": "COMPLETED"}\n\n'
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
    elif "/status" in head:
        writer.write(reply({"status": "COMPLETED"}))
    else:
        writer.write(reply({"images": [{"url": "https://v3.fal.media/a.png"}]}))


@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
async def test_consecutive_generations_reuse_connections(
    transport: Any,
) -> None:
    async with (
        serving(respond_as_fal) as server,
        create_fal(KEY, base_url=server.url, async_transport=transport) as fal,
    ):
        t2i = FalTextToImage(fal=fal)
        for _ in range(10):
            assert (await t2i.ainvoke("a hill")).request_id == "r-1"
    assert len(server.heads) == 30
    assert server.connections <= 2


@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
async def test_following_a_request_to_its_end_keeps_the_connection(
    transport: Any,
) -> None:
    async with (
        serving(respond_as_fal) as server,
        create_fal(KEY, base_url=server.url, async_transport=transport) as fal,
    ):
        request = fal.request("fal-ai/qwen-image", "r-1")
        for _ in range(10):
            statuses = [each.status async for each in request.aevents()]
            assert statuses == ["COMPLETED"]
    assert server.connections <= 2


async def test_aiohttp_sends_the_same_headers_as_httpx() -> None:
    seen = []
    for transport in ("httpx", "aiohttp"):
        async with (
            serving(respond_as_fal) as server,
            create_fal(KEY, base_url=server.url, async_transport=transport) as fal,
        ):
            await FalTextToImage(fal=fal).ainvoke("a hill")
        port = server.url.rpartition(":")[2]
        seen.append(
            [sorted(head.replace(port, "").split("\r\n")) for head in server.heads]
        )
    assert seen[0] == seen[1]


async def hang_up(writer: asyncio.StreamWriter, _: str) -> None:
    writer.close()


async def cut_short(writer: asyncio.StreamWriter, _: str) -> None:
    writer.write(reply({"request_id": "r-1"})[:-5])
    writer.close()


async def nonsense(writer: asyncio.StreamWriter, _: str) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")


async def silence(_: asyncio.StreamWriter, head: str) -> None:
    assert head


@pytest.mark.parametrize("answer", [hang_up, cut_short, nonsense, silence])
async def test_a_submit_whose_response_is_lost_is_not_sent_again(
    answer: Answer,
) -> None:
    # Only the silent server lets this timeout pass.
    timeout = Timeouts(submit=1 if answer is silence else 60)
    async with (
        serving(answer) as server,
        create_fal(
            KEY, base_url=server.url, timeout=timeout, async_transport="aiohttp"
        ) as fal,
    ):
        with pytest.raises(errors.FalSubmitUncertainError) as caught:
            await FalTextToImage(fal=fal).ainvoke("a hill")
    assert server.methods() == ["post"]
    assert KEY not in str(caught.value)


async def test_a_client_on_httpx_aiohttp_does_not_submit_twice() -> None:
    # It raises ConnectTimeout for a closed connection, after which a submit would be
    # sent again.
    transports = pytest.importorskip("httpx_aiohttp")
    async with (
        serving(hang_up) as server,
        httpx.AsyncClient(transport=transports.AiohttpTransport()) as client,
    ):
        fal = create_fal(KEY, base_url=server.url, http_async_client=client)
        with pytest.raises(errors.FalSubmitUncertainError):
            await FalTextToImage(fal=fal).ainvoke("a hill")
    assert server.methods() == ["post"]


async def test_a_connection_that_never_opened_is_retried() -> None:
    async with serving(respond_as_fal) as server:
        gone = server.url
    retry = Retry(first_pause=0.01)
    fal = create_fal(KEY, base_url=gone, retry=retry, async_transport="aiohttp")
    async with fal:
        with pytest.raises(errors.FalConnectionError) as caught:
            await FalTextToImage(fal=fal).ainvoke("a hill")
    assert caught.value.is_retryable
    assert caught.value.charged == "no"


async def test_a_compressed_response_is_decompressed() -> None:
    async def respond_compressed(writer: asyncio.StreamWriter, head: str) -> None:
        if "/status" in head or head.startswith("post"):
            await respond_as_fal(writer, head)
            return
        body = gzip.compress(b'{"images": [{"url": "https://v3.fal.media/a.png"}]}')
        plain = reply(body)
        writer.write(
            plain.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n", 1)
        )

    async with (
        serving(respond_compressed) as server,
        create_fal(KEY, base_url=server.url, async_transport="aiohttp") as fal,
    ):
        result = await FalTextToImage(fal=fal).ainvoke("a hill")
    assert result.images[0].url == "https://v3.fal.media/a.png"


def test_aiohttp_is_selected_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: Any = "curl"
    with pytest.raises(errors.FalConfigurationError, match="'httpx' or 'aiohttp'"):
        create_fal(KEY, async_transport=wrong)
    with pytest.raises(errors.FalConfigurationError, match="only one"):
        create_fal(
            KEY, async_transport="aiohttp", http_async_client=httpx.AsyncClient()
        )
    monkeypatch.setenv("FAL_ASYNC_TRANSPORT", "curl")
    fal = create_fal(KEY)
    with pytest.raises(
        errors.FalConfigurationError, match="FAL_ASYNC_TRANSPORT='curl'"
    ):
        FalTextToImage(fal=fal).invoke("a hill")


async def test_aiohttp_is_selected_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, fal_sandbox: Sandbox
) -> None:
    monkeypatch.setenv("FAL_ASYNC_TRANSPORT", "aiohttp")
    async with fal_sandbox.provider() as fal:
        result = await FalTextToImage(fal=fal, size=SMALL).ainvoke("a hill")
        assert (await result.images[0].aread())[:4] == b"\x89PNG"


def test_without_aiohttp_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "langchain_fal_image.wire.aiohttp_session", None)
    fal = create_fal(KEY, async_transport="aiohttp")
    with pytest.raises(errors.FalConfigurationError, match=r"\[fast\]"):
        FalTextToImage(fal=fal).invoke("a hill")
