"""A stand-in for fal, and the rows of docs/how-to/from-the-ai-sdk.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from langchain_fal_image import FalProvider, create_fal

QWEN = "fal-ai/qwen-image"

URL = "https://v3.fal.media/files/a.png"

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "from-the-ai-sdk.md"


class Fal:
    """A fal with fixed answers, which keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.output: Any = {"images": [{"url": URL}]}
        self.status = 200
        self.submit_status = 200
        self.headers: dict[str, str] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if request.method == "PUT":
            return httpx.Response(200)
        if "/storage/" in path:
            urls = {"upload_url": "https://up.example/a", "file_url": URL}
            return httpx.Response(200, json=urls)
        if path.startswith("/r/"):
            return httpx.Response(200, json=self.output)
        if request.method == "POST" and request.url.host != "fal.run":
            body = {"request_id": "r", "detail": "no"}
            return httpx.Response(self.submit_status, json=body)
        if path.endswith("/stream"):
            text = 'data: {"status": "COMPLETED"}\n\n'
            kind = {"content-type": "text/event-stream"}
            return httpx.Response(200, text=text, headers=kind)
        return httpx.Response(self.status, json=self.output, headers=self.headers)

    def provider(self, key: str | None = "k", **settings: Any) -> FalProvider:
        client = httpx.Client(transport=httpx.MockTransport(self))
        return create_fal(key, http_client=client, **settings)

    def sent(self, model: str = QWEN, **options: Any) -> dict[str, Any]:
        """Run a model and return the body of its submit, without the prompt."""
        self.provider().image(model).invoke({"prompt": "a kite", **options})
        body: dict[str, Any] = json.loads(self.requests[0].content)
        self.requests.clear()
        body.pop("prompt")
        return body

    def answered(self, output: Any, **options: Any) -> Any:
        self.output = output
        return self.provider().image(QWEN).invoke({"prompt": "p", **options})


class Rows(dict[str, Callable[[Any], None]]):
    """The tests of a page's rows, by the row's name; decorates them."""

    def __call__(self, test: Callable[[Any], None]) -> Callable[[Any], None]:
        """Add a test under its name, as the page writes it."""
        self[test.__name__.replace("_", "-")] = test
        return test


def rows_on_the_page() -> list[list[str]]:
    """Return the names of the rows on images, and of those on speech."""
    parts = PAGE.read_text(encoding="utf-8").split("\n## Speech", maxsplit=1)
    found = [re.findall(r"^\| *(\S+) *\|", part, re.MULTILINE) for part in parts]
    return [
        [name for name in names if re.match(r"\w", name) and name != "row"]
        for names in found
    ]
