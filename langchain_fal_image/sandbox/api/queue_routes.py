"""The routes for requests: the queue and sync runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from langchain_fal_image.options import catalog
from langchain_fal_image.options.kind import PRODUCTS, SERVED_KINDS
from langchain_fal_image.sandbox.api.queue import Job, Queue
from langchain_fal_image.sandbox.api.responses import (
    error_response,
    json_response,
    parse_number,
    parse_start_timeout,
    reject_without_key,
    to_app_id,
)
from langchain_fal_image.sandbox.api.streams import (
    find_endpoint,
    format_event,
    make_progress,
)
from langchain_fal_image.sandbox.api.tokens import reject_run
from langchain_fal_image.sandbox.api.webhooks import Webhooks
from langchain_fal_image.sandbox.faults.corrupt import (
    corrupt_events,
    wait_for_disconnect,
)
from langchain_fal_image.sandbox.faults.fault import Fault, Operation
from langchain_fal_image.sandbox.faults.injector import FaultInjector

__all__ = ["QueueRoutes"]


class QueueRoutes:
    """Handlers for requests, their status and their results."""

    def __init__(
        self,
        queue: Queue,
        *,
        webhooks: Webhooks,
        injector: FaultInjector,
        heartbeat_seconds: float,
        unknown_endpoints: bool,
    ) -> None:
        self._queue = queue
        self._webhooks = webhooks
        self._injector = injector
        self._heartbeat_seconds = heartbeat_seconds
        self._unknown_endpoints = unknown_endpoints

    async def handle_queue(
        self, request: Request, path: str, payload: Any, *, base_url: str
    ) -> Response:
        """Handle a request to `queue.fal.run`; URLs in the response use `base_url`."""
        if rejection := reject_without_key(request):
            return rejection
        if request.method == "POST":
            return await self._injector.respond(
                "submit",
                request,
                lambda: self._submit(request, path, payload, base_url),
            )
        app_id, _, rest = path.partition("/requests/")
        request_id, _, action = rest.partition("/")
        job = self._queue.jobs.get(request_id)
        if job is None or app_id != to_app_id(job.endpoint_id):
            is_cancel = action == "cancel"
            body = {"status": "NOT_FOUND"} if is_cancel else {"detail": "Not Found"}
            return json_response(404, body, request_id)
        actions: dict[str, tuple[Operation, Callable[[], Awaitable[Response]]]] = {
            "status": ("status", lambda: self._get_status(job, request, base_url)),
            "status/stream": ("stream", lambda: self._stream(job, request, base_url)),
            "cancel": ("cancel", lambda: self._cancel(job)),
            "": ("result", lambda: self._get_result(job)),
        }
        if action not in actions or (request.method == "PUT") != (action == "cancel"):
            return json_response(405, {"detail": "Method Not Allowed"}, job.request_id)
        operation, act = actions[action]
        return await self._injector.respond(operation, request, act)

    async def handle_run(self, request: Request, path: str, payload: Any) -> Response:
        """Handle a sync run or a stream at `fal.run`."""
        endpoint_id, is_stream = find_endpoint(path)
        rejection = reject_run(request, path) or self._reject_unknown(endpoint_id)
        if rejection:
            return rejection
        if request.method != "POST":
            return json_response(405, {"detail": "Method Not Allowed"})

        async def run() -> Response:
            if self._queue.is_busy:
                detail = "Too many concurrent requests"
                return error_response(429, detail, "concurrent_requests_limit")
            job = self._queue.submit(
                endpoint_id,
                payload,
                start_timeout=parse_start_timeout(request),
                is_sync=True,
            )
            output = await self._queue.wait_for_output(job) if is_stream else None
            if output is not None:
                return await self._send_events(
                    request, job, self._stream_output(job, output)
                )
            await self._wait_while_connected(job, request)
            return await self._get_result(job)

        return await self._injector.respond("run", request, run)

    def _reject_unknown(self, endpoint_id: str) -> Response | None:
        kind = catalog.get_kind(endpoint_id)
        if kind in SERVED_KINDS or (kind is None and self._unknown_endpoints):
            return None
        detail = f"Application {endpoint_id!r} not found"
        if kind:
            detail = (
                f"The sandbox cannot run {endpoint_id!r}: it makes {PRODUCTS[kind]}"
            )
        return json_response(404, {"detail": detail})

    async def _submit(
        self, request: Request, endpoint_id: str, payload: Any, base_url: str
    ) -> Response:
        if rejection := self._reject_unknown(endpoint_id):
            return rejection
        limit = parse_number(request.query_params.get("fal_max_queue_length"))
        if limit is not None and self._queue.waiting >= limit:
            return error_response(429, "Queue is full", "queue_length_limit")
        job = self._queue.submit(
            endpoint_id, payload, start_timeout=parse_start_timeout(request)
        )
        if webhook_url := request.query_params.get("fal_webhook"):
            self._webhooks.register(job, webhook_url)
        body = self._describe(job, base_url, has_logs=False)
        return json_response(200, body, job.request_id)

    async def _get_status(self, job: Job, request: Request, base_url: str) -> Response:
        has_logs = request.query_params.get("logs") in {"1", "true"}
        body = self._describe(job, base_url, has_logs=has_logs)
        return json_response(200 if job.is_done else 202, body, job.request_id)

    async def _stream(self, job: Job, request: Request, base_url: str) -> Response:
        async def read_events() -> AsyncIterator[str]:
            sent = 0
            silence = self._heartbeat_seconds
            async for is_changed in self._queue.follow(job, silence=silence):
                if not is_changed:
                    yield ": heartbeat\n\n"
                    continue
                status = self._describe(job, base_url, has_logs=True)
                if "logs" in status:
                    status["logs"], sent = status["logs"][sent:], len(job.logs)
                yield format_event(status)

        return await self._send_events(request, job, read_events())

    async def _stream_output(self, job: Job, output: Any) -> AsyncIterator[str]:
        """Yield a preview of a run's output and, once it is done, the output."""
        try:
            yield format_event(make_progress(output, self._queue.files))
            await self._queue.wait(job)
            yield format_event(job.response_body)
        finally:
            # Does nothing unless the client has disconnected before the end.
            await self._queue.cancel(job, reason="client_disconnected")

    async def _send_events(
        self, request: Request, job: Job, events: AsyncIterator[str]
    ) -> Response:
        fault: Fault | None = request.scope.get("sandbox.fault")
        how = fault.corrupt if fault else None
        if how == "never start":
            return await wait_for_disconnect(request)
        return StreamingResponse(
            corrupt_events(events, how),
            media_type="text/event-stream",
            headers={"x-fal-request-id": job.request_id, "cache-control": "no-store"},
        )

    async def _get_result(self, job: Job) -> Response:
        if not job.is_done:
            # @ai-sdk/fal compares this text.
            body = {"detail": "Request is still in progress"}
            return json_response(400, body, job.request_id)
        return json_response(
            job.response_status, job.response_body, job.request_id, job.response_headers
        )

    async def _cancel(self, job: Job) -> Response:
        http_status, status = await self._queue.cancel(job)
        return json_response(http_status, {"status": status}, job.request_id)

    async def _wait_while_connected(self, job: Job, request: Request) -> None:
        """Wait for a sync run; cancel it when its client disconnects."""
        done = asyncio.ensure_future(self._queue.wait(job))
        # The body is already read, so the next message is the disconnect.
        disconnected = asyncio.ensure_future(request.receive())
        await asyncio.wait({done, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        disconnected.cancel()
        await self._queue.cancel(job, reason="client_disconnected")
        await done

    def _describe(self, job: Job, base_url: str, *, has_logs: bool) -> dict[str, Any]:
        """Return the status of a request.

        fal_client/client.py requires `queue_position` and the key `logs`.
        """
        url = f"{base_url}/{to_app_id(job.endpoint_id)}/requests/{job.request_id}"
        status: dict[str, Any] = {
            "status": job.status,
            "request_id": job.request_id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
        }
        if job.status == "IN_QUEUE":
            return {**status, "queue_position": self._queue.position(job)}
        status["logs"] = list(job.logs) if has_logs else None
        if job.is_done:
            status["metrics"] = {"inference_time": job.inference_seconds}
            if job.response_status != 200:  # noqa: PLR2004 - HTTP's
                status["error"] = f"Invalid status code: {job.response_status}"
                body = job.response_body
                if isinstance(body, dict) and "error_type" in body:
                    status["error_type"] = body["error_type"]
        return status
