"""The life of a request as generators without I/O: submit, follow, fetch the result.

`effects` describes how a flow communicates with its driver. A flow reads like ordinary
code: `response = yield Send(request)`; a lost connection is an exception at that line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from langchain_fal_image.wire import queue_api
from langchain_fal_image.wire.config import Polling
from langchain_fal_image.wire.context import Context, Deadline
from langchain_fal_image.wire.effects import (
    HEARTBEAT,
    STREAM_END,
    Flow,
    HttpRequest,
    HttpResponse,
    Listen,
    Notify,
    Send,
    Sleep,
    StreamEvent,
    TransportFailure,
    parse_json,
)
from langchain_fal_image.wire.queue import (
    LogEntry,
    Output,
    QueuedRequest,
    QueueUpdate,
    parse_update,
)

__all__ = ["cancel", "fetch_status", "generate", "resume", "submit", "watch"]

_log = logging.getLogger("langchain_fal_image")

# The read timeout of a stream is fixed when it opens. Once that timeout ends later than
# the deadline by more than this, the stream is opened again with a shorter one.
_SLACK_S = 1.0
_MAX_LOGS = 10_000


def submit(
    ctx: Context,
    model: str,
    payload: Mapping[str, Any],
    *,
    deadline: Deadline | None = None,
    webhook_url: str | None = None,
) -> Flow[QueuedRequest]:
    """Submit a request.

    Emits the request (`Notify`) as soon as fal accepts it. If the caller is interrupted
    before it receives the id, the request is cancelled at fal.

    Args:
        ctx: Settings and clock.
        model: The endpoint id.
        payload: The model's input.
        deadline: Ends the attempts; by default `Timeouts.total`.
        webhook_url: URL that fal sends the result to; fal also keeps the result.

    Raises:
        FalSubmitUncertainError: The submit was sent, and it is unknown whether fal
            accepted it.
        FalError: fal did not accept the request.
    """
    accepted = yield from queue_api.enqueue(
        ctx,
        model,
        payload,
        deadline=deadline or ctx.start_deadline(),
        webhook_url=webhook_url,
    )
    try:
        yield Notify(accepted)
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        # The caller never receives the id, so it could not cancel the request.
        yield from _try_cancel(ctx, accepted.request)
        raise
    return accepted.request


def generate(
    ctx: Context,
    model: str,
    payload: Mapping[str, Any],
    *,
    mode: Literal["queue", "sync"] = "queue",
    on_cancel: Literal["cancel", "keep"] = "cancel",
    timeout: float | None = None,
) -> Flow[Output]:
    """Submit a request, follow it and fetch its result, under one deadline.

    Args:
        ctx: Settings and clock.
        model: The endpoint id.
        payload: The model's input.
        mode: `queue`, or `sync` for one POST that returns the output.
        on_cancel: What happens to the request at fal if the wait is cancelled or
            interrupted.
        timeout: The total time in seconds; by default `Timeouts.total`.

    Raises:
        FalTimeoutError: The deadline passed; contains the request.
        FalError: As for `submit`; or the request failed, or its result cannot be
            fetched.
    """
    deadline = ctx.start_deadline(timeout)
    if mode == "sync":
        return (yield from queue_api.run_sync(ctx, model, payload, deadline=deadline))
    accepted = yield from queue_api.enqueue(ctx, model, payload, deadline=deadline)
    request = accepted.request
    try:
        yield Notify(accepted)
        return (yield from _await_output(ctx, request, deadline, last=accepted))
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        # Ctrl-C, or the task was cancelled: the output is not needed anymore.
        if on_cancel == "cancel":
            yield from _try_cancel(ctx, request)
        else:
            _log.warning(
                "request %s continues at fal (on_cancel='keep')", request.request_id
            )
        raise


def resume(
    ctx: Context, request: QueuedRequest, *, timeout: float | None = None
) -> Flow[Output]:
    """Follow a submitted request and fetch its result.

    Raises:
        FalTimeoutError: The deadline passed.
        FalError: The request failed, or its result cannot be fetched.
    """
    request = request.replace_foreign_urls(ctx.hosts)
    return (yield from _await_output(ctx, request, ctx.start_deadline(timeout)))


def _await_output(
    ctx: Context,
    request: QueuedRequest,
    deadline: Deadline,
    *,
    last: QueueUpdate | None = None,
) -> Flow[Output]:
    completed = yield from _follow(ctx, request, deadline=deadline, last=last)
    pauses = _iterate_pauses(ctx.polling)
    while True:
        output = yield from queue_api.fetch_result(
            ctx, request, deadline=deadline, completed=completed
        )
        if output is not None:
            return output
        left = deadline.at - ctx.now()
        yield Sleep(max(0.0, min(next(pauses), left)))
        if deadline.at <= ctx.now():
            raise deadline.build_error(request, completed.status)


def watch(ctx: Context, request: QueuedRequest) -> Flow[None]:
    """Follow a request and emit its updates, for at most `Timeouts.total`."""
    request = request.replace_foreign_urls(ctx.hosts)
    yield from _follow(ctx, request, deadline=ctx.start_deadline())


def fetch_status(ctx: Context, request: QueuedRequest) -> Flow[QueueUpdate]:
    """Fetch the status of a submitted request once.

    Raises:
        FalError: fal does not know the request, or cannot be reached.
    """
    return queue_api.fetch_status(ctx, request.replace_foreign_urls(ctx.hosts))


def cancel(ctx: Context, request: QueuedRequest) -> Flow[str]:
    """Cancel a submitted request; return fal's status, see `queue_api.cancel`.

    Raises:
        FalError: fal cannot be reached, or refuses.
    """
    return queue_api.cancel(ctx, request.replace_foreign_urls(ctx.hosts))


def _follow(
    ctx: Context,
    request: QueuedRequest,
    *,
    deadline: Deadline,
    last: QueueUpdate | None = None,
) -> Flow[QueueUpdate]:
    """Follow a request until fal reports that it ended; emit each change.

    The status stream reports the end at once. If the stream is not available, breaks
    off, is silent for too long or cannot be parsed, the status is polled at growing
    intervals, and the stream is opened again a few times.
    """
    tracker = _StatusTracker(request, last)
    streams_left = ctx.polling.stream_attempts
    for pause in _iterate_pauses(ctx.polling):
        if streams_left > 0:
            streams_left -= 1
            is_usable = yield from _listen(ctx, request, tracker, deadline)
            if tracker.is_completed:
                break
            if not is_usable:
                streams_left = 0
        if deadline.at - ctx.now() <= 0:
            raise deadline.build_error(request, tracker.status)
        update = yield from queue_api.fetch_status(
            ctx, request, deadline=deadline, last_status=tracker.status
        )
        yield from tracker.emit(update)
        if tracker.is_completed:
            break
        if deadline.at - ctx.now() <= 0:
            raise deadline.build_error(request, tracker.status)
        yield Sleep(min(pause, deadline.at - ctx.now()))
    return tracker.last


def _listen(
    ctx: Context, request: QueuedRequest, tracker: _StatusTracker, deadline: Deadline
) -> Flow[bool]:
    """Emit the stream's updates; return whether the stream may be opened again."""
    listen: Listen | None = None
    while True:
        left = deadline.at - ctx.now()
        if left <= 0:
            return True
        if listen is None or left + _SLACK_S < listen.request.read_timeout:
            # The URL is that of libs/client/src/queue.ts of fal-js.
            listen = Listen(
                HttpRequest(
                    method="GET",
                    url=f"{request.status_url}/stream?logs=1",
                    headers={**ctx.headers, "accept": "text/event-stream"},
                    read_timeout=min(ctx.timeouts.stream_silence, left),
                    total_timeout=left,
                    max_bytes=ctx.limits.answer_bytes,
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


def _iterate_pauses(polling: Polling) -> Iterator[float]:
    """Yield the pauses between polls, without end."""
    pause = min(polling.first_pause, polling.longest_pause)
    while True:
        yield pause
        pause = min(pause * polling.factor, polling.longest_pause)


def _try_cancel(ctx: Context, request: QueuedRequest) -> Flow[None]:
    put = HttpRequest(
        method="PUT",
        url=request.cancel_url,
        headers=ctx.headers,
        read_timeout=ctx.timeouts.cancel,
        total_timeout=ctx.timeouts.cancel,
        max_bytes=ctx.limits.answer_bytes,
    )
    try:
        response = yield Send(put)
    except Exception as error:  # noqa: BLE001 - must not hide the interruption
        _log.warning("request %s could not be cancelled: %s", request.request_id, error)
    else:
        _log.info(
            "cancelled request %s at fal: %s", request.request_id, response.status
        )


class _StatusTracker:
    """Emits each change of a request's status, and each log line, once."""

    def __init__(self, request: QueuedRequest, last: QueueUpdate | None = None) -> None:
        self._request = request
        self._logs: list[LogEntry] = []
        self._seen: set[LogEntry] = set()
        self._last = last

    @property
    def status(self) -> str:
        return self._last.status if self._last else "unknown"

    @property
    def is_completed(self) -> bool:
        return self._last is not None and self._last.status == "COMPLETED"

    @property
    def last(self) -> QueueUpdate:
        return self._last or QueueUpdate(status="IN_QUEUE", request=self._request)

    def emit(self, update: QueueUpdate) -> Flow[None]:
        """Emit an update if it contains anything new."""
        fresh = replace(update, logs=self._find_new_logs(update.logs))
        before, self._last = self._last, fresh
        if (
            before is None
            or fresh.logs
            or before.status != fresh.status
            or before.queue_position != fresh.queue_position
        ):
            yield Notify(fresh)

    def _find_new_logs(self, logs: tuple[LogEntry, ...]) -> tuple[LogEntry, ...]:
        """Drop known lines: polling repeats all lines, the stream does not."""
        known = len(self._logs)
        if known and list(logs[:known]) == self._logs:
            fresh = logs[known:]
        else:
            fresh = tuple(each for each in logs if each not in self._seen)
        fresh = fresh[: max(0, _MAX_LOGS - known)]
        self._logs += fresh
        self._seen.update(fresh)
        return fresh
