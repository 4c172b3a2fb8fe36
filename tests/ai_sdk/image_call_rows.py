"""The rows on the options of a call that are not options of the endpoint."""

from __future__ import annotations

import json
from typing import Any

import pytest
from service import QWEN, URL, Fal, Rows

from langchain_fal_image.errors import FalOptionError, FalRateLimitError

row = Rows()

EDIT = "fal-ai/qwen-image-edit"

INPAINT = "fal-ai/qwen-image-edit/inpaint"

MASK = URL.replace("a.png", "mask.png")


def body(service: Fal, model: str, given: Any, **options: Any) -> dict[str, Any]:
    """Run a model with one input and return the body of its submit."""
    service.requests.clear()
    service.provider().image(model, **options).invoke(given)
    sent: dict[str, Any] = json.loads(service.requests[0].content)
    return sent


@row
def prompt_object(service: Fal) -> None:
    prompt = {"text": "p", "images": [URL], "mask": MASK}
    sent = body(service, INPAINT, {"prompt": prompt})
    assert sent == {"prompt": "p", "image_url": URL, "mask_url": MASK}
    sent = body(service, EDIT, {"prompt": {"images": [URL]}}, prompt="bound")
    assert sent == {"prompt": "bound", "image_url": URL}
    with pytest.raises(FalOptionError, match=r"prompt\.images.* contradicts"):
        body(service, EDIT, {"prompt": {"text": "p", "images": [URL]}, "images": MASK})


@row
def call_headers(service: Fal) -> None:
    own = {"X-Fal-Store-IO": "0"}
    assert service.sent(headers=own) == {}
    service.provider().image(QWEN).invoke({"prompt": "p", "headers": own})
    assert len(service.requests) == 3
    assert all(each.headers["x-fal-store-io"] == "0" for each in service.requests)
    service.requests.clear()
    for name in ("Authorization", "AUTHORIZATION"):
        with pytest.raises(FalOptionError, match="create_fal") as caught:
            service.sent(headers={name: "Key secret"})
        assert "secret" not in str(caught.value)
    assert service.requests == []


@row
def max_retries(service: Fal) -> None:
    service.submit_status = 429
    with pytest.raises(FalRateLimitError):
        service.sent(maxRetries=0)
    assert len(service.requests) == 1
    with pytest.raises(FalOptionError, match="whole number"):
        service.sent(maxRetries=-1)


@row
def max_images_per_call(service: Fal) -> None:
    assert service.sent(n=2, maxImagesPerCall=2) == {"num_images": 2}
    with pytest.raises(FalOptionError, match="one request"):
        service.sent(n=2, maxImagesPerCall=1)


@row
def abort_signal(service: Fal) -> None:
    with pytest.raises(FalOptionError, match="cancel_open"):
        service.sent(abortSignal=object())
    assert service.sent(abortSignal=None) == {}
