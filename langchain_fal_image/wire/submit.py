"""Submits: the requests that cost money, sent once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
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
    HttpRequest,
    HttpResponse,
    NotSent,
    TransportFailure,
    Unsendable,
)
from langchain_fal_image.wire.error_responses import (
    build_error,
    encode_json,
    quote_body,
)
from langchain_fal_image.wire.queue import Output, QueuedRequest, QueueUpdate
from langchain_fal_image.wire.retry import SUBMIT

__all__ = ["enqueue", "run_sync"]

_JSON = {"content-type": "application/json"}


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
    content = _encode(payload, model)
    # The query parameter is that of fal_client/client.py.
    query = f"?fal_webhook={quote(webhook_url, safe='')}" if webhook_url else ""
    request = ctx.build_request(
        "POST",
        f"{ctx.hosts.queue}/{model}{query}",
        headers=_JSON,
        content=content,
        read_timeout=ctx.timeouts.submit,
    )
    response = yield from _send_once(ctx, request, model, deadline)
    try:
        body = response.json()
        request_id = body["request_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise _build_uncertain_error(
            model, "fal's response to it cannot be read"
        ) from error
    if not isinstance(request_id, str) or not request_id:
        raise _build_uncertain_error(model, "fal's response to it has no request id")
    urls = {
        name: body[name]
        for name in ("status_url", "response_url", "cancel_url")
        if isinstance(body.get(name), str)
    }
    digest = hashlib.sha256(content).hexdigest()
    built = QueuedRequest.for_id(ctx.hosts, endpoint_id=model, request_id=request_id)
    queued = replace(built, payload_sha256=digest, **urls)
    position = body.get("queue_position")
    return QueueUpdate(
        status="IN_QUEUE",
        request=ctx.replace_foreign_urls(queued),
        queue_position=position if type(position) is int else None,
    )


def run_sync(
    ctx: Context, model: str, payload: Mapping[str, Any], *, deadline: Deadline
) -> Flow[Output]:
    """Run a model with one POST, whose response is the output.

    Raises:
        FalSubmitUncertainError: The response was lost, and with it the request id.
        FalError: fal did not accept the request.
    """
    request = ctx.build_request(
        "POST",
        f"{ctx.hosts.run}/{model}",
        headers=_JSON,
        content=_encode(payload, model),
        read_timeout=max(deadline.remaining, ctx.timeouts.submit_grace),
    )
    response = yield from _send_once(ctx, request, model, deadline)
    body = response.json_or_none()
    request_id = response.headers.get("x-fal-request-id")
    if not isinstance(body, dict):
        message = f"{model}: fal's response is not a JSON object."
        raise FalResponseError(
            message, body=quote_body(response.body), model=model, request_id=request_id
        )
    return Output(body=body, request_id=request_id, headers=response.headers)


def _send_once(
    ctx: Context, request: HttpRequest, model: str, deadline: Deadline
) -> Flow[HttpResponse]:
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
        raise _build_transport_error(error, model, ctx) from error
    if not response.is_success:
        raise _build_refusal_error(response, model)
    return response


def _encode(payload: Mapping[str, Any], model: str) -> bytes:
    try:
        return encode_json(payload)
    except (TypeError, ValueError) as error:
        message = f"{model}: the options cannot be written as JSON: {error}."
        raise FalOptionError(message, model=model) from error


def _build_transport_error(
    error: TransportFailure, model: str, ctx: Context
) -> FalError:
    if isinstance(error, Unsendable):
        message = f"{model}: the request could not be sent: {error}."
        return FalConnectionError(
            message, model=model, next_step="Check the endpoint id and base_url."
        )
    if isinstance(error, NotSent):
        message = f"{model}: no connection to {ctx.hosts.queue} could be opened."
        return FalConnectionError(message, model=model, is_retryable=True)
    return _build_uncertain_error(model, f"its response was lost ({error})")


def _build_refusal_error(response: HttpResponse, model: str) -> FalError:
    """Return fal's error, or an uncertain one if a gateway responded in fal's place."""
    error = build_error(response, model=model)
    is_fals = "x-fal-request-id" in response.headers or isinstance(
        response.json_or_none(), dict
    )
    if response.is_server_error and not is_fals:
        return _build_uncertain_error(
            model, f"a gateway answered {response.status} in fal's place"
        )
    if response.is_server_error:
        error.is_retryable = False
    return error


def _build_uncertain_error(model: str, reason: str) -> FalSubmitUncertainError:
    message = f"{model}: the request was sent once, and {reason}."
    return FalSubmitUncertainError(message, model=model)
