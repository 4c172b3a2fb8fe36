"""The two drivers over HTTP: what httpx and sockets do, in the words of flows."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from langchain_fal_image.errors import (
    FalConfigurationError,
    FalConnectionError,
    FalDownloadError,
    FalError,
    FalInvalidInputError,
    FalSubmitUncertainError,
)
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.config import Hosts, Timeouts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.driver import Driver
from langchain_fal_image.wire.effects import (
    Flow,
    HttpRequest,
    NotSent,
    ReplyLost,
    Send,
    TransportFailure,
    Unsendable,
)
from langchain_fal_image.wire.files import download, upload
from langchain_fal_image.wire.http_clients import HttpClients
from langchain_fal_image.wire.queue import QueueUpdate

MODEL = "fal-ai/qwen-image"
KEY = "canary:secret"
BASE = "https://queue.fal.run/fal-ai/qwen-image/requests/r-1"
IMAGE = {"images": [{"url": "https://v3.fal.media/a.png"}]}
Handler = Callable[[httpx.Request], httpx.Response]
Run = Callable[..., Any]


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces, which knows whether it was closed."""

    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self.pieces = pieces
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def play(request: httpx.Request) -> httpx.Response:
    """Answer as fal does, where nothing goes wrong."""
    if request.method == "POST":
        return httpx.Response(200, json={"request_id": "r-1", "queue_position": 0})
    if request.method == "PUT":
        return httpx.Response(202, json={"status": "CANCELLATION_REQUESTED"})
    if request.url.path.endswith("/stream"):
        states = [{"status": "IN_PROGRESS", "logs": None}, {"status": "COMPLETED"}]
        text = ": ping\n\n" + "".join(f"data: {json.dumps(s)}\n\n" for s in states)
        head = {"content-type": "text/event-stream; charset=utf-8"}
        return httpx.Response(200, headers=head, content=text.encode())
    return httpx.Response(200, json=IMAGE)


def wire(handler: Handler, **settings: Any) -> Driver:
    transport = httpx.MockTransport(handler)
    clients = HttpClients(
        settings.pop("context", Context()),
        key=settings.pop("key", lambda: KEY),
        http_client=httpx.Client(transport=transport, follow_redirects=True),
        http_async_client=httpx.AsyncClient(transport=transport, follow_redirects=True),
        **settings,
    )
    return Driver(clients)


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a flow one way or the other."""

    def sync(on: Driver, flow: Flow[Any], on_update: Any = None) -> Any:
        return on.run(flow, on_update)

    def asynchronous(on: Driver, flow: Flow[Any], on_update: Any = None) -> Any:
        return asyncio.run(on.arun(flow, on_update))

    return sync if request.param == "sync" else asynchronous


def generate(ctx: Context | None = None, **settings: Any) -> Flow[Any]:
    return flows.generate(ctx or Context(), MODEL, {"prompt": "é"}, **settings)


def exchange(url: str = f"{BASE}/status", **settings: Any) -> Flow[Any]:
    """Send one request; give its answer, or the failure as a flow hears of it."""
    settings = {"read_timeout": 60.0, "max_bytes": 1000, "method": "GET", **settings}
    try:
        return (yield Send(HttpRequest(url=url, **settings)))
    except TransportFailure as failure:
        return failure


def test_the_whole_way_is_the_same_requests_in_the_same_order(run: Run) -> None:
    seen: list[httpx.Request] = []
    told: list[QueueUpdate] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return play(request)

    output = run(wire(handler), generate(), told.append)
    assert output.body == IMAGE
    assert [each.status for each in told] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
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

    failure = run(wire(handler), exchange())
    assert type(failure) is kind
    assert failure.__cause__ is error
    assert body.closed is (when == "in the body")


@pytest.mark.parametrize("size", [1000, 1001])
def test_an_answer_is_read_up_to_its_limit(run: Run, size: int) -> None:
    body = Body([b"x"] * size + [RuntimeError("read too far")] * (size > 1000))
    reply = run(wire(lambda _: httpx.Response(200, stream=body)), exchange())
    assert body.closed
    if size > 1000:
        assert "more than 1000 bytes" in str(reply)
    else:
        assert len(reply.body) == size


def test_an_answer_that_comes_in_drops_is_given_up(run: Run) -> None:
    body = Body([b"x"] * 100)
    flow = exchange(total_timeout=-1.0)
    failure = run(wire(lambda _: httpx.Response(200, stream=body)), flow)
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
        run(wire(handler), generate())
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
    clients = HttpClients(Context(), key=lambda: KEY, headers={"X-Own": "1"})
    request = HttpRequest(
        method="GET", url=url, client=client, read_timeout=1, max_bytes=1
    )
    assert not {"authorization", "x-own"} & clients.build_headers(request).keys()


@pytest.mark.parametrize(
    "key", ["canary\nsecret", "canary\r\nX: y", "canary\u2019s", "canary\0", "canary "]
)
def test_a_key_that_is_no_header_is_not_shown(run: Run, key: str) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return play(request)

    with pytest.raises(FalConfigurationError) as caught:
        run(wire(handler, key=lambda: key), generate())
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert seen == []


@pytest.mark.parametrize("name", ["a b", "a:", "é", ""])
@pytest.mark.parametrize("value", ["x", "é", "a\nb"])
def test_a_header_that_is_none_is_the_developers_to_mend(
    run: Run, name: str, value: str
) -> None:
    with pytest.raises(FalConfigurationError):
        run(wire(play, headers={name: value}), generate())


def test_an_endpoint_id_that_makes_no_url_is_no_connection(run: Run) -> None:
    flow = flows.generate(Context(), "x" * 70_000, {})
    with pytest.raises(FalConnectionError) as caught:
        run(wire(play), flow)
    assert not caught.value.is_retryable


@pytest.mark.parametrize("url", ["https://\u2603.example/", "https://xn--.example/"])
def test_a_host_that_httpx_refuses_is_a_failed_download(run: Run, url: str) -> None:
    with pytest.raises(FalDownloadError):
        run(wire(play), download(Context(), url))


def test_no_time_limit_is_a_time_limit_sockets_take(run: Run) -> None:
    ctx = Context(timeouts=Timeouts(total=float("inf"), read=float("inf")))
    seen: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200, json=IMAGE)

    run(wire(handler, context=ctx), generate(ctx, mode="sync"))
    assert seen[0]["connect"] == ctx.timeouts.connect
    assert seen[0]["read"] < 100_000


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, asyncio.CancelledError, SystemExit]
)
def test_an_interrupted_watcher_cancels_once(
    run: Run, error: type[BaseException]
) -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return play(request)

    def interrupt(_: QueueUpdate) -> None:
        raise error

    with pytest.raises(error):
        run(wire(handler), generate(), interrupt)
    assert seen == ["POST", "PUT"]


def test_a_stream_is_closed_when_its_flow_is_done_with_it(run: Run) -> None:
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

    assert run(wire(handler), generate()).body == IMAGE
    assert body.closed


# --- Cancelled tasks ---

PATIENT = Context(timeouts=Timeouts(cancel=60))


class Fal:
    """An async fal, of which one operation waits until it is let go."""

    def __init__(
        self, slow: str, reply: httpx.Response | Exception | None = None
    ) -> None:
        self.slow = slow
        self.reply = reply
        self.seen: list[str] = []
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.method)
        if request.method == self.slow and not self.go.is_set():
            self.reached.set()
            await self.go.wait()
            if isinstance(self.reply, Exception):
                raise self.reply
            if self.reply is not None:
                return self.reply
        return play(request)

    def wire(self) -> Driver:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        clients = HttpClients(Context(), key=lambda: KEY, http_async_client=client)
        return Driver(clients)


async def cancelled_while_slow(fal: Fal, ctx: Context | None = None) -> None:
    task = asyncio.create_task(fal.wire().arun(generate(ctx or PATIENT)))
    await fal.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    fal.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_cancelled_while_it_follows_cancels_once() -> None:
    fal = Fal("GET")
    await cancelled_while_slow(fal)
    assert fal.seen == ["POST", "GET", "PUT"]


async def test_a_task_cancelled_while_it_submits_waits_for_the_id() -> None:
    fal = Fal("POST")
    await cancelled_while_slow(fal)
    assert fal.seen == ["POST", "PUT"]


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(422, json={"detail": "no"}),
        httpx.Response(429, json={"detail": "busy"}),
        httpx.Response(200, content=b"nonsense"),
        httpx.ReadError("reset"),
    ],
    ids=repr,
)
async def test_a_cancelled_submit_that_fails_is_cancelled_all_the_same(
    reply: Any,
) -> None:
    fal = Fal("POST", reply)
    await cancelled_while_slow(fal)
    assert fal.seen == ["POST"]


async def test_a_submit_is_not_waited_for_longer_than_its_patience() -> None:
    ctx = Context(timeouts=Timeouts(cancel=0.01))
    fal = Fal("POST")
    task = asyncio.create_task(fal.wire().arun(generate(ctx)))
    await fal.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fal.seen == ["POST"]


async def test_a_second_cancellation_does_not_stop_the_cancel() -> None:
    fal = Fal("GET")
    slow_cancel = asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            slow_cancel.set()
            await asyncio.sleep(0)
            fal.seen.append("PUT begun")
        return await fal(request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    on = Driver(HttpClients(Context(), key=lambda: KEY, http_async_client=client))
    task = asyncio.create_task(on.arun(generate()))
    await fal.reached.wait()
    task.cancel()
    await slow_cancel.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    fal.go.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert fal.seen == ["POST", "GET", "PUT begun", "PUT"]


# --- Real sockets, on this machine ---


class Loopback(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def note(self) -> bytes:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers), body))  # type: ignore[attr-defined]  # set by the fixture
        return body

    def do_POST(self) -> None:
        self.note()
        host = f"http://{self.headers['host']}"
        if "storage" in self.path:
            place = {"upload_url": f"{host}/put?sig=1", "file_url": f"{host}/in.png"}
            return self.answer(200, json.dumps(place).encode())
        if self.path == "/queue/drop":
            self.close_connection = True
            return None
        if self.path == "/queue/bad":
            return self.answer(422, b'{"detail": "bad"}')
        return self.answer(200, b'{"request_id": "r-1"}')

    def do_PUT(self) -> None:
        self.note()
        self.answer(200, b"{}")

    def do_GET(self) -> None:
        self.note()
        path = self.path.partition("?")[0]
        if path.endswith("/stream"):
            self.answer(404, b"")
        elif path.endswith("/status"):
            self.answer(200, b'{"status": "COMPLETED"}')
        elif path == "/short.png":
            self.answer(200, b"half", **{"content-length": "8"})
            self.close_connection = True
        elif path == "/moved":
            self.answer(302, b"", location="http://localhost:1/private")
        elif path == "/a.png":
            self.answer(200, b"whole", **{"content-type": "image/png"})
        else:
            self.answer(200, json.dumps(IMAGE).encode())


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Loopback) as server:
        server.daemon_threads = True
        server.seen = []  # type: ignore[attr-defined]  # what came in
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def near(server: Any) -> Context:
    url = f"http://127.0.0.1:{server.server_port}"
    return Context(hosts=Hosts(queue=f"{url}/queue", run=f"{url}/run", rest=url))


@pytest.fixture
def loopback(near: Context) -> Iterator[Driver]:
    with contextlib.closing(Driver(HttpClients(near, key=lambda: KEY))) as on:
        yield on


def test_a_generation_over_sockets(
    run: Run, loopback: Driver, near: Context, server: Any
) -> None:
    assert run(loopback, flows.generate(near, "a/b", {})).body == IMAGE
    assert all(head["authorization"] == f"Key {KEY}" for _, _, head, _ in server.seen)


def test_a_post_whose_reply_is_lost_is_posted_once(
    run: Run, loopback: Driver, near: Context, server: Any
) -> None:
    with pytest.raises(FalSubmitUncertainError):
        run(loopback, flows.generate(near, "drop", {}))
    assert len(server.seen) == 1


def test_a_refusal_over_sockets(run: Run, loopback: Driver, near: Context) -> None:
    with pytest.raises(FalInvalidInputError, match="bad"):
        run(loopback, flows.generate(near, "bad", {}))


def test_files_go_and_come_without_the_key(
    run: Run, loopback: Driver, near: Context, server: Any
) -> None:
    flow = upload(near, b"pixels", content_type="image/png", file_name="\udcff.png")
    assert run(loopback, flow).endswith("/in.png")
    url = f"{near.hosts.rest}/a.png"
    assert run(loopback, download(near, url)).content == b"whole"
    begin, put, got = server.seen
    assert "authorization" in begin[2]
    assert put[1] == "/put?sig=1"
    assert put[3] == b"pixels"
    assert "authorization" not in put[2]
    assert "authorization" not in got[2]


def test_a_redirect_to_another_port_of_a_trusted_host_is_refused(
    run: Run, loopback: Driver, near: Context
) -> None:
    with pytest.raises(FalDownloadError, match="private network"):
        run(loopback, download(near, f"{near.hosts.rest}/moved"))


def test_a_body_that_was_cut_short_is_a_lost_reply(
    run: Run, loopback: Driver, near: Context
) -> None:
    flow = exchange(f"{near.hosts.rest}/short.png", client="media")
    assert isinstance(run(loopback, flow), ReplyLost)


def test_nothing_listens(run: Run, server: Any) -> None:
    server.socket.close()
    ctx = Context(hosts=Hosts(queue="http://127.0.0.1:1/queue"))
    on = Driver(HttpClients(ctx, key=lambda: KEY))
    with contextlib.closing(on):
        assert isinstance(run(on, exchange("http://127.0.0.1:1/queue/a")), NotSent)


def test_one_wire_serves_two_event_loops_and_leaves_nothing_open(
    near: Context, server: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        on = Driver(HttpClients(near, key=lambda: KEY))
        for _ in range(2):
            flow = flows.generate(near, "a/b", {})
            assert asyncio.run(on.arun(flow)).body == IMAGE
            url = f"{near.hosts.rest}/a.png"
            assert asyncio.run(on.arun(download(near, url))).content == b"whole"
            gc.collect()
        assert on.run(flows.generate(near, "a/b", {})).body == IMAGE
        on.close()
        del on
        gc.collect()
    assert len(server.seen) == 14


async def test_closing_closes_and_the_wire_can_be_used_again(near: Context) -> None:
    on = Driver(HttpClients(near, key=lambda: KEY))
    for _ in range(2):
        assert (await on.arun(flows.generate(near, "a/b", {}))).body == IMAGE
        await on.aclose()
