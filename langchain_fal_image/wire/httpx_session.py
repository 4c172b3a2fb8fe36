"""Requests through httpx: a client, or a transport without the client's overhead."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any

import httpx

from langchain_fal_image.wire import guard
from langchain_fal_image.wire.effects import NotSent, ReplyLost, Unsendable
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

__all__ = [
    "CLIENT_HEADERS",
    "AsyncHttpxSession",
    "HttpxSession",
    "get_tls_context",
]

_log = logging.getLogger("langchain_fal_image")
CLIENT_HEADERS = {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate",
    "connection": "keep-alive",
}
"""The headers that an httpx client adds; a transport adds none."""


def get_tls_context() -> ssl.SSLContext:
    """Return httpx's TLS context for the environment; all sessions share it."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    return _create_tls_context(*map(os.environ.get, names))


@functools.lru_cache(maxsize=4)
def _create_tls_context(*_environment: str | None) -> ssl.SSLContext:
    # Loading the certificates takes longer than a request.
    return httpx.create_ssl_context()


class HttpxSession:
    """Sync requests.

    Args:
        client: An httpx client or transport.
    """

    def __init__(self, client: httpx.Client | httpx.BaseTransport) -> None:
        self._client = client

    @classmethod
    def open(cls, *, trusted: Collection[guard.Origin] | None) -> HttpxSession:
        """Open a session with its own connections.

        Args:
            trusted: For files on any host: the origins that may be private, while
                all others must be public. None for fal's API.
        """

        def make_pools(proxy: str | None = None) -> PooledTransport:
            return PooledTransport(
                lambda: httpx.HTTPTransport(
                    verify=get_tls_context(), limits=POOL_LIMITS, proxy=proxy
                )
            )

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
    ) -> HttpxResponseStream:
        """Send a request and return its response, the body not read yet.

        Args:
            method: The HTTP method.
            url: Absolute URL.
            headers: All headers.
            content: The body.
            timeout: `connect`, `read`, `write` and `pool`, in seconds.

        Raises:
            TransportFailure: No response arrived.
        """
        client = self._client
        with _translate_errors():
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
        return HttpxResponseStream(response)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


class AsyncHttpxSession:
    """Async requests.

    Args:
        client: An async httpx client or transport.
    """

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
        timeout: Mapping[str, float],  # noqa: ASYNC109 - HTTP's, for each step
    ) -> AsyncHttpxResponseStream:
        """Send a request and return its response; see `HttpxSession.send`."""
        client = self._client
        with _translate_errors():
            if isinstance(client, httpx.AsyncClient):
                request = client.build_request(
                    method,
                    url,
                    headers=headers,
                    content=content,
                    timeout=httpx.Timeout(**timeout),
                )
                response = await client.send(
                    request, stream=True, follow_redirects=False
                )
            else:
                response = await client.handle_async_request(
                    _build_request(method, url, headers, content, timeout)
                )
        return AsyncHttpxResponseStream(response)

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


class _HttpxResponse:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        found = self._response.headers
        return {name.lower(): value for name, value in found.items()}


class HttpxResponseStream(_HttpxResponse):
    """A `ResponseStream` from httpx."""

    def iter_bytes(self) -> Iterator[bytes]:
        """Read the body as it arrives, decompressed."""
        with _translate_errors():
            yield from self._response.iter_bytes()

    def close(self) -> None:
        """Release the connection."""
        self._response.close()


class AsyncHttpxResponseStream(_HttpxResponse):
    """An `AsyncResponseStream` from httpx."""

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Read the body as it arrives, decompressed."""
        with _translate_errors():
            async for chunk in self._response.aiter_bytes():
                yield chunk

    async def aclose(self) -> None:
        """Release the connection."""
        await self._response.aclose()


# Errors of httpx after which the server certainly received nothing.
_NEVER_OPENED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise httpx's errors as transport failures."""
    try:
        yield
    except _NEVER_OPENED as error:
        if _had_opened(error):
            raise ReplyLost.from_error(error) from error
        raise NotSent.from_error(error) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise ReplyLost.from_error(error) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Unsendable.from_error(error) from error


def _had_opened(error: Exception) -> bool:
    """Return whether the connection was open in spite of a connect error.

    The caller's client may use httpx-aiohttp, which raises `ConnectTimeout` for every
    connection error of aiohttp, also if the server closed the connection after it
    received the request.
    """
    kinds = {each.__name__ for each in type(error.__cause__).__mro__}
    return "ClientConnectionError" in kinds and not kinds & {
        "ClientConnectorError",
        "ConnectionTimeoutError",
    }
