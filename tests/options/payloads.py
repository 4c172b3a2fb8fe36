"""Payloads, and the spellings of their names."""

from __future__ import annotations

import re
from typing import Any

from langchain_fal_image import FalSpeech, FalTranscription
from langchain_fal_image.options import catalog


def to_camel_case(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def get_input(endpoint_id: str) -> dict[str, Any]:
    """Return the JSON Schema of an endpoint's input."""
    entry = catalog.get_entry(endpoint_id)
    assert entry is not None
    node: dict[str, Any] = entry["input"]
    return node


def respell(value: Any, node: dict[str, Any], *, every: int) -> Any:
    """Spell every so many names in camelCase, at every depth that has names."""
    if isinstance(value, list):
        return [respell(each, node.get("items", {}), every=every) for each in value]
    if not isinstance(value, dict):
        return value
    properties: dict[str, Any] = {}
    for shape in (node, *node.get("anyOf", ())):
        properties |= shape.get("properties", {})
    return {
        to_camel_case(name) if number % every == 0 else name: respell(
            each, properties.get(name, {}), every=every
        )
        for number, (name, each) in enumerate(value.items())
    }


def make_payload(
    model: FalSpeech | FalTranscription, input_: Any, **options: Any
) -> dict[str, Any]:
    """Return the payload of a call, which must have no warnings."""
    resolved = model.payload(input_, **options)
    assert resolved.warnings == ()
    return resolved.payload
