"""Proxies, resolved addresses, and submits that are interrupted."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest
from stage import MODEL, SUBMITTED, Stage, make_async_pools, make_pools

from langchain_fal_image import Retry, create_fal, errors
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.files import download
from langchain_fal_image.wire.guarded_transport import (
    AsyncGuardedTransport,
    GuardedTransport,
)

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PROXY = "http://127.0.0.1:9"


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"http_proxy": PROXY},
        {"https_proxy": PROXY, "no_proxy": "localtest.example"},
        {"https_proxy": PROXY, "no_proxy": "x.example, .localtest.example"},
        {"all_proxy": PROXY, "no_proxy": "*"},
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["sync", "async"])
def test_requests_without_a_proxy_are_guarded(
    closed: None, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], way: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    resolve_to(monkeypatch, "127.0.0.1")
    with create_fal("k") as fal:
        flow = download(fal.context, "https://a.localtest.example/a.png")
        with pytest.raises(errors.FalDownloadError, match="not a public address"):
            fal.run(flow) if way == "sync" else asyncio.run(fal.arun(flow))


def test_requests_through_a_proxy_are_left_to_it(
    closed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "127.0.0.1:9")
    with create_fal("k", retry=Retry(first_pause=0.01)) as fal:
        flow = download(fal.context, "https://a.localtest.example/a.png")
        with pytest.raises(errors.FalDownloadError, match="Connect"):
            fal.run(flow)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **named: Any) -> list[Any]:
        if not str(host).endswith(".example"):
            return list(real(host, port, *args, **named))
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        assert request.headers["host"] == "two.example"
        assert request.extensions["sni_hostname"] == "two.example"
        if request.url.host == "8.8.8.8":
            message = "no route"
            raise httpx.ConnectError(message, request=request)
        return httpx.Response(200, content=b"x")

    def sync(_: Any, request: httpx.Request) -> httpx.Response:
        return answer(request)

    async def asynchronous(_: Any, request: httpx.Request) -> httpx.Response:
        return answer(request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", sync)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", asynchronous)
    return hosts


def test_the_next_address_is_tried_if_the_first_is_unreachable(
    tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "8.8.8.8", "8.8.8.8", "1.1.1.1")
    with httpx.Client(transport=GuardedTransport(make_pools, trusted=())) as client:
        assert client.get("https://two.example/").content == b"x"
    assert tried == ["8.8.8.8", "1.1.1.1"]


async def test_the_next_address_is_tried_by_the_async_transport(
    tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "8.8.8.8", "1.1.1.1")
    transport = AsyncGuardedTransport(make_async_pools, trusted=())
    async with httpx.AsyncClient(transport=transport) as client:
        assert (await client.get("https://two.example/")).content == b"x"
    assert tried == ["8.8.8.8", "1.1.1.1"]


def test_a_host_with_one_private_address_is_refused(
    tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "8.8.8.8", "10.0.0.1")
    with (
        httpx.Client(transport=GuardedTransport(make_pools, trusted=())) as client,
        pytest.raises(Exception, match="not a public address"),
    ):
        client.get("https://two.example/")
    assert tried == []


def test_an_interrupted_submit_is_cancelled_at_fal() -> None:
    stage = Stage()
    stage.interrupt = (2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        stage.play(flows.submit(stage.context, MODEL, {"prompt": "p"}))
    assert stage.operations() == ["submit", "cancel"]


async def test_a_submit_cancelled_in_flight_is_cancelled_at_fal() -> None:
    began, go, seen = asyncio.Event(), asyncio.Event(), list[str]()

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        began.set()
        await go.wait()
        return httpx.Response(200, json=SUBMITTED)

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport) as client:
        fal = create_fal("k", http_async_client=client)
        flow = flows.submit(fal.context, MODEL, {"prompt": "p"})
        task = asyncio.create_task(fal.arun(flow))
        await began.wait()
        task.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == ["POST", "PUT"]
