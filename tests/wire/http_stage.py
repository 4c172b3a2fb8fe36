"""A fal behind httpx's mock transport, and drivers that run flows on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
from pydantic import SecretStr

from langchain_fal_image.wire import flows
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.driver import Driver
from langchain_fal_image.wire.effects import (
    Flow,
    HttpRequest,
    Send,
    TransportFailure,
)
from langchain_fal_image.wire.http_clients import HttpClients

MODEL = "fal-ai/qwen-image"
KEY = "canary:secret"
BASE = "https://queue.fal.run/fal-ai/qwen-image/requests/r-1"
IMAGE = {"images": [{"url": "https://v3.fal.media/a.png"}]}
Handler = Callable[[httpx.Request], httpx.Response]
Run = Callable[..., Any]


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks, which records whether it was closed."""

    def __init__(self, chunks: list[bytes | Exception]) -> None:
        self.chunks = chunks
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def play(request: httpx.Request) -> httpx.Response:
    """Respond as fal does when nothing fails."""
    if request.method == "POST":
        return httpx.Response(200, json={"request_id": "r-1", "queue_position": 0})
    if request.method == "PUT":
        return httpx.Response(202, json={"status": "CANCELLATION_REQUESTED"})
    if request.url.path.endswith("/stream"):
        statuses = [{"status": "IN_PROGRESS", "logs": None}, {"status": "COMPLETED"}]
        events = "".join(f"data: {json.dumps(each)}\n\n" for each in statuses)
        headers = {"content-type": "text/event-stream; charset=utf-8"}
        content = f": ping\n\n{events}".encode()
        return httpx.Response(200, headers=headers, content=content)
    return httpx.Response(200, json=IMAGE)


def make_driver(handler: Handler, **settings: Any) -> Driver:
    transport = httpx.MockTransport(handler)
    clients = HttpClients(
        settings.pop("context", Context()),
        api_key=SecretStr(settings.pop("key", KEY)),
        http_client=httpx.Client(transport=transport, follow_redirects=True),
        http_async_client=httpx.AsyncClient(transport=transport, follow_redirects=True),
        **settings,
    )
    return Driver(clients)


def run_sync(driver: Any, flow: Flow[Any], on_update: Any = None) -> Any:
    """Run a flow on a driver or a provider."""
    return driver.run(flow, on_update)


def run_async(driver: Any, flow: Flow[Any], on_update: Any = None) -> Any:
    """Run a flow on a driver or a provider, in a new event loop."""
    return asyncio.run(driver.arun(flow, on_update))


def generate(ctx: Context | None = None, **settings: Any) -> Flow[Any]:
    return flows.generate(ctx or Context(), MODEL, {"prompt": "é"}, **settings)


def exchange(url: str = f"{BASE}/status", **settings: Any) -> Flow[Any]:
    """Send one request; return its response, or the failure that the flow receives."""
    settings = {"read_timeout": 60.0, "max_bytes": 1000, "method": "GET", **settings}
    try:
        return (yield Send(HttpRequest(url=url, **settings)))
    except TransportFailure as failure:
        return failure
