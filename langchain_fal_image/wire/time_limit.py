"""The time limit of one HTTP exchange, which holds while headers and bodies arrive.

An HTTP library limits each read by itself. A server that sends a byte before each of
these timeouts passes, or endless 1xx responses, would never let the exchange end.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore

from langchain_fal_image.wire.effects import ReplyLost

__all__ = ["LimitedBackend", "TimeLimit"]

_PIECE_BYTES = 16 * 1024
# The event loop ends an exchange this much later than the timeouts of its steps. They
# say whether the request was sent, so they come first.
_SLACK_S = 1.0


class TimeLimit:
    """Time until a whole response must have arrived.

    Args:
        seconds: The time, from now on.
        now: A monotonic clock, in seconds.
    """

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self._seconds = seconds
        self._now = now
        self._end = now() + seconds

    @property
    def left(self) -> float:
        """The remaining time in seconds; negative if it has passed."""
        return self._end - self._now()

    def check(self) -> None:
        """Raise `ReplyLost` if the time has passed."""
        if self.left < 0:
            raise self.build_failure()

    def build_failure(self) -> ReplyLost:
        """Return the failure of an exchange that took too long."""
        return ReplyLost(f"incomplete after {self._seconds:.0f} s")

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Limit the reads and writes of this thread through a `LimitedBackend`."""
        before = getattr(_thread, "limit", None)
        _thread.limit = self
        try:
            yield
        finally:
            _thread.limit = before

    def timeout(self) -> asyncio.Timeout:
        """Return the context manager that limits awaits of the running task."""
        left = self.left
        return asyncio.timeout(left + _SLACK_S if left < float("inf") else None)


_thread = threading.local()


def _shorten(timeout: float | None, error: type[Exception]) -> float | None:
    """Return a timeout that ends with the limit of this thread's exchange."""
    limit: TimeLimit | None = getattr(_thread, "limit", None)
    left = limit.left if limit else float("inf")
    if left <= 0:
        message = "the time of the whole exchange has passed"
        raise error(message)
    if left == float("inf"):
        return timeout
    return left if timeout is None else min(timeout, left)


class LimitedBackend(httpcore.NetworkBackend):
    """Opens connections whose every read and write ends with the exchange's limit.

    Args:
        backend: Opens the connections.
    """

    def __init__(self, backend: httpcore.NetworkBackend | None = None) -> None:
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection."""
        stream = self._backend.connect_tcp(
            host,
            port,
            timeout=_shorten(timeout, httpcore.ConnectTimeout),
            local_address=local_address,
            socket_options=socket_options,
        )
        return _LimitedStream(stream)


class _LimitedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _shorten(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        for start in range(0, len(view), _PIECE_BYTES):
            piece = bytes(view[start : start + _PIECE_BYTES])
            self._stream.write(piece, _shorten(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _shorten(timeout, httpcore.ConnectTimeout)
        return _LimitedStream(
            self._stream.start_tls(ssl_context, server_hostname, timeout)
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
