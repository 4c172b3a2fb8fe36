"""Responses whose bodies are read in chunks, from any HTTP library."""

from __future__ import annotations

import io
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass, field
from typing import BinaryIO

from langchain_fal_image.wire.effects import (
    HttpResponse,
    ReplyLost,
    Send,
    TooLarge,
    TransportFailure,
)

__all__ = ["AsyncResponseStream", "ResponseBody", "ResponseHead", "ResponseStream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """Status and headers of a response, and the errors that its body may raise.

    Attributes:
        status: The status code.
        headers: Names in lower case.
        errors: The HTTP library's exceptions for a body that cannot be read.
        to_failure: Returns the transport failure for one of them.
    """

    status: int
    headers: Mapping[str, str]
    errors: tuple[type[Exception], ...]
    to_failure: Callable[[Exception], TransportFailure]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStream(ResponseHead):
    """A response whose body has not been read.

    Attributes:
        chunks: The body as it arrives, decompressed.
        close: Releases the connection; it is kept if the body was read to its end.
    """

    chunks: Iterator[bytes]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncResponseStream(ResponseHead):
    """A response whose body has not been read; see `ResponseStream`."""

    chunks: AsyncIterator[bytes]
    aclose: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class ResponseBody:
    """The body of a response while it arrives: in memory, or in a file.

    Its total timeout starts when it is created, before the request is sent.

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
    _started_at: float = field(default_factory=time.monotonic)

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
            ReplyLost: The request's `total_timeout` has passed.
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
        if time.monotonic() > self._started_at + request.total_timeout:
            message = f"incomplete after {request.total_timeout:.0f} s"
            raise ReplyLost(message)
        return self._file is not None and self.buffer.tell() > self.flush_above

    def flush(self) -> None:
        """Write the buffer into the file."""
        if self._file:
            self._file.write(self.buffer.getvalue())
            self.buffer = io.BytesIO()
