"""fal's published examples: what the runnables send and parse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_fal_image import FalProvider, ImageResult, create_fal

CONTRACTS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent.parent / "contracts").glob("*.json"))
]
EXAMPLES = [
    pytest.param(contract, example, id=f"{contract['endpoint_id']}-{number}")
    for contract in CONTRACTS
    for number, example in enumerate(contract["requests"])
]


def camel(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(part.capitalize() for part in rest)


def respell(value: Any, spelling: str) -> Any:
    if isinstance(value, list):
        return [respell(each, spelling) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        camel(key)
        if spelling == "camelCase" or (spelling == "mixed" and number % 2)
        else key: respell(each, spelling)
        for number, (key, each) in enumerate(value.items())
    }


class PublishedFal:
    """A fal that returns a published response."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "POST":
            return httpx.Response(200, json={"request_id": "r-1", "status": "IN_QUEUE"})
        if request.url.path.endswith("/stream"):
            return httpx.Response(
                200,
                headers={"content-type": "text/event-stream"},
                text='data: {"status": "COMPLETED", "logs": null}\n\n',
            )
        return httpx.Response(200, json=self.answer)


@pytest.fixture
def book(request: pytest.FixtureRequest) -> Iterator[tuple[PublishedFal, FalProvider]]:
    """Serve the published response of the test's contract."""
    service = PublishedFal(request.node.callspec.params["contract"]["answer"])
    with httpx.Client(transport=httpx.MockTransport(service)) as client:
        yield service, create_fal("key-id:secret", http_client=client)


@pytest.mark.parametrize("spelling", ["snake_case", "camelCase", "mixed"])
@pytest.mark.parametrize(("contract", "example"), EXAMPLES)
def test_a_published_example_is_sent_as_published(
    contract: dict[str, Any],
    example: dict[str, Any],
    spelling: str,
    book: tuple[PublishedFal, FalProvider],
) -> None:
    service, fal = book
    fal.image(contract["endpoint_id"]).invoke(respell(example, spelling))
    submit = service.requests[0]
    assert submit.method == "POST"
    assert str(submit.url) == f"https://queue.fal.run/{contract['endpoint_id']}"
    assert submit.headers["authorization"] == "Key key-id:secret"
    assert submit.headers["content-type"] == "application/json"
    assert json.loads(submit.content) == example


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each["endpoint_id"])
def test_a_published_response_is_parsed_completely(
    contract: dict[str, Any], book: tuple[PublishedFal, FalProvider]
) -> None:
    _, fal = book
    answer = contract["answer"]
    result = fal.image(contract["endpoint_id"]).invoke(contract["requests"][0])
    assert result.raw == answer
    assert result.request_id == "r-1"
    for image, given in zip(result.images, answer["images"], strict=True):
        assert image.url == given["url"]
        assert image.width == given.get("width")
        assert image.height == given.get("height")
        assert image.mime_type == given.get("content_type")
        assert image.file_name == given.get("file_name")
    assert result.seed == answer.get("seed", contract["requests"][0].get("seed"))
    metadata = result.provider_metadata["fal"]
    assert len(metadata["images"]) == len(answer["images"])
    for name in set(answer) - {"images", "prompt"}:
        assert metadata[name] == answer[name]
    restored = ImageResult.from_artifact(json.loads(json.dumps(result.to_artifact())))
    assert restored.images == result.images
    assert restored.model == result.model


def test_an_odd_response_never_loses_the_image() -> None:
    odd: dict[str, Any] = {
        "image": {"url": "https://v3.fal.media/a.png", "width": "wide", "height": 5.0},
        "seed": "many",
        "timings": None,
        "has_nsfw_concepts": "no",
        "something_new": {"deep": [1]},
    }
    result = ImageResult.from_output(odd, model="fal-ai/x")
    [image] = result.images
    assert (image.url, image.width, image.height) == (odd["image"]["url"], None, 5)
    assert result.seed is None
    assert result.timings == {}
    assert result.provider_metadata["fal"]["something_new"] == {"deep": [1]}


def test_metadata_has_the_shape_of_the_ai_sdk() -> None:
    output = {
        "images": [
            {"url": "https://v3.fal.media/a.png", "content_type": "image/png", "w": 1}
        ],
        "nsfw_content_detected": [True],
        "prompt": "p",
        "seed": 196619188014358660,
        "timings": {"inference": 1.5},
    }
    metadata = ImageResult.from_output(output, model="fal-ai/x").provider_metadata
    assert metadata == {
        "fal": {
            "images": [
                {
                    "url": "https://v3.fal.media/a.png",
                    "contentType": "image/png",
                    "w": 1,
                    "nsfw": True,
                }
            ],
            "seed": 196619188014358660,
            "timings": {"inference": 1.5},
        }
    }


def test_an_artifact_stays_small_however_long_the_prompt() -> None:
    result = ImageResult.from_output(
        {"images": [{"url": "https://v3.fal.media/a.png"}], "description": "é" * 4000},
        model="fal-ai/x",
        options={"prompt": "a hill " * 800},
        warnings=("w" * 900,),
    )
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= 1024
    assert artifact["shortened"] is True
    assert ImageResult.from_artifact(artifact).images == result.images
