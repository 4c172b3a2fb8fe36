"""Any bytes that a server sends end in a value or a FalError."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import importlib.util
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image import (
    FalProvider,
    FalTextToImage,
    GeneratedImage,
    Retry,
    create_fal,
    errors,
)

HAS_AIOHTTP = importlib.util.find_spec("aiohttp") is not None
HOSTS = ("base", "run", "rest", "platform", "openapi")
OK = b"HTTP/1.1 200 OK\r\n"
STARTS = [
    *(OK, b"HTTP/1.0 999 \r\n", b"HTTP/1.1 302 x\r\n", b"HTTP/2 200\r\n", b""),
    b"HTTP/1.1 103 \r\n\r\n" + OK,
    b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
]
HEADERS = [
    *(b"content-type: application/json\r\n", b"content-type: text/event-stream\r\n"),
    *(b"content-type: \xc3\xa9;charset=\xff\r\n", b"set-cookie: a; domain=\xff\r\n"),
    *(b"content-length: 5\r\n", b"content-length: -1\r\n", b"content-length: 1e9\r\n"),
    *(b"content-length: 99999999999999999999\r\n", b"transfer-encoding: chunked\r\n"),
    *(b"transfer-encoding: gzip, chunked\r\n", b"content-encoding: gzip\r\n"),
    *(
        b"content-encoding: \xff\r\n",
        b"retry-after: 1e999\r\n",
        b"retry-after: \xb2\r\n",
    ),
    *(b"location: http://[::1\r\n", b"location: \\\\a\r\n", b"location: //\xff\r\n"),
    *(b"a b: c\r\n", b": x\r\n", b"x:\r\n y\r\n", b"x: \x00\r\n"),
    b"etag: " + b"x" * 70_000 + b"\r\n",
]
BODIES = [
    *(
        b"",
        b"{}",
        b'{"request_id": "r-1"}',
        b'{"status": "COMPLETED"}',
        b"data: {}\n\n",
    ),
    *(
        b'5\r\n{"a":\r\n0\r\n\r\n',
        b"ffffffffffffffffffff\r\n",
        b"0\r\n\r\n",
        b"-1\r\nx",
    ),
    *(gzip.compress(b"{}"), gzip.compress(b"{}")[:-3], b"\x00\xff\xfe"),
]
RESPONSES = st.builds(
    lambda start, headers, end, body: b"".join([start, *headers, end, *body]),
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(HEADERS), max_size=4),
    st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]),
    st.lists(st.sampled_from(BODIES) | st.binary(max_size=20), max_size=3),
)


class RawServer:
    """Answers each request with `response` and closes the connection."""

    def __init__(self) -> None:
        self.response: bytes | None = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.address = self._listener.getsockname()
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, contextlib.suppress(OSError):
                if self.response is None:
                    return
                connection.recv(65536)
                connection.sendall(self.response)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)

    def close(self) -> None:
        self.response = None
        socket.create_connection(self.address).close()
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


def make_fal(server: RawServer, transport: Any) -> FalProvider:
    host, port = server.address
    url = f"http://{host}:{port}"
    settings: Any = {f"{name}_url": url for name in HOSTS}
    retry = Retry(attempts=1, submit_attempts=1)
    return create_fal("k", async_transport=transport, retry=retry, **settings)


async def call_all(fal: FalProvider, number: int) -> None:
    url = fal.context.hosts.queue
    request = fal.request("fal-ai/qwen-image", "r-1")
    image = GeneratedImage(url=f"{url}/a.png").using(fal)
    model = FalTextToImage(fal=fal, mode="sync")
    calls: list[Any] = [
        *(image.aread, request.astatus, request.acancel),
        *(lambda: model.ainvoke("a"), lambda: fal.adescribe("acme/x")),
        lambda: fal.aprice(f"acme/x{number}"),
        *(
            lambda: asyncio.to_thread(image.read),
            lambda: asyncio.to_thread(request.status),
        ),
        lambda: asyncio.to_thread(model.invoke, "a"),
    ]
    for call in calls:
        with contextlib.suppress(errors.FalError):
            await call()
    await fal.aclose()


@given(response=RESPONSES)
def test_any_bytes_of_a_server_end_in_a_value_or_a_fal_error(
    server: RawServer, response: bytes
) -> None:
    server.response = response
    for transport in ("httpx", "aiohttp") if HAS_AIOHTTP else ("httpx",):
        asyncio.run(call_all(make_fal(server, transport), hash(response)))
