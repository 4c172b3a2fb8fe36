"""Following a request: by its status stream, else by asking again and again."""

from __future__ import annotations

from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.wire.context import Context, Deadline, exchange
from langchain_fal_image.wire.effects import (
    HEARTBEAT,
    STREAM_END,
    Drain,
    Flow,
    HttpResponse,
    Listen,
    OutOfTime,
    Sleep,
    StreamEvent,
    TransportFailure,
    parse_json,
)
from langchain_fal_image.wire.error_responses import (
    build_error,
    unreachable,
    unreadable,
)
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate
from langchain_fal_image.wire.retry import STATE
from langchain_fal_image.wire.status import Teller, read_update

__all__ = ["fetch_status", "follow", "watch"]

# A stream's read timeout is fixed when it opens; it is opened anew with a shorter one
# where the deadline came nearer than this, in seconds.
_SLACK_S = 1.0


def follow(
    ctx: Context,
    request: QueuedRequest,
    *,
    deadline: Deadline,
    told: QueueUpdate | None = None,
) -> Flow[QueueUpdate]:
    """Follow a request until fal says that it ended; tells of each change.

    The status stream says so at once. Where it cannot be had, breaks off, is silent
    for too long or talks nonsense, the state is asked for, at growing intervals, and
    the stream is tried a few times more.

    Args:
        ctx: See `Context`.
        request: Which one.
        deadline: Ends the wait.
        told: What was told of it before, and is not told again.

    Returns:
        The last state, `COMPLETED`; whether it succeeded, only the result tells.

    Raises:
        FalTimeoutError: The deadline passed, with the request to take up again.
        FalError: fal does not know the request, or cannot be reached.
    """
    request = ctx.homed(request)
    teller = Teller(request, told)
    streams = ctx.polling.stream_attempts
    interval = ctx.polling.first_pause
    while True:
        if streams > 0:
            streams -= 1
            usable = yield from _listen(ctx, request, teller, deadline)
            if teller.is_done:
                break
            if not usable:
                streams = 0
        if deadline.remaining <= 0:
            raise deadline.expired(request, teller.state)
        update = yield from fetch_status(
            ctx, request, deadline=deadline, last=teller.state
        )
        yield from teller.tell(update)
        if teller.is_done:
            break
        if deadline.remaining <= 0:
            raise deadline.expired(request, teller.state)
        yield Sleep(min(interval, deadline.remaining))
        interval = min(interval * ctx.polling.factor, ctx.polling.longest_pause)
    return teller.last


def watch(ctx: Context, request: QueuedRequest) -> Flow[None]:
    """Follow a request for its updates alone, under `timeouts.total`."""
    yield from follow(ctx, request, deadline=ctx.deadline())


def _listen(
    ctx: Context, request: QueuedRequest, teller: Teller, deadline: Deadline
) -> Flow[bool]:
    """Tell what the stream says; give whether it is worth trying again."""
    listening: Listen | None = None
    while True:
        left = deadline.remaining
        if left <= 0:
            return True
        if listening is None or left + _SLACK_S < listening.request.read_timeout:
            listening = Listen(
                ctx.build_request(
                    "GET",
                    f"{request.status_url}/stream?logs=1",
                    headers={"accept": "text/event-stream"},
                    read_timeout=min(ctx.timeouts.stream_silence, left),
                )
            )
        try:
            item = yield listening
        except TransportFailure:
            return True
        if isinstance(item, HttpResponse):
            return item.status >= 500 or item.status == 429  # noqa: PLR2004 - HTTP's
        if item == STREAM_END:
            return True
        if item == HEARTBEAT:
            continue
        update = _event(item, request)
        if update is None:
            return True
        yield from teller.tell(update)
        if teller.is_done:
            yield Drain()
            return True


def _event(item: StreamEvent, request: QueuedRequest) -> QueueUpdate | None:
    try:
        return read_update(parse_json(item.data), request)
    except ValueError:
        return None


def fetch_status(
    ctx: Context,
    request: QueuedRequest,
    *,
    logs: bool = True,
    deadline: Deadline | None = None,
    last: str = "unknown",
) -> Flow[QueueUpdate]:
    """Ask once how far a request is.

    Args:
        ctx: See `Context`.
        request: Which one.
        logs: Whether its log lines are wanted.
        deadline: Ends the tries.
        last: What is known of its state, for the error where time runs out.

    Raises:
        FalTimeoutError: The deadline passed.
        FalError: fal does not know it, or cannot be reached.
    """
    request = ctx.homed(request)
    asked = ctx.build_request("GET", f"{request.status_url}?logs={int(logs)}")
    try:
        response = yield from exchange(ctx, asked, STATE, deadline=deadline)
    except OutOfTime as error:
        yield Sleep(max(0.0, deadline.remaining if deadline else 0.0))
        raise (deadline or ctx.deadline()).expired(request, last) from error
    except TransportFailure as error:
        raise unreachable(error, request) from error
    if not response.ok:
        raise build_error(response, model=request.endpoint_id, request=request)
    update = read_update(response.json_or_none(), request)
    if update is None:
        message = f"fal's state of request {request.request_id} cannot be read."
        raise FalResponseError(
            message,
            body=unreadable(response.body),
            model=request.endpoint_id,
            request=request,
        )
    return update
