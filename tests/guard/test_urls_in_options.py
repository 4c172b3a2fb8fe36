"""URLs in options that are not files are checked as text before they go to fal."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from conftest import CANARY

from langchain_fal_image import FalTextToImage, create_fal, errors

LORA = "fal-ai/flux-lora"
PRIVATE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:8000/x.safetensors",
    "HTTP://localhost/x",
    " http://10.0.0.1/x ",
    "http://[::1]/x",
    "http:\\\\127.0.0.1\\x",
    "http:/127.0.0.1/x",
    "https://user:pw@a.example/x",
    "https://db.internal/x",
]
PUBLIC = [
    "owner/name",
    "owner/name.safetensors",
    "https://huggingface.co/owner/name/resolve/main/x.safetensors",
    "https://v3.fal.media/files/a/b.safetensors?download=true#x",
    "civitai:1234@5678",
    "hf://owner/name",
    "C:\\loras\\x",
    "a",
    "",
    "https",
]


def make_payload(way: str, url: str) -> Any:
    return {
        "lora": (LORA, {"loras": [{"path": "owner/name"}, {"path": url}]}),
        "unknown": ("acme/new-model", {"lora": {"source": [url]}}),
        "nested url": ("acme/new-model", {"control": {"video_url": url}}),
        "list of urls": ("acme/new-model", {"reference_video_urls": ["a", url]}),
    }[way]


@pytest.fixture
def sent() -> list[Any]:
    return []


@pytest.fixture
def fal(sent: list[Any]) -> Any:
    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200, json={"request_id": "r-1"})

    client = httpx.Client(transport=httpx.MockTransport(respond))
    return create_fal(CANARY, http_client=client)


@pytest.mark.parametrize("way", ["lora", "unknown", "nested url", "list of urls"])
@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_url_is_not_passed_on(
    way: str, url: str, fal: Any, sent: list[Any]
) -> None:
    if way.endswith(("url", "urls")) and "://" not in url:
        return  # not a URL in any program
    model, options = make_payload(way, url)
    with pytest.raises(errors.FalInputError, match="is refused") as caught:
        FalTextToImage(model, fal=fal, options=options).submit("a")
    assert caught.value.charged == "no"
    assert sent == []


@pytest.mark.parametrize("way", ["lora", "unknown"])
@pytest.mark.parametrize("text", PUBLIC)
def test_another_text_is_passed_on(
    way: str, text: str, fal: Any, sent: list[Any]
) -> None:
    model, options = make_payload(way, text)
    FalTextToImage(model, fal=fal, options=options).submit("a")
    [payload] = sent
    assert text in json.dumps(payload, ensure_ascii=False).replace("\\\\", "\\")


@pytest.mark.parametrize("name", ["prompt", "negative_prompt", "text", "caption"])
def test_a_text_to_draw_may_be_a_private_url(
    name: str, fal: Any, sent: list[Any]
) -> None:
    options = {name: "http://localhost:3000"}
    FalTextToImage("acme/new-model", fal=fal).submit({"prompt": "a", **options})
    assert sent[0][name] == "http://localhost:3000"
