"""Effects that flows yield, and the HTTP values that they exchange.

A flow is a generator without I/O. It yields one of these effects and receives the
result; a transport failure is thrown into it:

- `Send`: one HTTP exchange; returns an `HttpResponse`.
- `Listen`: the next item of an event stream. The first one opens the stream; any other
  effect except `Notify` and `Call` closes it. Returns a `StreamEvent`, `HEARTBEAT`,
  `STREAM_END`, or an `HttpResponse` if the response is not an event stream.
- `Sleep`: a pause.
- `Notify`: an update of a request, for the caller's callback.
- `Call`: a blocking function, such as reading a file.
- `Gather`: several flows that run concurrently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Self, TypeAlias, TypeVar

from langchain_fal_image._formats.hidden import HiddenBytes, hide_base64
from langchain_fal_image.wire.bodies import Body
from langchain_fal_image.wire.queue import QueueUpdate

__all__ = [
    "HEARTBEAT",
    "STREAM_END",
    "BadEncoding",
    "Call",
    "Effect",
    "Flow",
    "Gather",
    "HttpRequest",
    "HttpResponse",
    "Listen",
    "NotSent",
    "Notify",
    "OutOfTime",
    "ReplyLost",
    "Send",
    "Sleep",
    "StreamEvent",
    "TooLarge",
    "TransportFailure",
    "Unsendable",
    "encode_json",
    "parse_json",
]

_T = TypeVar("_T")
_DEEPEST_NESTING = 100
_MAX_VALUES = 1_000_000


class TransportFailure(Exception):  # noqa: N818 - thrown into flows, never to users
    """An HTTP exchange without a complete response."""

    @classmethod
    def from_error(cls, error: Exception) -> Self:
        """Return the failure for an error of the HTTP library."""
        kind, text = type(error).__name__, str(error)
        return cls(f"{kind}: {text}" if text else kind)


class NotSent(TransportFailure):
    """The connection did not open: the server certainly received nothing."""


class Unsendable(NotSent):
    """The request cannot be expressed in HTTP: a retry would not help."""


class OutOfTime(TransportFailure):
    """The deadline leaves no time for the next attempt."""


class ReplyLost(TransportFailure):
    """The request was sent, or may have been; no complete response came back."""


class TooLarge(TransportFailure):
    """The response exceeds the size limit and was not read to its end."""


class BadEncoding(TransportFailure):
    """The response is compressed in a way that the request did not accept."""


def parse_json(text: str | bytes) -> Any:
    """Parse JSON from an untrusted source; its repr shows no base64.

    Raises:
        ValueError: It is not JSON, or it is nested too deeply or has too many values
            to be processed.
    """
    marks: Any = (",", "[", "{") if isinstance(text, str) else (b",", b"[", b"{")
    if len(text) > _MAX_VALUES and sum(map(text.count, marks)) > _MAX_VALUES:
        message = "it has too many values"
        raise ValueError(message)
    message = "it is nested too deeply"
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(message) from error
    level, depth = [value], 0
    while level := [child for each in level for child in _children(each)]:
        depth += 1
        if depth > _DEEPEST_NESTING:
            raise ValueError(message)
    return hide_base64(value)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def encode_json(payload: Any) -> bytes:
    """Return a payload as compact JSON.

    Raises:
        ValueError: It contains NaN or an infinite number, which JSON does not have.
    """
    text = json.dumps(
        payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return HiddenBytes(text.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """An HTTP request, without the key.

    Attributes:
        method: The HTTP method.
        url: Absolute URL.
        headers: Headers in addition to those of every request.
        content: The body: bytes, or a source that is read while it is sent.
        read_timeout: Time until the next bytes arrive, in seconds.
        total_timeout: Time until the whole response has arrived, in seconds.
        max_bytes: The largest response body.
        client: `api` for fal's API, `media` for files on any host.
        needs_key: Whether fal's API requires a key. If not, it is sent if there is one.
    """

    method: Literal["GET", "POST", "PUT"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | Body | None = field(default=None, repr=False)
    read_timeout: float
    total_timeout: float = float("inf")
    max_bytes: int
    client: Literal["api", "media"] = "api"
    needs_key: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An HTTP response with its body.

    Attributes:
        status: The status code.
        headers: Names in lower case.
        body: Decompressed.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP status codes

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 500 or above."""
        return self.status >= 500  # noqa: PLR2004 - HTTP status codes

    def json(self) -> Any:
        """Parse the body as JSON; of an event stream, its last event.

        Raises:
            ValueError: It is not JSON.
        """
        body = self.body
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            # An endpoint `…/stream` sends its output last
            # (docs.fal.ai, documentation/model-apis/inference/streaming).
            body = re.split(rb"^data:", body, flags=re.MULTILINE)[-1]
        return parse_json(body)

    def json_or_none(self) -> Any:
        """Parse the body as JSON; return None if it is not JSON."""
        try:
            return self.json()
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event of a stream: its `data`."""

    data: str = field(repr=False)


HEARTBEAT: Literal["heartbeat"] = "heartbeat"
STREAM_END: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; the result is an `HttpResponse`.

    Attributes:
        request: The request.
        patience: How long a cancelled task still waits for the response, in seconds.
            If it arrives, the flow receives it first, and the cancellation with its
            next effect. Submits need this: their response contains the id of a
            request that costs money.
        into: File that receives the body of a 2xx response instead of
            `HttpResponse.body`. Existing content is overwritten.
    """

    request: HttpRequest
    patience: float = 0.0
    into: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Return the next item of the stream that a request opens.

    Yielding the same object again continues with the same stream.
    """

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Sleep:
    """Pause for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Notify:
    """Pass an update to the caller's callback."""

    update: QueueUpdate


@dataclass(frozen=True, slots=True)
class Call:
    """Call a blocking function; the result is its return value.

    Attributes:
        function: Called directly by the sync driver, and in the event loop's executor
            by the async one unless `coroutine` is set.
        coroutine: Awaited by the async driver in place of `function`.
    """

    function: Callable[[], Any]
    coroutine: Callable[[], Awaitable[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Gather:
    """Run several flows concurrently; the result is a list in their order.

    The first failure ends the others and is thrown into the flow that yielded this
    effect. Updates of the flows are dropped.

    Attributes:
        flows: Flows that have not started.
        limit: How many run at the same time.
    """

    flows: Sequence[Flow[Any]]
    limit: int


Effect: TypeAlias = Send | Listen | Sleep | Notify | Call | Gather
Flow: TypeAlias = Generator[Effect, Any, _T]
