"""httpx transports that connect to public addresses only."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Collection
from typing import Any

import httpx

from langchain_fal_image.wire import guard

__all__ = ["AsyncGuardedTransport", "GuardedTransport"]

_Resolved = list[tuple[Any, ...]]


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
        raise guard.Refused(message)
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


class GuardedTransport(httpx.HTTPTransport):
    """Resolves a host, refuses private addresses, connects to the one it checked.

    Args:
        trusted: Origins that may be private.
        **settings: As for `httpx.HTTPTransport`.
    """

    def __init__(self, *, trusted: Collection[guard.Origin], **settings: Any) -> None:
        super().__init__(**settings)
        self._trusted = trusted

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to a public address, or to a trusted origin."""
        if guard.origin(str(request.url)) in self._trusted:
            return super().handle_request(request)
        *others, last = _pinned(request, _resolve(request))
        for each in others:
            with contextlib.suppress(*_UNREACHED):
                return super().handle_request(each)
        return super().handle_request(last)


class AsyncGuardedTransport(httpx.AsyncHTTPTransport):
    """Does the same without blocking: names are resolved by the event loop.

    Args:
        trusted: Origins that may be private.
        **settings: As for `httpx.AsyncHTTPTransport`.
    """

    def __init__(self, *, trusted: Collection[guard.Origin], **settings: Any) -> None:
        super().__init__(**settings)
        self._trusted = trusted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to a public address, or to a trusted origin."""
        if guard.origin(str(request.url)) in self._trusted:
            return await super().handle_async_request(request)
        *others, last = _pinned(request, await _aresolve(request))
        for each in others:
            with contextlib.suppress(*_UNREACHED):
                return await super().handle_async_request(each)
        return await super().handle_async_request(last)


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
    _, host, port = guard.origin(str(request.url))
    return host, port
