"""httpx transports that connect to public addresses only."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Collection
from typing import Any, Generic, TypeVar

import httpx

from langchain_fal_image.wire import guard
from langchain_fal_image.wire.pools import AsyncPooledTransport, PooledTransport

__all__ = ["AsyncGuardedTransport", "GuardedTransport"]

_Resolved = list[tuple[Any, ...]]
_T = TypeVar("_T", PooledTransport, AsyncPooledTransport)
_MOST_HOSTS = 16

# After these nothing was sent, and another address of the host may answer.
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout)


def _pinned(request: httpx.Request, resolved: _Resolved) -> list[httpx.Request]:
    """Aim a request at each address that was checked, whatever DNS says next.

    The Host header stays; TLS asks for, and checks, the name as before.
    """
    found = [entry[4][0].partition("%")[0] for entry in resolved]
    addresses = list(dict.fromkeys(found))
    if not addresses:
        message = "its host has no address"
        raise guard.AccessRefused(message)
    for address in addresses:
        guard.check_address(address)
    host = request.url.raw_host.decode("ascii")
    extensions = {**request.extensions}
    if not _is_literal(host):
        extensions["sni_hostname"] = host
    return [
        httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions=extensions,
        )
        for address in addresses
    ]


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Hosts(Generic[_T]):
    """A transport for each host, the least recently used one let go.

    A guarded transport connects to addresses, and two hosts may share one: over a
    connection that was kept for one host, a request would reach the other without
    anybody having asked for its certificate. So hosts share no connections.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make: Callable[[], _T] = make
        self._transports: dict[guard.Origin, _T] = {}
        self._lock = threading.Lock()

    def of(self, origin: guard.Origin) -> tuple[_T, _T | None]:
        """Give a host's transport, and one that is to be closed now."""
        with self._lock:
            transport = self._transports.pop(origin, None) or self._make()
            self._transports[origin] = transport
            surplus = None
            if len(self._transports) > _MOST_HOSTS:
                oldest = next(iter(self._transports))
                if self._transports[oldest].is_idle:
                    surplus = self._transports.pop(oldest)
            return transport, surplus

    def all(self) -> list[_T]:
        with self._lock:
            transports = list(self._transports.values())
            self._transports.clear()
        return transports


class GuardedTransport(httpx.BaseTransport):
    """Resolves a host, refuses private addresses, connects to the one it checked.

    Args:
        make: Makes the transport of one host.
        trusted: Origins that may be private.
    """

    def __init__(
        self,
        make: Callable[[], PooledTransport],
        *,
        trusted: Collection[guard.Origin],
    ) -> None:
        self._hosts = _Hosts(make)
        self._trusted = trusted

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to a public address, or to a trusted origin."""
        origin = guard.parse_origin(str(request.url))
        if origin in self._trusted:
            aimed = [request]
        else:
            aimed = _pinned(request, _resolve(request))
        transport, surplus = self._hosts.of(origin)
        if surplus:
            surplus.close()
        *others, last = aimed
        for each in others:
            with contextlib.suppress(*_UNREACHED):
                return transport.handle_request(each)
        return transport.handle_request(last)

    def close(self) -> None:
        """Close all connections."""
        for transport in self._hosts.all():
            transport.close()


class AsyncGuardedTransport(httpx.AsyncBaseTransport):
    """Does the same without blocking: names are resolved by the event loop.

    Args:
        make: Makes the transport of one host.
        trusted: Origins that may be private.
    """

    def __init__(
        self,
        make: Callable[[], AsyncPooledTransport],
        *,
        trusted: Collection[guard.Origin],
    ) -> None:
        self._hosts = _Hosts(make)
        self._trusted = trusted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to a public address, or to a trusted origin."""
        origin = guard.parse_origin(str(request.url))
        if origin in self._trusted:
            aimed = [request]
        else:
            aimed = _pinned(request, await _aresolve(request))
        transport, surplus = self._hosts.of(origin)
        if surplus:
            await surplus.aclose()
        *others, last = aimed
        for each in others:
            with contextlib.suppress(*_UNREACHED):
                return await transport.handle_async_request(each)
        return await transport.handle_async_request(last)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._hosts.all():
            await transport.aclose()


def _resolve(request: httpx.Request) -> _Resolved:
    try:
        return list(socket.getaddrinfo(*_place(request), type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error), request=request) from error


async def _aresolve(request: httpx.Request) -> _Resolved:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(*_place(request), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error), request=request) from error
    return list(found)


def _place(request: httpx.Request) -> tuple[str, int]:
    _, host, port = guard.parse_origin(str(request.url))
    return host, port
