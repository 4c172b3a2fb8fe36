"""fal's published requests leave as published, in whatever spelling they came."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

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


def camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def camelled(value: Any, *, every: int = 1) -> Any:
    """Write every name, or every second one, in camelCase, at every depth."""
    if isinstance(value, list):
        return [camelled(item, every=every) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        (camel(key) if number % every == 0 else key): camelled(item, every=every)
        for number, (key, item) in enumerate(value.items())
    }


def test_every_published_contract_is_in_the_catalog() -> None:
    assert {c["endpoint_id"] for c in CONTRACTS} <= set(
        catalog.list_endpoint_ids(kind=None)
    )


@pytest.mark.parametrize("every", [1, 2, 1000], ids=["camel", "mixed", "to_snake_case"])
@pytest.mark.parametrize(("endpoint_id", "request_body"), REQUESTS)
def test_a_published_request_comes_out_unchanged(
    endpoint_id: str, request_body: dict[str, Any], every: int
) -> None:
    given = camelled(request_body, every=every)
    resolved = resolve_options(
        catalog.get_schema(endpoint_id), [("input", given)], strict=True
    )
    # As text: 4 and 4.0, or True and 1, would be equal otherwise.
    assert json.dumps(resolved.payload, sort_keys=True) == json.dumps(
        request_body, sort_keys=True
    )
    assert resolved.warnings == ()


@pytest.mark.parametrize(("endpoint_id", "request_body"), REQUESTS)
def test_its_images_are_found(endpoint_id: str, request_body: dict[str, Any]) -> None:
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


@pytest.mark.parametrize("word", ["images", "files"])
@pytest.mark.parametrize(("endpoint_id", "request_body"), EDITS)
def test_images_given_by_the_call_word_go_where_the_endpoint_wants_them(
    endpoint_id: str, request_body: dict[str, Any], word: str
) -> None:
    (name,) = {"image_url", "image_urls"} & set(request_body)
    given = {k: v for k, v in request_body.items() if k != name}
    layers = [("input", given | {word: request_body[name]})]
    assert (
        resolve_options(catalog.get_schema(endpoint_id), layers).payload == request_body
    )


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: str(c["endpoint_id"]))
def test_the_catalog_names_what_a_published_answer_holds(
    contract: dict[str, Any],
) -> None:
    entry = catalog.get_entry(contract["endpoint_id"])
    assert entry is not None
    assert set(contract["answer"]) <= set(entry["output"]["properties"])
