"""What the sandbox was asked, for tests to look at."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

__all__ = ["ReceivedRequest", "Record"]


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


class Record:
    """Every request in order, and a bell that rings with each of them."""

    def __init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self.leaks: list[str] = []
        self.spoiled: list[str | None] = []
        self.changed = threading.Condition()

    def add(self, request: Request, payload: Any) -> None:
        """Write a request down, without its key.

        Args:
            request: As it came.
            payload: Its JSON, where it had any.
        """
        headers = dict(request.headers)
        if "authorization" in headers:
            scheme = headers["authorization"].partition(" ")[0]
            headers["authorization"] = f"{scheme} …"
        self.requests.append(
            ReceivedRequest(
                request.method, request.url.path, request.url.query, headers, payload
            )
        )
        self.tell()

    def leak(self, request: Request) -> None:
        """Write down that a key came with a request that should have none."""
        self.leaks.append(f"{request.method} {request.url.path}")
        self.tell()

    def tell(self) -> None:
        """Wake whoever waits for something to happen."""
        with self.changed:
            self.changed.notify_all()
