"""Requests through httpx: a client, or a transport without the client's overhead."""

from __future__ import annotations

import functools
import logging
import os
import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any

import httpx

from langchain_fal_image.wire import guard
from langchain_fal_image.wire.effects import (
    NotSent,
    ReplyLost,
    TransportFailure,
    Unsendable,
)
from langchain_fal_image.wire.guarded_transport import (
    AsyncGuardedTransport,
    GuardedTransport,
)
from langchain_fal_image.wire.pools import (
    POOL_LIMITS,
    AsyncPooledTransport,
    PooledTransport,
)
from langchain_fal_image.wire.proxies import find_proxy_mounts
from langchain_fal_image.wire.responses import AsyncRawResponse, RawResponse
from langchain_fal_image.wire.time_limit import LimitedBackend

__all__ = [
    "CLIENT_HEADERS",
    "AsyncHttpxSession",
    "HttpxSession",
    "get_tls_context",
]

_log = logging.getLogger("langchain_fal_image")
CLIENT_HEADERS = {
    "accept": "*/*",
    "connection": "keep-alive",
}
"""The headers that an httpx client adds, but a transport does not."""


def get_tls_context() -> ssl.SSLContext:
    """Return httpx's TLS context for the environment; all sessions share it."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    return _create_tls_context(*map(os.environ.get, names))


@functools.lru_cache(maxsize=4)
def _create_tls_context(*_environment: str | None) -> ssl.SSLContext:
    # Cached, because loading the certificates takes longer than a request.
    return httpx.create_ssl_context()


# httpx's errors that prove that the server received nothing.
_NEVER_OPENED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
# All errors of sending a request and of reading the body.
_ERRORS = (
    httpx.TransportError,
    httpx.DecodingError,
    httpx.InvalidURL,
    UnicodeError,
)


def _to_failure(error: Exception) -> TransportFailure:
    """Return the transport failure for one of `_ERRORS`."""
    if isinstance(error, httpx.InvalidURL | UnicodeError):
        return Unsendable.from_error(error)
    if isinstance(error, _NEVER_OPENED) and not _had_opened(error):
        return NotSent.from_error(error)
    return ReplyLost.from_error(error)


def _had_opened(error: Exception) -> bool:
    """Return whether the connection had been opened before a connect error.

    The caller's client may use httpx-aiohttp, which raises `ConnectTimeout` for every
    connection error of aiohttp, even if the server closed the connection after it
    received the request.
    """
    kinds = {each.__name__ for each in type(error.__cause__).__mro__}
    return "ClientConnectionError" in kinds and not kinds & {
        "ClientConnectorError",
        "ConnectionTimeoutError",
    }


def _create_transport(proxy: str | None) -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport(
        verify=get_tls_context(), limits=POOL_LIMITS, proxy=proxy
    )
    # httpx has no argument for this setting of httpcore.
    transport._pool._network_backend = LimitedBackend()
    return transport


class HttpxSession:
    """Sync requests.

    `errors` are what `send` and the response's body may raise, and `to_failure`
    returns the transport failure for one of them.

    Args:
        client: An httpx client or transport.
    """

    errors = _ERRORS
    to_failure = staticmethod(_to_failure)

    def __init__(self, client: httpx.Client | httpx.BaseTransport) -> None:
        self._client = client

    @classmethod
    def open(cls, *, trusted: Collection[guard.Origin] | None) -> HttpxSession:
        """Open a session with its own connections.

        Args:
            trusted: For files on any host, the origins that may be private; all other
                hosts must be public. For fal's API, None: nothing is checked.
        """

        def make_pools(proxy: str | None = None) -> PooledTransport:
            return PooledTransport(lambda: _create_transport(proxy))

        direct: httpx.BaseTransport = (
            make_pools()
            if trusted is None
            else GuardedTransport(make_pools, trusted=trusted)
        )
        mounts = find_proxy_mounts(make_pools)
        return cls(httpx.Client(transport=direct, mounts=mounts) if mounts else direct)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | Iterator[bytes] | None,
        timeout: Mapping[str, float],
    ) -> RawResponse:
        """Send a request and return its response before the body is read.

        Args:
            method: The HTTP method.
            url: Absolute URL.
            headers: The headers to send.
            content: The body.
            timeout: `connect`, `read`, `write` and `pool`, in seconds.
        """
        client = self._client
        if isinstance(client, httpx.Client):
            request = client.build_request(
                method,
                url,
                headers=headers,
                content=content,
                timeout=httpx.Timeout(**timeout),
            )
            response = client.send(request, stream=True, follow_redirects=False)
        else:
            response = client.handle_request(
                _build_request(method, url, headers, content, timeout)
            )
        # A client of the caller may return a response that it has read.
        is_read = response.is_stream_consumed
        return RawResponse(
            status=response.status_code,
            headers=dict(response.headers),
            chunks=response.iter_bytes() if is_read else response.iter_raw(),
            close=response.close,
            is_decoded=is_read,
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


class AsyncHttpxSession:
    """Async requests; see `HttpxSession`.

    Args:
        client: An async httpx client or transport.
    """

    errors = _ERRORS
    to_failure = staticmethod(_to_failure)

    def __init__(self, client: httpx.AsyncClient | httpx.AsyncBaseTransport) -> None:
        self._client = client

    @classmethod
    def open(cls, *, trusted: Collection[guard.Origin] | None) -> AsyncHttpxSession:
        """Open a session with its own connections; see `HttpxSession.open`."""

        def make_pools(proxy: str | None = None) -> AsyncPooledTransport:
            return AsyncPooledTransport(
                lambda: httpx.AsyncHTTPTransport(
                    verify=get_tls_context(), limits=POOL_LIMITS, proxy=proxy
                )
            )

        direct: httpx.AsyncBaseTransport = (
            make_pools()
            if trusted is None
            else AsyncGuardedTransport(make_pools, trusted=trusted)
        )
        mounts = find_proxy_mounts(make_pools)
        if not mounts:
            return cls(direct)
        return cls(httpx.AsyncClient(transport=direct, mounts=mounts))

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | AsyncIterator[bytes] | None,
        timeout: Mapping[str, float],  # noqa: ASYNC109 - the timeouts of HTTP's steps
    ) -> AsyncRawResponse:
        """Send a request and return its response; see `HttpxSession.send`."""
        client = self._client
        if isinstance(client, httpx.AsyncClient):
            request = client.build_request(
                method,
                url,
                headers=headers,
                content=content,
                timeout=httpx.Timeout(**timeout),
            )
            response = await client.send(request, stream=True, follow_redirects=False)
        else:
            response = await client.handle_async_request(
                _build_request(method, url, headers, content, timeout)
            )
        is_read = response.is_stream_consumed
        return AsyncRawResponse(
            status=response.status_code,
            headers=dict(response.headers),
            chunks=response.aiter_bytes() if is_read else response.aiter_raw(),
            aclose=response.aclose,
            is_decoded=is_read,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def _build_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: Any,
    timeout: Mapping[str, float],
) -> httpx.Request:
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug("%s %s", method, url.partition("?")[0])
    return httpx.Request(
        method,
        url,
        headers={**CLIENT_HEADERS, **headers},
        content=content,
        extensions={"timeout": dict(timeout)},
    )
