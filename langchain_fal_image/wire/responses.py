"""What comes back for a request, whichever HTTP library brought it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Protocol

import httpx

from langchain_fal_image.wire.effects import NotSent, ReplyLost, Unsendable

__all__ = ["AsyncReply", "HttpxAsyncReply", "HttpxReply", "Reply", "failures"]


class _Head(Protocol):
    @property
    def status(self) -> int:
        """HTTP's."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""


class Reply(_Head, Protocol):
    """An answer whose body has yet to be read."""

    def pieces(self) -> Iterator[bytes]:
        """Read the body as it comes, decompressed."""

    def close(self) -> None:
        """Let go of the connection; it is kept where the body was read whole."""


class AsyncReply(_Head, Protocol):
    """The same without blocking."""

    def pieces(self) -> AsyncIterator[bytes]:
        """Read the body as it comes, decompressed."""

    async def close(self) -> None:
        """Let go of the connection; it is kept where the body was read whole."""


class _HttpxHead:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        found = self._response.headers
        return {name.lower(): value for name, value in found.items()}


class HttpxReply(_HttpxHead):
    """A reply that httpx brought."""

    def pieces(self) -> Iterator[bytes]:
        """Read the body as it comes, decompressed."""
        return self._response.iter_bytes()

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class HttpxAsyncReply(_HttpxHead):
    """A reply that httpx brought without blocking."""

    def pieces(self) -> AsyncIterator[bytes]:
        """Read the body as it comes, decompressed."""
        return self._response.aiter_bytes()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._response.aclose()


# httpx's failures after which the other side surely received nothing.
_NEVER_OPENED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turn httpx's failures into those that flows know."""
    try:
        yield
    except _NEVER_OPENED as error:
        if _was_open(error):
            raise ReplyLost(_words(error)) from error
        raise NotSent(_words(error)) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise ReplyLost(_words(error)) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Unsendable(_words(error)) from error


def _was_open(error: Exception) -> bool:
    """Tell whether a client that was given to us calls a lost reply a connect error.

    The transport of httpx-aiohttp does: of aiohttp's failures it makes a
    `ConnectTimeout` also where the server hung up after it had the request.
    """
    kinds = {each.__name__ for each in type(error.__cause__).__mro__}
    return "ClientConnectionError" in kinds and not kinds & {
        "ClientConnectorError",
        "ConnectionTimeoutError",
    }


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
