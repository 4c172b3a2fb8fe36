"""The endpoints that ship with this package, as data: images, speech, transcription.

`catalog.json` holds the facts of fal's own endpoint types, read by
`scripts/build_catalog.py`:

```
{
  "form": 2,                          number of this form
  "read_from": "@fal-ai/client …",    where the facts come from
  "endpoints_in_all": 1207,           how many there are, those left out too
  "fields": {                         each shape of an option, stated once
    "seed": {"type": "number"},       the most frequent one under the option's name,
    "seed.2": {...}, ...              the others with a number
  },
  "endpoints": {
    "fal-ai/qwen-image": [
      "acceleration.3 guidance_scale … seed",   the input's fields
      "prompt",                                 which of them are required
      "images seed …"                           the output's fields
    ], ...
  }
}
```

`limits.json` holds what the types do not say: under `fields` words and limits for an
option wherever it occurs (`audio_fields` for endpoints that speak or listen), under
`endpoints` those of one endpoint, with its title, what
it is good at, and the source. What it says is laid over the facts.

Shapes are JSON Schema: `type` (a word or a list of words), `enum`, `default`,
`description`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`,
`multipleOf`, `minLength`, `maxLength`, `items`, `minItems`, `maxItems`, `properties`,
`required`, `additionalProperties` and `anyOf`. An object without `properties` is a
free-form map. What JSON Schema has no word for:

- `file`: on a string, `"image"`, `"mask"` or `"audio"`: the URL of such a file.
- `nullable`: in `limits.json`, that the endpoint takes null there.
- `minSide`, `maxSide` (pixels), `maxBytes`, `mediaTypes` (a list) and `alpha`
  (`false`: no transparency), beside `file`: what each picture must be.
- `minPixels`, `maxPixels`: on a size, the limits of width times height.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema, Kind, detect_kind

__all__ = ["get_entry", "get_schema", "get_source", "list_endpoint_ids"]

_CATEGORIES: dict[Kind, str] = {
    "speech": "text-to-audio",
    "transcription": "speech-to-text",
}


@cache
def _data(name: str) -> Mapping[str, Any]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def get_source() -> str:
    """Return what the facts were read from, with its version."""
    return str(_data("catalog.json")["read_from"])


@cache
def list_endpoint_ids(kind: Kind | None = "image") -> tuple[str, ...]:
    """Return the ids of the endpoints in the catalog, sorted.

    Args:
        kind: Only those that make this; None for all.
    """
    endpoints = _data("catalog.json")["endpoints"]
    return tuple(
        name
        for name, (_, _, outputs) in endpoints.items()
        if kind is None or kind == detect_kind(_names(outputs.split()))
    )


@cache
def get_entry(endpoint_id: str) -> Mapping[str, Any] | None:
    """Return an endpoint's entry as JSON Schema, with the limits merged in.

    Args:
        endpoint_id: fal's id, such as `fal-ai/qwen-image`.

    Returns:
        `title`, `about`, `category`, `source`, `input` and `output`, or None for an
        endpoint that the catalog does not hold. It is shared: do not change it.
    """
    found = _data("catalog.json")["endpoints"].get(endpoint_id)
    if found is None:
        return None
    limits = _data("limits.json")
    own = limits["endpoints"].get(endpoint_id, {})
    inputs, required, outputs = (each.split() for each in found)
    limited = own.get("input", {})
    fields = sorted(_fields(inputs), key=lambda field: field[0] not in required)
    fields += [(name, {}) for name in limited if name not in _names(inputs)]
    kind = detect_kind(_names(outputs))
    usual = limits["fields" if kind == "image" else "audio_fields"]
    properties = {
        name: _limited(name, shape, limited.get(name, {}), usual)
        for name, shape in fields
    }
    category = _CATEGORIES.get(kind, "text-to-image")
    needs_image = any(
        "image" in {shape.get("file"), shape.get("items", {}).get("file")}
        for name, shape in properties.items()
        if name in required
    )
    files = {properties[name].get("file") for name in required}
    if needs_image and category == "text-to-image":
        category = "image-to-image"
    elif "audio" in files and category == "text-to-audio":
        category = "audio-to-audio"
    return {
        "title": own.get("title", endpoint_id),
        "about": own.get("about", ""),
        "category": own.get("category", category),
        "source": own.get("source", get_source()),
        "input": {"type": "object", "properties": properties, "required": required},
        "output": {"type": "object", "properties": dict(_fields(outputs))},
    }


@cache
def get_schema(endpoint_id: str) -> EndpointSchema | None:
    """Return the schema of an endpoint.

    Args:
        endpoint_id: fal's id, such as `fal-ai/qwen-image`.

    Returns:
        The schema, or None if the catalog does not hold the endpoint.
    """
    entry = get_entry(endpoint_id)
    return EndpointSchema.from_json_schema(endpoint_id, entry) if entry else None


def _names(keys: list[str]) -> list[str]:
    return [key.partition(".")[0] for key in keys]


def _fields(keys: list[str]) -> list[tuple[str, dict[str, Any]]]:
    shapes = _data("catalog.json")["fields"]
    return [(key.partition(".")[0], shapes[key]) for key in keys]


def _limited(
    name: str,
    shape: Mapping[str, Any],
    own: Mapping[str, Any],
    every: Mapping[str, Any],
) -> dict[str, Any]:
    """Lay the limits of a name, and those of one endpoint, over a shape."""
    usual = every.get(name, {})
    limited = {key: value for key, value in shape.items() if key != "type"}
    if "type" in shape:
        limited["type"] = shape["type"]
        if usual.get("type") == "integer":
            limited["type"] = _whole(shape["type"])
    for key, value in usual.items():
        if key != "type" and (key in _WORDS or "number" in _types(shape)):
            limited.setdefault(key, value)
    for key in ("properties", "anyOf"):
        if key in limited:
            limited[key] = _nested(limited[key], every)
    limited = _laid_over(limited, own)
    if limited.pop("nullable", False):
        limited["type"] = [*_types(limited), "null"]
        if "enum" in limited:
            limited["enum"] = [*limited["enum"], None]
    return limited


_WORDS = frozenset({"description", "default"})


def _nested(node: Any, every: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [
            {**each, "properties": _nested(each["properties"], every)}
            if "properties" in each
            else each
            for each in node
        ]
    return {name: _limited(name, shape, {}, every) for name, shape in node.items()}


def _types(shape: Mapping[str, Any]) -> list[str]:
    types = shape.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _whole(types: Any) -> Any:
    if isinstance(types, str):
        return "integer" if types == "number" else types
    return [_whole(each) for each in types]


def _laid_over(shape: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in own.items():
        before = shape.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            shape[key] = _laid_over(dict(before), value)
        else:
            shape[key] = value
    return shape
