"""Async requests with aiohttp instead of httpx: the `fast` extra.

aiohttp uses at most half of the CPU time. As with httpx, a connection that could not
be opened and a response that did not arrive are different failures: only after the
first may a submit be sent again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp
import yarl

from langchain_fal_image.wire.effects import (
    NotSent,
    ReplyLost,
    TransportFailure,
    Unsendable,
)
from langchain_fal_image.wire.httpx_session import CLIENT_HEADERS, get_tls_context
from langchain_fal_image.wire.responses import AsyncRawResponse

__all__ = ["AiohttpSession"]

_MAX_CONNECTIONS = 512
_KEEPALIVE_S = 30.0
# Headers that aiohttp would add; `CLIENT_HEADERS` are sent instead.
_SKIPPED_HEADERS = ("accept", "accept-encoding", "content-type", "user-agent")


# All errors of sending a request and of reading the body.
_ERRORS = (aiohttp.ClientError, OSError, UnicodeError)
# aiohttp's errors that prove that the server received nothing.
_NEVER_OPENED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.NonHttpUrlClientError,
)


def _to_failure(error: Exception) -> TransportFailure:
    """Return the transport failure for one of `_ERRORS`."""
    if isinstance(error, _NEVER_OPENED):
        return NotSent.from_error(error)
    if isinstance(error, aiohttp.InvalidURL | UnicodeError):
        return Unsendable.from_error(error)
    return ReplyLost.from_error(error)


class AiohttpSession:
    """An aiohttp session of the running event loop, opened by the first request."""

    errors = _ERRORS
    to_failure = staticmethod(_to_failure)

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | AsyncIterator[bytes] | None,
        timeout: Mapping[str, float],  # noqa: ASYNC109 - the timeouts of HTTP's steps
    ) -> AsyncRawResponse:
        """Send a request and return its response before the body is read.

        Args:
            method: The HTTP method.
            url: Absolute URL.
            headers: The headers to send.
            content: The body.
            timeout: `connect`, `read` and `pool`, in seconds.
        """
        session = self._session = self._session or self._open()
        response = await session.request(
            method,
            yarl.URL(url, encoded=True),
            headers={**CLIENT_HEADERS, **headers},
            data=content,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=timeout["pool"],
                sock_connect=timeout["connect"],
                sock_read=timeout["read"],
            ),
        )

        async def release() -> None:
            response.release()

        return AsyncRawResponse(
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            chunks=response.content.iter_any(),
            aclose=release,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=_MAX_CONNECTIONS,
                keepalive_timeout=_KEEPALIVE_S,
                ssl=get_tls_context(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_SKIPPED_HEADERS,
        )
