"""The sandbox lists models and their documents as fal's platform API does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from example_payloads import SERVED

from langchain_fal_image.options import catalog
from langchain_fal_image.options.openapi import parse_document
from langchain_fal_image.sandbox import Fault, Sandbox


@pytest.fixture
def http(fal_sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{fal_sandbox.url}/platform", timeout=30) as client:
        yield client


def list_pages(http: httpx.Client, **query: Any) -> Iterator[list[dict[str, Any]]]:
    cursor = None
    while True:
        given = query if cursor is None else {**query, "cursor": cursor}
        page = http.get("/models", params=given).json()
        yield page["models"]
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
        if cursor is None:
            return


def test_the_pages_list_every_endpoint_of_the_catalog_once_and_need_no_key(
    http: httpx.Client,
) -> None:
    pages = list(list_pages(http, status="active", limit=1000))
    assert len(pages) > 10
    listed = [each["endpoint_id"] for page in pages for each in page]
    assert listed == list(catalog.list_endpoint_ids(None))
    assert not any("openapi" in each for page in pages for each in page)


def test_expanded_models_have_documents_that_state_the_contract(
    http: httpx.Client,
) -> None:
    pages = list_pages(http, expand="openapi-3.0", limit=100)
    found = [each for page in pages for each in page if "openapi" in each]
    assert [each["endpoint_id"] for each in found] == sorted(SERVED)
    for each in found:
        name, metadata = each["endpoint_id"], each["metadata"]
        known = catalog.get_contract(name)
        assert known is not None
        read = parse_document(each["openapi"], date=known.source.date)
        assert (read.endpoint_id, read.kind) == (name, known.kind)
        assert metadata["category"] == read.category == known.category
        assert metadata["display_name"] == read.title == known.title
        assert metadata["updated_at"].startswith(known.source.date)
        assert [*read.input["properties"]] == [*known.input["properties"]]
        assert read.input["properties"] == known.input["properties"]


def test_models_are_found_by_id_category_and_status(http: httpx.Client) -> None:
    names = ["fal-ai/whisper", "fal-ai/veo3"]
    [found] = list_pages(http, endpoint_id=names, expand="openapi-3.0")
    assert [each["endpoint_id"] for each in found] == sorted(names)
    assert ["openapi" in each for each in found] == [False, True]
    for page in list_pages(http, category="text-to-speech"):
        assert {each["metadata"]["category"] for each in page} == {"text-to-speech"}
    assert list(list_pages(http, status="deprecated")) == [[]]


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"cursor": "-1"}, {"limit": "0"}])
def test_an_invalid_page_is_an_error(query: dict[str, str], http: httpx.Client) -> None:
    response = http.get("/models", params=query)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "validation_error"


def test_faults_reach_the_list_of_models(
    http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    wait = {"retry-after": "0.05"}
    busy = {"error": {"type": "rate_limited", "message": "Too many requests"}}
    fal_sandbox.faults.respond("models", 429, busy, headers=wait)
    response = http.get("/models")
    assert (response.status_code, response.headers["retry-after"]) == (429, "0.05")
    fal_sandbox.faults.add(Fault(on="models", corrupt="cut short"))
    with pytest.raises(httpx.RemoteProtocolError):
        http.get("/models")
    assert http.get("/models").status_code == 200
