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

_AddressInfo = list[tuple[Any, ...]]
_T = TypeVar("_T", PooledTransport, AsyncPooledTransport)
_MAX_HOSTS = 16

# After these errors nothing was sent, and another address of the host may respond.
_CONNECT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout)


def _pin(request: httpx.Request, infos: _AddressInfo) -> list[httpx.Request]:
    """Return a copy of the request for each address of its host, after checking them.

    The connection uses the checked address instead of another DNS lookup. The Host
    header and the name that TLS verifies stay the same.
    """
    found = [entry[4][0].partition("%")[0] for entry in infos]
    addresses = list(dict.fromkeys(found))
    if not addresses:
        message = "its host has no IP address"
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


class _HostTransports(Generic[_T]):
    """One transport per host; beyond `_MAX_HOSTS`, the least recently used is closed.

    A guarded transport connects to IP addresses, which two hosts may share. A request
    must not reuse the connection of another host, because TLS verified the other name.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make: Callable[[], _T] = make
        self._transports: dict[guard.Origin, _T] = {}
        self._lock = threading.Lock()

    def find(self, origin: guard.Origin) -> tuple[_T, _T | None]:
        """Return a host's transport, and one that must be closed, if any."""
        with self._lock:
            transport = self._transports.pop(origin, None) or self._make()
            self._transports[origin] = transport
            surplus = None
            if len(self._transports) > _MAX_HOSTS:
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
    """Resolves a host, rejects private addresses, connects to the checked address.

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
        self._hosts = _HostTransports(make)
        self._trusted = trusted

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to a public address, or to a trusted origin."""
        origin = guard.parse_origin(str(request.url))
        if origin in self._trusted:
            pinned = [request]
        else:
            pinned = _pin(request, _resolve(request))
        transport, surplus = self._hosts.find(origin)
        if surplus:
            surplus.close()
        *others, last = pinned
        for each in others:
            with contextlib.suppress(*_CONNECT_ERRORS):
                return transport.handle_request(each)
        return transport.handle_request(last)

    def close(self) -> None:
        """Close all connections."""
        for transport in self._hosts.all():
            transport.close()


class AsyncGuardedTransport(httpx.AsyncBaseTransport):
    """The async `GuardedTransport`; the event loop resolves names.

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
        self._hosts = _HostTransports(make)
        self._trusted = trusted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to a public address, or to a trusted origin."""
        origin = guard.parse_origin(str(request.url))
        if origin in self._trusted:
            pinned = [request]
        else:
            pinned = _pin(request, await _aresolve(request))
        transport, surplus = self._hosts.find(origin)
        if surplus:
            await surplus.aclose()
        *others, last = pinned
        for each in others:
            with contextlib.suppress(*_CONNECT_ERRORS):
                return await transport.handle_async_request(each)
        return await transport.handle_async_request(last)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._hosts.all():
            await transport.aclose()


def _resolve(request: httpx.Request) -> _AddressInfo:
    try:
        return list(
            socket.getaddrinfo(*_host_and_port(request), type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error), request=request) from error


async def _aresolve(request: httpx.Request) -> _AddressInfo:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            *_host_and_port(request), type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error), request=request) from error
    return list(found)


def _host_and_port(request: httpx.Request) -> tuple[str, int]:
    _, host, port = guard.parse_origin(str(request.url))
    return host, port
