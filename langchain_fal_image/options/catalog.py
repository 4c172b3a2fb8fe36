"""The catalog of endpoints, which needs no request to fal.

`catalog.json` has the contracts as fal's OpenAPI documents state them, in the format
that `catalog_file` describes; `scripts/build_catalog.py` writes it.

`limits.json` adds what only fal's pages state, and short descriptions. `fields` has
descriptions by option name (`audio_fields` for endpoints that make speech or
transcriptions). `endpoints` has single endpoints, with the title, a summary and the
sources. Both are merged over the contracts. This package adds these keywords to JSON
Schema:

- `minSide`, `maxSide` (pixels), `maxBytes`, `mediaTypes` (a list) and `alpha`
  (`false`: no transparency), on a URL: limits for each image.
- `minPixels`, `maxPixels`: on a size, limits for width times height.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from langchain_fal_image.options.catalog_file import read_contract, read_fields
from langchain_fal_image.options.contract import Contract
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.json_schema import parse_field
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.options.shape import Field

__all__ = ["get_contract", "get_kind", "get_schema", "list_endpoint_ids"]


@cache
def _load(name: str) -> Mapping[str, Any]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


@cache
def list_endpoint_ids(kind: Kind | None = "image") -> tuple[str, ...]:
    """Return the sorted ids of the endpoints that make `kind`; of all if it is None."""
    endpoints = _load("catalog.json")["endpoints"]
    return tuple(
        name for name, entry in endpoints.items() if kind is None or kind == entry[1]
    )


def get_kind(endpoint_id: str) -> Kind | None:
    """Return what an endpoint makes, or None if the catalog does not have it."""
    entry = _load("catalog.json")["endpoints"].get(endpoint_id)
    kind: Kind | None = entry[1] if entry else None
    return kind


def get_contract(endpoint_id: str) -> Contract | None:
    """Return the contract of an endpoint as fal states it, or None."""
    return read_contract(_load("catalog.json"), endpoint_id)


@cache
def get_schema(endpoint_id: str) -> EndpointSchema | None:
    """Return the schema of an endpoint, or None if its contract is unknown."""
    contract = get_contract(endpoint_id)
    if contract is None or not contract.input:
        return None
    own = _load("limits.json")["endpoints"].get(endpoint_id, {})
    inputs = _load("catalog.json")["endpoints"][endpoint_id][4]
    required = frozenset(contract.input.get("required", ()))
    own_fields = own.get("input", {})
    fields = {
        name: _parse_own(name, key, contract.kind, own_fields[name])
        if name in own_fields
        else _parse(key, contract.kind)
        for name, key in read_fields(inputs)
    }
    fields |= {
        name: parse_field(name, node, required=False)
        for name, node in own_fields.items()
        if name not in fields
    }
    return EndpointSchema(
        endpoint_id=endpoint_id,
        fields={
            field.name: replace(field, required=True)
            if field.name in required
            else field
            for field in fields.values()
        },
        title=own.get("title", contract.title),
        about=own.get("about", ""),
        category=contract.category,
        kind=contract.kind,
        source=replace(contract.source, pages=own.get("source", "")),
    )


@cache
def _parse(key: str, kind: Kind) -> Field:
    """Parse a shape of the catalog; endpoints that share it share the field."""
    return _parse_own(key.partition(".")[0], key, kind, {})


def _parse_own(name: str, key: str, kind: Kind, own: Mapping[str, Any]) -> Field:
    shared = _load("limits.json")["fields" if kind == "image" else "audio_fields"]
    node = _describe(_load("catalog.json")["shapes"][key], name, shared)
    return parse_field(name, _merge(node, own), required=False)


def _describe(
    node: Mapping[str, Any], name: str, texts: Mapping[str, Any]
) -> dict[str, Any]:
    """Add descriptions by name to a shape and the fields inside it."""
    described = dict(node)
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            described[keyword] = [_describe(each, "", texts) for each in node[keyword]]
    if "properties" in node:
        described["properties"] = {
            inner: _describe(each, inner, texts)
            for inner, each in node["properties"].items()
        }
    return {**texts.get(name, {}), **described}


def _merge(shape: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(shape)
    for key, value in own.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
