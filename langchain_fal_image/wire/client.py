"""Runs flows on httpx: the only place where sync and async differ.

Each half is the same short loop over a flow's effects. A failure of the transport, an
interruption or an error of a callback is thrown into the flow, which decides what
happens then; what the flow does not catch reaches the caller as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any, TypeVar

import httpx

from langchain_fal_image.wire.clients import Clients
from langchain_fal_image.wire.effects import (
    STREAM_END,
    Call,
    Effect,
    Flow,
    HttpRequest,
    HttpResponse,
    Listen,
    Notify,
    NotSent,
    QueueUpdate,
    ReplyLost,
    Send,
    Sleep,
    StreamEvent,
    TooLarge,
    Unsendable,
)
from langchain_fal_image.wire.sse import EventDecoder

__all__ = ["Wire"]

_T = TypeVar("_T")
_OnUpdate = Callable[[QueueUpdate], Any]

# httpx's failures after which the other side surely received nothing.
_NEVER_OPENED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Wire:
    """Runs flows for one provider.

    Args:
        clients: The httpx clients to run them on.
    """

    def __init__(self, clients: Clients) -> None:
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
                        stream = stream or _Stream(self, effect)
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
            case Send(request=request):
                with _failures():
                    end = time.monotonic() + request.total_timeout
                    response = self.send(request)
                    try:
                        body = bytearray()
                        for chunk in response.iter_bytes():
                            body += chunk
                            _check(len(body), end, request)
                    finally:
                        response.close()
                return _answer(response, body)
            case Sleep(seconds):
                time.sleep(seconds)
            case Call(function):
                return function()
        return None

    def send(self, request: HttpRequest) -> httpx.Response:
        """Send a request and give its answer, the body not read yet."""
        client = self._clients.sync(request.client)
        built = self._clients.build(client, request)
        return client.send(built, stream=True, follow_redirects=False)

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
                    await stream.close()
                    stream = None
                try:
                    stop.raise_if_late()
                    if isinstance(effect, Notify):
                        yield effect.update
                    elif isinstance(effect, Listen):
                        stream = stream or _AsyncStream(self, effect)
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
            case Send(request=request):
                with _failures():
                    end = time.monotonic() + request.total_timeout
                    response = await self.asend(request)
                    try:
                        body = bytearray()
                        async for chunk in response.aiter_bytes():
                            body += chunk
                            _check(len(body), end, request)
                    finally:
                        await response.aclose()
                return _answer(response, body)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Call(function, None):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(None, function)
            case Call(_, coroutine) if coroutine is not None:
                return await coroutine()
        return None

    async def asend(self, request: HttpRequest) -> httpx.Response:
        """Send a request and give its answer, the body not read yet."""
        client = await self._clients.asynchronous(request.client)
        built = self._clients.build(client, request)
        return await client.send(built, stream=True, follow_redirects=False)


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

    def __init__(self, wire: Wire, listen: Listen) -> None:
        self.listen = listen
        self._wire = wire
        self._items = self._read()

    def next(self) -> StreamEvent | HttpResponse | str:
        with _failures():
            return next(self._items, STREAM_END)

    def close(self) -> None:
        self._items.close()

    def _read(self) -> Generator[StreamEvent | HttpResponse | str, None, None]:
        request = self.listen.request
        response = self._wire.send(request)
        try:
            if not _is_event_stream(response):
                yield _answer(response, b"")
                return
            decoder = EventDecoder(max_bytes=request.max_bytes)
            for chunk in response.iter_bytes():
                yield from decoder.feed(chunk)
        finally:
            response.close()


class _AsyncStream:
    """The same for the async driver."""

    def __init__(self, wire: Wire, listen: Listen) -> None:
        self.listen = listen
        self._wire = wire
        self._items = self._read()

    async def next(self) -> StreamEvent | HttpResponse | str:
        with _failures():
            return await anext(self._items, STREAM_END)

    async def close(self) -> None:
        await self._items.aclose()

    async def _read(self) -> AsyncGenerator[StreamEvent | HttpResponse | str, None]:
        request = self.listen.request
        response = await self._wire.asend(request)
        try:
            if not _is_event_stream(response):
                yield _answer(response, b"")
                return
            decoder = EventDecoder(max_bytes=request.max_bytes)
            async for chunk in response.aiter_bytes():
                for item in decoder.feed(chunk):
                    yield item
        finally:
            await response.aclose()


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Turn httpx's failures into those that flows know."""
    try:
        yield
    except _NEVER_OPENED as error:
        raise NotSent(_words(error)) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise ReplyLost(_words(error)) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Unsendable(_words(error)) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _answer(response: httpx.Response, body: bytes | bytearray) -> HttpResponse:
    return HttpResponse(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=bytes(body),
    )


def _check(size: int, end: float, request: HttpRequest) -> None:
    """Stop reading an answer that is too large, or that comes in drops."""
    if size > request.max_bytes:
        message = f"more than {request.max_bytes} bytes"
        raise TooLarge(message)
    if time.monotonic() > end:
        message = f"not whole after {request.total_timeout:.0f} s"
        raise ReplyLost(message)


def _is_event_stream(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status_code == httpx.codes.OK and kind == "text/event-stream"


def _ends_stream(effect: Effect, stream: _Stream | _AsyncStream) -> bool:
    return not isinstance(effect, Notify) and effect is not stream.listen
