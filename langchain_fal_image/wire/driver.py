"""Runs flows: the only place where sync and async differ.

Transport failures, interruptions and errors of callbacks are thrown into the flow;
what it does not catch reaches the caller unchanged.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterator,
    Sequence,
)
from concurrent.futures import (
    FIRST_EXCEPTION,
    CancelledError,
    ThreadPoolExecutor,
    wait,
)
from typing import Any, TypeVar, cast

from langchain_fal_image.wire.effects import (
    Call,
    Effect,
    Flow,
    Gather,
    HttpResponse,
    Listen,
    Notify,
    Send,
    Sleep,
)
from langchain_fal_image.wire.http_clients import HttpClients
from langchain_fal_image.wire.queue import QueueUpdate
from langchain_fal_image.wire.responses import ResponseBody
from langchain_fal_image.wire.streams import AsyncEventStream, EventStream

__all__ = ["Driver"]

_T = TypeVar("_T")
_OnUpdate = Callable[[QueueUpdate], Any]

_FLUSH_ABOVE_BYTES = 256 * 1024


class Driver:
    """Runs flows for one provider.

    Args:
        clients: The HTTP sessions of the provider.
    """

    def __init__(self, clients: HttpClients) -> None:
        self._clients = clients

    def run(self, flow: Flow[_T], on_update: _OnUpdate | None = None) -> _T:
        """Run a flow and return its result.

        Args:
            flow: A flow that has not started.
            on_update: Called with each update.
        """
        result: list[_T] = []
        updates = self._drive(flow, result)
        with contextlib.closing(updates):
            error: BaseException | None = None
            while not result:
                try:
                    update = updates.throw(error) if error else next(updates)
                    error = None
                except StopIteration:
                    break
                try:
                    if on_update:
                        on_update(update)
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        return result[0]

    async def arun(self, flow: Flow[_T], on_update: _OnUpdate | None = None) -> _T:
        """Run a flow without blocking and return its result; see `run`.

        If `on_update` returns an awaitable, it is awaited.
        """
        result: list[_T] = []
        updates = self._adrive(flow, result)
        async with contextlib.aclosing(updates):
            error: BaseException | None = None
            while not result:
                try:
                    update = await (updates.athrow(error) if error else anext(updates))
                    error = None
                except StopAsyncIteration:
                    break
                try:
                    returned = on_update(update) if on_update else None
                    if inspect.isawaitable(returned):
                        await returned
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        return result[0]

    def iterate(self, flow: Flow[Any]) -> Iterator[QueueUpdate]:
        """Run a flow and yield its updates."""
        return self._drive(flow, [])

    def aiterate(self, flow: Flow[Any]) -> AsyncIterator[QueueUpdate]:
        """Run a flow without blocking and yield its updates."""
        return self._adrive(flow, [])

    def close(self) -> None:
        """Close the sync connections."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and the sync ones."""
        await self._clients.aclose()

    def _drive(
        self, flow: Flow[_T], result: list[_T]
    ) -> Generator[QueueUpdate, None, None]:
        stream: EventStream | None = None
        value: Any = None
        error: BaseException | None = None
        try:
            while True:
                try:
                    effect = flow.throw(error) if error else flow.send(value)
                except StopIteration as end:
                    result.append(end.value)
                    return
                value, error = None, None
                if stream and stream.is_ended_by(effect):
                    stream.close()
                    stream = None
                try:
                    if isinstance(effect, Notify):
                        yield effect.update
                    elif isinstance(effect, Listen):
                        stream = stream or EventStream(self._clients, effect)
                        value = stream.next()
                    else:
                        value = self._perform(effect)
                except GeneratorExit:
                    raise
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        finally:
            if stream:
                stream.close()
            flow.close()

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Send():
                return self._send(effect)
            case Sleep(seconds):
                time.sleep(seconds)
            case Call(function):
                return function()
            case Gather(flows, limit):
                return self._gather(flows, limit)
        return None

    def _send(self, send: Send) -> HttpResponse:
        body = ResponseBody(send)
        response = self._clients.send(send.request)
        try:
            body.start(response)
            for chunk in response.iter_bytes():
                body.write(chunk)
            return body.finish()
        finally:
            response.close()

    def _gather(self, flows: Sequence[Flow[Any]], limit: int) -> list[Any]:
        stopped = threading.Event()
        failed: list[BaseException] = []

        def run(flow: Flow[Any]) -> Any:
            try:
                return self.run(_stop_when(stopped, flow))
            except CancelledError:
                raise
            except BaseException as error:
                failed.append(error)
                stopped.set()
                raise

        pool = ThreadPoolExecutor(min(limit, len(flows)) or 1, "fal")
        try:
            futures = [pool.submit(run, each) for each in flows]
            wait(futures, return_when=FIRST_EXCEPTION)
            if failed:
                raise failed[0]
            return [each.result() for each in futures]
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)

    async def _adrive(
        self, flow: Flow[_T], result: list[_T]
    ) -> AsyncGenerator[QueueUpdate, None]:
        stream: AsyncEventStream | None = None
        value: Any = None
        error: BaseException | None = None
        interruption = _Interruption()
        try:
            while True:
                try:
                    effect = flow.throw(error) if error else flow.send(value)
                except StopIteration as end:
                    interruption.raise_if_late()
                    result.append(end.value)
                    return
                except Exception as failed:
                    interruption.raise_if_late(failed)
                    raise
                value, error = None, None
                if stream and stream.is_ended_by(effect):
                    await stream.end(effect)
                    stream = None
                try:
                    interruption.raise_if_late()
                    if isinstance(effect, Notify):
                        yield effect.update
                    elif isinstance(effect, Listen):
                        stream = stream or AsyncEventStream(self._clients, effect)
                        value = await stream.next()
                    else:
                        value = await self._aperform_patiently(effect, interruption)
                except GeneratorExit:
                    raise
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
                    interruption.has_begun = not isinstance(raised, Exception)
        finally:
            if stream:
                await stream.aclose()
            flow.close()

    async def _aperform_patiently(
        self, effect: Effect, interruption: _Interruption
    ) -> Any:
        if interruption.has_begun:
            # What a cancelled flow still does, such as the cancel at fal, is not
            # cancelled a second time.
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
        body = ResponseBody(send)
        response = await self._clients.asend(send.request)
        try:
            body.start(response)
            async for chunk in response.aiter_bytes():
                if body.write(chunk, flush_above=_FLUSH_ABOVE_BYTES):
                    await asyncio.to_thread(body.flush)
            return body.finish()
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


def _stop_when(stopped: threading.Event, flow: Flow[_T]) -> Flow[_T]:
    """Run a flow until another one has failed; then start nothing more of it."""
    if stopped.is_set():
        flow.close()
        raise CancelledError
    value: Any = None
    error: BaseException | None = None
    while True:
        try:
            effect = flow.throw(error) if error else flow.send(value)
        except StopIteration as end:
            return cast("_T", end.value)
        if stopped.is_set():
            flow.close()
            raise CancelledError
        value, error = None, None
        try:
            value = yield effect
        except Exception as raised:  # noqa: BLE001 - thrown into the flow
            error = raised


class _Interruption:
    """An interruption of a flow, and one that the flow has yet to receive."""

    def __init__(self) -> None:
        self.has_begun = False
        self.late: BaseException | None = None

    def raise_if_late(self, failed: Exception | None = None) -> None:
        late, self.late = self.late, None
        if late is not None:
            raise late from failed
