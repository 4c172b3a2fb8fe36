"""fal's published requests are sent as published, in any spelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from payloads import SERVED, get_input, respell

from langchain_fal_image.options import catalog
from langchain_fal_image.options.resolve import resolve_options

CONTRACTS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent.parent / "contracts").glob("*.json"))
]
REQUESTS = [
    pytest.param(
        contract["endpoint_id"],
        request,
        id=f"{contract['endpoint_id']}-{number}",
    )
    for contract in CONTRACTS
    for number, request in enumerate(contract["requests"], 1)
]
EDITS = [example for example in REQUESTS if "edit" in str(example.id)]


def test_every_published_contract_is_in_the_catalog() -> None:
    assert {c["endpoint_id"] for c in CONTRACTS} <= set(SERVED)


@pytest.mark.parametrize("every", [1, 2, 1000], ids=["camel", "mixed", "to_snake_case"])
@pytest.mark.parametrize(("endpoint_id", "request_body"), REQUESTS)
def test_a_published_request_is_sent_unchanged(
    endpoint_id: str, request_body: dict[str, Any], every: int
) -> None:
    options = respell(request_body, get_input(endpoint_id), every=every)
    resolved = resolve_options(
        catalog.get_schema(endpoint_id), [("input", options)], strict=True
    )
    # As text: 4 and 4.0, and True and 1, are equal in Python.
    assert json.dumps(resolved.payload, sort_keys=True) == json.dumps(
        request_body, sort_keys=True
    )
    assert resolved.warnings == ()


@pytest.mark.parametrize(("endpoint_id", "request_body"), REQUESTS)
def test_the_images_of_a_published_request_are_found(
    endpoint_id: str, request_body: dict[str, Any]
) -> None:
    resolved = resolve_options(
        catalog.get_schema(endpoint_id), [("input", request_body)]
    )
    expected: list[tuple[str | int, ...]] = [
        ("image_urls", index)
        for index, _ in enumerate(request_body.get("image_urls", ()))
    ]
    if "image_url" in request_body:
        expected.append(("image_url",))
    assert sorted(resolved.files) == sorted(expected)


@pytest.mark.parametrize("name", ["images", "files"])
@pytest.mark.parametrize(("endpoint_id", "request_body"), EDITS)
def test_images_and_files_go_to_the_endpoints_option(
    endpoint_id: str, request_body: dict[str, Any], name: str
) -> None:
    (own_name,) = {"image_url", "image_urls"} & set(request_body)
    options = {k: v for k, v in request_body.items() if k != own_name}
    layers = [("input", options | {name: request_body[own_name]})]
    assert (
        resolve_options(catalog.get_schema(endpoint_id), layers).payload == request_body
    )


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: str(c["endpoint_id"]))
def test_the_catalog_has_the_fields_of_a_published_response(
    contract: dict[str, Any],
) -> None:
    known = catalog.get_contract(contract["endpoint_id"])
    assert known is not None
    assert set(contract["answer"]) <= set(known.output["properties"])
