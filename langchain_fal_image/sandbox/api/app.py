"""fal's HTTP surface: queue, sync runs, uploads, files and documents."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from langchain_fal_image.options import catalog
from langchain_fal_image.sandbox.api import openapi
from langchain_fal_image.sandbox.api.files import Media
from langchain_fal_image.sandbox.api.pricing import Pricing
from langchain_fal_image.sandbox.api.queue import Job, Queue
from langchain_fal_image.sandbox.api.request_log import Record
from langchain_fal_image.sandbox.api.responses import (
    Droppable,
    answer,
    app_of,
    faulty,
    number,
    refused,
    start_within,
    unauthorized,
)
from langchain_fal_image.sandbox.api.storage import Storage
from langchain_fal_image.sandbox.api.webhooks import Webhooks
from langchain_fal_image.sandbox.dashboard import dashboard as live
from langchain_fal_image.sandbox.faults.corrupt import (
    spoiled,
    spoiled_events,
    until_left,
)
from langchain_fal_image.sandbox.faults.script import Fault, Faults, Operation

__all__ = ["Fal"]

_PENDING = {"detail": "Request is still in progress"}
_Action = Callable[[], Awaitable[Response]]


class Fal:
    """The state of one sandbox, and its routes.

    Args:
        faults: What is to go wrong.
        heartbeat_seconds: How often an event stream says that it is alive.
        unknown_endpoints: Whether endpoints outside the catalog are served.
        prices: See `Pricing`.
        **settings: Of the `Queue`.
    """

    def __init__(
        self,
        *,
        faults: Faults,
        heartbeat_seconds: float,
        unknown_endpoints: bool,
        prices: Mapping[str, float | tuple[float, str]],
        **settings: Any,
    ) -> None:
        self.faults = faults
        self.media = Media()
        self._storage = Storage(self.media)
        self.record = Record()
        self.url = ""
        self.queue = Queue(self.media, **settings)
        self.webhooks = Webhooks(self.queue)
        self._heartbeat_seconds = heartbeat_seconds
        self._unknown_endpoints = unknown_endpoints
        self._pricing = Pricing(prices)
        self.app: ASGIApp = Droppable(
            Starlette(
                routes=[
                    Route("/", self._page, methods=["GET"]),
                    Route("/state.json", self._shown, methods=["GET"]),
                    Route(
                        "/queue/{path:path}",
                        self._queue,
                        methods=["GET", "POST", "PUT"],
                    ),
                    Route("/run/{path:path}", self._run, methods=["POST"]),
                    Route("/rest/.well-known/jwks.json", self._keys, methods=["GET"]),
                    Route("/rest/{path:path}", self._rest, methods=["POST"]),
                    Route(
                        "/files/{path:path}",
                        self._files,
                        methods=["GET", "POST", "PUT"],
                    ),
                    Route("/proxy", self._proxy, methods=["GET", "POST", "PUT"]),
                    Route("/openapi.json", self._document, methods=["GET"]),
                    Route("/platform/models/pricing", self._priced, methods=["GET"]),
                ],
            )
        )

    # --- For people ---

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(live.page())

    async def _shown(self, _: Request) -> Response:
        return JSONResponse(live.state(self.queue))

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
        if host == "rest.fal.ai":
            return await self._begun(request, path)
        return JSONResponse({"detail": f"no proxy for {host!r}"}, status_code=412)

    async def _queued(self, request: Request, path: str, *, base: str) -> Response:
        payload = await self._received(request)
        if refusal := unauthorized(request):
            return refusal
        if request.method == "POST":
            return await self._with_faults(
                "submit", request, lambda: self._submit(request, path, payload, base)
            )
        app, _, rest = path.partition("/requests/")
        request_id, _, what = rest.partition("/")
        job = self.queue.jobs.get(request_id)
        if job is None or app != app_of(job.endpoint_id):
            body = (
                {"status": "NOT_FOUND"} if what == "cancel" else {"detail": "Not Found"}
            )
            return answer(404, body, request_id or str(uuid.uuid4()))
        actions: dict[str, tuple[Operation, _Action]] = {
            "status": ("status", lambda: self._status(job, request, base)),
            "status/stream": ("stream", lambda: self._stream(job, request, base)),
            "cancel": ("cancel", lambda: self._cancel(job)),
            "": ("result", lambda: self._result(job)),
        }
        if what not in actions or (request.method == "PUT") != (what == "cancel"):
            return answer(405, {"detail": "Method Not Allowed"}, job.request_id)
        operation, action = actions[what]
        return await self._with_faults(operation, request, action)

    async def _submit(
        self, request: Request, endpoint_id: str, payload: Any, base: str
    ) -> Response:
        if refusal := self._unknown(endpoint_id):
            return refusal
        longest = number(request.query_params.get("fal_max_queue_length"))
        if longest is not None and self.queue.waiting >= longest:
            return refused(429, "Queue is full", "queue_length_limit")
        job = self.queue.submit(
            endpoint_id, payload, start_within=start_within(request)
        )
        if webhook_url := request.query_params.get("fal_webhook"):
            self.webhooks.expect(job, webhook_url)
        return answer(200, self._state(job, base, logs=False), job.request_id)

    async def _status(self, job: Job, request: Request, base: str) -> Response:
        logs = request.query_params.get("logs") in {"1", "true"}
        body = self._state(job, base, logs=logs)
        return answer(200 if job.is_done else 202, body, job.request_id)

    async def _stream(self, job: Job, request: Request, base: str) -> Response:
        fault: Fault | None = request.scope.get("sandbox.fault")
        how = fault.corrupt if fault else None
        if how == "never start":
            return await until_left(request)

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
            spoiled_events(events(), how),
            media_type="text/event-stream",
            headers={"x-fal-request-id": job.request_id, "cache-control": "no-store"},
        )

    async def _result(self, job: Job) -> Response:
        if not job.is_done:
            return answer(400, _PENDING, job.request_id)
        return answer(job.answer_status, job.answer, job.request_id, job.answer_headers)

    async def _cancel(self, job: Job) -> Response:
        status, word = await self.queue.cancel(job)
        return answer(status, {"status": word}, job.request_id)

    def _state(self, job: Job, base: str, *, logs: bool) -> dict[str, Any]:
        url = f"{base}/{app_of(job.endpoint_id)}/requests/{job.request_id}"
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
        if refusal := unauthorized(request) or self._unknown(endpoint_id):
            return refusal

        async def run() -> Response:
            if self.queue.is_busy:
                message = "Too many concurrent requests"
                return refused(429, message, "concurrent_requests_limit")
            job = self.queue.submit(
                endpoint_id, payload, start_within=start_within(request), direct=True
            )
            await self._until_done_or_left(job, request)
            return await self._result(job)

        return await self._with_faults("run", request, run)

    async def _until_done_or_left(self, job: Job, request: Request) -> None:
        """Wait for a sync run; it is cancelled when its client hangs up."""
        done = asyncio.ensure_future(self.queue.wait(job))
        # The body was read: the next message is that the client is gone.
        left = asyncio.ensure_future(request.receive())
        await asyncio.wait({done, left}, return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        await self.queue.cancel(job, reason="client_disconnected")
        await done

    # --- Uploads and files ---

    async def _rest(self, request: Request) -> Response:
        return await self._begun(request, request.path_params["path"])

    async def _begun(self, request: Request, path: str) -> Response:
        payload = await self._received(request)
        if refusal := unauthorized(request):
            return refusal
        return await self._with_faults(
            "upload", request, lambda: self._storage.begun(path.strip("/"), payload)
        )

    async def _files(self, request: Request) -> Response:
        path = request.path_params["path"]
        content = await request.body()
        self.record.add(request, None)
        if request.headers.get("authorization", "").startswith("Key "):
            self.record.leak(request)
            body = {"detail": "A key was sent to a host for files; it belongs to none"}
            return JSONResponse(body, status_code=403)
        if request.method == "GET":
            return await self._with_faults(
                "file", request, lambda: self._storage.read(path)
            )
        return await self._with_faults(
            "upload", request, lambda: self._storage.stored(request, path, content)
        )

    async def _document(self, request: Request) -> Response:
        self.record.add(request, None)
        found = openapi.document(request.query_params.get("endpoint_id", ""))
        if found is None:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return JSONResponse(found)

    async def _keys(self, request: Request) -> Response:
        self.record.add(request, None)
        if "authorization" in request.headers:
            self.record.leak(request)
        return JSONResponse(self.webhooks.keys())

    async def _priced(self, request: Request) -> Response:
        self.record.add(request, None)
        return unauthorized(request) or self._pricing.answer(request)

    # --- What all have in common ---

    async def _received(self, request: Request) -> Any:
        body = await request.body()
        payload = None
        if body:
            with contextlib.suppress(ValueError):
                payload = json.loads(body)
        self.record.add(request, payload)
        return payload

    def _unknown(self, endpoint_id: str) -> Response | None:
        if self._unknown_endpoints or catalog.get_entry(endpoint_id):
            return None
        body = {"detail": f"Application {endpoint_id!r} not found"}
        return answer(404, body, str(uuid.uuid4()))

    async def _with_faults(
        self, operation: Operation, request: Request, action: _Action
    ) -> Response:
        fault = self.faults.take(operation)
        if fault is None:
            response = await action()
            self.record.tell()
            return response
        request.scope["sandbox.fault"] = fault
        if not fault.after:
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop != "before" and fault.status is None:
            response = await action()
        else:
            response = faulty(fault)
        if operation == "submit":
            self._note_spoiled(fault, response)
        if fault.after:
            self.record.tell()
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop:
            request.scope["sandbox.drop"]()
        elif fault.corrupt and not isinstance(response, StreamingResponse):
            response = spoiled(response, fault.corrupt)
        self.record.tell()
        return response

    def _note_spoiled(self, fault: Fault, response: Response) -> None:
        """Write down a submit whose client cannot know what became of it."""
        is_gateways = (fault.status or 0) >= 500 and isinstance(fault.body, str)  # noqa: PLR2004 - HTTP's
        if fault.hides_request_id or is_gateways:
            taken = fault.drop != "before" and fault.status is None
            found = response.headers.get("x-fal-request-id") if taken else None
            self.record.spoiled.append(found)
