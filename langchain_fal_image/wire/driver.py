"""Runs flows on httpx: the only place where sync and async differ.

Each half is the same short loop over a flow's effects. A failure of the transport, an
interruption or an error of a callback is thrown into the flow, which decides what
happens then; what the flow does not catch reaches the caller as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
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
from typing import Any, BinaryIO, TypeVar, cast

import httpx

from langchain_fal_image.wire.effects import (
    STREAM_END,
    Call,
    Drain,
    Effect,
    Flow,
    Gather,
    HttpRequest,
    HttpResponse,
    Listen,
    Notify,
    ReplyLost,
    Send,
    Sleep,
    StreamEvent,
    TooLarge,
)
from langchain_fal_image.wire.http_clients import HttpClients
from langchain_fal_image.wire.queue import QueueUpdate
from langchain_fal_image.wire.responses import AsyncReply, Reply, failures
from langchain_fal_image.wire.sse import EventDecoder

__all__ = ["Driver"]

_T = TypeVar("_T")
_OnUpdate = Callable[[QueueUpdate], Any]

_STREAM_END_S = 1.0
_WRITTEN_AT_ONCE = 256 * 1024


class Driver:
    """Runs flows for one provider.

    Args:
        clients: The httpx clients to run them on.
    """

    def __init__(self, clients: HttpClients) -> None:
        self._clients = clients

    def run(self, flow: Flow[_T], on_update: _OnUpdate | None = None) -> _T:
        """Run a flow to its end.

        Args:
            flow: Not begun yet.
            on_update: Called with each update.
        """
        done: list[_T] = []
        steps = self._steps(flow, done)
        with contextlib.closing(steps):
            error: BaseException | None = None
            while not done:
                try:
                    update = steps.throw(error) if error else next(steps)
                    error = None
                except StopIteration:
                    break
                try:
                    if on_update:
                        on_update(update)
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        return done[0]

    async def arun(self, flow: Flow[_T], on_update: _OnUpdate | None = None) -> _T:
        """Run a flow to its end without blocking; see `run`.

        What `on_update` returns is awaited, where it can be.
        """
        done: list[_T] = []
        steps = self._asteps(flow, done)
        async with contextlib.aclosing(steps):
            error: BaseException | None = None
            while not done:
                try:
                    update = await (steps.athrow(error) if error else anext(steps))
                    error = None
                except StopAsyncIteration:
                    break
                try:
                    told = on_update(update) if on_update else None
                    if inspect.isawaitable(told):
                        await told
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        return done[0]

    def iterate(self, flow: Flow[Any]) -> Iterator[QueueUpdate]:
        """Run a flow and give its updates one by one."""
        return self._steps(flow, [])

    def aiterate(self, flow: Flow[Any]) -> AsyncIterator[QueueUpdate]:
        """Run a flow and give its updates one by one; see `iterate`."""
        return self._asteps(flow, [])

    def close(self) -> None:
        """Close the sync connections."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and the sync ones."""
        await self._clients.aclose()

    # --- Sync ---

    def _steps(
        self, flow: Flow[_T], done: list[_T]
    ) -> Generator[QueueUpdate, None, None]:
        stream: _Stream | None = None
        answer: Any = None
        error: BaseException | None = None
        try:
            while True:
                try:
                    effect = flow.throw(error) if error else flow.send(answer)
                except StopIteration as end:
                    done.append(end.value)
                    return
                answer, error = None, None
                if stream and _ends_stream(effect, stream):
                    stream.close()
                    stream = None
                try:
                    if isinstance(effect, Notify):
                        yield effect.update
                    elif isinstance(effect, Listen):
                        stream = stream or _Stream(self._clients, effect)
                        answer = stream.next()
                    else:
                        answer = self._perform(effect)
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
            case Send(request=request, into=into):
                with failures():
                    end = time.monotonic() + request.total_timeout
                    reply = self._clients.send(request)
                    try:
                        body = _Content(reply, into)
                        for piece in reply.pieces():
                            body.write(piece)
                            _check(body.size, end, request)
                        return body.answer(reply)
                    finally:
                        reply.close()
            case Sleep(seconds):
                time.sleep(seconds)
            case Call(function):
                return function()
            case Gather(flows, limit):
                return self._gather(flows, limit)
        return None

    def _gather(self, flows: Sequence[Flow[Any]], limit: int) -> list[Any]:
        stopped = threading.Event()
        failed: list[BaseException] = []

        def run(flow: Flow[Any]) -> Any:
            try:
                return self.run(_until(stopped, flow))
            except CancelledError:
                raise
            except BaseException as error:
                failed.append(error)
                stopped.set()
                raise

        pool = ThreadPoolExecutor(min(limit, len(flows)) or 1, "fal")
        try:
            begun = [pool.submit(run, each) for each in flows]
            wait(begun, return_when=FIRST_EXCEPTION)
            if failed:
                raise failed[0]
            return [each.result() for each in begun]
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)

    # --- Async ---

    async def _asteps(
        self, flow: Flow[_T], done: list[_T]
    ) -> AsyncGenerator[QueueUpdate, None]:
        stream: _AsyncStream | None = None
        answer: Any = None
        error: BaseException | None = None
        stop = _Interruption()
        try:
            while True:
                try:
                    effect = flow.throw(error) if error else flow.send(answer)
                except StopIteration as end:
                    stop.raise_if_late()
                    done.append(end.value)
                    return
                except Exception as failed:
                    stop.raise_if_late(failed)
                    raise
                answer, error = None, None
                if stream and _ends_stream(effect, stream):
                    await self._let_go(stream, effect)
                    stream = None
                try:
                    stop.raise_if_late()
                    if isinstance(effect, Notify):
                        yield effect.update
                    elif isinstance(effect, Listen):
                        stream = stream or _AsyncStream(self._clients, effect)
                        answer = await stream.next()
                    else:
                        answer = await self._aanswer(effect, stop)
                except GeneratorExit:
                    raise
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
                    stop.begun = not isinstance(raised, Exception)
        finally:
            if stream:
                await stream.close()
            flow.close()

    async def _let_go(self, stream: _AsyncStream, effect: Effect) -> None:
        if isinstance(effect, Drain):
            self._clients.in_background(stream.drain())
        else:
            await stream.close()

    async def _aanswer(self, effect: Effect, stop: _Interruption) -> Any:
        if stop.begun:
            # What a cancelled flow still does, such as telling fal, is not cancelled
            # a second time.
            return await self._clients.shielded(self._aperform(effect))
        if not isinstance(effect, Send) or not effect.patience:
            return await self._aperform(effect)
        task = asyncio.ensure_future(self._aperform(effect))
        try:
            return await self._clients.shielded(task)
        except asyncio.CancelledError as cancelled:
            await asyncio.wait({task}, timeout=effect.patience)
            if not task.done() or task.cancelled():
                task.cancel()
                raise
            stop.late = cancelled
            return task.result()

    async def _aperform(self, effect: Effect) -> Any:
        match effect:
            case Send(request=request, into=into):
                with failures():
                    end = time.monotonic() + request.total_timeout
                    reply = await self._clients.asend(request)
                    try:
                        body = _Content(reply, into)
                        async for piece in reply.pieces():
                            if body.write(piece, most=_WRITTEN_AT_ONCE):
                                await asyncio.to_thread(body.flush)
                            _check(body.size, end, request)
                        return body.answer(reply)
                    finally:
                        await reply.close()
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

    async def _agather(self, flows: Sequence[Flow[Any]], limit: int) -> list[Any]:
        room = asyncio.Semaphore(limit)

        async def run(flow: Flow[Any]) -> Any:
            async with room:
                return await self.arun(flow)

        tasks = [asyncio.ensure_future(run(each)) for each in flows]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _until(stopped: threading.Event, flow: Flow[_T]) -> Flow[_T]:
    """Run a flow, but begin nothing more of it once the others have failed."""
    if stopped.is_set():
        flow.close()
        raise CancelledError
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            effect = flow.throw(error) if error else flow.send(answer)
        except StopIteration as end:
            return cast("_T", end.value)
        if stopped.is_set():
            flow.close()
            raise CancelledError
        answer, error = None, None
        try:
            answer = yield effect
        except Exception as raised:  # noqa: BLE001 - thrown into the flow
            error = raised


class _Content:
    """The body of an answer while it comes: in memory, or in a file."""

    def __init__(self, reply: Reply | AsyncReply, into: BinaryIO | None) -> None:
        self.size = 0
        is_ok = httpx.codes.OK <= reply.status < httpx.codes.MULTIPLE_CHOICES
        self._file = into if is_ok else None
        if self._file:
            self._file.seek(0)
            self._file.truncate()
        self._held = io.BytesIO()

    def write(self, piece: bytes, *, most: int = 0) -> bool:
        """Take a piece; tell whether so much is held that it must be flushed."""
        self.size += len(piece)
        if self._file and not most:
            self._file.write(piece)
            return False
        self._held.write(piece)
        return self._file is not None and self._held.tell() > most

    def flush(self) -> None:
        """Write what is held into the file."""
        if self._file:
            self._file.write(self._held.getvalue())
            self._held = io.BytesIO()

    def answer(self, reply: Reply | AsyncReply) -> HttpResponse:
        """Give the whole answer."""
        self.flush()
        return _answer(reply, self._held.getvalue())


class _Interruption:
    """Whether a flow was interrupted, and an interruption it has yet to hear of."""

    def __init__(self) -> None:
        self.begun = False
        self.late: BaseException | None = None

    def raise_if_late(self, failed: Exception | None = None) -> None:
        late, self.late = self.late, None
        if late is not None:
            raise late from failed


class _Stream:
    """An event stream that is read as a flow asks for it."""

    def __init__(self, clients: HttpClients, listen: Listen) -> None:
        self.listen = listen
        self._clients = clients
        self._items = self._read()

    def next(self) -> StreamEvent | HttpResponse | str:
        with failures():
            return next(self._items, STREAM_END)

    def close(self) -> None:
        self._items.close()

    def _read(self) -> Generator[StreamEvent | HttpResponse | str, None, None]:
        request = self.listen.request
        reply = self._clients.send(request)
        try:
            if not _is_event_stream(reply):
                yield _answer(reply, b"")
                return
            decoder = EventDecoder(max_bytes=request.max_bytes)
            for chunk in reply.pieces():
                yield from decoder.feed(chunk)
        finally:
            reply.close()


class _AsyncStream:
    """The same for the async driver."""

    def __init__(self, clients: HttpClients, listen: Listen) -> None:
        self.listen = listen
        self._clients = clients
        self._items = self._read()

    async def next(self) -> StreamEvent | HttpResponse | str:
        with failures():
            return await anext(self._items, STREAM_END)

    async def drain(self) -> None:
        try:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_STREAM_END_S):
                    async for _ in self._items:
                        pass
        finally:
            await self.close()

    async def close(self) -> None:
        await self._items.aclose()

    async def _read(self) -> AsyncGenerator[StreamEvent | HttpResponse | str, None]:
        request = self.listen.request
        reply = await self._clients.asend(request)
        try:
            if not _is_event_stream(reply):
                yield _answer(reply, b"")
                return
            decoder = EventDecoder(max_bytes=request.max_bytes)
            async for chunk in reply.pieces():
                for item in decoder.feed(chunk):
                    yield item
        finally:
            await reply.close()


def _answer(reply: Reply | AsyncReply, body: bytes) -> HttpResponse:
    return HttpResponse(status=reply.status, headers=reply.headers, body=body)


def _check(size: int, end: float, request: HttpRequest) -> None:
    """Stop reading an answer that is too large, or that comes in drops."""
    if size > request.max_bytes:
        message = f"more than {request.max_bytes} bytes"
        raise TooLarge(message)
    if time.monotonic() > end:
        message = f"not whole after {request.total_timeout:.0f} s"
        raise ReplyLost(message)


def _is_event_stream(reply: Reply | AsyncReply) -> bool:
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return reply.status == httpx.codes.OK and kind == "text/event-stream"


def _ends_stream(effect: Effect, stream: _Stream | _AsyncStream) -> bool:
    return not isinstance(effect, Notify) and effect is not stream.listen
