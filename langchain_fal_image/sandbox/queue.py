"""fal's queue: requests that wait, run, end, or are cancelled."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image.sandbox import checks, media

__all__ = ["Job", "Queue"]

_END_OF_LIFE = "COMPLETED"


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
    inference_seconds: float | None = None
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
        for message in log:
            now = dt.datetime.now(dt.UTC).isoformat()
            entry = {"message": message, "level": "INFO", "source": "USER"}
            self.logs.append({**entry, "timestamp": now})
        self.version += 1
        async with self.changed:
            self.changed.notify_all()

    def end(self, status: int, answer: Any) -> None:
        """Set what the result URL answers."""
        self.answer_status, self.answer = status, answer


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
        self.most_in_flight = 0
        self._runners = asyncio.Semaphore(concurrency)
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def submit(self, endpoint_id: str, payload: Any) -> Job:
        """Accept a request."""
        job = Job(endpoint_id, payload, request_id=str(uuid.uuid4()))
        self.jobs[job.request_id] = job
        in_flight = sum(not each.is_done for each in self.jobs.values())
        self.most_in_flight = max(self.most_in_flight, in_flight)
        job.task = asyncio.ensure_future(self._run(job))
        return job

    def position(self, job: Job) -> int:
        """Say how many requests wait before one."""
        waiting = [each for each in self.jobs.values() if each.status == "IN_QUEUE"]
        return waiting.index(job) if job in waiting else 0

    async def cancel(self, job: Job) -> tuple[int, str]:
        """Cancel a request; give HTTP's status and fal's word."""
        if job.is_done:
            return 400, "ALREADY_COMPLETED"
        waiting = job.status == "IN_QUEUE"
        if job.task:
            job.task.cancel()
        job.end(499, {"detail": "Request cancelled", "error_type": "client_cancelled"})
        await job.change(_END_OF_LIFE)
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

    async def _run(self, job: Job) -> None:
        if self.queue_seconds:
            await asyncio.sleep(self.queue_seconds)
        async with self._runners:
            await job.change("IN_PROGRESS", f"sandbox: drawing for {job.endpoint_id}")
            loop = asyncio.get_running_loop()
            began = loop.time()
            work = loop.run_in_executor(None, self.work, job)
            await asyncio.gather(work, asyncio.sleep(self.run_seconds))
            job.inference_seconds = loop.time() - began
            await job.change(_END_OF_LIFE, "sandbox: done")

    def work(self, job: Job) -> None:
        """Do what the model would: check the input and make the output."""
        faults = checks.faults_of(job.endpoint_id, job.payload)
        if faults:
            job.end(422, {"detail": faults})
            return
        seed = self._random.randrange(2**31)
        try:
            output = media.generate(
                job.endpoint_id, job.payload, media=self.files, seed=seed
            )
        except media.Unreadable as error:
            fault = {
                "loc": ["body", "image_urls"],
                "msg": f"Failed to load the image: {error}",
                "type": "image_load_error",
            }
            job.end(422, {"detail": [fault]})
            return
        job.end(200, output)
