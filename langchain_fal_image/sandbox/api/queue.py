"""fal's queue: requests that wait, run, end, or are cancelled."""

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

from langchain_fal_image.sandbox.api import audio_output as sounds
from langchain_fal_image.sandbox.api import files as media
from langchain_fal_image.sandbox.api import validation as checks

__all__ = ["Job", "Queue"]

_END_OF_LIFE = "COMPLETED"
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """One request."""

    endpoint_id: str
    payload: Any = field(repr=False)
    request_id: str
    status: str = "IN_QUEUE"
    logs: list[dict[str, Any]] = field(default_factory=list)
    answer_status: int = 200
    answer: Any = field(default=None, repr=False)
    answer_headers: dict[str, str] = field(default_factory=dict, repr=False)
    inference_seconds: float | None = None
    submitted_at: float = field(default_factory=time.time)
    began_at: float | None = None
    ended_at: float | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition, repr=False)
    version: int = 0

    @property
    def is_done(self) -> bool:
        """Whether it ended, however."""
        return self.status == _END_OF_LIFE

    async def change(self, status: str, *log: str) -> None:
        """Enter a state and wake whoever follows."""
        self.status = status
        if status == "IN_PROGRESS":
            self.began_at = time.time()
        elif self.is_done:
            self.ended_at = time.time()
        for message in log:
            now = dt.datetime.now(dt.UTC).isoformat()
            entry = {"message": message, "level": "INFO", "source": "USER"}
            self.logs.append({**entry, "timestamp": now})
        self.version += 1
        async with self.changed:
            self.changed.notify_all()

    def end(self, status: int, answer: Any, **headers: str) -> None:
        """Set what the result URL answers."""
        self.answer_status, self.answer = status, answer
        self.answer_headers = headers


class Queue:
    """Runs requests on a few runners, in order.

    Args:
        files: Where pictures go.
        queue_seconds: How long each request waits at least.
        run_seconds: How long each one runs at least.
        concurrency: How many run at once.
        seed: From which seeds are drawn for requests that have none.
    """

    def __init__(
        self,
        files: media.Media,
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
        self._random = random.Random(seed)  # noqa: S311 - no secret

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(each.status == "IN_QUEUE" for each in self._open.values())

    @property
    def is_busy(self) -> bool:
        """Whether all runners are taken."""
        return self._runners.locked()

    def submit(
        self,
        endpoint_id: str,
        payload: Any,
        *,
        start_within: float | None = None,
        direct: bool = False,
    ) -> Job:
        """Accept a request.

        Args:
            endpoint_id: Whose.
            payload: Its input.
            start_within: In seconds; it fails if no runner took it by then.
            direct: Whether it is a sync run, which does not queue.
        """
        job = Job(endpoint_id, payload, request_id=str(uuid.uuid4()))
        self.jobs[job.request_id] = self._open[job.request_id] = job
        self.most_in_flight = max(self.most_in_flight, len(self._open))
        wait = 0.0 if direct else self.queue_seconds
        job.task = asyncio.ensure_future(self._run(job, wait, start_within))
        return job

    def position(self, job: Job) -> int:
        """Say how many requests wait before one."""
        waiting = (each for each in self._open.values() if each.status == "IN_QUEUE")
        return next((place for place, each in enumerate(waiting) if each is job), 0)

    async def cancel(
        self, job: Job, *, reason: str = "client_cancelled"
    ) -> tuple[int, str]:
        """Cancel a request; give HTTP's status and fal's word."""
        if job.is_done:
            return 400, "ALREADY_COMPLETED"
        waiting = job.status == "IN_QUEUE"
        if job.task:
            job.task.cancel()
        await self._end(job, 499, {"detail": "Request cancelled", "error_type": reason})
        return (200, "OK") if waiting else (202, "CANCELLATION_REQUESTED")

    async def wait(self, job: Job) -> None:
        """Wait until a request ended."""
        async for _ in self.follow(job):
            pass

    async def follow(
        self, job: Job, *, silence: float | None = None
    ) -> AsyncIterator[bool]:
        """Yield True at each change until the end; False after each silence.

        Args:
            job: Which request.
            silence: In seconds; None for none.
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

    async def _run(self, job: Job, wait: float, start_within: float | None) -> None:
        try:
            async with asyncio.timeout(start_within):
                await asyncio.sleep(wait)
                await self._runners.acquire()
        except TimeoutError:
            late = {"detail": "Request timed out", "error_type": "request_timeout"}
            await self._end(job, 504, late, **{"x-fal-request-timeout-type": "user"})
            return
        try:
            await job.change(
                "IN_PROGRESS",
                f"sandbox: {sounds.work(job.endpoint_id)} for {job.endpoint_id}",
            )
            loop = asyncio.get_running_loop()
            began = loop.time()
            # Only here, not in the thread: a cancelled job keeps its answer.
            answer, _ = await asyncio.gather(
                loop.run_in_executor(None, self.work, job),
                asyncio.sleep(self.run_seconds),
            )
            job.inference_seconds = loop.time() - began
        finally:
            self._runners.release()
        status, body, headers = answer
        await self._end(job, status, body, "sandbox: done", **headers)

    async def _end(
        self, job: Job, status: int, body: Any, *log: str, **headers: str
    ) -> None:
        self._open.pop(job.request_id, None)
        job.end(status, body, **headers)
        await job.change(_END_OF_LIFE, *log)

    def work(self, job: Job) -> tuple[int, Any, dict[str, str]]:
        """Do what the model would: check the input and make the output.

        Returns:
            HTTP's status, the body and the headers of the result.
        """
        faults = checks.find_errors(job.endpoint_id, job.payload)
        if faults:
            return 422, {"detail": faults}, {}
        seed = self._random.randrange(2**31)
        try:
            make = sounds.generate if sounds.serves(job.endpoint_id) else media.generate
            output = make(job.endpoint_id, job.payload, media=self.files, seed=seed)
        except media.Unreadable as error:
            fault = checks.fault(error.path, str(error), error.kind)
            return 422, {"detail": [fault]}, {}
        except Exception as error:  # noqa: BLE001 - as at fal, every request ends
            _log.exception("The sandbox could not work for %s.", job.endpoint_id)
            message = f"The sandbox could not make this: {type(error).__name__}"
            return 500, {"detail": message, "error_type": "internal_error"}, {}
        if sounds.serves(job.endpoint_id):
            # In which unit fal bills audio is not known here.
            return 200, output, {}
        units = len(output.get("images", [None]))
        return 200, output, {"x-fal-billable-units": str(units)}
