"""A fake queue for measuring clients: it only waits and answers, as fast as it can.

    python benchmarks/fake_queue.py 0.3

Prints its URL. Each request takes the given seconds, plus or minus 20 %, drawn from a
seed; the submit, the status, the status stream, the result and the cancel answer as fal
does. `GET /times` gives when each request was completed, by the machine's clock.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvicorn

OUTPUT = {
    "images": [{"url": "https://v3.fal.media/a.png", "width": 64, "height": 64}],
    "seed": 7,
}


@dataclass(slots=True)
class Job:
    """One request: when it will be done, and who waits for it."""

    done_at: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class FakeQueue:
    """An ASGI application.

    Args:
        seconds: How long a request takes, on average.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._random = random.Random(1)  # noqa: S311 - times, no secrets
        self._jobs: dict[str, Job] = {}
        self._completed: dict[str, float] = {}
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        while (await receive()).get("more_body"):
            pass
        if path == "/times":
            await _answer(send, 200, self._completed)
            return
        app, _, rest = path.partition("/requests/")
        if scope["method"] == "POST":
            request_id = f"r{len(self._jobs)}"
            await _answer(send, 200, self._submitted(app, request_id))
            return
        request_id, _, what = rest.partition("/")
        job = self._jobs[request_id]
        if what == "status/stream":
            await self._stream(send, app, request_id, job)
        elif what == "status":
            status = 200 if job.ended.is_set() else 202
            await _answer(send, status, self._state(app, request_id, job))
        elif job.ended.is_set():
            await _answer(send, 200, OUTPUT)
        else:
            await _answer(send, 400, {"detail": "Request is still in progress"})

    def _submitted(self, app: str, request_id: str) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        takes = self._seconds * self._random.uniform(0.8, 1.2)
        job = self._jobs[request_id] = Job(loop.time() + takes)

        def end() -> None:
            self._completed[request_id] = time.time()
            job.ended.set()

        loop.call_later(takes, end)
        return {**self._state(app, request_id, job), "queue_position": 0}

    async def _stream(self, send: Any, app: str, request_id: str, job: Job) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        while True:
            state = json.dumps(self._state(app, request_id, job))
            event = f"data: {state}\n\n".encode()
            is_done = job.ended.is_set()
            await send(
                {"type": "http.response.body", "body": event, "more_body": not is_done}
            )
            if is_done:
                return
            await job.ended.wait()

    def _state(self, app: str, request_id: str, job: Job) -> dict[str, Any]:
        url = f"{self.url}{app}/requests/{request_id}"
        return {
            "status": "COMPLETED" if job.ended.is_set() else "IN_PROGRESS",
            "request_id": request_id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
            "logs": None,
        }


async def _answer(send: Any, status: int, body: Any) -> None:
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def main() -> None:
    """Serve until the process is ended."""
    app = FakeQueue(float(sys.argv[1]))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    app.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(app.url, flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
