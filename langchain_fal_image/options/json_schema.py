"""Parse fields from JSON Schema, in the form that `catalog` describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langchain_fal_image.options.shape import Field, FileLimits, Shape

__all__ = ["get_types", "parse_fields"]


def get_types(node: Mapping[str, Any]) -> list[str]:
    """Return the `type` of a JSON Schema, a string or a list, as a list."""
    types = node.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def parse_fields(node: Mapping[str, Any]) -> dict[str, Field]:
    """Parse the options of an object's JSON Schema without `$ref`, by name."""
    required = frozenset(node.get("required", ()))
    return {
        name: Field(
            name=name,
            shape=_parse_shape(value),
            required=name in required,
            default=value.get("default"),
            description=value.get("description", ""),
        )
        for name, value in node.get("properties", {}).items()
    }


def _parse_shape(node: Mapping[str, Any]) -> Shape:
    items = node.get("items")
    extra = node.get("additionalProperties")
    shape = Shape(
        types=tuple(get_types(node)),
        enum=tuple(node.get("enum", ())),
        minimum=node.get("minimum"),
        maximum=node.get("maximum"),
        exclusive_minimum=node.get("exclusiveMinimum"),
        exclusive_maximum=node.get("exclusiveMaximum"),
        multiple_of=node.get("multipleOf"),
        min_length=node.get("minLength"),
        max_length=node.get("maxLength"),
        items=_parse_shape(items) if isinstance(items, Mapping) else None,
        min_items=node.get("minItems"),
        max_items=node.get("maxItems"),
        fields=parse_fields(node),
        extra=_parse_shape(extra) if isinstance(extra, Mapping) else None,
        any_of=tuple(map(_parse_shape, node.get("anyOf", ()))),
        min_pixels=node.get("minPixels"),
        max_pixels=node.get("maxPixels"),
    )
    if "file" not in node:
        return shape
    limits = FileLimits(
        min_side=node.get("minSide"),
        max_side=node.get("maxSide"),
        max_bytes=node.get("maxBytes"),
        mime_types=tuple(node.get("mediaTypes", ())),
        alpha=node.get("alpha", True),
    )
    return replace(shape, file=node["file"], file_limits=limits)
