"""The queue's protocol as generators without I/O: submit, follow, fetch, cancel.

`effects` describes how a flow communicates with its driver. A flow reads like ordinary
code: `response = yield Send(request)`; a lost connection is an exception at that line.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.wire.context import Context, Deadline, exchange
from langchain_fal_image.wire.effects import (
    Flow,
    Notify,
    OutOfTime,
    Send,
    Sleep,
    TransportFailure,
)
from langchain_fal_image.wire.error_responses import (
    PENDING,
    build_connection_error,
    build_error,
    build_status_error,
    format_detail,
    quote_body,
)
from langchain_fal_image.wire.follow import fetch_status, follow, watch
from langchain_fal_image.wire.queue import Output, QueuedRequest, QueueUpdate
from langchain_fal_image.wire.retry import REPEATABLE, RESULT, iterate_pauses
from langchain_fal_image.wire.submit import enqueue, run_sync

__all__ = [
    "Context",
    "cancel",
    "fetch_result",
    "fetch_status",
    "generate",
    "resume",
    "run_sync",
    "submit",
    "watch",
]

_log = logging.getLogger("langchain_fal_image")

# An output has at least one of these keys.
_OUTPUT_KEYS = frozenset(
    {"images", "image", "audio", "audios", "audio_file", "audio_url", "text", "chunks"}
)


def submit(
    ctx: Context,
    model: str,
    payload: Mapping[str, Any],
    *,
    deadline: Deadline | None = None,
    webhook_url: str | None = None,
) -> Flow[QueuedRequest]:
    """Submit a request, once.

    Emits the request (`Notify`) before anything else happens to it. If the caller is
    interrupted before it receives the id, the request is cancelled at fal.

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
    accepted = yield from enqueue(
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
        # The caller never receives the id, so nobody else could cancel the request.
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
        FalError: As for `submit` and `fetch_result`.
    """
    deadline = ctx.start_deadline(timeout)
    if mode == "sync":
        return (yield from run_sync(ctx, model, payload, deadline=deadline))
    accepted = yield from enqueue(ctx, model, payload, deadline=deadline)
    request = accepted.request
    try:
        yield Notify(accepted)
        return (yield from _await_output(ctx, request, deadline, last=accepted))
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        # Ctrl-C, or the task was cancelled: nobody waits for the output.
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
        FalError: As for `fetch_result`.
    """
    return (yield from _await_output(ctx, request, ctx.start_deadline(timeout)))


def _await_output(
    ctx: Context,
    request: QueuedRequest,
    deadline: Deadline,
    *,
    last: QueueUpdate | None = None,
) -> Flow[Output]:
    completed = yield from follow(ctx, request, deadline=deadline, last=last)
    for pause in iterate_pauses(ctx.polling):
        output = yield from fetch_result(
            ctx, request, deadline=deadline, completed=completed
        )
        if output is not None:
            return output
        yield Sleep(max(0.0, min(pause, deadline.remaining)))
        if deadline.remaining <= 0:
            break
    raise deadline.build_error(request, completed.status)


def fetch_result(
    ctx: Context,
    request: QueuedRequest,
    *,
    deadline: Deadline | None = None,
    completed: QueueUpdate | None = None,
) -> Flow[Output | None]:
    """Fetch the result; only the result says whether the request succeeded.

    Args:
        ctx: Settings and clock.
        request: The request.
        deadline: Ends the attempts.
        completed: The last status; its `error_type` is used if the response has none.

    Returns:
        The output, or None if fal reports that the request is still in progress.

    Raises:
        FalError: The request failed, or its result cannot be fetched.
    """
    request = ctx.replace_foreign_urls(request)
    get = ctx.build_request("GET", request.response_url)
    try:
        response = yield from exchange(ctx, get, rule=RESULT, deadline=deadline)
    except OutOfTime as error:
        yield Sleep(max(0.0, deadline.remaining if deadline else 0.0))
        status = completed.status if completed else "unknown"
        until = deadline or ctx.start_deadline()
        raise until.build_error(request, status) from error
    except TransportFailure as error:
        raise build_connection_error(error, request) from error
    if not response.is_success:
        if format_detail(response.json_or_none()) == PENDING:
            return None
        raise build_error(
            response,
            model=request.endpoint_id,
            request=request,
            error_type=completed.error_type if completed else None,
            is_result=True,
        )
    body = response.json_or_none()
    if not isinstance(body, dict):
        message = f"fal's result of request {request.request_id} is not a JSON object."
        raise FalResponseError(
            message,
            body=quote_body(response.body),
            model=request.endpoint_id,
            request=request,
        )
    if completed and completed.error and not (_OUTPUT_KEYS & body.keys()):
        raise build_status_error(completed, body)
    return Output(body=body, request_id=request.request_id, headers=response.headers)


def cancel(ctx: Context, request: QueuedRequest) -> Flow[str]:
    """Cancel a request at fal.

    Returns:
        `OK`, `CANCELLATION_REQUESTED`, `ALREADY_COMPLETED` or `NOT_FOUND`
        (fal.ai/docs/inference-api/queue/cancel).

    Raises:
        FalError: fal cannot be reached, or refuses.
    """
    request = ctx.replace_foreign_urls(request)
    put = ctx.build_request("PUT", request.cancel_url)
    try:
        response = yield from exchange(ctx, put, rule=REPEATABLE)
    except TransportFailure as error:
        raise build_connection_error(error, request) from error
    body = response.json_or_none()
    status = body.get("status") if isinstance(body, dict) else None
    if isinstance(status, str):
        return status
    if response.is_success:
        return "OK"
    if response.status == 404:  # noqa: PLR2004 - HTTP status codes
        return "NOT_FOUND"
    raise build_error(response, model=request.endpoint_id, request=request)


def _try_cancel(ctx: Context, request: QueuedRequest) -> Flow[None]:
    put = ctx.build_request("PUT", request.cancel_url, read_timeout=ctx.timeouts.cancel)
    try:
        response = yield Send(put)
    except Exception as error:  # noqa: BLE001 - must not hide the interruption
        _log.warning("request %s could not be cancelled: %s", request.request_id, error)
    else:
        _log.info(
            "cancelled request %s at fal: %s", request.request_id, response.status
        )
