"""The drivers over real sockets of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from http_stage import (
    IMAGE,
    KEY,
    Run,
    exchange,
    run_async,
    run_sync,
)
from pydantic import SecretStr

from langchain_fal_image.errors import (
    FalDownloadError,
    FalInvalidInputError,
    FalSubmitUncertainError,
)
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.driver import Driver
from langchain_fal_image.wire.effects import (
    NotSent,
    ReplyLost,
)
from langchain_fal_image.wire.files import download, upload
from langchain_fal_image.wire.http_clients import HttpClients


@pytest.fixture(params=[run_sync, run_async])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a flow on a driver, sync or async."""
    run: Run = request.param
    return run


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
        if self.path == "/queue/a/drop":
            self.close_connection = True
            return None
        if self.path == "/queue/a/bad":
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
    with contextlib.closing(Driver(HttpClients(near, api_key=SecretStr(KEY)))) as on:
        yield on


def test_a_generation_over_sockets(
    run: Run, loopback: Driver, near: Context, server: Any
) -> None:
    assert run(loopback, flows.generate(near, "a/b", {})).body == IMAGE
    assert all(head["authorization"] == f"Key {KEY}" for _, _, head, _ in server.seen)


def test_a_post_whose_response_is_lost_is_sent_once(
    run: Run, loopback: Driver, near: Context, server: Any
) -> None:
    with pytest.raises(FalSubmitUncertainError):
        run(loopback, flows.generate(near, "a/drop", {}))
    assert len(server.seen) == 1


def test_an_error_response_over_sockets(
    run: Run, loopback: Driver, near: Context
) -> None:
    with pytest.raises(FalInvalidInputError, match="bad"):
        run(loopback, flows.generate(near, "a/bad", {}))


def test_files_are_transferred_without_the_key(
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


def test_a_closed_port_is_a_request_that_was_not_sent(run: Run, server: Any) -> None:
    server.socket.close()
    ctx = Context(hosts=Hosts(queue="http://127.0.0.1:1/queue"))
    on = Driver(HttpClients(ctx, api_key=SecretStr(KEY)))
    with contextlib.closing(on):
        assert isinstance(run(on, exchange("http://127.0.0.1:1/queue/a")), NotSent)


def test_one_driver_serves_two_event_loops_and_leaves_nothing_open(
    near: Context, server: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        on = Driver(HttpClients(near, api_key=SecretStr(KEY)))
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


async def test_a_closed_driver_can_be_used_again(near: Context) -> None:
    on = Driver(HttpClients(near, api_key=SecretStr(KEY)))
    for _ in range(2):
        assert (await on.arun(flows.generate(near, "a/b", {}))).body == IMAGE
        await on.aclose()
