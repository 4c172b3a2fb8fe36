"""A server that never completes a response: it sends one byte after another."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Self

__all__ = ["DRIPS", "DrippingServer"]

_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def _repeat(start: bytes, part: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([start], itertools.repeat(part))


_GZIP = gzip.compress(b"x")[:3] + b"\x08" + bytes(6)  # a file name follows
DRIPS = {
    "status line": _repeat(b"HTTP/1.1 200 ", b"O"),
    "headers": _repeat(b"HTTP/1.1 200 OK\r\nx-a: ", b"a"),
    "1xx responses": _repeat(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
    "body": _repeat(_OK + b"content-length: 99999999\r\n\r\n", b" "),
    "chunk sizes": _repeat(_OK + b"transfer-encoding: chunked\r\n\r\n", b"0"),
    "chunk extensions": _repeat(_OK + b"transfer-encoding: chunked\r\n\r\n5;a=", b"a"),
    "trailers": _repeat(
        _OK + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-a: ", b"a"
    ),
    "compressed body": _repeat(
        _OK + b"content-encoding: gzip\r\ncontent-length: 99999999\r\n\r\n" + _GZIP,
        b"n",
    ),
    "event stream": _repeat(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        b"transfer-encoding: chunked\r\n\r\n",
        b"0",
    ),
}
"""What it sends, without end; none of it completes a header, a chunk or a body."""


class DrippingServer:
    """Sends the next part of a response whenever `drip` is called, or by itself.

    Args:
        parts: Returns the parts of a response.
        pause: Time after which it sends the next part without a call of `drip`; None
            waits for the call.
    """

    def __init__(
        self, parts: Callable[[], Iterator[bytes]], *, pause: float | None = None
    ) -> None:
        self._parts = parts
        self._pause = pause
        self._go = threading.Semaphore(0)
        self._is_closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def drip(self) -> None:
        """Send the next part."""
        self._go.release()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._is_closed:
                connection.close()
                return
            thread = threading.Thread(target=self._answer, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(65536)
            for part in self._parts():
                self._go.acquire(timeout=self._pause)
                if self._is_closed:
                    return
                connection.sendall(part)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True
        self._go.release(1000)
        address = self._listener.getsockname()
        with contextlib.suppress(OSError):
            socket.create_connection(address).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()
