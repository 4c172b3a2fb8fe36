"""fal's error answers, turned into the errors of this package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_fal_image._formats.safe_repr import redact, safe_repr
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
)
from langchain_fal_image.wire.effects import HttpResponse, TooLarge, TransportFailure
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate

__all__ = [
    "PENDING",
    "build_error",
    "compact",
    "detail_of",
    "error_type_of",
    "reported",
    "unreachable",
    "unreadable",
]

PENDING = "Request is still in progress"
"""fal's word where a result is asked for too early."""

_LONGEST = 600
_MODERATION = frozenset({"content_policy_violation", "no_media_generated"})
_CANCELLED = frozenset({"client_cancelled", "client_disconnected"})
_MOST_DETAILS = 40
_TAKE_UP = (
    "Take the request up again with error.request.result(); do not submit it again, "
    "that could be a second charge."
)


def build_error(
    response: HttpResponse,
    *,
    model: str,
    request: QueuedRequest | None = None,
    error_type: str | None = None,
    outcome: bool = False,
) -> FalError:
    """Make the error of an answer that is not 2xx.

    Args:
        response: The answer, in any of fal's error forms.
        model: The endpoint id.
        request: The request it belongs to, where fal accepted one.
        error_type: fal's word from elsewhere, such as the status.
        outcome: Whether the answer stands where the request's result would.

    Returns:
        The error; `is_retryable` only where fal did not accept the request.
    """
    body = _shortened(response.json_or_none())
    word = error_type_of(response, body) or error_type
    text = detail_of(body) or _plain(response)
    about = f"{model}: " if model else ""
    details: dict[str, Any] = {
        "model": model,
        "request": request,
        "request_id": None if request else response.headers.get("x-fal-request-id"),
    }
    status = response.status
    if status == 499 or word in _CANCELLED:  # noqa: PLR2004 - fal's, after nginx
        message = f"{about}the request was cancelled at fal ({text})."
        return FalCancelledError(message, **details)
    details |= {"status_code": status, "error_type": word, "body": body}
    message = f"{about}fal answered {status}: {text}"
    error = _kind(status, word, message, accepted=request is not None, details=details)
    if request is not None and not (outcome and _is_models(response, body)):
        # Nothing is known of how the request ended, or will.
        error.charged = "maybe"
        if status not in {401, 403, 404}:
            error.next_step = _TAKE_UP
    return error


def _is_models(response: HttpResponse, body: Any) -> bool:
    """Tell a model's own failure from one on the way to it."""
    status = response.status
    if status >= 500:  # noqa: PLR2004 - HTTP's
        return "x-fal-request-id" in response.headers or isinstance(body, Mapping)
    return status not in {401, 403, 404, 408, 429}


def reported(update: QueueUpdate, body: Any) -> FalError:
    """Make the error of a request whose last state bears one, and its result none."""
    request = update.request
    message = f"{request.endpoint_id}: {_cut(update.error or 'it failed')}"
    details: dict[str, Any] = {
        "model": request.endpoint_id,
        "request": request,
        "charged": "maybe",
    }
    if update.error_type in _CANCELLED:
        return FalCancelledError(message, **details)
    details |= {"error_type": update.error_type, "body": _shortened(body)}
    if update.error_type in _MODERATION:
        return FalModerationError(message, **details)
    return FalRequestError(
        message,
        next_step="fal reports that the model failed; it may work another time.",
        **details,
    )


def _kind(
    status: int,
    word: str | None,
    message: str,
    *,
    accepted: bool,
    details: dict[str, Any],
) -> FalRequestError:
    if word in _MODERATION:
        return FalModerationError(message, charged="maybe", **details)
    match status:
        case 401 | 403:
            return FalAuthError(message, **details)
        case 429:
            return FalRateLimitError(message, is_retryable=not accepted, **details)
        case 400 | 422:
            charged = "maybe" if status == 422 else "no"  # noqa: PLR2004 - HTTP's
            return FalInvalidInputError(message, charged=charged, **details)
        case 404 if accepted:
            return FalRequestError(
                f"{message} The request is not known, or its result has expired.",
                charged="maybe",
                next_step="Check the endpoint and the request id; fal keeps results "
                "for a limited time only.",
                **details,
            )
        case 404:
            return FalRequestError(
                message,
                next_step="Check the endpoint id: fal knows no such app.",
                **details,
            )
        case _ if status >= 500:  # noqa: PLR2004 - HTTP's
            return FalServerError(message, **details)
        case _:
            return FalRequestError(
                message, next_step="The answer says what fal did not like.", **details
            )


def error_type_of(response: HttpResponse, body: Any) -> str | None:
    """Find fal's word for an error, in any of the forms it comes in."""
    if isinstance(body, Mapping):
        word: Any = body.get("error_type")
        if isinstance(word, str):
            return word
        detail = body.get("detail")
        if isinstance(detail, list):
            words: list[str] = [
                each["type"]
                for each in detail
                if isinstance(each, Mapping) and isinstance(each.get("type"), str)
            ]
            found = next((each for each in words if each in _MODERATION), None)
            if words:
                return found or words[0]
        error = body.get("error")
        if isinstance(error, Mapping) and isinstance(error.get("code"), str):
            return str(error["code"])
    return response.headers.get("x-fal-error-type")


def detail_of(body: Any) -> str:
    """Write what an error body says, in a line; empty where it says nothing.

    Takes a list of `{loc, msg, type}`, a text under `detail`, `message` or `error`,
    and `{"error": {"message"}}`.
    """
    if not isinstance(body, Mapping):
        return ""
    for name in ("detail", "message", "error"):
        value = body.get(name)
        if isinstance(value, str) and value.strip():
            return _cut(value.strip())
        if isinstance(value, Mapping) and isinstance(value.get("message"), str):
            return _cut(value["message"])
        if isinstance(value, list) and value:
            return _cut("; ".join(_one(each) for each in value))
    return ""


def _one(detail: Any) -> str:
    if not isinstance(detail, Mapping):
        return safe_repr(detail).strip("'")
    loc = detail.get("loc")
    path = [str(each) for each in loc] if isinstance(loc, list) else []
    where = ".".join(path[1:] if path[:1] == ["body"] else path)
    message = detail.get("msg")
    text = message if isinstance(message, str) else safe_repr(detail)
    return f"{where}: {text}" if where else text


def _plain(response: HttpResponse) -> str:
    text = response.body[: 4 * _LONGEST].decode("utf-8", "replace").strip()
    if not text:
        return "no explanation"
    if text.startswith("<"):
        return "a page that is not fal's (a gateway's)"
    return safe_repr(text)


def _shortened(body: Any) -> Any:
    """Keep an error body for `error.body`, without the input it may echo."""
    if isinstance(body, Mapping):
        return {
            _cut(str(key)): _shortened(value)
            for key, value in body.items()
            if key != "input"
        }
    if isinstance(body, list):
        return [_shortened(each) for each in body[:_MOST_DETAILS]]
    return _cut(body) if isinstance(body, str) else body


def _cut(text: str) -> str:
    text = redact(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def unreadable(body: bytes) -> str:
    """Write a body that should have been JSON, for a message."""
    return safe_repr(body[:_LONGEST].decode("utf-8", "replace"))


def compact(payload: Any) -> bytes:
    """Write a payload as the JSON that is sent.

    Raises:
        ValueError: It holds a number JSON does not know.
    """
    return json.dumps(
        payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def unreachable(error: TransportFailure, request: QueuedRequest) -> FalError:
    """Make the error for a request that fal could not be asked about."""
    details: dict[str, Any] = {"model": request.endpoint_id, "request": request}
    if isinstance(error, TooLarge):
        message = (
            f"fal's answer for request {request.request_id} is too large: {error}."
        )
        return FalResponseError(
            message,
            next_step="Raise limits.answer_bytes, then error.request.result().",
            **details,
        )
    message = (
        f"{request.endpoint_id}: fal could not be asked for request "
        f"{request.request_id} ({error}). The request itself goes on."
    )
    return FalConnectionError(
        message,
        charged="maybe",
        next_step=_TAKE_UP,
        **details,
    )
