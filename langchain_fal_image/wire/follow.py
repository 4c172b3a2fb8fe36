"""Following a request: by its status stream, or by polling its status."""

from __future__ import annotations

from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.wire.context import Context, Deadline, exchange
from langchain_fal_image.wire.effects import (
    HEARTBEAT,
    STREAM_END,
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
    build_connection_error,
    build_error,
    quote_body,
)
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate
from langchain_fal_image.wire.retry import STATUS, iterate_pauses
from langchain_fal_image.wire.status import StatusTracker, parse_update

__all__ = ["fetch_status", "follow", "watch"]

# The read timeout of a stream is fixed when it opens; the stream is reopened with a
# shorter one once the deadline is nearer by more than this.
_SLACK_S = 1.0


def follow(
    ctx: Context,
    request: QueuedRequest,
    *,
    deadline: Deadline,
    last: QueueUpdate | None = None,
) -> Flow[QueueUpdate]:
    """Follow a request until fal reports that it ended; emit each change.

    The status stream reports the end at once. While the stream is not available,
    breaks off, is silent for too long or cannot be parsed, the status is polled at
    growing intervals, and the stream is tried a few times more.

    Args:
        ctx: Settings and clock.
        request: The request.
        deadline: Ends the wait.
        last: An update that was emitted before, and is not emitted again.

    Returns:
        The last status, `COMPLETED`; only the result says whether it succeeded.

    Raises:
        FalTimeoutError: The deadline passed; contains the request.
        FalError: fal does not know the request, or cannot be reached.
    """
    request = ctx.replace_foreign_urls(request)
    tracker = StatusTracker(request, last)
    streams_left = ctx.polling.stream_attempts
    for pause in iterate_pauses(ctx.polling):
        if streams_left > 0:
            streams_left -= 1
            is_usable = yield from _listen(ctx, request, tracker, deadline)
            if tracker.is_completed:
                break
            if not is_usable:
                streams_left = 0
        if deadline.remaining <= 0:
            raise deadline.build_error(request, tracker.status)
        update = yield from fetch_status(
            ctx, request, deadline=deadline, last_status=tracker.status
        )
        yield from tracker.emit(update)
        if tracker.is_completed:
            break
        if deadline.remaining <= 0:
            raise deadline.build_error(request, tracker.status)
        yield Sleep(min(pause, deadline.remaining))
    return tracker.last


def watch(ctx: Context, request: QueuedRequest) -> Flow[None]:
    """Follow a request for its updates alone, for at most `Timeouts.total`."""
    yield from follow(ctx, request, deadline=ctx.start_deadline())


def _listen(
    ctx: Context, request: QueuedRequest, tracker: StatusTracker, deadline: Deadline
) -> Flow[bool]:
    """Emit what the stream reports; return whether the stream may be tried again."""
    listen: Listen | None = None
    while True:
        left = deadline.remaining
        if left <= 0:
            return True
        if listen is None or left + _SLACK_S < listen.request.read_timeout:
            # The URL is that of libs/client/src/queue.ts of fal-js.
            listen = Listen(
                ctx.build_request(
                    "GET",
                    f"{request.status_url}/stream?logs=1",
                    headers={"accept": "text/event-stream"},
                    read_timeout=min(ctx.timeouts.stream_silence, left),
                )
            )
        try:
            item = yield listen
        except TransportFailure:
            return True
        if isinstance(item, HttpResponse):
            return item.is_server_error or item.status == 429  # noqa: PLR2004 - HTTP status codes
        if item == STREAM_END:
            return True
        if item == HEARTBEAT:
            continue
        update = _parse_event(item, request)
        if update is None:
            return True
        yield from tracker.emit(update)
        if tracker.is_completed:
            return True


def _parse_event(event: StreamEvent, request: QueuedRequest) -> QueueUpdate | None:
    try:
        return parse_update(parse_json(event.data), request)
    except ValueError:
        return None


def fetch_status(
    ctx: Context,
    request: QueuedRequest,
    *,
    logs: bool = True,
    deadline: Deadline | None = None,
    last_status: str = "unknown",
) -> Flow[QueueUpdate]:
    """Fetch the status of a request once.

    Args:
        ctx: Settings and clock.
        request: The request.
        logs: Whether to request its log lines.
        deadline: Ends the attempts.
        last_status: The last known status, for the message of a timeout.

    Raises:
        FalTimeoutError: The deadline passed.
        FalError: fal does not know the request, or cannot be reached.
    """
    request = ctx.replace_foreign_urls(request)
    get = ctx.build_request("GET", f"{request.status_url}?logs={int(logs)}")
    try:
        response = yield from exchange(ctx, get, rule=STATUS, deadline=deadline)
    except OutOfTime as error:
        yield Sleep(max(0.0, deadline.remaining if deadline else 0.0))
        until = deadline or ctx.start_deadline()
        raise until.build_error(request, last_status) from error
    except TransportFailure as error:
        raise build_connection_error(error, request) from error
    if not response.is_success:
        raise build_error(response, model=request.endpoint_id, request=request)
    update = parse_update(response.json_or_none(), request)
    if update is None:
        message = f"fal's status of request {request.request_id} cannot be parsed."
        raise FalResponseError(
            message,
            body=quote_body(response.body),
            model=request.endpoint_id,
            request=request,
        )
    return update
