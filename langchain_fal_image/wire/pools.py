"""httpx transports that spread requests over several small connection pools.

httpcore inspects every connection of a pool whenever a request starts or ends, so the
cost of a request grows with the number in flight. In small pools it does not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import httpx

__all__ = ["POOL_LIMITS", "AsyncPooledTransport", "PooledTransport"]

_T = TypeVar("_T", httpx.BaseTransport, httpx.AsyncBaseTransport)

_POOL_SIZE = 2
_MAX_POOLS = 256
_KEEPALIVE_S = 30.0

POOL_LIMITS = httpx.Limits(
    max_connections=_POOL_SIZE,
    # Not fewer: httpcore closes idle connections beyond this number, even if the
    # others are in use.
    max_keepalive_connections=_POOL_SIZE,
    keepalive_expiry=_KEEPALIVE_S,
)
"""Limits of each small pool."""


@dataclass(slots=True, eq=False)
class _Pool(Generic[_T]):
    transport: _T
    in_flight: int = 0
    idle_since: float = 0.0


class _Pools(Generic[_T]):
    """Chooses a pool for each request, and counts the requests in flight in it.

    The pool that was freed last is filled first, so that the others become idle. If
    all pools are full, requests wait in the one with the fewest.
    """

    def __init__(self, make: Callable[[], _T], now: Callable[[], float]) -> None:
        self._make: Callable[[], _T] = make
        self._now = now
        self._pools: set[_Pool[_T]] = set()
        self._available: list[_Pool[_T]] = []
        self._lock = threading.Lock()

    def enter(self) -> _Pool[_T]:
        with self._lock:
            if self._available:
                pool = self._available.pop()
            elif len(self._pools) < _MAX_POOLS:
                pool = _Pool(self._make())
                self._pools.add(pool)
            else:
                pool = min(self._pools, key=lambda each: each.in_flight)
            pool.in_flight += 1
            if pool.in_flight < _POOL_SIZE:
                self._available.append(pool)
            return pool

    def leave(self, pool: _Pool[_T]) -> _T | None:
        """Record the end of a request; return a transport that must be closed, if any.

        httpcore itself keeps the connections of an idle pool until the pool is used
        again.
        """
        with self._lock:
            pool.in_flight -= 1
            now = self._now()
            if not pool.in_flight:
                pool.idle_since = now
            if pool not in self._pools:
                return None  # all pools were closed in the meantime
            if pool.in_flight == _POOL_SIZE - 1:
                self._available.append(pool)
            oldest = self._available[0] if self._available else pool
            if oldest.in_flight or now - oldest.idle_since < _KEEPALIVE_S:
                return None
            self._available.pop(0)
            self._pools.discard(oldest)
            return oldest.transport

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return not any(pool.in_flight for pool in self._pools)

    def all(self) -> list[_T]:
        with self._lock:
            pools, self._pools, self._available = self._pools, set(), []
        return [pool.transport for pool in pools]


class PooledTransport(httpx.BaseTransport):
    """Sends each request through one of several small pools.

    Args:
        make: Makes the transport of one pool, with `POOL_LIMITS`.
        now: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        make: Callable[[], httpx.BaseTransport],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pools = _Pools(make, now)

    @property
    def is_idle(self) -> bool:
        """Whether no request is in flight."""
        return self._pools.is_idle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through a pool."""
        pool = self._pools.enter()
        try:
            response = pool.transport.handle_request(request)
        except BaseException:
            self._release(pool)
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        response.stream = _ReleasingStream(stream, lambda: self._release(pool))
        return response

    def close(self) -> None:
        """Close all connections."""
        for transport in self._pools.all():
            transport.close()

    def _release(self, pool: _Pool[httpx.BaseTransport]) -> None:
        if transport := self._pools.leave(pool):
            transport.close()


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """Sends each async request through one of several small pools.

    Args:
        make: Makes the transport of one pool, with `POOL_LIMITS`.
        now: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        make: Callable[[], httpx.AsyncBaseTransport],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pools = _Pools(make, now)

    @property
    def is_idle(self) -> bool:
        """Whether no request is in flight."""
        return self._pools.is_idle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through a pool."""
        pool = self._pools.enter()
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            await self._release(pool)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _AsyncReleasingStream(stream, pool, self)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._pools.all():
            await transport.aclose()

    async def _release(self, pool: _Pool[httpx.AsyncBaseTransport]) -> None:
        if transport := self._pools.leave(pool):
            await transport.aclose()


class _ReleasingStream(httpx.SyncByteStream):
    """A response body that frees its place in a pool when it is closed."""

    def __init__(
        self, stream: httpx.SyncByteStream, release: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._release: Callable[[], None] | None = release

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            release, self._release = self._release, None
            if release:
                release()


class _AsyncReleasingStream(httpx.AsyncByteStream):
    """An async response body that frees its place in a pool when it is closed."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        pool: _Pool[httpx.AsyncBaseTransport],
        transport: AsyncPooledTransport,
    ) -> None:
        self._stream = stream
        self._pool: _Pool[httpx.AsyncBaseTransport] | None = pool
        self._transport = transport

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            pool, self._pool = self._pool, None
            if pool:
                await self._transport._release(pool)
