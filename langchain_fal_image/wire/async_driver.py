"""Run flows in an event loop: the async half of `Driver`."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from langchain_fal_image._formats.hidden import HiddenBytes
from langchain_fal_image.wire.effects import (
    STREAM_END,
    Call,
    Effect,
    Flow,
    Gather,
    HttpRequest,
    HttpResponse,
    Listen,
    Notify,
    Send,
    Sleep,
    StreamEvent,
)
from langchain_fal_image.wire.http_clients import HttpClients
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate
from langchain_fal_image.wire.responses import ResponseBody
from langchain_fal_image.wire.sse import EventDecoder, is_event_stream

__all__ = ["AsyncDriver"]

_T = TypeVar("_T")

_DRAIN_S = 1.0
_FLUSH_ABOVE_BYTES = 256 * 1024


class AsyncDriver:
    """Runs flows in the running event loop.

    Args:
        clients: The HTTP sessions of the provider.
        open_requests: Holds the requests that `arun` is waiting for, by id.
    """

    def __init__(
        self,
        clients: HttpClients,
        open_requests: dict[str, QueuedRequest] | None = None,
    ) -> None:
        self._clients = clients
        self._open_requests = {} if open_requests is None else open_requests

    async def arun(
        self,
        flow: Flow[_T],
        on_update: Callable[[QueueUpdate], Any] | None = None,
    ) -> _T:
        """Run a flow without blocking and return its result.

        Args:
            flow: A flow that has not started.
            on_update: Called with each update; if it returns an awaitable, it is
                awaited.
        """
        result: list[_T] = []
        request_ids: set[str] = set()
        error: BaseException | None = None
        updates = self._adrive(flow, result)
        try:
            while not result:
                try:
                    update = await (updates.athrow(error) if error else anext(updates))
                    error = None
                except StopAsyncIteration:
                    break
                request = update.request
                if request.request_id not in request_ids:
                    request_ids.add(request.request_id)
                    self._open_requests[request.request_id] = request
                try:
                    returned = on_update(update) if on_update else None
                    if inspect.isawaitable(returned):
                        await returned
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        finally:
            await updates.aclose()
            for request_id in request_ids:
                self._open_requests.pop(request_id, None)
        return result[0]

    def aiterate(self, flow: Flow[Any]) -> AsyncIterator[QueueUpdate]:
        """Run a flow without blocking and yield its updates."""
        return self._adrive(flow, [])

    async def aclose(self) -> None:
        """Close the connections of this event loop, and the sync ones."""
        await self._clients.aclose()

    async def _adrive(
        self, flow: Flow[_T], result: list[_T]
    ) -> AsyncGenerator[QueueUpdate, None]:
        last: QueueUpdate | None = None
        listen: Listen | None = None
        events: AsyncGenerator[StreamEvent | HttpResponse | str, None] | None = None
        value: Any = None
        error: BaseException | None = None
        interruption = _Interruption()
        try:
            while True:
                try:
                    effect = flow.throw(error) if error else flow.send(value)
                except StopIteration as end:
                    interruption.raise_if_late()
                    await self._end_events(events, last)
                    events = None
                    result.append(end.value)
                    return
                except Exception as failed:
                    interruption.raise_if_late(failed)
                    raise
                value, error = None, None
                if effect is not listen and not isinstance(effect, Notify | Call):
                    await self._end_events(events, last)
                    events = None
                try:
                    interruption.raise_if_late()
                    if isinstance(effect, Notify):
                        last = effect.update
                        yield last
                    elif isinstance(effect, Listen):
                        listen = effect
                        events = events or self._aread_events(effect.request)
                        value = await anext(events, STREAM_END)
                    else:
                        value = await self._aperform_patiently(effect, interruption)
                except GeneratorExit:
                    raise
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
                    interruption.has_begun = not isinstance(raised, Exception)
        finally:
            if events:
                await events.aclose()
            flow.close()

    async def _end_events(
        self, events: AsyncGenerator[Any, None] | None, last: QueueUpdate | None
    ) -> None:
        if events is None:
            return
        if last and last.status == "COMPLETED":
            self._clients.run_in_background(_drain(events))
        else:
            await events.aclose()

    async def _aperform_patiently(
        self, effect: Effect, interruption: _Interruption
    ) -> Any:
        if interruption.has_begun:
            # A second cancellation does not stop what a cancelled flow does to clean
            # up, such as cancelling the request at fal.
            return await self._clients.shield(self._aperform(effect))
        if not isinstance(effect, Send) or not effect.patience:
            return await self._aperform(effect)
        task = asyncio.ensure_future(self._aperform(effect))
        try:
            return await self._clients.shield(task)
        except asyncio.CancelledError as cancelled:
            await asyncio.wait({task}, timeout=effect.patience)
            if not task.done() or task.cancelled():
                task.cancel()
                raise
            interruption.late = cancelled
            return task.result()

    async def _aperform(self, effect: Effect) -> Any:
        match effect:
            case Send():
                return await self._asend(effect)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Call(function, None):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(None, function)
            case Call(_, coroutine) if coroutine is not None:
                return await coroutine()
            case Gather(flows, limit):
                return await self._agather(flows, limit)
        return None

    async def _asend(self, send: Send) -> HttpResponse:
        body = ResponseBody(send, flush_above=_FLUSH_ABOVE_BYTES)
        response = await self._clients.asend(send.request)
        try:
            if send.into:
                body.open_file(response.status)
            async for chunk in response.chunks:
                if body.write(chunk):
                    await asyncio.to_thread(body.flush)
            body.flush()
        finally:
            await response.aclose()
        return HttpResponse(
            status=response.status,
            headers=response.headers,
            body=HiddenBytes(response.redactor.clean(body.buffer.getvalue())),
        )

    async def _aread_events(
        self, request: HttpRequest
    ) -> AsyncGenerator[StreamEvent | HttpResponse | str, None]:
        response = await self._clients.asend(request)
        try:
            if not is_event_stream(response):
                yield HttpResponse(status=response.status, headers=response.headers)
                return
            decoder = EventDecoder(
                max_bytes=request.max_bytes, clean=response.redactor.clean_text
            )
            async for chunk in response.chunks:
                for event in decoder.feed(chunk):
                    yield event
        finally:
            await response.aclose()

    async def _agather(self, flows: Sequence[Flow[Any]], limit: int) -> list[Any]:
        semaphore = asyncio.Semaphore(limit)

        async def run(flow: Flow[Any]) -> Any:
            async with semaphore:
                return await self.arun(flow)

        tasks = [asyncio.ensure_future(run(each)) for each in flows]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(events: AsyncGenerator[Any, None]) -> None:
    """Read a stream after its last event, so that its connection can be reused.

    A server ends the stream shortly after that event. The sync driver would have to
    wait for it, so it closes the stream.
    """
    try:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_DRAIN_S):
                async for _ in events:
                    pass
    finally:
        await events.aclose()


class _Interruption:
    """The interruption of a flow.

    Attributes:
        has_begun: Whether the flow has received it.
        late: An interruption that arrived while the flow waited for a response with
            `Send.patience`; the flow receives it with its next effect.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.late: BaseException | None = None

    def raise_if_late(self, failed: Exception | None = None) -> None:
        late, self.late = self.late, None
        if late is not None:
            raise late from failed
