"""The built-in catalog of endpoints, which needs no request to fal.

`catalog.json` holds facts from fal's endpoint types (@fal-ai/client), as
`scripts/build_catalog.py` reads them:

```
{
  "form": 2,                          version of this format
  "read_from": "@fal-ai/client …",    the source, with its version
  "endpoints_in_all": 1207,           endpoints in the source, left-out ones included
  "fields": {                         each shape of an option, once
    "seed": {"type": "number"},       the most frequent one under the option's name,
    "seed.2": {...}, ...              the others with a number
  },
  "endpoints": {
    "fal-ai/qwen-image": [
      "acceleration.3 guidance_scale … seed",   the fields of the input
      "prompt",                                 the required ones
      "images seed …"                           the fields of the output
    ], ...
  }
}
```

`limits.json` adds what the types do not contain. `fields` has descriptions and limits
by option name (`audio_fields` for endpoints that make speech or transcriptions).
`endpoints` has descriptions and limits for single endpoints, with the title, a summary
and the sources. Both are merged over the facts.

Shapes are JSON Schema: `type` (a string or a list), `enum`, `default`, `description`,
`minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `minLength`,
`maxLength`, `items`, `minItems`, `maxItems`, `properties`, `required`,
`additionalProperties` and `anyOf`. An object without `properties` is free-form. This
package adds these keywords:

- `file`: on a URL, the kind of file that it points to: `"image"`, `"mask"`, `"audio"`.
- `nullable`: in `limits.json`, whether the endpoint accepts null.
- `minSide`, `maxSide` (pixels), `maxBytes`, `mediaTypes` (a list) and `alpha`
  (`false`: no transparency), next to `file`: limits for each image.
- `minPixels`, `maxPixels`: on a size, limits for width times height.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema, Kind, detect_kind
from langchain_fal_image.options.json_schema import get_types

__all__ = ["get_entry", "get_schema", "get_source", "list_endpoint_ids"]

_TEXTS = frozenset({"description", "default"})


@cache
def _load(name: str) -> Mapping[str, Any]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def get_source() -> str:
    """Return the source of the facts, with its version."""
    return str(_load("catalog.json")["read_from"])


@cache
def list_endpoint_ids(kind: Kind | None = "image") -> tuple[str, ...]:
    """Return the sorted ids of the endpoints that make `kind`; of all if it is None."""
    endpoints = _load("catalog.json")["endpoints"]
    return tuple(
        name
        for name, (_, _, outputs) in endpoints.items()
        if kind is None or kind == detect_kind(_get_names(outputs.split()))
    )


@cache
def get_entry(endpoint_id: str) -> Mapping[str, Any] | None:
    """Return an endpoint's entry as JSON Schema, with the limits merged in, or None.

    It has `title`, `about`, `category`, `source`, `input` and `output`. Do not modify
    it: the result is cached.
    """
    facts = _load("catalog.json")["endpoints"].get(endpoint_id)
    if facts is None:
        return None
    limits = _load("limits.json")
    own = limits["endpoints"].get(endpoint_id, {})
    inputs, required, outputs = (each.split() for each in facts)
    own_fields = own.get("input", {})
    fields = sorted(_get_fields(inputs), key=lambda field: field[0] not in required)
    fields += [(name, {}) for name in own_fields if name not in _get_names(inputs)]
    kind = detect_kind(_get_names(outputs))
    shared = limits["fields" if kind == "image" else "audio_fields"]
    properties = {
        name: _merge_limits(name, shape, own_fields.get(name, {}), shared)
        for name, shape in fields
    }
    return {
        "title": own.get("title", endpoint_id),
        "about": own.get("about", ""),
        "category": own.get("category", _get_category(kind, properties, required)),
        "source": own.get("source", get_source()),
        "input": {"type": "object", "properties": properties, "required": required},
        "output": {"type": "object", "properties": dict(_get_fields(outputs))},
    }


@cache
def get_schema(endpoint_id: str) -> EndpointSchema | None:
    """Return the schema of an endpoint, or None if the catalog does not have it."""
    entry = get_entry(endpoint_id)
    return EndpointSchema.from_json_schema(endpoint_id, entry) if entry else None


def _get_category(
    kind: Kind, properties: Mapping[str, Mapping[str, Any]], required: Sequence[str]
) -> str:
    """Derive a category in fal's terms from what the endpoint makes and requires."""
    shapes = [properties[name] for name in required]
    files = {shape.get("file") for shape in shapes}
    files |= {shape.get("items", {}).get("file") for shape in shapes}
    if kind == "image":
        return "image-to-image" if "image" in files else "text-to-image"
    if kind == "transcription":
        return "speech-to-text"
    return "audio-to-audio" if "audio" in files else "text-to-audio"


def _get_names(keys: Sequence[str]) -> list[str]:
    return [key.partition(".")[0] for key in keys]


def _get_fields(keys: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    shapes = _load("catalog.json")["fields"]
    return [(key.partition(".")[0], shapes[key]) for key in keys]


def _merge_limits(
    name: str,
    shape: Mapping[str, Any],
    own: Mapping[str, Any],
    shared: Mapping[str, Any],
) -> dict[str, Any]:
    """Merge the limits for an option name and for the endpoint over a shape."""
    limits = shared.get(name, {})
    merged = {key: value for key, value in shape.items() if key != "type"}
    if "type" in shape:
        is_integer = limits.get("type") == "integer"
        merged["type"] = _to_integer(shape["type"]) if is_integer else shape["type"]
    for key, value in limits.items():
        if key != "type" and (key in _TEXTS or "number" in get_types(shape)):
            merged.setdefault(key, value)
    if "properties" in merged:
        merged["properties"] = _merge_inner(merged["properties"], shared)
    if "anyOf" in merged:
        merged["anyOf"] = [
            {**each, "properties": _merge_inner(each["properties"], shared)}
            if "properties" in each
            else each
            for each in merged["anyOf"]
        ]
    merged = _merge(merged, own)
    if merged.pop("nullable", False):
        merged["type"] = [*get_types(merged), "null"]
        if "enum" in merged:
            merged["enum"] = [*merged["enum"], None]
    return merged


def _merge_inner(
    properties: Mapping[str, Any], shared: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        name: _merge_limits(name, shape, {}, shared)
        for name, shape in properties.items()
    }


def _to_integer(types: Any) -> Any:
    if isinstance(types, str):
        return "integer" if types == "number" else types
    return [_to_integer(each) for each in types]


def _merge(shape: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(shape)
    for key, value in own.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
