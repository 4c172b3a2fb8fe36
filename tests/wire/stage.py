"""A stage for flows: canned responses and a fake clock, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import httpx

from langchain_fal_image.wire.bodies import Body
from langchain_fal_image.wire.config import Polling, Retry
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import (
    STREAM_END,
    Call,
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
from langchain_fal_image.wire.pools import (
    POOL_LIMITS,
    AsyncPooledTransport,
    PooledTransport,
)
from langchain_fal_image.wire.queue import QueueUpdate

T = TypeVar("T")
MODEL = "fal-ai/nano-banana-pro/edit"
BASE = "https://queue.fal.run/fal-ai/nano-banana-pro/requests/r-1"
SUBMITTED = {
    "request_id": "r-1",
    "status": "IN_QUEUE",
    "queue_position": 2,
    "status_url": f"{BASE}/status",
    "response_url": BASE,
    "cancel_url": f"{BASE}/cancel",
}
IMAGE = {"images": [{"url": "https://v3.fal.media/files/a.png"}]}


def answer(status: int = 200, body: Any = None, **headers: str) -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status=status, headers=named, body=content)


def event(**state: Any) -> StreamEvent:
    return StreamEvent(json.dumps(state))


PENDING_STATUS = answer(202, {"status": "IN_QUEUE", "queue_position": 0})


class Stage:
    """Plays fal: each operation has a list of responses, of which the last repeats.

    An answer may be an exception, which is thrown; a stream is a list of items.
    """

    def __init__(self, **script: Any) -> None:
        self.script = {
            "submit": [answer(200, SUBMITTED)],
            "stream": [[event(status="COMPLETED", logs=None)]],
            "status": [answer(200, {"status": "COMPLETED", "logs": None})],
            "result": [answer(200, IMAGE)],
            "cancel": [answer(202, {"status": "CANCELLATION_REQUESTED"})],
            "run": [answer(200, IMAGE, x_fal_request_id="r-2")],
            "initiate": [
                answer(
                    200,
                    {
                        "upload_url": "https://up.example/put?sig=1",
                        "file_url": "https://v3.fal.media/in.png",
                    },
                )
            ],
            "put": [answer(200, {}, etag='"e"')],
            "media": [answer(200, b"bytes", content_type="image/png; x=1")],
            **script,
        }
        self.clock = 0.0
        self.polling = Polling()
        self.retry = Retry()
        self.sent: list[HttpRequest] = []
        self.slept: list[float] = []
        self.updates: list[QueueUpdate] = []
        self.listen_cost = 0.0
        self.interrupt: tuple[int, BaseException] | None = None
        self._stream: tuple[Listen, Iterator[Any]] | None = None
        self._effects = 0

    @property
    def context(self) -> Context:
        return Context(now=lambda: self.clock, polling=self.polling, retry=self.retry)

    def operations(self) -> list[str]:
        return [operation(each) for each in self.sent]

    def play(self, flow: Flow[T]) -> T:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = flow.throw(error) if error else flow.send(value)
            except StopIteration as end:
                result: T = end.value
                return result
            value, error = None, None
            try:
                self._maybe_interrupt()
                value = self._perform(effect)
            except BaseException as raised:  # noqa: BLE001 - thrown in, as drivers do
                error = raised

    def _maybe_interrupt(self) -> None:
        self._effects += 1
        if self.interrupt and self._effects == self.interrupt[0]:
            raise self.interrupt[1]

    def _perform(self, effect: Any) -> Any:
        if not isinstance(effect, Listen | Notify):
            self._stream = None
        match effect:
            case Send(request=request, into=into):
                self.sent.append(request)
                found = self._next(operation(request))
                if into and found.is_success:
                    into.write(found.body)
                    return replace(found, body=b"")
                return found
            case Listen(request):
                return self._heard(effect, request)
            case Sleep(seconds):
                self.slept.append(seconds)
                self.clock += seconds
            case Notify(update):
                self.updates.append(update)
            case Call(function):
                return function()
            case Gather(flows):
                return [self.play(each) for each in flows]
        return None

    def _heard(self, effect: Listen, request: HttpRequest) -> Any:
        self.clock += self.listen_cost
        if self._stream is None or self._stream[0] is not effect:
            self.sent.append(request)
            items = self._next("stream")
            if isinstance(items, HttpResponse):
                return items
            self._stream = (effect, iter(items))
        item = next(self._stream[1], STREAM_END)
        if isinstance(item, BaseException):
            raise item
        return item

    def _next(self, name: str) -> Any:
        answers = self.script[name]
        item = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(item, BaseException):
            raise item
        return item(self) if isinstance(item, Callable) else item  # type: ignore[arg-type]  # a callable answer is called


def operation(request: HttpRequest) -> str:
    path = request.url.partition("?")[0]
    if request.client == "media":
        return "media" if request.method == "GET" else "put"
    if "/storage/" in path:
        return "initiate"
    if path.startswith("https://fal.run/"):
        return "run"
    if request.method == "POST":
        return "submit"
    if request.method == "PUT":
        return "cancel"
    if path.endswith("/stream"):
        return "stream"
    return "status" if path.endswith("/status") else "result"


def make_pools() -> PooledTransport:
    return PooledTransport(lambda: httpx.HTTPTransport(limits=POOL_LIMITS))


def make_async_pools() -> AsyncPooledTransport:
    return AsyncPooledTransport(lambda: httpx.AsyncHTTPTransport(limits=POOL_LIMITS))


def body_of(request: HttpRequest) -> bytes:
    body = request.content
    return b"".join(body.iter_bytes()) if isinstance(body, Body) else body or b""
