"""Apply pending faults to responses."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from langchain_fal_image.sandbox.faults.corrupt import corrupt_response
from langchain_fal_image.sandbox.faults.fault import Fault, Operation
from langchain_fal_image.sandbox.faults.script import Faults

__all__ = ["ConnectionControl", "FaultInjector"]


class FaultInjector:
    """Applies the faults of a sandbox to its responses.

    Args:
        faults: The pending faults.
        notify: Called after each response is made.
    """

    def __init__(self, faults: Faults, notify: Callable[[], None]) -> None:
        self._faults = faults
        self._notify = notify
        self.uncertain_submits: list[str | None] = []
        """Request ids of submits whose response never arrived; None if not accepted."""

    async def respond(
        self,
        operation: Operation,
        request: Request,
        act: Callable[[], Awaitable[Response]],
    ) -> Response:
        """Return the response of `act`, or a faulty one if a fault is pending.

        Sets the fault as `sandbox.fault` in the request's scope.
        """
        fault = self._faults.take(operation)
        if fault is None:
            response = await act()
            self._notify()
            return response
        request.scope["sandbox.fault"] = fault
        if not fault.after:
            await asyncio.sleep(fault.delay_seconds)
        is_refused = fault.drop == "before" or fault.status is not None
        response = _make_response(fault) if is_refused else await act()
        if operation == "submit":
            self._record_uncertain(fault, response, is_refused=is_refused)
        if fault.after:
            self._notify()
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop:
            request.scope["sandbox.reset"]()
        elif fault.corrupt and not isinstance(response, StreamingResponse):
            response = corrupt_response(response, fault.corrupt)
        self._notify()
        return response

    def _record_uncertain(
        self, fault: Fault, response: Response, *, is_refused: bool
    ) -> None:
        # An HTML page of a gateway does not prove that fal refused the request.
        is_gateway = (fault.status or 0) >= 500 and isinstance(fault.body, str)  # noqa: PLR2004 - HTTP's
        if fault.hides_request_id or is_gateway:
            request_id = response.headers.get("x-fal-request-id")
            self.uncertain_submits.append(None if is_refused else request_id)


def _make_response(fault: Fault) -> Response:
    status, headers = fault.status or 500, dict(fault.headers)
    if isinstance(fault.body, str):
        return Response(fault.body, status, headers)
    return JSONResponse(fault.body, status, headers)


class ConnectionControl:
    """Middleware that adds `sandbox.reset` and `sandbox.close` to each scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http":
            scope["sandbox.reset"] = functools.partial(_reset, send)
            scope["sandbox.close"] = functools.partial(_close, send)
        await self._app(scope, receive, send)


def _reset(send: Any) -> None:
    # uvicorn's send is a bound method of an object that has the transport.
    send.__self__.transport.abort()


def _close(send: Any) -> None:
    # Unlike a reset, this still sends what is already written.
    send.__self__.transport.close()
