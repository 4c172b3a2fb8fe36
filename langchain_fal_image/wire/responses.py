"""Responses whose bodies are read piece by piece, from any HTTP library."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import BinaryIO, Protocol

from langchain_fal_image.wire.effects import (
    HttpResponse,
    ReplyLost,
    Send,
    TooLarge,
)

__all__ = ["AsyncResponseStream", "ResponseBody", "ResponseHead", "ResponseStream"]


class ResponseHead(Protocol):
    """Status and headers of a response."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""


class ResponseStream(ResponseHead, Protocol):
    """A response whose body has not been read."""

    def iter_bytes(self) -> Iterator[bytes]:
        """Read the body as it arrives, decompressed.

        Raises:
            TransportFailure: The body broke off.
        """

    def close(self) -> None:
        """Release the connection; it is kept if the body was read to its end."""


class AsyncResponseStream(ResponseHead, Protocol):
    """A response whose body has not been read, for the async driver."""

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Read the body as it arrives, decompressed.

        Raises:
            TransportFailure: The body broke off.
        """

    async def aclose(self) -> None:
        """Release the connection; it is kept if the body was read to its end."""


class ResponseBody:
    """The body of a response while it arrives: in memory, or in a file.

    Its total timeout starts when it is created, before the request is sent.
    """

    def __init__(self, send: Send) -> None:
        self._request = send.request
        self._ends_at = time.monotonic() + send.request.total_timeout
        self._into = send.into
        self._file: BinaryIO | None = None
        self._size = 0
        self._buffer = io.BytesIO()

    def start(self, head: ResponseHead) -> None:
        """Choose the file for a success, and memory for all else."""
        self._head = head
        if self._into and HttpResponse(status=head.status).is_success:
            self._file = self._into
            self._file.seek(0)
            self._file.truncate()

    def write(self, chunk: bytes, *, flush_above: int = 0) -> bool:
        """Add a chunk; return whether the buffer should be flushed into the file.

        Args:
            chunk: The next bytes.
            flush_above: How much is buffered for a file, in bytes; 0 writes directly.

        Raises:
            TooLarge: The body exceeds the request's `max_bytes`.
            ReplyLost: The request's `total_timeout` has passed.
        """
        self._size += len(chunk)
        if self._file is None or flush_above:
            self._buffer.write(chunk)
        else:
            self._file.write(chunk)
        if self._size > self._request.max_bytes:
            message = f"more than {self._request.max_bytes} bytes"
            raise TooLarge(message)
        if time.monotonic() > self._ends_at:
            message = f"incomplete after {self._request.total_timeout:.0f} s"
            raise ReplyLost(message)
        return self._file is not None and self._buffer.tell() > flush_above

    def flush(self) -> None:
        """Write the buffer into the file."""
        if self._file:
            self._file.write(self._buffer.getvalue())
            self._buffer = io.BytesIO()

    def finish(self) -> HttpResponse:
        """Return the complete response."""
        self.flush()
        body = self._buffer.getvalue()
        return HttpResponse(
            status=self._head.status, headers=self._head.headers, body=body
        )
