"""fal's queue API: one flow for each call, which sends it and interprets the response.

A submit costs money and is sent again only if fal certainly did not accept it. The
other calls may be repeated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

from langchain_fal_image._formats.identifiers import is_request_id
from langchain_fal_image.errors import FalOptionError, FalResponseError
from langchain_fal_image.wire.context import Context, Deadline
from langchain_fal_image.wire.effects import (
    Flow,
    HttpRequest,
    HttpResponse,
    OutOfTime,
    Sleep,
    TransportFailure,
    encode_json,
)
from langchain_fal_image.wire.error_responses import (
    PENDING,
    build_connection_error,
    build_error,
    build_refusal_error,
    build_status_error,
    build_submit_error,
    build_uncertain_error,
    format_detail,
    quote_body,
)
from langchain_fal_image.wire.exchange import (
    REPEATABLE,
    RESULT,
    STATUS,
    SUBMIT,
    Rule,
    exchange,
)
from langchain_fal_image.wire.queue import (
    Output,
    QueuedRequest,
    QueueUpdate,
    check_endpoint_id,
    parse_update,
    read_position,
)

__all__ = ["cancel", "enqueue", "fetch_result", "fetch_status", "run_sync"]

# An output has at least one of these keys.
_OUTPUT_KEYS = frozenset(
    {"images", "image", "audio", "audios", "audio_file", "audio_url", "text", "chunks"}
)


def enqueue(
    ctx: Context,
    model: str,
    payload: Mapping[str, Any],
    *,
    deadline: Deadline,
    webhook_url: str | None = None,
) -> Flow[QueueUpdate]:
    """Put a request into fal's queue and return its first status.

    Args:
        ctx: Settings and clock.
        model: The endpoint id.
        payload: The model's input.
        deadline: Ends the attempts.
        webhook_url: URL that fal sends the result to.

    Raises:
        FalSubmitUncertainError: The submit was sent, and it is unknown whether fal
            accepted it.
        FalError: fal did not accept the request.
    """
    model = check_endpoint_id(model)
    content = _encode(payload, model)
    # The query parameter is that of fal_client/client.py.
    query = f"?fal_webhook={quote(webhook_url, safe='')}" if webhook_url else ""
    response = yield from _post_once(
        ctx,
        f"{ctx.hosts.queue}/{model}{query}",
        content,
        model=model,
        deadline=deadline,
        read_timeout=ctx.timeouts.submit,
    )
    try:
        body = response.json()
        request_id = body["request_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise build_uncertain_error(
            model, "fal's response to it cannot be read"
        ) from error
    if not isinstance(request_id, str) or not is_request_id(request_id):
        raise build_uncertain_error(model, "fal's response to it has no request id")
    urls = {
        name: body[name]
        for name in ("status_url", "response_url", "cancel_url")
        if isinstance(body.get(name), str)
    }
    digest = hashlib.sha256(content).hexdigest()
    built = QueuedRequest.for_id(ctx.hosts, endpoint_id=model, request_id=request_id)
    queued = replace(built, payload_sha256=digest, **urls)
    return QueueUpdate(
        status="IN_QUEUE",
        request=queued.replace_foreign_urls(ctx.hosts),
        queue_position=read_position(body),
    )


def run_sync(
    ctx: Context, model: str, payload: Mapping[str, Any], *, deadline: Deadline
) -> Flow[Output]:
    """Run a model with one POST, whose response is the output.

    Raises:
        FalSubmitUncertainError: The response was lost, so the request id is unknown.
        FalError: fal did not accept the request.
    """
    model = check_endpoint_id(model)
    response = yield from _post_once(
        ctx,
        f"{ctx.hosts.run}/{model}",
        _encode(payload, model),
        model=model,
        deadline=deadline,
        read_timeout=max(deadline.at - ctx.now(), ctx.timeouts.submit_grace),
    )
    body = response.json_or_none()
    request_id = response.headers.get("x-fal-request-id")
    if not isinstance(body, dict):
        message = f"{model}: fal's response is not a JSON object."
        raise FalResponseError(
            message, body=quote_body(response.body), model=model, request_id=request_id
        )
    return Output(body=body, request_id=request_id, headers=response.headers)


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
        request: The request, with URLs that lead to fal.
        logs: Whether to request its log lines.
        deadline: Ends the attempts.
        last_status: The last known status, for the message of a timeout.

    Raises:
        FalTimeoutError: The deadline passed.
        FalError: fal does not know the request, or cannot be reached.
    """
    response = yield from _call(
        ctx,
        request,
        url=f"{request.status_url}?logs={int(logs)}",
        rule=STATUS,
        deadline=deadline,
        last_status=last_status,
    )
    if not response.is_success:
        raise build_error(response, model=request.endpoint_id, request=request)
    update = parse_update(response.json_or_none(), request)
    if update is None:
        message = f"fal's status of request {request.request_id} cannot be parsed."
        raise _build_format_error(message, response, request)
    return update


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
        request: The request, with URLs that lead to fal.
        deadline: Ends the attempts.
        completed: The last status; its `error_type` is used if the response has none.

    Returns:
        The output, or None if fal reports that the request is still in progress.

    Raises:
        FalError: The request failed, or its result cannot be fetched.
    """
    response = yield from _call(
        ctx,
        request,
        url=request.response_url,
        rule=RESULT,
        deadline=deadline,
        last_status=completed.status if completed else "unknown",
    )
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
        raise _build_format_error(message, response, request)
    if completed and completed.error and not (_OUTPUT_KEYS & body.keys()):
        raise build_status_error(completed, body)
    return Output(body=body, request_id=request.request_id, headers=response.headers)


def cancel(ctx: Context, request: QueuedRequest) -> Flow[str]:
    """Cancel a request at fal.

    Args:
        ctx: Settings and clock.
        request: The request, with URLs that lead to fal.

    Returns:
        `OK`, `CANCELLATION_REQUESTED`, `ALREADY_COMPLETED` or `NOT_FOUND`
        (fal.ai/docs/inference-api/queue/cancel).

    Raises:
        FalError: fal cannot be reached, or refuses.
    """
    response = yield from _call(
        ctx, request, url=request.cancel_url, rule=REPEATABLE, method="PUT"
    )
    body = response.json_or_none()
    status = body.get("status") if isinstance(body, dict) else None
    if isinstance(status, str):
        return status
    if response.is_success:
        return "OK"
    if response.status == 404:  # noqa: PLR2004 - HTTP status codes
        return "NOT_FOUND"
    raise build_error(response, model=request.endpoint_id, request=request)


def _post_once(
    ctx: Context,
    url: str,
    content: bytes,
    *,
    model: str,
    deadline: Deadline,
    read_timeout: float,
) -> Flow[HttpResponse]:
    request = HttpRequest(
        method="POST",
        url=url,
        headers={**ctx.headers, "content-type": "application/json"},
        content=content,
        read_timeout=read_timeout,
        max_bytes=ctx.limits.answer_bytes,
    )
    try:
        response = yield from exchange(
            ctx,
            request,
            rule=SUBMIT,
            deadline=deadline,
            grace=ctx.timeouts.submit_grace,
            patience=ctx.timeouts.cancel,
        )
    except TransportFailure as error:
        raise build_submit_error(error, model, ctx.hosts.queue) from error
    if not response.is_success:
        raise build_refusal_error(response, model)
    return response


def _encode(payload: Mapping[str, Any], model: str) -> bytes:
    try:
        return encode_json(payload)
    except (TypeError, ValueError) as error:
        message = f"{model}: the options cannot be encoded as JSON: {error}."
        raise FalOptionError(message, model=model) from error


def _call(
    ctx: Context,
    request: QueuedRequest,
    *,
    url: str,
    rule: Rule,
    method: Literal["GET", "PUT"] = "GET",
    deadline: Deadline | None = None,
    last_status: str = "unknown",
) -> Flow[HttpResponse]:
    """Send a call about a request; its response may have any status."""
    call = HttpRequest(
        method=method,
        url=url,
        headers=ctx.headers,
        read_timeout=ctx.timeouts.read,
        max_bytes=ctx.limits.answer_bytes,
    )
    try:
        return (yield from exchange(ctx, call, rule=rule, deadline=deadline))
    except OutOfTime as error:
        until = deadline or ctx.start_deadline()
        yield Sleep(max(0.0, until.at - ctx.now()))
        raise until.build_error(request, last_status) from error
    except TransportFailure as error:
        raise build_connection_error(error, request) from error


def _build_format_error(
    message: str, response: HttpResponse, request: QueuedRequest
) -> FalResponseError:
    return FalResponseError(
        message,
        body=quote_body(response.body),
        model=request.endpoint_id,
        request=request,
    )
