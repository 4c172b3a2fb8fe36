"""httpx transports that spread what is in flight over several small connection pools.

httpcore looks at every connection of a pool whenever a request begins or ends, so that
the cost of a request grows with the number in flight. In small pools it does not.
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

_PER_POOL = 2
_MOST_POOLS = 256
_KEPT_S = 30.0

POOL_LIMITS = httpx.Limits(
    max_connections=_PER_POOL,
    # Not fewer: httpcore closes what is idle where there are more connections in all.
    max_keepalive_connections=_PER_POOL,
    keepalive_expiry=_KEPT_S,
)
"""For each of the small pools."""


@dataclass(slots=True, eq=False)
class _Pool(Generic[_T]):
    transport: _T
    in_flight: int = 0
    idle_since: float = 0.0


class _Pools(Generic[_T]):
    """Chooses a pool for each request, and counts what is in flight in it.

    The pool that had room last is filled first, so that the others fall idle. Where
    all pools are full, requests wait in the one with the fewest.
    """

    def __init__(self, make: Callable[[], _T], now: Callable[[], float]) -> None:
        self._make: Callable[[], _T] = make
        self._now = now
        self._pools: set[_Pool[_T]] = set()
        self._with_room: list[_Pool[_T]] = []
        self._lock = threading.Lock()

    def enter(self) -> _Pool[_T]:
        with self._lock:
            if self._with_room:
                pool = self._with_room.pop()
            elif len(self._pools) < _MOST_POOLS:
                pool = _Pool(self._make())
                self._pools.add(pool)
            else:
                pool = min(self._pools, key=lambda each: each.in_flight)
            pool.in_flight += 1
            if pool.in_flight < _PER_POOL:
                self._with_room.append(pool)
            return pool

    def leave(self, pool: _Pool[_T]) -> _T | None:
        """Count a request's end; give a transport that is to be closed now.

        httpcore alone would keep the connections of an idle pool until the pool is
        used again.
        """
        with self._lock:
            pool.in_flight -= 1
            now = self._now()
            if not pool.in_flight:
                pool.idle_since = now
            if pool not in self._pools:
                return None  # all were closed meanwhile
            if pool.in_flight == _PER_POOL - 1:
                self._with_room.append(pool)
            oldest = self._with_room[0] if self._with_room else pool
            if oldest.in_flight or now - oldest.idle_since < _KEPT_S:
                return None
            self._with_room.pop(0)
            self._pools.discard(oldest)
            return oldest.transport

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return not any(pool.in_flight for pool in self._pools)

    def all(self) -> list[_T]:
        with self._lock:
            pools, self._pools, self._with_room = self._pools, set(), []
        return [pool.transport for pool in pools]


class PooledTransport(httpx.BaseTransport):
    """Sends each request through one of several small pools.

    Args:
        make: Makes the transport of one pool; give it `POOL_LIMITS`.
        now: A clock that only goes forward, in seconds.
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
        """Whether nothing is in flight."""
        return self._pools.is_idle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        pool = self._pools.enter()
        try:
            response = pool.transport.handle_request(request)
        except BaseException:
            self._left(pool)
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        response.stream = _Stream(stream, lambda: self._left(pool))
        return response

    def close(self) -> None:
        """Close all connections."""
        for transport in self._pools.all():
            transport.close()

    def _left(self, pool: _Pool[httpx.BaseTransport]) -> None:
        if transport := self._pools.leave(pool):
            transport.close()


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """Does the same for the async client.

    Args:
        make: Makes the transport of one pool; give it `POOL_LIMITS`.
        now: A clock that only goes forward, in seconds.
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
        """Whether nothing is in flight."""
        return self._pools.is_idle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        pool = self._pools.enter()
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            await self._left(pool)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _AsyncStream(stream, pool, self)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._pools.all():
            await transport.aclose()

    async def _left(self, pool: _Pool[httpx.AsyncBaseTransport]) -> None:
        if transport := self._pools.leave(pool):
            await transport.aclose()


class _Stream(httpx.SyncByteStream):
    """An answer's body, whose end is told once."""

    def __init__(self, stream: httpx.SyncByteStream, left: Callable[[], None]) -> None:
        self._stream = stream
        self._left: Callable[[], None] | None = left

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            left, self._left = self._left, None
            if left:
                left()


class _AsyncStream(httpx.AsyncByteStream):
    """The same for the async client."""

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
                await self._transport._left(pool)  # noqa: SLF001 - of this module
