"""Read a response within its limits: its time, its size, its content encoding."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Protocol

from langchain_fal_image._formats.hidden import HiddenBytes
from langchain_fal_image._formats.safe_repr import redact_base64
from langchain_fal_image.wire.decompression import Decompressor
from langchain_fal_image.wire.effects import HttpRequest, TransportFailure
from langchain_fal_image.wire.redaction import Redactor
from langchain_fal_image.wire.responses import (
    AsyncRawResponse,
    AsyncResponseStream,
    RawResponse,
    ResponseHead,
    ResponseStream,
)
from langchain_fal_image.wire.time_limit import TimeLimit

__all__ = ["ResponseReader"]


_MAX_TEXT = 300


class _Failures(Protocol):
    """The errors of an HTTP library."""

    @property
    def errors(self) -> tuple[type[Exception], ...]: ...
    @property
    def to_failure(self) -> Callable[[Exception], TransportFailure]: ...


class ResponseReader:
    """Sends one request and reads its response.

    Its time starts when it is created.

    Args:
        request: The request, with the limits.
        session: Names the errors of the HTTP library.
        redactor: Removes the request's secrets from the response.
        now: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        request: HttpRequest,
        *,
        session: _Failures,
        redactor: Redactor,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request
        self._session = session
        self._redactor = redactor
        self._limit = TimeLimit(request.total_timeout, now)

    def open(self, send: Callable[[], RawResponse]) -> ResponseStream:
        """Send the request; return its response before the body is read.

        Raises:
            TransportFailure: No response arrived in time.
        """
        with self._failures(), self._limit.applied():
            raw = send()
        return ResponseStream(
            status=raw.status,
            headers=self._clean_headers(raw.headers),
            chunks=self._read(raw),
            close=raw.close,
            redactor=self._redactor,
        )

    async def aopen(
        self, send: Callable[[], Awaitable[AsyncRawResponse]]
    ) -> AsyncResponseStream:
        """Send the request; return its response before the body is read; see `open`."""
        with self._failures():
            async with self._limit.timeout():
                raw = await send()
        return AsyncResponseStream(
            status=raw.status,
            headers=self._clean_headers(raw.headers),
            chunks=self._aread(raw),
            aclose=raw.aclose,
            redactor=self._redactor,
        )

    def _read(self, raw: RawResponse) -> Iterator[bytes]:
        decompressor = self._create_decompressor(raw, is_decoded=raw.is_decoded)
        while True:
            with self._failures(), self._limit.applied():
                chunk = next(raw.chunks, None)
            if chunk is None:
                break
            chunk = HiddenBytes(chunk)
            self._limit.check()
            yield from decompressor.feed(chunk)
        if rest := decompressor.finish():
            yield rest

    async def _aread(self, raw: AsyncRawResponse) -> AsyncIterator[bytes]:
        decompressor = self._create_decompressor(raw, is_decoded=raw.is_decoded)
        while True:
            with self._failures():
                async with self._limit.timeout():
                    chunk = await anext(raw.chunks, None)
            if chunk is None:
                break
            chunk = HiddenBytes(chunk)
            self._limit.check()
            for piece in decompressor.feed(chunk):
                yield piece
        if rest := decompressor.finish():
            yield rest

    def _create_decompressor(
        self, head: ResponseHead, *, is_decoded: bool
    ) -> Decompressor:
        encoding = "" if is_decoded else head.headers.get("content-encoding", "")
        return Decompressor(encoding, max_bytes=self._request.max_bytes)

    def _clean_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        clean = self._redactor.clean_text
        return {clean(name): clean(value) for name, value in headers.items()}

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Raise the HTTP library's errors as transport failures."""
        try:
            yield
        except self._session.errors as error:
            if isinstance(error, TimeoutError) and self._limit.left < 0:
                raise self._limit.build_failure() from error
            failure = self._session.to_failure(error)
            # The error of the HTTP library may quote the response.
            text = redact_base64(self._redactor.clean_text(str(failure)))[:_MAX_TEXT]
            is_unchanged = text == str(failure)
            raise type(failure)(text) from error if is_unchanged else None
        except TimeoutError as error:
            raise self._limit.build_failure() from error
