"""Find endpoints and fetch fal's own document of one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from langchain_core.stores import InMemoryByteStore

from langchain_fal_image import FalProvider, FalTextToImage, Retry, create_fal
from langchain_fal_image.errors import FalDownloadError, FalOptionError
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.sandbox.api import openapi

QWEN = "fal-ai/qwen-image"


def count_fetches(sandbox: Sandbox) -> int:
    return sum(each.path == "/openapi.json" for each in sandbox.requests)


def test_image_endpoints_are_found_by_words(fal: FalProvider) -> None:
    assert len(fal.endpoints()) == 629
    edits = fal.endpoints("qwen edit", takes_images=True)
    assert "fal-ai/qwen-image-2/edit" in {each.endpoint_id for each in edits}
    assert all(each.takes_images for each in edits)
    draws = fal.endpoints(["nano", "banana"], takes_images=False)
    assert {each.endpoint_id for each in draws} >= {"fal-ai/nano-banana-pro"}
    assert fal.endpoints("no such words") == ()


def test_a_document_is_fetched_once_without_the_key(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    first, second = fal.describe(QWEN), fal.describe(QWEN)
    assert first is second
    assert first.endpoint_id == QWEN
    assert fal.contract(QWEN) is first
    [request] = fal_sandbox.requests
    assert "authorization" not in request.headers


async def test_a_document_is_fetched_once_async(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    assert (await fal.adescribe(QWEN)).required == ("prompt",)
    assert count_fetches(fal_sandbox) == 1


def test_a_store_keeps_a_document_for_other_processes(fal_sandbox: Sandbox) -> None:
    store = InMemoryByteStore()
    fal_sandbox.provider(store=store).describe(QWEN)
    fal_sandbox.provider(store=store).describe(QWEN)
    assert count_fetches(fal_sandbox) == 1


def test_the_catalog_replaces_a_document_that_cannot_be_fetched(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fal = create_fal(
        "k",
        openapi_url="http://127.0.0.1:1/openapi.json",
        retry=Retry(first_pause=0.001, longest_pause=0.01),
    )
    with caplog.at_level(logging.WARNING):
        assert fal.describe(QWEN).endpoint_id == QWEN
    assert "using fal's OpenAPI document, 2026-06-11" in caplog.text
    with pytest.raises(FalDownloadError, match="me/mine"):
        fal.describe("me/mine")


@pytest.fixture
def newer(fal_sandbox: Sandbox) -> Iterator[FalProvider]:
    """Return a provider whose fal has an endpoint that the catalog lacks."""
    document = json.dumps(openapi.make_document(QWEN)).replace(QWEN, "me/newer")
    with Sandbox(unknown_endpoints=True) as sandbox:
        url = sandbox.files.put("new.json", document.encode(), "application/json")
        yield sandbox.provider(openapi_url=url)


def test_a_fetched_document_becomes_the_contract(
    newer: FalProvider,
) -> None:
    model = FalTextToImage(fal=newer, model="me/newer")
    assert model.invoke({"prompt": "a hill", "num_images": 5}).warnings is not None
    newer.describe("me/newer")
    with pytest.raises(FalOptionError, match="num_images=5"):
        model.invoke({"prompt": "a hill", "num_images": 5})
