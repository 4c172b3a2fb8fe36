"""Submit, follow, fetch, cancel: the queue's protocol as generators without I/O.

`effects` says how a flow talks to its driver. A flow reads like ordinary code:
`response = yield Send(request)`; a lost connection is an exception at that line.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

from langchain_fal_image.errors import (
    FalConnectionError,
    FalError,
    FalOptionError,
    FalResponseError,
    FalSubmitUncertainError,
)
from langchain_fal_image.wire.context import Context, Deadline, exchange
from langchain_fal_image.wire.effects import (
    Flow,
    HttpResponse,
    Notify,
    NotSent,
    OutOfTime,
    Send,
    Sleep,
    TransportFailure,
    Unsendable,
)
from langchain_fal_image.wire.error_responses import (
    PENDING,
    build_error,
    compact,
    detail_of,
    reported,
    unreachable,
    unreadable,
)
from langchain_fal_image.wire.follow import fetch_status, follow, watch
from langchain_fal_image.wire.queue import Output, QueuedRequest, QueueUpdate
from langchain_fal_image.wire.retry import REPEATABLE, RESULT, SUBMIT

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

# What an answer that holds a result has at least one of.
_OUTPUTS = frozenset(
    {"images", "image", "audio", "audios", "audio_file", "audio_url", "text", "chunks"}
)
_JSON = {"content-type": "application/json"}


# --- Submit ---


def submit(
    ctx: Context,
    model: str,
    payload: Mapping[str, Any],
    *,
    deadline: Deadline | None = None,
    webhook_url: str | None = None,
) -> Flow[QueuedRequest]:
    """Submit a request, once.

    Tells of the request (`Notify`) before anything else happens to it. Where the
    caller is interrupted before it has the id, the request is cancelled at fal.

    Args:
        ctx: See `Context`.
        model: The endpoint id.
        payload: The model's input.
        deadline: Ends the tries; by default `timeouts.total`.
        webhook_url: Where fal is to send the result, beside keeping it.

    Raises:
        FalSubmitUncertainError: The submit went out, and what fal did is not known.
        FalError: fal, or the way to it, did not take it.
    """
    until = deadline or ctx.deadline()
    accepted = yield from _accepted(ctx, model, payload, until, webhook_url)
    try:
        yield Notify(accepted)
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        # The caller will never have the id, so nobody else could cancel it.
        yield from _cancel_once(ctx, accepted.request)
        raise
    return accepted.request


def _accepted(
    ctx: Context,
    model: str,
    payload: Mapping[str, Any],
    deadline: Deadline,
    webhook_url: str | None = None,
) -> Flow[QueueUpdate]:
    content = _content(payload, model)
    timeouts = ctx.timeouts
    query = f"?fal_webhook={quote(webhook_url, safe='')}" if webhook_url else ""
    request = ctx.build_request(
        "POST",
        f"{ctx.hosts.queue}/{model}{query}",
        headers=_JSON,
        content=content,
        read_timeout=timeouts.submit,
    )
    try:
        response = yield from exchange(
            ctx,
            request,
            SUBMIT,
            deadline=deadline,
            grace=timeouts.submit_grace,
            patience=timeouts.cancel,
        )
    except TransportFailure as error:
        raise _not_submitted(error, model, ctx) from error
    if not response.ok:
        raise _refused(response, model)
    try:
        answer = response.json()
        request_id = answer["request_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise _uncertain(model, "fal's answer to it cannot be read") from error
    if not isinstance(request_id, str) or not request_id:
        raise _uncertain(model, "fal's answer to it holds no request id")
    digest = hashlib.sha256(content).hexdigest()
    queued = _queued(ctx, model, request_id, answer, digest)
    position = _whole(answer.get("queue_position"))
    return QueueUpdate(status="IN_QUEUE", request=queued, queue_position=position)


def _content(payload: Mapping[str, Any], model: str) -> bytes:
    try:
        return compact(payload)
    except (TypeError, ValueError) as error:
        message = f"{model}: the options cannot be written as JSON: {error}."
        raise FalOptionError(message, model=model) from error


def _queued(
    ctx: Context, model: str, request_id: str, answer: Mapping[str, Any], digest: str
) -> QueuedRequest:
    """Take fal's URLs where they lead to fal, else build them."""
    built = QueuedRequest.for_id(ctx.hosts, endpoint_id=model, request_id=request_id)
    given = {
        name: answer[name]
        for name in ("status_url", "response_url", "cancel_url")
        if isinstance(answer.get(name), str)
    }
    return ctx.homed(replace(built, payload_sha256=digest, **given))


def _not_submitted(error: TransportFailure, model: str, ctx: Context) -> FalError:
    if isinstance(error, Unsendable):
        message = f"{model}: the request could not be sent: {error}."
        return FalConnectionError(
            message, model=model, next_step="Check the endpoint id and base_url."
        )
    if isinstance(error, NotSent):
        message = f"{model}: no connection to {ctx.hosts.queue} could be opened."
        return FalConnectionError(message, model=model, is_retryable=True)
    return _uncertain(model, f"its answer was lost ({error})")


def _refused(response: HttpResponse, model: str) -> FalError:
    """Tell a refusal of fal from an answer that a gateway gave in its place."""
    error = build_error(response, model=model)
    is_fals = "x-fal-request-id" in response.headers or isinstance(
        response.json_or_none(), dict
    )
    if response.status >= 500 and not is_fals:  # noqa: PLR2004 - HTTP's
        return _uncertain(model, f"a gateway answered {response.status} in fal's place")
    if response.status >= 500:  # noqa: PLR2004 - HTTP's
        error.is_retryable = False
    return error


def _uncertain(model: str, why: str) -> FalSubmitUncertainError:
    message = f"{model}: the request was sent once, and {why}."
    return FalSubmitUncertainError(message, model=model)


# --- Result, cancel ---


def fetch_result(
    ctx: Context,
    request: QueuedRequest,
    *,
    deadline: Deadline | None = None,
    completed: QueueUpdate | None = None,
) -> Flow[Output | None]:
    """Fetch the result; it decides whether the request succeeded.

    Args:
        ctx: See `Context`.
        request: Which one.
        deadline: Ends the tries.
        completed: The last state; its `error_type` is used where the answer has none.

    Returns:
        The output, or None where fal says that the request is still in progress.

    Raises:
        FalError: The request failed, or its result cannot be had.
    """
    request = ctx.homed(request)
    asked = ctx.build_request("GET", request.response_url)
    try:
        response = yield from exchange(ctx, asked, RESULT, deadline=deadline)
    except OutOfTime as error:
        yield Sleep(max(0.0, deadline.remaining if deadline else 0.0))
        last = completed.status if completed else "unknown"
        raise (deadline or ctx.deadline()).expired(request, last) from error
    except TransportFailure as error:
        raise unreachable(error, request) from error
    if not response.ok:
        if detail_of(response.json_or_none()) == PENDING:
            return None
        raise build_error(
            response,
            model=request.endpoint_id,
            request=request,
            error_type=completed.error_type if completed else None,
            outcome=True,
        )
    body = response.json_or_none()
    if not isinstance(body, dict):
        message = f"fal's result of request {request.request_id} is no JSON object."
        raise FalResponseError(
            message,
            body=unreadable(response.body),
            model=request.endpoint_id,
            request=request,
        )
    if completed and completed.error and not (_OUTPUTS & body.keys()):
        raise reported(completed, body)
    return Output(body=body, request_id=request.request_id, headers=response.headers)


def cancel(ctx: Context, request: QueuedRequest) -> Flow[str]:
    """Ask fal to cancel a request.

    Returns:
        `OK`, `CANCELLATION_REQUESTED`, `ALREADY_COMPLETED` or `NOT_FOUND`.

    Raises:
        FalError: fal could not be asked.
    """
    request = ctx.homed(request)
    asked = ctx.build_request("PUT", request.cancel_url)
    try:
        response = yield from exchange(ctx, asked, REPEATABLE)
    except TransportFailure as error:
        raise unreachable(error, request) from error
    body = response.json_or_none()
    word = body.get("status") if isinstance(body, dict) else None
    if isinstance(word, str):
        return word
    if response.ok:
        return "OK"
    if response.status == 404:  # noqa: PLR2004 - HTTP's
        return "NOT_FOUND"
    raise build_error(response, model=request.endpoint_id, request=request)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# --- The whole way ---


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
        ctx: See `Context`.
        model: The endpoint id.
        payload: The model's input.
        mode: `sync` sends one POST and waits for its answer.
        on_cancel: What to do at fal when the wait is cancelled or interrupted.
        timeout: The total time in seconds; by default `timeouts.total`.

    Raises:
        FalTimeoutError: With the request to take up again.
        FalError: As for `submit` and `fetch_result`.
    """
    deadline = ctx.deadline(timeout)
    if mode == "sync":
        return (yield from run_sync(ctx, model, payload, deadline=deadline))
    accepted = yield from _accepted(ctx, model, payload, deadline)
    request = accepted.request
    try:
        yield Notify(accepted)
        return (yield from _finished(ctx, request, deadline, told=accepted))
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        # Ctrl-C, or the task was cancelled: nobody waits any more.
        if on_cancel == "cancel":
            yield from _cancel_once(ctx, request)
        else:
            _log.warning("request %s goes on at fal, as asked", request.request_id)
        raise


def resume(
    ctx: Context, request: QueuedRequest, *, timeout: float | None = None
) -> Flow[Output]:
    """Follow a request that exists and fetch its result.

    Raises:
        FalTimeoutError: It is not done yet.
        FalError: As for `fetch_result`.
    """
    return (yield from _finished(ctx, request, ctx.deadline(timeout)))


def _finished(
    ctx: Context,
    request: QueuedRequest,
    deadline: Deadline,
    *,
    told: QueueUpdate | None = None,
) -> Flow[Output]:
    done = yield from follow(ctx, request, deadline=deadline, told=told)
    interval = ctx.polling.first_pause
    while True:
        output = yield from fetch_result(
            ctx, request, deadline=deadline, completed=done
        )
        if output is not None:
            return output
        yield Sleep(max(0.0, min(interval, deadline.remaining)))
        if deadline.remaining <= 0:
            raise deadline.expired(request, done.status)
        interval = min(interval * ctx.polling.factor, ctx.polling.longest_pause)


def _cancel_once(ctx: Context, request: QueuedRequest) -> Flow[None]:
    asked = ctx.build_request(
        "PUT", request.cancel_url, read_timeout=ctx.timeouts.cancel
    )
    try:
        response = yield Send(asked)
    except Exception as error:  # noqa: BLE001 - must not hide what interrupted us
        _log.warning("request %s could not be cancelled: %s", request.request_id, error)
    else:
        _log.info(
            "asked fal to cancel request %s: %s", request.request_id, response.status
        )


def run_sync(
    ctx: Context, model: str, payload: Mapping[str, Any], *, deadline: Deadline
) -> Flow[Output]:
    """Run a model in one POST, whose answer is the output.

    Raises:
        FalSubmitUncertainError: The answer was lost; there is no id to go on with.
        FalError: As for `submit`.
    """
    timeouts = ctx.timeouts
    request = ctx.build_request(
        "POST",
        f"{ctx.hosts.run}/{model}",
        headers=_JSON,
        content=_content(payload, model),
        read_timeout=max(deadline.remaining, timeouts.submit_grace),
    )
    try:
        response = yield from exchange(
            ctx,
            request,
            SUBMIT,
            deadline=deadline,
            grace=timeouts.submit_grace,
            patience=timeouts.cancel,
        )
    except TransportFailure as error:
        raise _not_submitted(error, model, ctx) from error
    if not response.ok:
        raise _refused(response, model)
    body = response.json_or_none()
    request_id = response.headers.get("x-fal-request-id")
    if not isinstance(body, dict):
        message = f"{model}: fal's answer is no JSON object."
        raise FalResponseError(
            message, body=unreadable(response.body), model=model, request_id=request_id
        )
    return Output(body=body, request_id=request_id, headers=response.headers)
