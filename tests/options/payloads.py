"""Payloads, and the spellings of their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from langchain_fal_image import FalSpeech, FalTranscription
from langchain_fal_image.options import catalog
from langchain_fal_image.options.contract import Contract, ContractSource
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import SERVED_KINDS

SERVED = [
    endpoint_id
    for kind in SERVED_KINDS
    for endpoint_id in catalog.list_endpoint_ids(kind)
    if catalog.get_schema(endpoint_id)
]
"""The endpoints that this package serves and whose contract it knows."""


def to_camel_case(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def get_input(endpoint_id: str) -> dict[str, Any]:
    """Return the JSON Schema of an endpoint's input."""
    contract = catalog.get_contract(endpoint_id)
    assert contract is not None
    return dict(contract.input)


def make_schema(node: Mapping[str, Any]) -> EndpointSchema:
    """Return the schema of an endpoint with that input."""
    source = ContractSource("document", "2026-01-01")
    contract = Contract(endpoint_id="a/b", source=source, kind="image", input=node)
    return EndpointSchema.from_contract(contract)


def respell(value: Any, node: Mapping[str, Any], *, every: int) -> Any:
    """Spell every so many of the schema's names in camelCase, at every depth."""
    nodes = [node, *node.get("anyOf", ())]
    if isinstance(value, list):
        items: Any = next((each["items"] for each in nodes if "items" in each), {})
        return [respell(each, items, every=every) for each in value]
    if not isinstance(value, dict):
        return value
    properties: dict[str, Any] = {}
    for each in nodes:
        properties |= each.get("properties", {})
    return {
        to_camel_case(name) if name in properties and number % every == 0 else name: (
            respell(item, properties.get(name, {}), every=every)
        )
        for number, (name, item) in enumerate(value.items())
    }


def make_payload(
    model: FalSpeech | FalTranscription, input_: Any, **options: Any
) -> dict[str, Any]:
    """Return the payload of a call, which must have no warnings."""
    resolved = model.payload(input_, **options)
    assert resolved.warnings == ()
    return resolved.payload
