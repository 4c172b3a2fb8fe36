"""Parse JSON Schema without `$ref` into fields and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from langchain_fal_image.options.file_options import detect_file, parse_file_limits
from langchain_fal_image.options.shape import Field, Shape

__all__ = ["parse_field", "parse_fields"]

_UNIONS = ("anyOf", "oneOf")
# What is stated next to a union or a list about the file inside it.
_FILE_KEYWORDS = (
    *("_fal_ui_field", "ui", "x-fal", "format", "description", "max_file_size"),
    *("min_width", "min_height", "max_width", "max_height"),
)


def parse_fields(node: Mapping[str, Any]) -> dict[str, Field]:
    """Parse the options of an object, by name."""
    required = node.get("required", ())
    return {
        name: parse_field(name, value, required=name in required)
        for name, value in node.get("properties", {}).items()
    }


def parse_field(name: str, node: Mapping[str, Any], *, required: bool) -> Field:
    """Parse one option."""
    return Field(
        name=name,
        shape=_parse_shape(node, name),
        required=required,
        default=node.get("default"),
        description=node.get("description", ""),
    )


def _parse_shape(node: Mapping[str, Any], name: str) -> Shape:
    if alternatives := list(_list_alternatives(node)):
        outer = {key: node[key] for key in node if key not in _UNIONS}
        not_null = [each for each in alternatives if each.get("type") != "null"]
        if len(not_null) != 1:
            hints = {key: node[key] for key in _FILE_KEYWORDS if key in node}
            return Shape(
                any_of=tuple(
                    _parse_shape({**hints, **each}, name) for each in alternatives
                ),
                min_pixels=node.get("minPixels"),
                max_pixels=node.get("maxPixels"),
            )
        is_nullable = len(alternatives) > 1 or outer.get("nullable")
        node = {**not_null[0], **outer, "nullable": is_nullable}
    types, enum = _get_types(node), list(node.get("enum", ()))
    if node.get("const") is not None:
        enum = [node["const"]]
    if node.get("nullable"):
        types = [*types, "null"] if types and "null" not in types else types
        enum = [*enum, None] if enum and None not in enum else enum
    minimum, exclusive_minimum = _get_limits(node, "minimum", "exclusiveMinimum")
    maximum, exclusive_maximum = _get_limits(node, "maximum", "exclusiveMaximum")
    extra = node.get("additionalProperties")
    shape = Shape(
        types=tuple(types),
        enum=tuple(enum),
        minimum=minimum,
        maximum=maximum,
        exclusive_minimum=exclusive_minimum,
        exclusive_maximum=exclusive_maximum,
        multiple_of=node.get("multipleOf"),
        min_length=node.get("minLength"),
        max_length=node.get("maxLength"),
        pattern=node.get("pattern"),
        format=node.get("format"),
        items=_parse_items(node, name),
        min_items=node.get("minItems"),
        max_items=node.get("maxItems"),
        unique_items=node.get("uniqueItems", False),
        fields=parse_fields(node),
        extra=_parse_extra(extra),
        closed=extra is False,
        min_pixels=node.get("minPixels"),
        max_pixels=node.get("maxPixels"),
    )
    if enum or "string" not in types or not (file := detect_file(name, node)):
        return shape
    return replace(shape, file=file, file_limits=parse_file_limits(node))


def _list_alternatives(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Iterate over the alternatives of a union, and of the unions inside it."""
    for keyword in _UNIONS:
        for each in node.get(keyword, ()):
            inner = list(_list_alternatives(each))
            yield from inner or [each]


def _parse_items(node: Mapping[str, Any], name: str) -> Shape | None:
    items = node.get("items")
    if not isinstance(items, Mapping):
        return None
    hints = {key: node[key] for key in _FILE_KEYWORDS if key in node}
    return _parse_shape({**hints, **items}, name)


def _parse_extra(node: Any) -> Shape | None:
    if isinstance(node, Mapping):
        return _parse_shape(node, "")
    return Shape() if node is True else None


def _get_types(node: Mapping[str, Any]) -> list[str]:
    types = node.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _get_limits(
    node: Mapping[str, Any], inclusive: str, exclusive: str
) -> tuple[float | None, float | None]:
    """Return a limit and its exclusive form, which is a flag in OpenAPI 3.0."""
    limit, own = node.get(inclusive), node.get(exclusive)
    if own is True:
        return None, limit
    return limit, None if own is False else own
