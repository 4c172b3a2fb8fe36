"""Responses in fal's format, and parsers for request values."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = [
    "error_response",
    "json_response",
    "parse_number",
    "parse_start_timeout",
    "reject_without_key",
    "to_app_id",
]


def json_response(
    status: int,
    body: Any,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a JSON response with fal's headers; by default with a new request id."""
    headers = {"x-fal-request-id": request_id or str(uuid.uuid4()), **(headers or {})}
    if isinstance(body, dict) and isinstance(body.get("error_type"), str):
        headers["x-fal-error-type"] = body["error_type"]
    return JSONResponse(body, status_code=status, headers=headers)


def error_response(status: int, detail: str, error_type: str) -> Response:
    """Return an error response in the format of fal's platform."""
    return json_response(status, {"detail": detail, "error_type": error_type})


def reject_without_key(request: Request) -> Response | None:
    """Return a 401 response if a request has no key, else None."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme in {"Key", "Bearer"} and key.strip():
        return None
    detail = "Authentication is required to access this application"
    return json_response(401, {"detail": detail})


def parse_number(text: str | None) -> float | None:
    """Parse a number from a query or header; return None for anything else."""
    with contextlib.suppress(ValueError):
        return float(text) if text else None
    return None


def parse_start_timeout(request: Request) -> float | None:
    """Return how long a request may wait for a runner, in seconds.

    (docs.fal.ai, documentation/model-apis/common-parameters)
    """
    return parse_number(request.headers.get("x-fal-request-timeout"))


def to_app_id(endpoint_id: str) -> str:
    """Return an endpoint id without its sub-path, as request URLs use it.

    (fal_client/client.py)
    """
    parts = endpoint_id.split("/")
    return "/".join(parts[: 3 if parts[0] in {"workflows", "comfy"} else 2])
