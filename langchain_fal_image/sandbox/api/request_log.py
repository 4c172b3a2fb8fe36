"""The requests that the sandbox received, for tests to inspect."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

__all__ = ["ReceivedRequest", "RequestLog"]


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that the sandbox received.

    Attributes:
        method: The HTTP method.
        path: With the sandbox's prefix, such as `/queue/fal-ai/qwen-image`.
        query: The raw query; a token is removed.
        headers: By name in lower case; the key is removed.
        json: The body if it is JSON.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any = field(default=None, repr=False)


class RequestLog:
    """All requests in order; `changed` is notified when something happens."""

    def __init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self.leaks: list[str] = []
        self.changed = threading.Condition()

    async def read(self, request: Request) -> Any:
        """Record a request and return its JSON body; None if it has none."""
        body = await request.body()
        payload = None
        if body:
            with contextlib.suppress(ValueError):
                payload = json.loads(body)
        self.add(request, payload)
        return payload

    def add(self, request: Request, payload: Any = None) -> None:
        """Record a request without its key or token."""
        headers = dict(request.headers)
        if "authorization" in headers:
            scheme = headers["authorization"].partition(" ")[0]
            headers["authorization"] = f"{scheme} …"
        url = request.url
        query = re.sub("(fal_jwt_token=)[^&]+", r"\1…", url.query)
        self.requests.append(
            ReceivedRequest(request.method, url.path, query, headers, payload)
        )
        self.notify()

    def add_leak(self, request: Request) -> None:
        """Record that a request carried a key to a host that must not get it."""
        self.leaks.append(f"{request.method} {request.url.path}")
        self.notify()

    def notify(self) -> None:
        """Wake the threads that wait on `changed`."""
        with self.changed:
            self.changed.notify_all()
