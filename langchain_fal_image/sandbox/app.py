"""fal's HTTP surface: queue, sync runs, uploads, files and documents."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from langchain_fal_image.options import catalog
from langchain_fal_image.sandbox import openapi
from langchain_fal_image.sandbox.faults import Fault, Faults, Operation
from langchain_fal_image.sandbox.media import Media
from langchain_fal_image.sandbox.queue import Job, Queue
from langchain_fal_image.sandbox.storage import Storage

__all__ = ["Fal", "ReceivedRequest"]

_PENDING = {"detail": "Request is still in progress"}
_Action = Callable[[], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """What the sandbox was asked.

    Attributes:
        method: HTTP's.
        path: With the sandbox's prefix, such as `/queue/fal-ai/qwen-image`.
        query: As it came.
        headers: Names in lower case; a key's value is left out.
        json: The body, where it was JSON.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any = field(default=None, repr=False)


class Fal:
    """The state of one sandbox, and its routes.

    Args:
        faults: What is to go wrong.
        heartbeat_seconds: How often an event stream says that it is alive.
        unknown_endpoints: Whether endpoints outside the catalog are served.
        **settings: Of the `Queue`.
    """

    def __init__(
        self,
        *,
        faults: Faults,
        heartbeat_seconds: float,
        unknown_endpoints: bool,
        **settings: Any,
    ) -> None:
        self.faults = faults
        self.media = Media()
        self._storage = Storage(self.media)
        self.requests: list[ReceivedRequest] = []
        self.leaks: list[str] = []
        self.url = ""
        self.changed = threading.Condition()
        self.queue = Queue(self.media, **settings)
        self._heartbeat_seconds = heartbeat_seconds
        self._unknown_endpoints = unknown_endpoints
        self.app: ASGIApp = _Droppable(
            Starlette(
                routes=[
                    Route(
                        "/queue/{path:path}",
                        self._queue,
                        methods=["GET", "POST", "PUT"],
                    ),
                    Route("/run/{path:path}", self._run, methods=["POST"]),
                    Route("/rest/{path:path}", self._rest, methods=["POST"]),
                    Route(
                        "/files/{path:path}",
                        self._files,
                        methods=["GET", "POST", "PUT"],
                    ),
                    Route("/proxy", self._proxy, methods=["GET", "POST", "PUT"]),
                    Route("/openapi.json", self._document, methods=["GET"]),
                ],
            )
        )

    # --- Queue ---

    async def _queue(self, request: Request) -> Response:
        return await self._queued(
            request, request.path_params["path"], base=f"{self.url}/queue"
        )

    async def _proxy(self, request: Request) -> Response:
        """Serve what a client of fal sends to a proxy, as @fal-ai/client does."""
        target = urlsplit(request.headers.get("x-fal-target-url", ""))
        host, path = target.netloc, target.path.strip("/")
        request.scope["query_string"] = target.query.encode()
        if host == "queue.fal.run":
            return await self._queued(request, path, base=f"https://{host}")
        if host == "fal.run":
            return await self._ran(request, path)
        return JSONResponse({"detail": f"no proxy for {host!r}"}, status_code=412)

    async def _queued(self, request: Request, path: str, *, base: str) -> Response:
        payload = await self._received(request)
        if refused := self._unauthorized(request):
            return refused
        if request.method == "POST":
            return await self._with_faults(
                "submit", request, lambda: self._submit(path, payload, base)
            )
        app, _, rest = path.partition("/requests/")
        request_id, _, what = rest.partition("/")
        job = self.queue.jobs.get(request_id)
        if job is None or not job.endpoint_id.startswith(app):
            body = (
                {"status": "NOT_FOUND"} if what == "cancel" else {"detail": "Not Found"}
            )
            return _answer(404, body, request_id or str(uuid.uuid4()))
        actions: dict[str, tuple[Operation, _Action]] = {
            "status": ("status", lambda: self._status(job, request, base)),
            "status/stream": ("stream", lambda: self._stream(job, base)),
            "cancel": ("cancel", lambda: self._cancel(job)),
            "": ("result", lambda: self._result(job)),
        }
        if what not in actions or (request.method == "PUT") != (what == "cancel"):
            return _answer(405, {"detail": "Method Not Allowed"}, job.request_id)
        operation, action = actions[what]
        return await self._with_faults(operation, request, action)

    async def _submit(self, endpoint_id: str, payload: Any, base: str) -> Response:
        if refused := self._unknown(endpoint_id):
            return refused
        job = self.queue.submit(endpoint_id, payload)
        return _answer(200, self._state(job, base, logs=False), job.request_id)

    async def _status(self, job: Job, request: Request, base: str) -> Response:
        logs = request.query_params.get("logs") in {"1", "true"}
        body = self._state(job, base, logs=logs)
        return _answer(200 if job.is_done else 202, body, job.request_id)

    async def _stream(self, job: Job, base: str) -> Response:
        async def events() -> AsyncIterator[str]:
            told = 0
            async for changed in self.queue.follow(
                job, silence=self._heartbeat_seconds
            ):
                if not changed:
                    yield ": still here\n\n"
                    continue
                state = self._state(job, base, logs=True)
                if "logs" in state:
                    state["logs"], told = state["logs"][told:], len(job.logs)
                yield f"data: {json.dumps(state)}\n\n"

        return StreamingResponse(
            events(),
            media_type="text/event-stream",
            headers={"x-fal-request-id": job.request_id, "cache-control": "no-store"},
        )

    async def _result(self, job: Job) -> Response:
        if not job.is_done:
            return _answer(400, _PENDING, job.request_id)
        return _answer(job.answer_status, job.answer, job.request_id)

    async def _cancel(self, job: Job) -> Response:
        status, word = await self.queue.cancel(job)
        return _answer(status, {"status": word}, job.request_id)

    def _state(self, job: Job, base: str, *, logs: bool) -> dict[str, Any]:
        parts = job.endpoint_id.split("/")
        app = "/".join(parts[: 3 if parts[0] in {"workflows", "comfy"} else 2])
        url = f"{base}/{app}/requests/{job.request_id}"
        state: dict[str, Any] = {
            "status": job.status,
            "request_id": job.request_id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
        }
        if job.status == "IN_QUEUE":
            return {**state, "queue_position": self.queue.position(job)}
        state["logs"] = list(job.logs) if logs else None
        if job.is_done:
            state["metrics"] = {"inference_time": job.inference_seconds}
            if job.answer_status != 200:  # noqa: PLR2004 - HTTP's
                state["error"] = f"Invalid status code: {job.answer_status}"
                if isinstance(job.answer, dict) and "error_type" in job.answer:
                    state["error_type"] = job.answer["error_type"]
        return state

    # --- Sync runs ---

    async def _run(self, request: Request) -> Response:
        return await self._ran(request, request.path_params["path"])

    async def _ran(self, request: Request, endpoint_id: str) -> Response:
        payload = await self._received(request)
        if refused := self._unauthorized(request) or self._unknown(endpoint_id):
            return refused

        async def run() -> Response:
            job = self.queue.submit(endpoint_id, payload)
            await self.queue.wait(job)
            return await self._result(job)

        return await self._with_faults("run", request, run)

    # --- Uploads and files ---

    async def _rest(self, request: Request) -> Response:
        await self._received(request)
        if refused := self._unauthorized(request):
            return refused
        return await self._with_faults(
            "upload", request, lambda: self._storage.begun(request)
        )

    async def _files(self, request: Request) -> Response:
        path = request.path_params["path"]
        content = await request.body()
        self._record(request, None)
        if request.headers.get("authorization", "").startswith("Key "):
            self.leaks.append(f"{request.method} {request.url.path}")
        if request.method == "GET":
            return await self._with_faults(
                "file", request, lambda: self._storage.read(path)
            )
        return await self._with_faults(
            "upload", request, lambda: self._storage.stored(request, path, content)
        )

    async def _document(self, request: Request) -> Response:
        self._record(request, None)
        found = openapi.document(request.query_params.get("endpoint_id", ""))
        if found is None:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return JSONResponse(found)

    # --- What all have in common ---

    async def _received(self, request: Request) -> Any:
        body = await request.body()
        payload = None
        if body:
            with contextlib.suppress(ValueError):
                payload = json.loads(body)
        self._record(request, payload)
        return payload

    def _record(self, request: Request, payload: Any) -> None:
        headers = dict(request.headers)
        if "authorization" in headers:
            scheme = headers["authorization"].partition(" ")[0]
            headers["authorization"] = f"{scheme} …"
        self.requests.append(
            ReceivedRequest(
                request.method, request.url.path, request.url.query, headers, payload
            )
        )
        self._tell()

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _unauthorized(self, request: Request) -> Response | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme in {"Key", "Bearer"} and key.strip():
            return None
        body = {"detail": "Authentication is required to access this application"}
        return _answer(401, body, str(uuid.uuid4()))

    def _unknown(self, endpoint_id: str) -> Response | None:
        if self._unknown_endpoints or catalog.entry(endpoint_id):
            return None
        body = {"detail": f"Application {endpoint_id!r} not found"}
        return _answer(404, body, str(uuid.uuid4()))

    async def _with_faults(
        self, operation: Operation, request: Request, action: _Action
    ) -> Response:
        fault = self.faults.take(operation)
        if fault is None:
            response = await action()
            self._tell()
            return response
        if not fault.after:
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop != "before" and fault.status is None:
            response = await action()
        else:
            response = _faulty(fault)
        if fault.after:
            self._tell()
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop:
            request.scope["sandbox.drop"]()
        self._tell()
        return response


class _Droppable:
    """Lets an endpoint reset the connection it is called on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["sandbox.drop"] = functools.partial(_drop, send)
        await self._app(scope, receive, send)


def _drop(send: Any) -> None:
    # uvicorn's send is a method of the request's cycle, which has the socket.
    send.__self__.transport.abort()


def _faulty(fault: Fault) -> Response:
    status = fault.status or 500
    if isinstance(fault.body, str):
        return Response(fault.body, status, dict(fault.headers))
    return JSONResponse(fault.body, status, dict(fault.headers))


def _answer(status: int, body: Any, request_id: str) -> Response:
    headers = {"x-fal-request-id": request_id}
    if isinstance(body, dict) and isinstance(body.get("error_type"), str):
        headers["x-fal-error-type"] = body["error_type"]
    return JSONResponse(body, status_code=status, headers=headers)
