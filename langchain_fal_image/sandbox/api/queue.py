"""fal's queue: requests wait, run, and complete or are cancelled."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import random
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image.sandbox.api import validation
from langchain_fal_image.sandbox.api.files import Files
from langchain_fal_image.sandbox.api.model import find_kind, generate_output
from langchain_fal_image.sandbox.input_file import UnreadableInputError

__all__ = ["Job", "Queue"]

_WORK = {"image": "drawing", "speech": "speaking", "transcription": "listening"}
_Response = tuple[int, Any, dict[str, str]]
"""The HTTP status, body and headers."""
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """One request and its response."""

    endpoint_id: str
    payload: Any = field(repr=False)
    request_id: str
    status: str = "IN_QUEUE"
    logs: list[dict[str, Any]] = field(default_factory=list)
    response_status: int = 200
    response_body: Any = field(default=None, repr=False)
    response_headers: dict[str, str] = field(default_factory=dict, repr=False)
    inference_seconds: float | None = None
    submitted_at: float = field(default_factory=time.time)
    started_at: float | None = None
    ended_at: float | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    work: asyncio.Future[_Response] | None = field(default=None, repr=False)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition, repr=False)
    version: int = 0

    @property
    def is_done(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.status == "COMPLETED"

    async def update(self, status: str, *messages: str) -> None:
        """Set the status, add log messages and wake the tasks that follow the job."""
        self.status = status
        if status == "IN_PROGRESS":
            self.started_at = time.time()
        elif self.is_done:
            self.ended_at = time.time()
        for message in messages:
            now = dt.datetime.now(dt.UTC).isoformat()
            entry = {"message": message, "level": "INFO", "source": "USER"}
            self.logs.append({**entry, "timestamp": now})
        self.version += 1
        async with self.changed:
            self.changed.notify_all()


class Queue:
    """Requests in order on a limited number of runners; see `Sandbox` for settings."""

    def __init__(
        self,
        files: Files,
        *,
        queue_seconds: float,
        run_seconds: float,
        concurrency: int,
        seed: int,
    ) -> None:
        self.files = files
        self.queue_seconds = queue_seconds
        self.run_seconds = run_seconds
        self.jobs: dict[str, Job] = {}
        self._open: dict[str, Job] = {}
        self.most_in_flight = 0
        self._runners = asyncio.Semaphore(concurrency)
        self._random = random.Random(seed)  # noqa: S311 - not a secret

    @property
    def waiting(self) -> int:
        """The number of requests in the queue."""
        return sum(each.status == "IN_QUEUE" for each in self._open.values())

    @property
    def is_busy(self) -> bool:
        """Whether all runners are busy."""
        return self._runners.locked()

    def submit(
        self,
        endpoint_id: str,
        payload: Any,
        *,
        start_timeout: float | None = None,
        is_sync: bool = False,
    ) -> Job:
        """Accept a request.

        It fails if no runner starts it within `start_timeout` seconds. A sync run
        starts without `queue_seconds`.
        """
        job = Job(endpoint_id, payload, request_id=str(uuid.uuid4()))
        self.jobs[job.request_id] = self._open[job.request_id] = job
        self.most_in_flight = max(self.most_in_flight, len(self._open))
        wait = 0.0 if is_sync else self.queue_seconds
        job.task = asyncio.ensure_future(self._run(job, wait, start_timeout))
        return job

    def position(self, job: Job) -> int:
        """Return how many requests are in the queue before this one."""
        waiting = (each for each in self._open.values() if each.status == "IN_QUEUE")
        return next((index for index, each in enumerate(waiting) if each is job), 0)

    async def cancel(
        self, job: Job, *, reason: str = "client_cancelled"
    ) -> tuple[int, str]:
        """Cancel a request; return the HTTP status and fal's `status`."""
        if job.is_done:
            return 400, "ALREADY_COMPLETED"
        is_waiting = job.status == "IN_QUEUE"
        if job.task:
            job.task.cancel()
        await self._end(job, 499, {"detail": "Request cancelled", "error_type": reason})
        return (200, "OK") if is_waiting else (202, "CANCELLATION_REQUESTED")

    async def wait(self, job: Job) -> None:
        """Wait until a request is done."""
        async for _ in self.follow(job):
            pass

    async def wait_for_output(self, job: Job) -> Any:
        """Return the output as soon as it is made, before the request is done.

        Return None for a request that fails or is cancelled.
        """
        async for _ in self.follow(job):
            if job.work:
                await asyncio.wait({job.work})
                break
        if job.work is None or job.work.cancelled():
            return None
        status, output, _ = job.work.result()
        return output if status == 200 else None  # noqa: PLR2004 - HTTP's

    async def follow(
        self, job: Job, *, silence: float | None = None
    ) -> AsyncIterator[bool]:
        """Yield True at each change until the request is done.

        Yield False each time `silence` seconds pass without a change.
        """
        seen = -1
        while True:
            if job.version != seen:
                seen = job.version
                yield True
                if job.is_done:
                    return
                continue
            try:
                async with job.changed:
                    if job.version == seen:
                        await asyncio.wait_for(job.changed.wait(), silence)
            except TimeoutError:
                yield False

    async def _run(self, job: Job, wait: float, start_timeout: float | None) -> None:
        try:
            async with asyncio.timeout(start_timeout):
                await asyncio.sleep(wait)
                await self._runners.acquire()
        except TimeoutError:
            late = {"detail": "Request timed out", "error_type": "request_timeout"}
            await self._end(job, 504, late, **{"x-fal-request-timeout-type": "user"})
            return
        try:
            work = _WORK[find_kind(job.endpoint_id)]
            loop = asyncio.get_running_loop()
            started = loop.time()
            # The thread must not set the response: a cancelled job already has one.
            job.work = loop.run_in_executor(None, self._work, job)
            await job.update("IN_PROGRESS", f"sandbox: {work} for {job.endpoint_id}")
            response, _ = await asyncio.gather(
                job.work, asyncio.sleep(self.run_seconds)
            )
            job.inference_seconds = loop.time() - started
        finally:
            self._runners.release()
        status, body, headers = response
        await self._end(job, status, body, "sandbox: done", **headers)

    async def _end(
        self, job: Job, status: int, body: Any, *messages: str, **headers: str
    ) -> None:
        self._open.pop(job.request_id, None)
        job.response_status, job.response_body = status, body
        job.response_headers = headers
        await job.update("COMPLETED", *messages)

    def _work(self, job: Job) -> _Response:
        try:
            payload, errors = validation.check_payload(job.endpoint_id, job.payload)
            if errors:
                return 422, {"detail": errors}, {}
            seed = self._random.randrange(2**31)
            output = generate_output(
                job.endpoint_id, payload, files=self.files, seed=seed
            )
        except UnreadableInputError as error:
            entry = validation.make_error(error.path, str(error), error.error_type)
            return 422, {"detail": [entry]}, {}
        except Exception as error:  # noqa: BLE001 - any error must complete the request, as at fal
            _log.exception("The sandbox failed to run %s.", job.endpoint_id)
            message = f"The sandbox failed: {type(error).__name__}"
            return 500, {"detail": message, "error_type": "internal_error"}, {}
        if find_kind(job.endpoint_id) != "image":
            # The unit in which fal bills audio is unknown.
            return 200, output, {}
        units = len(output.get("images", [None]))
        return 200, output, {"x-fal-billable-units": str(units)}
