"""A fake queue for benchmarks, which does nothing but wait and respond.

    python benchmarks/fake_queue.py 0.3

Prints its URL. Each request takes the given seconds, plus or minus 20 % at random, with
a fixed seed. Submit, status, status stream, result and `/run/…` respond as fal
does. `GET /times` returns when each request was accepted and completed, in Unix time,
and the number of HTTP requests. `GET /files/<bytes>` returns a PNG of that size. The
bytes of uploads are counted and discarded.

It implements HTTP/1.1 itself, because a framework would use more CPU time than the
clients that are measured.
"""

from __future__ import annotations

import asyncio
import json
import random
import struct
import sys
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

CHUNK_BYTES = 256 * 1024


@dataclass(slots=True)
class Job:
    """A request: its responses, and the connections that wait for it."""

    waiting: bytes
    completed: bytes
    accepted_at: float
    listeners: list[Connection] = field(default_factory=list)
    callers: list[Connection] = field(default_factory=list)
    is_done: bool = False


class FakeQueue:
    """The state that all connections share.

    Args:
        seconds: The average duration of a request.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._random = random.Random(1)  # noqa: S311 - not a secret
        self._jobs: dict[str, Job] = {}
        self._times: dict[str, tuple[float, float]] = {}
        self._requests = 0
        self.uploaded = 0
        self.url = ""

    def respond(self, connection: Connection, method: str, target: str) -> None:
        """Respond to an HTTP request."""
        path = target.partition("?")[0]
        if path == "/times":
            body = {
                "times": self._times,
                "requests": self._requests,
                "uploaded": self.uploaded,
            }
            connection.send(200, json.dumps(body).encode())
            return
        self._requests += 1
        if path.startswith(("/storage/", "/upload")):
            self._store(connection, method, path)
        elif path.startswith("/files/"):
            connection.send_file(int(path.rpartition("/")[2]))
        elif method == "POST" and path.startswith("/run/"):
            request_id = self._submit(path.removeprefix("/run/"))
            self._jobs[request_id].callers.append(connection)
        elif method == "POST":
            request_id = self._submit(path.strip("/"))
            connection.send(200, self._jobs[request_id].waiting)
        else:
            self._respond_to_get(connection, path)

    def _submit(self, app: str) -> str:
        request_id = f"r{len(self._jobs)}"
        url = f"{self.url}/{app}/requests/{request_id}"
        status = {
            "status": "IN_QUEUE",
            "request_id": request_id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
            "queue_position": 0,
            "logs": None,
        }
        job = self._jobs[request_id] = Job(
            waiting=json.dumps(status).encode(),
            completed=json.dumps({**status, "status": "COMPLETED"}).encode(),
            accepted_at=time.time(),
        )

        def complete() -> None:
            self._times[request_id] = (job.accepted_at, time.time())
            job.is_done = True
            for each in job.listeners:
                each.end_stream(job.completed)
            for each in job.callers:
                each.send(200, self._output, _format_header(request_id))

        duration = self._seconds * self._random.uniform(0.8, 1.2)
        asyncio.get_running_loop().call_later(duration, complete)
        return request_id

    def _respond_to_get(self, connection: Connection, path: str) -> None:
        request_id, _, operation = path.partition("/requests/")[2].partition("/")
        job = self._jobs[request_id]
        if operation == "status/stream":
            connection.start_stream()
            if job.is_done:
                connection.end_stream(job.completed)
            else:
                connection.send_event(job.waiting)
                job.listeners.append(connection)
        elif operation == "status":
            status = job.completed if job.is_done else job.waiting
            connection.send(200 if job.is_done else 202, status)
        elif job.is_done:
            connection.send(200, self._output, _format_header(request_id))
        else:
            connection.send(400, b'{"detail": "Request is still in progress"}')

    def _store(self, connection: Connection, method: str, path: str) -> None:
        if method == "PUT":
            part = path.rpartition("/")[2]
            connection.send(200, json.dumps({"partNumber": part, "etag": "e"}).encode())
            return
        body = {
            "file_url": f"{self.url}/files/1000",
            "upload_url": f"{self.url}/upload/1",
        }
        connection.send(200, json.dumps(body).encode())

    @property
    def _output(self) -> bytes:
        image = {"url": f"{self.url}/files/1000", "width": 64, "height": 64}
        return json.dumps({"images": [image], "seed": 7}).encode()


class Connection(asyncio.Protocol):
    """A persistent HTTP/1.1 connection."""

    def __init__(self, queue: FakeQueue) -> None:
        self._queue = queue
        self._head = b""
        self._line = ("", "")
        self._body_left = 0
        self._transport: Any = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def pause_writing(self) -> None:
        """Pause files until the client has read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Resume files."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop files that are being sent."""
        del exc
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Parse a request; pipelined requests are not supported."""
        if self._body_left:
            self._queue.uploaded += len(data)
            self._body_left -= len(data)
        else:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = b""
            first, *fields = head.split(b"\r\n")
            method, target, _ = first.decode("ascii").split(" ")
            self._line = (method, target)
            length = 0
            for each in fields:
                name, _, value = each.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            self._body_left = length - len(body)
        if self._body_left <= 0:
            self._queue.respond(self, *self._line)

    def send(self, status: int, body: bytes, fields: str = "") -> None:
        """Send a JSON response."""
        head = (
            f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{fields}\r\n"
        )
        self._transport.write(head.encode() + body)

    def start_stream(self) -> None:
        """Start an event stream."""
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )

    def send_event(self, status: bytes, end: bytes = b"") -> None:
        """Send an event, followed by `end` if it is the last one."""
        event = b"data: " + status + b"\n\n"
        self._transport.write(b"%x\r\n%s\r\n%s" % (len(event), event, end))

    def end_stream(self, status: bytes) -> None:
        """Send the last event."""
        self.send_event(status, b"0\r\n\r\n")

    def send_file(self, size: int) -> None:
        """Send a PNG without valid pixels."""
        task = asyncio.ensure_future(self._send_file(size))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_file(self, size: int) -> None:
        data = _chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
        head = b"\x89PNG\r\n\x1a\n" + data
        size = max(size, len(head))
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n"
            b"content-length: %d\r\n\r\n%s" % (size, head)
        )
        left = size - len(head)
        while left > 0 and not self._transport.is_closing():
            await self._writable.wait()
            self._transport.write(bytes(min(CHUNK_BYTES, left)))
            left -= CHUNK_BYTES


def _format_header(request_id: str) -> str:
    return f"x-fal-request-id: {request_id}\r\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


async def serve(seconds: float) -> None:
    """Serve until the process is terminated."""
    queue = FakeQueue(seconds)
    loop = asyncio.get_running_loop()
    # With a host and a port, asyncio sets TCP_NODELAY, so that small responses do not
    # wait up to 40 ms for a delayed acknowledgement.
    server = await loop.create_server(
        lambda: Connection(queue), "127.0.0.1", 0, backlog=2048
    )
    queue.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(queue.url, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
