"""Run flows without an event loop; `async_driver` runs them in one.

Transport failures, interruptions and errors of callbacks are thrown into the flow;
what it does not catch reaches the caller unchanged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    FIRST_EXCEPTION,
    CancelledError,
    ThreadPoolExecutor,
    wait,
)
from typing import Any, TypeVar, cast

from langchain_fal_image._formats.hidden import HiddenBytes
from langchain_fal_image.wire.async_driver import AsyncDriver
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
from langchain_fal_image.wire.queue import QueueUpdate
from langchain_fal_image.wire.responses import ResponseBody
from langchain_fal_image.wire.sse import EventDecoder, is_event_stream

__all__ = ["Driver"]

_T = TypeVar("_T")


class Driver(AsyncDriver):
    """Runs flows for one provider, sync here and async in `AsyncDriver`.

    Args:
        clients: The HTTP sessions of the provider.
        open_requests: Holds the requests that `run` and `arun` are waiting for, by id.
    """

    def run(
        self,
        flow: Flow[_T],
        on_update: Callable[[QueueUpdate], Any] | None = None,
    ) -> _T:
        """Run a flow and return its result.

        Args:
            flow: A flow that has not started.
            on_update: Called with each update.
        """
        result: list[_T] = []
        request_ids: set[str] = set()
        error: BaseException | None = None
        updates = self._drive(flow, result)
        try:
            while not result:
                try:
                    update = updates.throw(error) if error else next(updates)
                    error = None
                except StopIteration:
                    break
                request = update.request
                if request.request_id not in request_ids:
                    request_ids.add(request.request_id)
                    self._open_requests[request.request_id] = request
                try:
                    if on_update:
                        on_update(update)
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        finally:
            updates.close()
            for request_id in request_ids:
                self._open_requests.pop(request_id, None)
        return result[0]

    def iterate(self, flow: Flow[Any]) -> Iterator[QueueUpdate]:
        """Run a flow and yield its updates."""
        return self._drive(flow, [])

    def close(self) -> None:
        """Close the sync connections."""
        self._clients.close()

    def _drive(
        self, flow: Flow[_T], result: list[_T]
    ) -> Generator[QueueUpdate, None, None]:
        listen: Listen | None = None
        events: Generator[StreamEvent | HttpResponse | str, None, None] | None = None
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
                if events and not (
                    effect is listen or isinstance(effect, Notify | Call)
                ):
                    events.close()
                    events = None
                try:
                    if isinstance(effect, Notify):
                        yield effect.update
                    elif isinstance(effect, Listen):
                        listen = effect
                        events = events or self._read_events(effect.request)
                        value = next(events, STREAM_END)
                    else:
                        value = self._perform(effect)
                except GeneratorExit:
                    raise
                except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                    error = raised
        finally:
            if events:
                events.close()
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
            if send.into:
                body.open_file(response.status)
            for chunk in response.chunks:
                body.write(chunk)
        finally:
            response.close()
        return HttpResponse(
            status=response.status,
            headers=response.headers,
            body=HiddenBytes(response.redactor.clean(body.buffer.getvalue())),
        )

    def _read_events(
        self, request: HttpRequest
    ) -> Generator[StreamEvent | HttpResponse | str, None, None]:
        response = self._clients.send(request)
        try:
            if not is_event_stream(response):
                yield HttpResponse(status=response.status, headers=response.headers)
                return
            decoder = EventDecoder(
                max_bytes=request.max_bytes, clean=response.redactor.clean_text
            )
            for chunk in response.chunks:
                yield from decoder.feed(chunk)
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


def _stop_when(stopped: threading.Event, flow: Flow[_T]) -> Flow[_T]:
    """Run a flow; once `stopped` is set, close it before its next effect."""
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
