"""Small connection pools: filled in order, closed when idle, limited in number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image.wire.pools import AsyncPooledTransport, PooledTransport

REQUEST = httpx.Request("GET", "https://queue.fal.run/a")


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield b"x"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x"


class CountingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that counts its requests."""

    def __init__(self, fails: bool = False) -> None:  # noqa: FBT001, FBT002 - a stand-in
        self.open = 0
        self.most = 0
        self.closed = False
        self.fails = fails

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.fails:
            message = "refused"
            raise httpx.ConnectError(message)
        assert not self.closed
        self.open += 1
        self.most = max(self.most, self.open)
        return httpx.Response(200, stream=Body())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


class PoolStage:
    """Pools with a fake clock."""

    def __init__(self, *, fails: bool = False) -> None:
        self.clock = 0.0
        self.made: list[CountingTransport] = []
        self.fails = fails

    def make(self) -> CountingTransport:
        self.made.append(CountingTransport(self.fails))
        return self.made[-1]

    def sync(self) -> PooledTransport:
        return PooledTransport(self.make, now=lambda: self.clock)

    @property
    def still_open(self) -> int:
        return sum(not each.closed for each in self.made)


def test_consecutive_requests_use_one_pool() -> None:
    stand = PoolStage()
    transport = stand.sync()
    for _ in range(20):
        response = transport.handle_request(REQUEST)
        assert response.read() == b"x"
        response.close()
    assert len(stand.made) == 1
    assert transport.is_idle


@given(st.lists(st.integers(0, 30), max_size=60))
def test_pools_grow_only_with_the_requests_in_flight(steps: list[int]) -> None:
    stand = PoolStage()
    transport = stand.sync()
    flying: list[Any] = []
    most = 0
    for step in steps:
        if step % 3 and flying:
            flying.pop(step % len(flying)).close()
        else:
            flying.append(transport.handle_request(REQUEST))
        most = max(most, len(flying))
        assert transport.is_idle == (not flying)
    assert len(stand.made) <= most
    for each in flying:
        each.close()
        each.close()  # closed twice, counted once
    assert transport.is_idle


def test_many_requests_wait_in_a_bounded_number_of_pools() -> None:
    stand = PoolStage()
    transport = stand.sync()
    flying = [transport.handle_request(REQUEST) for _ in range(1200)]
    assert len(stand.made) == 256
    for each in flying:
        each.close()
    again = [transport.handle_request(REQUEST) for _ in range(512)]
    assert len(stand.made) == 256
    assert len(again) == 512


def test_idle_pools_are_closed_in_time() -> None:
    stand = PoolStage()
    transport = stand.sync()
    for each in [transport.handle_request(REQUEST) for _ in range(20)]:
        each.close()
    assert stand.still_open == 10
    for _ in range(60):
        stand.clock += 10
        transport.handle_request(REQUEST).close()
    assert stand.still_open == 1


def test_a_failed_request_is_not_in_flight() -> None:
    transport = PoolStage(fails=True).sync()
    for _ in range(5):
        with pytest.raises(httpx.ConnectError):
            transport.handle_request(REQUEST)
    assert transport.is_idle


def test_closing_closes_all_pools_while_requests_end_later() -> None:
    stand = PoolStage()
    transport = stand.sync()
    flying = transport.handle_request(REQUEST)
    transport.close()
    assert stand.still_open == 0
    flying.close()
    transport.handle_request(REQUEST).close()
    assert stand.still_open == 1


async def test_async_requests_use_the_same_pools() -> None:
    stand = PoolStage()
    transport = AsyncPooledTransport(stand.make, now=lambda: stand.clock)
    flying = await asyncio.gather(
        *(transport.handle_async_request(REQUEST) for _ in range(9))
    )
    assert len(stand.made) == 5
    for each in flying:
        assert await each.aread() == b"x"
        await each.aclose()
    for _ in range(12):
        stand.clock += 10
        await (await transport.handle_async_request(REQUEST)).aclose()
    assert stand.still_open == 1
    await transport.aclose()
    assert stand.still_open == 0
