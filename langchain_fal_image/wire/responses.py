"""Responses whose bodies are read in chunks, from any HTTP library."""

from __future__ import annotations

import io
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass, field
from typing import BinaryIO

from langchain_fal_image.wire.effects import HttpResponse, Send, TooLarge
from langchain_fal_image.wire.redaction import Redactor

__all__ = [
    "AsyncRawResponse",
    "AsyncResponseStream",
    "RawResponse",
    "ResponseBody",
    "ResponseHead",
    "ResponseStream",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """Status and headers of a response.

    Attributes:
        status: The status code.
        headers: Names in lower case.
    """

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawResponse(ResponseHead):
    """A response as an HTTP library returns it.

    Attributes:
        chunks: The body as it arrives, compressed if `is_decoded` is False.
        close: Releases the connection; it is kept if the body was read to its end.
        is_decoded: Whether the library has decompressed the body.
    """

    chunks: Iterator[bytes]
    close: Callable[[], None]
    is_decoded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncRawResponse(ResponseHead):
    """A response as an async HTTP library returns it; see `RawResponse`."""

    chunks: AsyncIterator[bytes]
    aclose: Callable[[], Awaitable[None]]
    is_decoded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStream(ResponseHead):
    """A response whose body has not been read.

    Attributes:
        chunks: The body as it arrives, decompressed; raises `TransportFailure`.
        close: Releases the connection; it is kept if the body was read to its end.
        redactor: Removes the secrets of the request from the body's text.
    """

    chunks: Iterator[bytes]
    close: Callable[[], None]
    redactor: Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncResponseStream(ResponseHead):
    """A response whose body has not been read; see `ResponseStream`."""

    chunks: AsyncIterator[bytes]
    aclose: Callable[[], Awaitable[None]]
    redactor: Redactor


@dataclass(slots=True)
class ResponseBody:
    """The body of a response while it arrives: in memory, or in a file.

    Attributes:
        send: The effect that the response belongs to.
        flush_above: How much is buffered for a file, in bytes; 0 writes directly.
        buffer: The bytes that are not in the file.
    """

    send: Send
    flush_above: int = 0
    buffer: io.BytesIO = field(default_factory=io.BytesIO)
    _file: BinaryIO | None = None
    _size: int = 0

    def open_file(self, status: int) -> None:
        """Write the body to the effect's file if the status is 2xx, else to memory."""
        file = self.send.into
        if file and HttpResponse(status=status).is_success:
            file.seek(0)
            file.truncate()
            self._file = file

    def write(self, chunk: bytes) -> bool:
        """Add a chunk; return whether the buffer should be flushed into the file.

        Raises:
            TooLarge: The body exceeds the request's `max_bytes`.
        """
        request = self.send.request
        self._size += len(chunk)
        if self._file is None or self.flush_above:
            self.buffer.write(chunk)
        else:
            self._file.write(chunk)
        if self._size > request.max_bytes:
            message = f"more than {request.max_bytes} bytes"
            raise TooLarge(message)
        return self._file is not None and self.buffer.tell() > self.flush_above

    def flush(self) -> None:
        """Write the buffer into the file."""
        if self._file:
            self._file.write(self.buffer.getvalue())
            self.buffer = io.BytesIO()
