"""Event streams that are read one item at a time, sync and async."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, TypeAlias

from langchain_fal_image.wire.effects import (
    STREAM_END,
    Call,
    Drain,
    Effect,
    HttpResponse,
    Listen,
    Notify,
    StreamEvent,
)
from langchain_fal_image.wire.responses import ResponseHead
from langchain_fal_image.wire.sse import EventDecoder

if TYPE_CHECKING:
    from langchain_fal_image.wire.http_clients import HttpClients

__all__ = ["AsyncEventStream", "EventStream"]

_DRAIN_S = 1.0

Item: TypeAlias = StreamEvent | HttpResponse | str


class EventStream:
    """An event stream for the sync driver; opened by the first `next`."""

    def __init__(self, clients: HttpClients, listen: Listen) -> None:
        self._listen = listen
        self._clients = clients
        self._items = self._read()

    def next(self) -> Item:
        """Return the next item, or `STREAM_END`."""
        return next(self._items, STREAM_END)

    def is_ended_by(self, effect: Effect) -> bool:
        """Return whether an effect ends this stream."""
        return not isinstance(effect, Notify | Call) and effect is not self._listen

    def close(self) -> None:
        """Close the stream."""
        self._items.close()

    def _read(self) -> Generator[Item, None, None]:
        request = self._listen.request
        response = self._clients.send(request)
        try:
            if not _is_event_stream(response):
                yield HttpResponse(status=response.status, headers=response.headers)
                return
            decoder = EventDecoder(max_bytes=request.max_bytes)
            for chunk in response.iter_bytes():
                yield from decoder.feed(chunk)
        finally:
            response.close()


class AsyncEventStream:
    """An event stream for the async driver; opened by the first `next`."""

    def __init__(self, clients: HttpClients, listen: Listen) -> None:
        self._listen = listen
        self._clients = clients
        self._items = self._read()

    async def next(self) -> Item:
        """Return the next item, or `STREAM_END`."""
        return await anext(self._items, STREAM_END)

    def is_ended_by(self, effect: Effect) -> bool:
        """Return whether an effect ends this stream."""
        return not isinstance(effect, Notify | Call) and effect is not self._listen

    async def end(self, effect: Effect) -> None:
        """Close the stream; before `Drain`, read the rest in the background."""
        if isinstance(effect, Drain):
            self._clients.run_in_background(self._drain())
        else:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._items.aclose()

    async def _drain(self) -> None:
        try:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_DRAIN_S):
                    async for _ in self._items:
                        pass
        finally:
            await self.aclose()

    async def _read(self) -> AsyncGenerator[Item, None]:
        request = self._listen.request
        response = await self._clients.asend(request)
        try:
            if not _is_event_stream(response):
                yield HttpResponse(status=response.status, headers=response.headers)
                return
            decoder = EventDecoder(max_bytes=request.max_bytes)
            async for chunk in response.aiter_bytes():
                for item in decoder.feed(chunk):
                    yield item
        finally:
            await response.aclose()


def _is_event_stream(head: ResponseHead) -> bool:
    media_type = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    return head.status == 200 and media_type == "text/event-stream"  # noqa: PLR2004 - HTTP status codes
