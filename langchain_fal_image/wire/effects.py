"""What a flow asks for, what it is answered, and the values it deals in.

A flow is a generator that does no I/O. It yields one of these effects and is sent the
answer; a failure of the transport is thrown into it:

- `Send`: one HTTP exchange. Answered with an `HttpResponse`.
- `Listen`: the next item of an event stream. The first opens it; any other effect
  but `Notify` closes it. Answered with `StreamEvent`, `HEARTBEAT`, `STREAM_END`, or
  an `HttpResponse` where the answer was no event stream.
- `Drain`: the stream has said all that matters.
- `Sleep`: a pause.
- `Notify`: news of a request, for whoever watches.
- `Call`: a function that blocks, such as reading a file.
- `Gather`: several flows, run at once.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, TypeAlias, TypeVar

from langchain_fal_image.wire.bodies import Body
from langchain_fal_image.wire.queue import QueueUpdate

__all__ = [
    "HEARTBEAT",
    "STREAM_END",
    "Call",
    "Drain",
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
    "parse_json",
]

_T = TypeVar("_T")
_DEEPEST = 100


class TransportFailure(Exception):  # noqa: N818 - thrown into flows, never to users
    """An HTTP exchange did not end in an answer."""


class NotSent(TransportFailure):
    """The connection never opened: the other side surely received nothing."""


class Unsendable(NotSent):
    """The request cannot be written as HTTP: another try would not help."""


class OutOfTime(TransportFailure):
    """The deadline leaves no time for another try that would have been made."""


class ReplyLost(TransportFailure):
    """The request went out, or may have; no whole answer came back."""


class TooLarge(TransportFailure):
    """The answer was larger than allowed and was not read to its end."""


def parse_json(text: str | bytes) -> Any:
    """Parse JSON from an untrusted source.

    Raises:
        ValueError: It is none, or is nested too deeply to be worked with.
    """
    message = "it is nested too deeply"
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(message) from error
    level, depth = [value], 0
    while level := [inner for each in level for inner in _inside(each)]:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(message)
    return value


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request; the key is no part of it.

    Attributes:
        method: HTTP's.
        url: Absolute.
        headers: Beside those that every request has.
        content: The body: bytes, or what is read while it is sent.
        read_timeout: How long to wait for the next bytes, in seconds.
        total_timeout: How long the whole answer may take, in seconds.
        max_bytes: How large the answer may be.
        client: `api` for fal's API, `media` for files that lie anywhere.
    """

    method: Literal["GET", "POST", "PUT"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Body | None = field(default=None, repr=False)
    read_timeout: float
    total_timeout: float = float("inf")
    max_bytes: int
    client: Literal["api", "media"] = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One HTTP answer.

    Attributes:
        status: HTTP's.
        headers: Names in lower case.
        body: Decompressed.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's

    def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            ValueError: It is none.
        """
        return parse_json(self.body)

    def json_or_none(self) -> Any:
        """Read the body as JSON; None where it is none."""
        try:
            return self.json()
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a stream: its `data`."""

    data: str = field(repr=False)


HEARTBEAT: Literal["heartbeat"] = "heartbeat"
STREAM_END: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class Send:
    """Exchange a request for an `HttpResponse`.

    Attributes:
        request: What is sent.
        patience: How long a cancelled task still waits for the answer, in seconds.
            Where it comes, the flow gets it, and the cancellation with the effect
            after it. For what must not be abandoned halfway: the answer to a submit
            is the id of something that was paid for.
        into: Where the body of an answer of 2xx is written, instead of into the
            answer. What is in the file is dropped first.
    """

    request: HttpRequest
    patience: float = 0.0
    into: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Give the next item of the stream that a request opens.

    Yielding the same object again goes on with the stream.
    """

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Drain:
    """Let a stream end by itself, beside what follows.

    A server ends a stream a moment after its last event; read to its end, it leaves a
    connection that can be used again. The sync driver, which would have to wait for
    that, closes it.
    """


@dataclass(frozen=True, slots=True)
class Sleep:
    """Pause, for a time in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell whoever watches."""

    update: QueueUpdate


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function that blocks and give what it returns.

    Attributes:
        function: Called as it is by the sync driver, and in the event loop's executor
            by the async one unless it has a `coroutine`.
        coroutine: What the async driver awaits instead.
    """

    function: Callable[[], Any]
    coroutine: Callable[[], Awaitable[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Gather:
    """Run several flows at once and give what they return, in their order.

    The first failure ends the others and is thrown into the flow that asked. News that
    they tell of is told to nobody.

    Attributes:
        flows: Not begun yet.
        limit: How many run at the same time.
    """

    flows: Sequence[Flow[Any]]
    limit: int


Effect: TypeAlias = Send | Listen | Drain | Sleep | Notify | Call | Gather
Flow: TypeAlias = Generator[Effect, Any, _T]
