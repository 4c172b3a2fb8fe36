"""Build this package's errors from fal's error responses and transport failures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from langchain_fal_image._formats.safe_repr import redact_base64, safe_repr
from langchain_fal_image.errors import (
    FalAuthError,
    FalCancelledError,
    FalConnectionError,
    FalError,
    FalInvalidInputError,
    FalModerationError,
    FalRateLimitError,
    FalRequestError,
    FalResponseError,
    FalServerError,
    FalSubmitUncertainError,
)
from langchain_fal_image.wire.effects import (
    HttpResponse,
    NotSent,
    TooLarge,
    TransportFailure,
    Unsendable,
)
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate

__all__ = [
    "PENDING",
    "build_connection_error",
    "build_error",
    "build_refusal_error",
    "build_status_error",
    "build_submit_error",
    "build_uncertain_error",
    "find_error_type",
    "format_detail",
    "quote_body",
]

PENDING = "Request is still in progress"
"""fal's detail for a result that is fetched too early, as in @ai-sdk/fal."""

_MAX_LENGTH = 600
_MAX_DETAILS = 40
# Error types from the pages fal.ai/docs/model-apis/errors and /request-errors.
_MODERATION = frozenset({"content_policy_violation", "no_media_generated"})
_CANCELLED = frozenset({"client_cancelled", "client_disconnected"})
_RESUME = (
    "Fetch the result of this request with error.request.result(). Do not submit it "
    "again: fal could charge for it twice."
)


def build_error(
    response: HttpResponse,
    *,
    model: str,
    request: QueuedRequest | None = None,
    error_type: str | None = None,
    is_result: bool = False,
) -> FalError:
    """Return the error for a response that is not 2xx.

    Args:
        response: The response, in any of fal's error formats.
        model: The endpoint id.
        request: The request it belongs to, if fal accepted one.
        error_type: The error type from another source, such as the status.
        is_result: Whether the response is the request's result.

    Returns:
        The error; `is_retryable` only if fal did not accept the request.
    """
    body = _shorten_body(response.json_or_none())
    error_type = find_error_type(response, body) or error_type
    detail = format_detail(body) or _format_text(response)
    prefix = f"{model}: " if model else ""
    details: dict[str, Any] = {
        "model": model,
        "request": request,
        "request_id": None if request else response.headers.get("x-fal-request-id"),
    }
    status = response.status
    if status == 499 or error_type in _CANCELLED:  # noqa: PLR2004 - HTTP status codes
        message = f"{prefix}the request was cancelled at fal ({detail})."
        return FalCancelledError(message, **details)
    details |= {"status_code": status, "error_type": error_type, "body": body}
    error = _build_request_error(
        f"{prefix}fal answered {status}: {detail}",
        is_accepted=request is not None,
        details=details,
    )
    if request is not None and not (is_result and _is_from_model(response, body)):
        # It is unknown how the request ended, or will end.
        error.charged = "maybe"
        if status not in {401, 403, 404}:
            error.next_step = _RESUME
    return error


def _is_from_model(response: HttpResponse, body: Any) -> bool:
    """Return whether an error is from the model, not from fal's infrastructure."""
    if response.is_server_error:
        return "x-fal-request-id" in response.headers or isinstance(body, Mapping)
    return response.status not in {401, 403, 404, 408, 429}


def build_status_error(update: QueueUpdate, body: Any) -> FalError:
    """Return the error of a request whose last status has an error, but not its result.

    Args:
        update: The last status.
        body: The result.
    """
    request = update.request
    message = f"{request.endpoint_id}: {_shorten(update.error or 'the model failed')}"
    details: dict[str, Any] = {
        "model": request.endpoint_id,
        "request": request,
        "charged": "maybe",
    }
    if update.error_type in _CANCELLED:
        return FalCancelledError(message, **details)
    details |= {"error_type": update.error_type, "body": _shorten_body(body)}
    if update.error_type in _MODERATION:
        return FalModerationError(message, **details)
    return FalRequestError(
        message,
        next_step="fal reports that the model failed; another attempt may succeed.",
        **details,
    )


def _build_request_error(
    message: str, *, is_accepted: bool, details: dict[str, Any]
) -> FalRequestError:
    if details["error_type"] in _MODERATION:
        return FalModerationError(message, charged="maybe", **details)
    # fal never charges for 5xx, and may for 422: fal.ai/docs/model-apis/faq.
    match details["status_code"]:
        case 401 | 403:
            return FalAuthError(message, **details)
        case 429:
            return FalRateLimitError(message, is_retryable=not is_accepted, **details)
        case 400:
            return FalInvalidInputError(message, charged="no", **details)
        case 422:
            return FalInvalidInputError(message, charged="maybe", **details)
        case 404 if is_accepted:
            return FalRequestError(
                f"{message} The request is unknown, or its result has expired.",
                charged="maybe",
                next_step="Check the endpoint and the request id; fal keeps results "
                "for a limited time only.",
                **details,
            )
        case 404:
            return FalRequestError(
                message,
                next_step="Check the endpoint id: fal has no such endpoint.",
                **details,
            )
        case status if status >= 500:  # noqa: PLR2004 - HTTP status codes
            return FalServerError(message, **details)
        case _:
            return FalRequestError(
                message,
                next_step="Correct the request as the message describes.",
                **details,
            )


def find_error_type(response: HttpResponse, body: Any) -> str | None:
    """Find the error type in any of fal's error formats; None if it is missing.

    Args:
        response: The response, for its header `x-fal-error-type`.
        body: Its JSON.
    """
    if isinstance(body, Mapping):
        error_type: Any = body.get("error_type")
        if isinstance(error_type, str):
            return error_type
        detail = body.get("detail")
        if isinstance(detail, list):
            types: list[str] = [
                each["type"]
                for each in detail
                if isinstance(each, Mapping) and isinstance(each.get("type"), str)
            ]
            found = next((each for each in types if each in _MODERATION), None)
            if types:
                return found or types[0]
        error = body.get("error")
        if isinstance(error, Mapping) and isinstance(error.get("code"), str):
            return str(error["code"])
    return response.headers.get("x-fal-error-type")


def format_detail(body: Any) -> str:
    """Return the message of an error body in one line; empty if it has none.

    Accepts a list of `{loc, msg, type}`, a text under `detail`, `message` or `error`,
    and `{"error": {"message"}}`.
    """
    if not isinstance(body, Mapping):
        return ""
    for name in ("detail", "message", "error"):
        value = body.get(name)
        if isinstance(value, str) and value.strip():
            return _shorten(value.strip())
        if isinstance(value, Mapping) and isinstance(value.get("message"), str):
            return _shorten(value["message"])
        if isinstance(value, list) and value:
            return _shorten("; ".join(map(_format_item, value[:_MAX_DETAILS])))
    return ""


def _format_item(item: Any) -> str:
    if not isinstance(item, Mapping):
        return safe_repr(item).strip("'")
    loc = item.get("loc")
    path = [str(each) for each in loc] if isinstance(loc, list) else []
    name = ".".join(path[1:] if path[:1] == ["body"] else path)
    message = item.get("msg")
    text = message if isinstance(message, str) else safe_repr(item)
    return f"{name}: {text}" if name else text


def _format_text(response: HttpResponse) -> str:
    text = response.body[: 4 * _MAX_LENGTH].decode("utf-8", "replace").strip()
    if not text:
        return "no error message"
    if text.startswith("<"):
        return "an HTML page, which is from a gateway and not from fal"
    return safe_repr(text)


def _shorten_body(body: Any) -> Any:
    """Shorten an error body for `error.body`, without the input that it may repeat."""
    if isinstance(body, Mapping):
        return {
            _shorten(str(key)): _shorten_body(value)
            for key, value in itertools.islice(body.items(), _MAX_DETAILS)
            if key != "input"
        }
    if isinstance(body, list):
        return [_shorten_body(each) for each in body[:_MAX_DETAILS]]
    return _shorten(body) if isinstance(body, str) else body


def _shorten(text: str) -> str:
    text = redact_base64(text)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"


def quote_body(body: bytes) -> str:
    """Return the start of a body that should have been JSON, for a message."""
    return safe_repr(body[:_MAX_LENGTH].decode("utf-8", "replace"))


def build_connection_error(error: TransportFailure, request: QueuedRequest) -> FalError:
    """Return the error for a failed status, result or cancel call."""
    details: dict[str, Any] = {"model": request.endpoint_id, "request": request}
    if isinstance(error, TooLarge):
        message = (
            f"fal's response for request {request.request_id} is too large: {error}."
        )
        return FalResponseError(
            message,
            next_step="Raise limits.answer_bytes, then call error.request.result().",
            **details,
        )
    message = (
        f"{request.endpoint_id}: fal cannot be reached for request "
        f"{request.request_id} ({error}). The request itself continues."
    )
    return FalConnectionError(message, charged="maybe", next_step=_RESUME, **details)


def build_submit_error(error: TransportFailure, model: str, host: str) -> FalError:
    """Return the error for a submit that failed in transport."""
    if isinstance(error, Unsendable):
        message = f"{model}: the request could not be sent: {error}."
        return FalConnectionError(
            message, model=model, next_step="Check the endpoint id and base_url."
        )
    if isinstance(error, NotSent):
        message = f"{model}: no connection to {host} could be opened."
        return FalConnectionError(message, model=model, is_retryable=True)
    return build_uncertain_error(model, f"its response was lost ({error})")


def build_refusal_error(response: HttpResponse, model: str) -> FalError:
    """Return the error for a rejected submit; uncertain if a gateway responded."""
    error = build_error(response, model=model)
    is_from_fal = "x-fal-request-id" in response.headers or isinstance(
        response.json_or_none(), dict
    )
    if response.is_server_error and not is_from_fal:
        return build_uncertain_error(
            model, f"a gateway answered {response.status} instead of fal"
        )
    if response.is_server_error:
        error.is_retryable = False
    return error


def build_uncertain_error(model: str, reason: str) -> FalSubmitUncertainError:
    """Return the error for a submit that fal may have accepted."""
    message = f"{model}: the request was sent once, and {reason}."
    return FalSubmitUncertainError(message, model=model)
