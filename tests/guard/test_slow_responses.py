"""The total time of an exchange holds against servers that send byte after byte."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from dataclasses import replace
from typing import Any

import httpcore
import pytest
from dripping_server import DRIPS, DrippingServer
from pydantic import SecretStr

from langchain_fal_image import create_fal, errors
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.driver import Driver
from langchain_fal_image.wire.effects import (
    Flow,
    HttpRequest,
    Listen,
    ReplyLost,
    Send,
    TransportFailure,
)
from langchain_fal_image.wire.files import upload
from langchain_fal_image.wire.http_clients import HttpClients
from langchain_fal_image.wire.time_limit import LimitedBackend, TimeLimit

EXCHANGES: list[tuple[str, Any]] = [
    ("GET", "media"),
    ("GET", "api"),
    ("POST", "api"),
    ("PUT", "media"),
]


def fetch(request: HttpRequest, *, stream: bool = False) -> Flow[Any]:
    """Send a request; return the failure that the flow receives."""
    effect = Listen(request) if stream else Send(request)
    try:
        while True:
            yield effect
            assert stream
    except TransportFailure as failure:
        return failure


def ask(server: DrippingServer, method: Any = "GET", client: Any = "api") -> Any:
    return HttpRequest(
        method=method,
        url=f"{server.url}/a",
        content=None if method == "GET" else b"{}",
        read_timeout=3600,
        total_timeout=30,
        max_bytes=1000,
        client=client,
    )


def make_driver(server: DrippingServer, **settings: Any) -> Driver:
    hosts = Hosts(queue=server.url)
    clients = HttpClients(Context(hosts=hosts), api_key=SecretStr("k"), **settings)
    return Driver(clients)


@pytest.mark.parametrize("drip", DRIPS)
@pytest.mark.parametrize(("method", "client"), EXCHANGES)
def test_a_sync_exchange_ends_at_its_time(drip: str, method: str, client: str) -> None:
    with DrippingServer(DRIPS[drip]) as server:
        clock = itertools.count()

        def now() -> float:
            """Return a time one second later, in which the server sends one part."""
            server.drip()
            return next(clock)

        driver = make_driver(server, now=now)
        with contextlib.closing(driver):
            failure = driver.run(fetch(ask(server, method, client)))
            assert type(failure) is ReplyLost
            assert "Timeout" in str(failure) or "after 30 s" in str(failure)
            flow = fetch(ask(server, method, client), stream=drip == "event stream")
            assert type(driver.run(flow)) is ReplyLost


@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
async def test_an_async_exchange_ends_at_its_time(transport: str) -> None:
    if transport == "aiohttp":
        pytest.importorskip("aiohttp")

    async def run(drip: str, method: str, client: str) -> None:
        with DrippingServer(DRIPS[drip], pause=0.05) as server:
            driver = make_driver(server, on_aiohttp=transport == "aiohttp")
            request = ask(server, method, client)
            for stream in {False, drip == "event stream"}:
                # However slow this machine is, the response never completes.
                quick = replace(request, total_timeout=0.2)
                failure = await driver.arun(fetch(quick, stream=stream))
                assert type(failure) is ReplyLost
                assert "incomplete after" in str(failure)
            await driver.aclose()

    await asyncio.gather(*(run(drip, *each) for drip in DRIPS for each in EXCHANGES))


class Recorder(httpcore.MockBackend):
    """A network that keeps the timeouts of its connections and their writes."""

    def __init__(self) -> None:
        super().__init__([])
        self.timeouts: list[float | None] = []

    def connect_tcp(self, *_: Any, timeout: float | None = None, **__: Any) -> Any:
        self.timeouts.append(timeout)
        recorder = self

        class Stream(httpcore.MockStream):
            def write(self, _: bytes, timeout: float | None = None) -> None:
                recorder.timeouts.append(timeout)

        return Stream([])


def test_every_step_of_an_exchange_has_only_the_remaining_time() -> None:
    clock = itertools.count()
    network = Recorder()
    backend = LimitedBackend(network)
    with TimeLimit(10, lambda: next(clock)).applied():
        connection = backend.connect_tcp("a.example", 80, timeout=5)
        with pytest.raises(httpcore.WriteTimeout):
            connection.write(bytes(10_000_000), timeout=7)
        with pytest.raises(httpcore.ReadTimeout):
            connection.read(10, timeout=7)
        with pytest.raises(httpcore.ConnectTimeout):
            backend.connect_tcp("a.example", 80, timeout=5)
        with pytest.raises(httpcore.ConnectTimeout):
            connection.start_tls(ssl.create_default_context(), timeout=5)
    assert network.timeouts == [5, 7, 7, 6, 5, 4, 3, 2, 1]
    connection.write(b"x", timeout=7)
    assert network.timeouts[-1] == 7


def test_an_upload_ends_at_its_time() -> None:
    # The response to `initiate` never completes.
    with DrippingServer(DRIPS["body"], pause=0.01) as server:
        fal = create_fal("k", rest_url=server.url, timeout=0.2)
        flow = upload(fal.context, b"x", content_type="image/png", file_name="a.png")
        with pytest.raises(errors.FalError, match="could not be uploaded"):
            fal.run(flow)
        fal.close()
