"""A fal that makes one image of each request."""

from __future__ import annotations

import json
from typing import Any

import httpx

from langchain_fal_image import create_fal

URL = "https://v3.fal.media/files/a.png"


class Recorder:
    """A fal that makes one image of each request, and keeps the payloads."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.fal = create_fal(
            "k",
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self)),
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.payloads.append(json.loads(request.content))
            return httpx.Response(200, json={"request_id": "r"})
        if request.url.path.endswith("/stream"):
            text = 'data: {"status": "COMPLETED"}\n\n'
            kind = {"content-type": "text/event-stream"}
            return httpx.Response(200, text=text, headers=kind)
        return httpx.Response(200, json={"images": [{"url": URL}]})
