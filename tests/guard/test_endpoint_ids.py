"""An endpoint id or a request id cannot change the path or the query of a URL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from langchain_fal_image import (
    FalImageEdit,
    FalProvider,
    FalTextToImage,
    create_fal,
    errors,
    recipes,
    webhooks,
)
from langchain_fal_image.options import catalog
from langchain_fal_image.options.kind import SERVED_KINDS
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.queue import QueuedRequest, check_endpoint_id

QWEN = "fal-ai/qwen-image"
ENDPOINT_IDS = [
    f"{QWEN}?fal_webhook=http%3A%2F%2Fevil.example",
    "fal-ai/../../rest/storage/upload/initiate",
    "fal-ai/..",
    "../fal-ai/qwen-image",
    "fal-ai/./qwen-image",
    "fal-ai//qwen-image",
    "fal-ai/%2e%2e/qwen-image",
    f"{QWEN}#x",
    f"{QWEN}\n",
    f"{QWEN} ",
    f"{QWEN}\\..",
    f"{QWEN}@evil.example",
    "fal-ai/qwen-imag\u0435",
    "https://evil.example/a",
    "no-owner-at-all",
    "/",
    "",
    "a/" * 200 + "b",
]
REQUEST_IDS = [
    "..",
    ".",
    "",
    "a/b",
    "a?b",
    "a#b",
    "a b",
    "%2e%2e",
    "a\n",
    "é",
    "a" * 201,
]


@pytest.fixture
def sent() -> list[httpx.Request]:
    return []


@pytest.fixture
def fal(sent: list[httpx.Request]) -> FalProvider:
    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"request_id": "r-1"})

    transport = httpx.MockTransport(respond)
    return create_fal(
        "k",
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )


def recipe(model: str) -> dict[str, Any]:
    result = ImageResult.from_output(
        {"images": [{"url": "https://v3.fal.media/a.png"}]}, model=QWEN
    )
    made = result.recipe()
    made["steps"][0]["model"] = model
    made["steps"][0]["options"] = {"prompt": "a"}
    return made


def run_sync_mode(fal: FalProvider, model: str) -> Any:
    return fal.run(flows.generate(fal.context, model, {}, mode="sync"))


WAYS: dict[str, Callable[[FalProvider, str], Any]] = {
    "text_to_image": lambda fal, model: FalTextToImage(model, fal=fal),
    "image_edit": lambda fal, model: FalImageEdit(model, fal=fal),
    "image": lambda fal, model: fal.image(model),
    "speech": lambda fal, model: fal.speech(model),
    "transcription": lambda fal, model: fal.transcription(model),
    "request": lambda fal, model: fal.request(model, "r-1"),
    "describe": lambda fal, model: fal.describe(model),
    "adescribe": lambda fal, model: asyncio.run(fal.adescribe(model)),
    "price": lambda fal, model: fal.price(model),
    "aprice": lambda fal, model: asyncio.run(fal.aprice(model)),
    "replay": lambda fal, model: recipes.replay(recipe(model), fal=fal),
    "changes": lambda fal, model: recipes.replay(
        recipe(QWEN), changes={1: {"model": model}}, fal=fal
    ),
    "webhook": lambda fal, model: webhooks.Webhook("r-1", payload={}).result(
        model=model, fal=fal
    ),
    "submit": lambda fal, model: fal.run(flows.submit(fal.context, model, {})),
    "sync mode": run_sync_mode,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint_id", ENDPOINT_IDS)
def test_an_id_of_another_form_is_refused(
    way: str, endpoint_id: str, fal: FalProvider, sent: list[httpx.Request]
) -> None:
    if way == "transcription" and endpoint_id == "no-owner-at-all":
        return  # its owner can be omitted
    with pytest.raises(errors.FalError) as caught:
        WAYS[way](fal, endpoint_id)
    assert "endpoint id" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert sent == []


@pytest.mark.parametrize("request_id", REQUEST_IDS)
def test_a_request_id_of_another_form_is_refused(
    request_id: str, fal: FalProvider
) -> None:
    with pytest.raises(errors.FalConfigurationError, match="not a request id"):
        fal.request(QWEN, request_id)
    failed = webhooks.Webhook(request_id, status="ERROR", error="no")
    with pytest.raises(errors.FalConfigurationError, match="not a request id"):
        failed.result(model=QWEN, fal=fal)


@pytest.mark.parametrize("kind", SERVED_KINDS)
def test_every_known_id_is_accepted(kind: Any) -> None:
    for each in catalog.list_endpoint_ids(kind):
        assert check_endpoint_id(f"/{each}/") == each


def test_the_url_of_a_request_has_its_ids() -> None:
    request_id = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
    request = QueuedRequest.for_id(
        Context(hosts=Hosts()).hosts,
        endpoint_id="workflows/me/my.flow_2/x",
        request_id=request_id,
    )
    path = f"/workflows/me/my.flow_2/requests/{request_id}"
    assert request.status_url == f"https://queue.fal.run{path}/status"
