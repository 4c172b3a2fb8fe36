"""Async requests through aiohttp instead of httpx: the `fast` extra.

It takes half of the CPU time, or less. What it must not lose is the difference between
a connection that never opened and an answer that never came: only after the first may a
submit be sent again.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import aiohttp
import yarl

from langchain_fal_image.wire.effects import NotSent, ReplyLost, Unsendable

__all__ = ["AiohttpSession"]

_MOST_CONNECTIONS = 512
_KEPT_S = 30.0
# We say all that is to be said.
_NOT_ADDED = ("accept", "accept-encoding", "content-type", "user-agent")


class AiohttpSession:
    """One aiohttp session of the running event loop.

    Args:
        tls: Makes the TLS context, when the first request is sent.
    """

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | AsyncIterator[bytes] | None,
        timeout: Mapping[str, float],  # noqa: ASYNC109 - HTTP's, for each step
    ) -> AiohttpReply:
        """Send a request and give its answer, the body not read yet.

        Args:
            method: HTTP's.
            url: Absolute.
            headers: All of them.
            content: The body.
            timeout: `connect`, `read` and `pool`, in seconds.

        Raises:
            TransportFailure: There is no answer.
        """
        session = self._session = self._session or self._opened()
        with _failures():
            response = await session.request(
                method,
                yarl.URL(url, encoded=True),
                headers=headers,
                data=content,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=timeout["pool"],
                    sock_connect=timeout["connect"],
                    sock_read=timeout["read"],
                ),
            )
        return AiohttpReply(response)

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=_MOST_CONNECTIONS, keepalive_timeout=_KEPT_S, ssl=self._tls()
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NOT_ADDED,
        )


class AiohttpReply:
    """A reply that aiohttp brought."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """HTTP's."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        return {name.lower(): value for name, value in self._response.headers.items()}

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read the body as it comes, decompressed."""
        content = self._response.content
        while True:
            with _failures():
                piece: Any = await content.readany()
            if not piece:
                return
            yield piece

    async def close(self) -> None:
        """Let go of the connection; it is kept where the body was read whole."""
        self._response.release()


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Turn aiohttp's failures into those that flows know."""
    try:
        yield
    except (
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        aiohttp.NonHttpUrlClientError,
    ) as error:
        raise NotSent(_words(error)) from error
    except (aiohttp.InvalidURL, UnicodeError) as error:
        raise Unsendable(_words(error)) from error
    except (aiohttp.ClientError, OSError) as error:  # its timeouts are kinds of both
        raise ReplyLost(_words(error)) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
