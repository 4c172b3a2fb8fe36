"""Answers in fal's form, and what is read from a request's head."""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from langchain_fal_image.sandbox.faults.script import Fault

__all__ = [
    "Droppable",
    "answer",
    "app_of",
    "faulty",
    "number",
    "refused",
    "start_within",
]


def faulty(fault: Fault) -> Response:
    """Answer as a fault says."""
    status = fault.status or 500
    if isinstance(fault.body, str):
        return Response(fault.body, status, dict(fault.headers))
    return JSONResponse(fault.body, status, dict(fault.headers))


def number(text: str | None) -> float | None:
    """Read a number from a query or a header; None where there is none."""
    with contextlib.suppress(ValueError):
        return float(text) if text else None
    return None


def start_within(request: Request) -> float | None:
    """Say how long a request may wait for a runner, in seconds."""
    return number(request.headers.get("x-fal-request-timeout"))


def unauthorized(request: Request) -> Response | None:
    """Refuse a request without a key; None where there is one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme in {"Key", "Bearer"} and key.strip():
        return None
    body = {"detail": "Authentication is required to access this application"}
    return answer(401, body, str(uuid.uuid4()))


def refused(status: int, detail: str, kind: str) -> Response:
    """Answer with an error of the platform; `kind` is its `error_type`."""
    return answer(status, {"detail": detail, "error_type": kind}, str(uuid.uuid4()))


def answer(
    status: int, body: Any, request_id: str, more: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON and fal's headers.

    Args:
        status: HTTP's.
        body: The JSON; its `error_type` is repeated in a header.
        request_id: Of the request it is about.
        more: Further headers.
    """
    headers = {"x-fal-request-id": request_id, **(more or {})}
    if isinstance(body, dict) and isinstance(body.get("error_type"), str):
        headers["x-fal-error-type"] = body["error_type"]
    return JSONResponse(body, status_code=status, headers=headers)


def app_of(endpoint_id: str) -> str:
    """Give what stands before `/requests/`: an id without its sub-path."""
    parts = endpoint_id.split("/")
    return "/".join(parts[: 3 if parts[0] in {"workflows", "comfy"} else 2])


class Droppable:
    """Lets an endpoint reset the connection it is called on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, its connection within reach of the endpoint."""
        if scope["type"] == "http":
            scope["sandbox.drop"] = functools.partial(_drop, send)
            scope["sandbox.hang_up"] = functools.partial(_hang_up, send)
        await self._app(scope, receive, send)


def _drop(send: Any) -> None:
    # uvicorn's send is a method of the request's cycle, which has the socket.
    send.__self__.transport.abort()


def _hang_up(send: Any) -> None:
    # Unlike a reset, what was written still arrives.
    send.__self__.transport.close()
