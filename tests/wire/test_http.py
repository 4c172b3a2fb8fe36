"""The drivers over HTTP: how they report what httpx does."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from http_stage import (
    BASE,
    IMAGE,
    KEY,
    MODEL,
    Body,
    Run,
    exchange,
    generate,
    make_driver,
    play,
    run_async,
    run_sync,
)
from pydantic import SecretStr

from langchain_fal_image.errors import (
    FalConfigurationError,
    FalConnectionError,
    FalDownloadError,
    FalError,
)
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.config import Hosts, Timeouts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import (
    HttpRequest,
    NotSent,
    ReplyLost,
    TransportFailure,
    Unsendable,
)
from langchain_fal_image.wire.files import download
from langchain_fal_image.wire.http_clients import HttpClients
from langchain_fal_image.wire.queue import QueueUpdate


@pytest.fixture(params=[run_sync, run_async])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a flow on a driver, sync or async."""
    run: Run = request.param
    return run


def test_a_generation_sends_the_same_requests_in_the_same_order(run: Run) -> None:
    seen: list[httpx.Request] = []
    updates: list[QueueUpdate] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return play(request)

    output = run(make_driver(handler), generate(), updates.append)
    assert output.body == IMAGE
    assert [each.status for each in updates] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert [f"{each.method} {each.url}" for each in seen] == [
        f"POST https://queue.fal.run/{MODEL}",
        f"GET {BASE}/status/stream?logs=1",
        f"GET {BASE}",
    ]
    assert seen[0].content == '{"prompt":"é"}'.encode()
    assert {each.headers["authorization"] for each in seen} == {f"Key {KEY}"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), NotSent),
        (httpx.ConnectTimeout("slow"), NotSent),
        (httpx.PoolTimeout("full"), NotSent),
        (httpx.ProxyError("407 Proxy Authentication Required"), NotSent),
        (httpx.InvalidURL("odd"), Unsendable),
        (httpx.ReadTimeout("slow"), ReplyLost),
        (httpx.WriteTimeout("slow"), ReplyLost),
        (httpx.ReadError("reset"), ReplyLost),
        (httpx.WriteError("broken pipe"), ReplyLost),
        (httpx.RemoteProtocolError("disconnected"), ReplyLost),
        (httpx.LocalProtocolError("odd"), ReplyLost),
        (httpx.DecodingError("no gzip"), ReplyLost),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
@pytest.mark.parametrize("when", ["at once", "in the body"])
def test_httpx_errors_say_whether_it_was_sent(
    run: Run, error: Exception, kind: type[TransportFailure], when: str
) -> None:
    body = Body([b'{"a"', error])

    def handler(_: httpx.Request) -> httpx.Response:
        if when == "at once":
            raise error
        return httpx.Response(200, stream=body)

    failure = run(make_driver(handler), exchange())
    assert type(failure) is kind
    assert failure.__cause__ is error
    assert body.closed is (when == "in the body")


@pytest.mark.parametrize("size", [1000, 1001])
def test_a_response_is_read_up_to_its_limit(run: Run, size: int) -> None:
    body = Body([b"x"] * size + [RuntimeError("read too far")] * (size > 1000))
    reply = run(make_driver(lambda _: httpx.Response(200, stream=body)), exchange())
    assert body.closed
    if size > 1000:
        assert "more than 1000 bytes" in str(reply)
    else:
        assert len(reply.body) == size


def test_a_response_that_takes_too_long_is_a_lost_reply(run: Run) -> None:
    body = Body([b"x"] * 100)
    flow = exchange(total_timeout=-1.0)
    failure = run(make_driver(lambda _: httpx.Response(200, stream=body)), flow)
    assert isinstance(failure, ReplyLost)
    assert body.closed


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_of_the_api_is_not_followed(run: Run, status: int) -> None:
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        head = {"location": "https://evil.example/"}
        return httpx.Response(status, headers=head)

    with pytest.raises(FalError, match=str(status)):
        run(make_driver(handler), generate())
    assert [each.host for each in seen] == ["queue.fal.run"]


@pytest.mark.parametrize(
    ("url", "client"),
    [
        (f"{BASE}/status", "media"),
        ("https://v3.fal.media/a.png", "api"),
        ("https://fal.ai/api/openapi/queue/openapi.json", "api"),
        ("https://queue.fal.run%.evil.example/", "api"),
        ("http://queue.fal.run/", "api"),
    ],
)
def test_the_key_and_own_headers_stay_with_fal(url: str, client: Any) -> None:
    clients = HttpClients(Context(), api_key=SecretStr(KEY), headers={"X-Own": "1"})
    request = HttpRequest(
        method="GET", url=url, client=client, read_timeout=1, max_bytes=1
    )
    assert not {"authorization", "x-own"} & clients.build_headers(request).keys()


@pytest.mark.parametrize(
    "key",
    ["canary\nsecret", "canary\r\nX: y", "canary\u2019s", "canary\0y", "canary\x7f"],
)
def test_an_invalid_key_is_not_in_the_error(run: Run, key: str) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return play(request)

    with pytest.raises(FalConfigurationError) as caught:
        run(make_driver(handler, key=key), generate())
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert seen == []


@pytest.mark.parametrize("name", ["a b", "a:", "é", ""])
@pytest.mark.parametrize("value", ["x", "é", "a\nb"])
def test_an_invalid_header_is_a_configuration_error(
    run: Run, name: str, value: str
) -> None:
    with pytest.raises(FalConfigurationError):
        run(make_driver(play, headers={name: value}), generate())


def test_a_base_url_too_long_for_a_url_is_a_connection_error(run: Run) -> None:
    ctx = Context(hosts=Hosts(queue=f"https://a.example/{'x' * 70_000}"))
    with pytest.raises(FalConnectionError) as caught:
        run(make_driver(play), flows.generate(ctx, MODEL, {}))
    assert not caught.value.is_retryable


@pytest.mark.parametrize("url", ["https://\u2603.example/", "https://xn--.example/"])
def test_a_host_that_httpx_refuses_is_a_failed_download(run: Run, url: str) -> None:
    with pytest.raises(FalDownloadError):
        run(make_driver(play), download(Context(), url))


def test_an_infinite_timeout_becomes_one_that_sockets_accept(run: Run) -> None:
    ctx = Context(timeouts=Timeouts(total=float("inf"), read=float("inf")))
    seen: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json=IMAGE)

    run(make_driver(handler, context=ctx), generate(ctx, mode="sync"))
    assert seen[0]["connect"] == ctx.timeouts.connect
    assert seen[0]["read"] < 100_000


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, asyncio.CancelledError, SystemExit]
)
def test_an_interrupted_callback_cancels_once(
    run: Run, error: type[BaseException]
) -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return play(request)

    def interrupt(_: QueueUpdate) -> None:
        raise error

    with pytest.raises(error):
        run(make_driver(handler), generate(), interrupt)
    assert seen == ["POST", "PUT"]


def test_a_stream_is_closed_after_its_last_item(run: Run) -> None:
    event = b'data: {"status": "IN_PROGRESS"}\n\n'
    body = Body([event, b"data: nonsense\n\n", RuntimeError("read too far")])

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/stream"):
            head = {"content-type": "text/event-stream"}
            return httpx.Response(200, headers=head, stream=body)
        if request.url.path.endswith("/status"):
            assert body.closed
            return httpx.Response(200, json={"status": "COMPLETED"})
        return play(request)

    assert run(make_driver(handler), generate()).body == IMAGE
    assert body.closed
