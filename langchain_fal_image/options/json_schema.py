"""Reads the catalog's entries into contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langchain_fal_image.options.endpoint import (
    EndpointSchema,
    Field,
    FileLimits,
    Shape,
    kind_of,
)

__all__ = ["read_schema"]

_DEEPEST_REFERENCE = 32


def read_schema(
    endpoint_id: str,
    entry: Mapping[str, Any],
    *,
    parts: Mapping[str, Any] | None = None,
) -> EndpointSchema:
    """Read an entry of the catalog.

    Args:
        endpoint_id: The entry's id.
        entry: The entry, in the form that `catalog` describes.
        parts: The shapes that the entry may refer to by `$ref`.

    Returns:
        The contract.

    Raises:
        ValueError: A `$ref` that leads nowhere or round in a circle.
    """
    parts = parts or {}
    output = _joined(entry.get("output", {}), parts)
    return EndpointSchema(
        endpoint_id=endpoint_id,
        fields=_fields(_joined(entry["input"], parts), parts),
        title=entry.get("title", endpoint_id),
        about=entry.get("about", ""),
        category=entry.get("category", ""),
        kind=kind_of(output.get("properties", {})),
    )


def _joined(node: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Take in the part that a node refers to; the node's own words win."""
    joined = dict(node)
    for _ in range(_DEEPEST_REFERENCE):
        reference = joined.pop("$ref", None)
        if reference is None:
            return joined
        part = parts.get(str(reference).rpartition("/")[2])
        if part is None:
            message = f"The catalog refers to {reference}, which it does not hold."
            raise ValueError(message)
        joined = {**part, **joined}
    message = f"The catalog's part {reference} refers to itself."
    raise ValueError(message)


def _fields(node: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[Field, ...]:
    required = frozenset(node.get("required", ()))
    fields = []
    for name, value in node.get("properties", {}).items():
        joined = _joined(value, parts)
        fields.append(
            Field(
                name=name,
                shape=_shape(joined, parts),
                required=name in required,
                default=joined.get("default"),
                description=joined.get("description", ""),
            )
        )
    return tuple(fields)


def _shape(node: Mapping[str, Any], parts: Mapping[str, Any]) -> Shape:
    joined = _joined(node, parts)
    types = joined.get("type", ())
    items = joined.get("items")
    extra = joined.get("additionalProperties")
    shape = Shape(
        types=(types,) if isinstance(types, str) else tuple(types),
        enum=tuple(joined.get("enum", ())),
        minimum=joined.get("minimum"),
        maximum=joined.get("maximum"),
        exclusive_minimum=joined.get("exclusiveMinimum"),
        exclusive_maximum=joined.get("exclusiveMaximum"),
        multiple_of=joined.get("multipleOf"),
        min_length=joined.get("minLength"),
        max_length=joined.get("maxLength"),
        items=_shape(items, parts) if isinstance(items, Mapping) else None,
        min_items=joined.get("minItems"),
        max_items=joined.get("maxItems"),
        fields=_fields(joined, parts),
        extra=_shape(extra, parts) if isinstance(extra, Mapping) else None,
        any_of=tuple(_shape(item, parts) for item in joined.get("anyOf", ())),
        min_pixels=joined.get("minPixels"),
        max_pixels=joined.get("maxPixels"),
    )
    if "file" not in joined:
        return shape
    limits = FileLimits(
        min_side=joined.get("minSide"),
        max_side=joined.get("maxSide"),
        max_bytes=joined.get("maxBytes"),
        mime_types=tuple(joined.get("mediaTypes", ())),
        alpha=joined.get("alpha", True),
    )
    return replace(shape, file=joined["file"], file_limits=limits)
