"""The catalog of endpoints, which needs no request to fal.

`catalog.json` has the contracts as fal's OpenAPI documents state them, in the format
that `catalog_file` describes; `scripts/build_catalog.py` writes it. A newer one in the
user's cache folder replaces it (`catalog_cache`).

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
from pkgutil import get_data
from typing import Any, ClassVar

from langchain_fal_image.options.catalog_cache import read_cached
from langchain_fal_image.options.catalog_file import (
    find_date,
    read_contract,
    read_fields,
    read_header,
)
from langchain_fal_image.options.contract import Contract
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.json_schema import parse_field
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.options.shape import Field

__all__ = [
    "get_contract",
    "get_kind",
    "get_schema",
    "list_endpoint_ids",
    "load_catalog",
    "use_catalog",
]


class _Catalog:
    """A catalog in memory, with what was parsed of it so far.

    A refresh replaces the whole object, so that a lookup in another thread never mixes
    two catalogs.
    """

    in_use: ClassVar[_Catalog | None] = None

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.get_schema = cache(self._parse_schema)
        self.list_endpoint_ids = cache(self._list_endpoint_ids)
        self._parse_shared = cache(self._parse_shape)

    @classmethod
    def get(cls) -> _Catalog:
        """Return the catalog in use; load it first if necessary."""
        catalog = cls.in_use
        if catalog is None:
            catalog = cls.in_use = cls(load_catalog())
        return catalog

    def _list_endpoint_ids(self, kind: Kind | None) -> tuple[str, ...]:
        endpoints = self.data["endpoints"].items()
        return tuple(name for name, entry in endpoints if kind in {None, entry[1]})

    def _parse_schema(self, endpoint_id: str) -> EndpointSchema | None:
        contract = read_contract(self.data, endpoint_id)
        if contract is None or not contract.input:
            return None
        own = _load_limits()["endpoints"].get(endpoint_id, {})
        inputs = self.data["endpoints"][endpoint_id][4]
        required = frozenset(contract.input.get("required", ()))
        own_fields = own.get("input", {})
        fields = {
            name: self._parse_shape(key, contract.kind, own_fields[name])
            if name in own_fields
            else self._parse_shared(key, contract.kind)
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

    def _parse_shape(
        self, key: str, kind: Kind, own: Mapping[str, Any] | None = None
    ) -> Field:
        """Parse a shape; endpoints that share it share the field."""
        name = key.partition(".")[0]
        shared = _load_limits()["fields" if kind == "image" else "audio_fields"]
        node = _describe(self.data["shapes"][key], name, shared)
        return parse_field(name, _merge(node, own or {}), required=False)


def load_catalog() -> Mapping[str, Any]:
    """Read the newer one of the catalog in the cache and the one of this package."""
    content = _read("catalog.json")
    cached = read_cached(find_date(read_header(content)))
    data: Mapping[str, Any] = json.loads(content) if cached is None else cached
    return data


def use_catalog(data: Mapping[str, Any]) -> None:
    """Use another catalog in this process from now on."""
    _Catalog.in_use = _Catalog(data)


def list_endpoint_ids(kind: Kind | None = "image") -> tuple[str, ...]:
    """Return the sorted ids of the endpoints that make `kind`; of all if it is None."""
    return _Catalog.get().list_endpoint_ids(kind)


def get_kind(endpoint_id: str) -> Kind | None:
    """Return what an endpoint makes, or None if the catalog does not have it."""
    entry = _Catalog.get().data["endpoints"].get(endpoint_id)
    kind: Kind | None = entry[1] if entry else None
    return kind


def get_contract(endpoint_id: str) -> Contract | None:
    """Return the contract of an endpoint as fal states it, or None."""
    return read_contract(_Catalog.get().data, endpoint_id)


def get_schema(endpoint_id: str) -> EndpointSchema | None:
    """Return the schema of an endpoint, or None if its contract is unknown."""
    return _Catalog.get().get_schema(endpoint_id)


@cache
def _load_limits() -> Mapping[str, Any]:
    limits: Mapping[str, Any] = json.loads(_read("limits.json"))
    return limits


def _read(name: str) -> bytes:
    """Read a file of this package; importing importlib.resources would take longer."""
    return get_data(__package__, name) or b""


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
