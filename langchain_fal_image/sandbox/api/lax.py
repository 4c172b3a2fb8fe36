"""Read values as pydantic's lax mode does, on which fal's models run.

(docs.pydantic.dev, conversion table)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jsonschema
import pydantic

__all__ = ["find_problem", "normalize_schema", "read_value"]

_SCALARS: Final[Mapping[str, pydantic.TypeAdapter[Any]]] = {
    "integer": pydantic.TypeAdapter(int),
    "number": pydantic.TypeAdapter(pydantic.FiniteFloat),  # JSON has no others
    "boolean": pydantic.TypeAdapter(bool),
    "string": pydantic.TypeAdapter(str),
    "null": pydantic.TypeAdapter(None),
    "array": pydantic.TypeAdapter(list[Any]),
    "object": pydantic.TypeAdapter(dict[str, Any]),
    "uuid4": pydantic.TypeAdapter(pydantic.UUID4),
}
_READ: Final = frozenset({"integer", "number", "boolean"})
# pydantic states a limit on a union under its own name.
_LIMITS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
_VALUES: Final = frozenset({"default", "enum", "const"})


def normalize_schema(node: Any) -> Any:
    """Return a schema of fal's documents in the words of JSON Schema."""
    if isinstance(node, list):
        return [normalize_schema(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    normal: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            normal[key] = {name: normalize_schema(each) for name, each in value.items()}
        else:
            keyword = _LIMITS.get(key) or str(key)
            normal[keyword] = value if key in _VALUES else normalize_schema(value)
    if "enum" in normal or "const" in normal:
        normal.pop("type", None)  # pydantic does not report it in addition
    types = normal.get("type")
    if isinstance(types, list):  # in OpenAPI 3.1
        return {"anyOf": [{**normal, "type": each} for each in types]}
    if normal.pop("nullable", False):  # in OpenAPI 3.0
        return {"anyOf": [normal, {"type": "null"}]}
    return normal


def read_value(node: Mapping[str, Any], value: Any) -> Any:
    """Return a value as pydantic reads it; unchanged if it does not fit.

    Args:
        node: A normalized schema.
        value: JSON, such as `"42"` for an integer.
    """
    if branches := [*node.get("anyOf", ()), *node.get("oneOf", ())]:
        return _read_union(branches, value)
    if choices := node.get("enum") or ([node["const"]] if "const" in node else []):
        return next((each for each in choices if each == value), value)
    kind = node.get("type")
    if isinstance(kind, str) and kind in _READ:
        try:
            read = _SCALARS[kind].validate_python(value)
        except pydantic.ValidationError:
            return value
        return value if type(value) is int and kind == "number" else read
    if isinstance(value, list):
        items = [read_value(node.get("items", {}), each) for each in value]
        if node.get("uniqueItems"):  # a set, which takes each value once
            return [each for i, each in enumerate(items) if each not in items[:i]]
        return items
    if isinstance(value, dict):
        fields = node.get("properties", {})
        return {name: read_value(fields.get(name, {}), value[name]) for name in value}
    return value


def _read_union(branches: list[Mapping[str, Any]], value: Any) -> Any:
    """Read a value by the first branch that it fits, if possible unchanged."""
    read = [value, *(read_value(each, value) for each in branches)]
    for found in read:
        for each in branches:
            if jsonschema.Draft202012Validator(each).is_valid(found):
                return read_value(each, found)
    return next((each for each in read if type(each) is not type(value)), value)


def find_problem(kind: str, value: Any) -> Mapping[str, Any] | None:
    """Return pydantic's error for a value that is not of a type; None if it is.

    Args:
        kind: A type of JSON Schema, or `uuid4`.
        value: The value.
    """
    try:
        _SCALARS[kind].validate_python(value)
    except pydantic.ValidationError as error:
        return error.errors(include_url=False, include_input=False)[0]
    return None
