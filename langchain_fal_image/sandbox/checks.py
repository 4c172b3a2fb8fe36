"""Checks inputs as fal's models do, and answers with fal's error bodies.

Shares no code with the checks of `options`: an error there should not agree with
itself here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from langchain_fal_image.sandbox import openapi

__all__ = ["faults_of"]

# JSON Schema's words and the types of error that fal's models answer with.
_TYPES = {
    "maximum": "less_than_equal",
    "minimum": "greater_than_equal",
    "exclusiveMaximum": "less_than",
    "exclusiveMinimum": "greater_than",
    "multipleOf": "multiple_of",
    "enum": "literal_error",
    "maxLength": "string_too_long",
    "minLength": "string_too_short",
    "maxItems": "too_long",
    "minItems": "too_short",
    "anyOf": "value_error",
    "type": "type_error",
    "required": "missing",
}


@cache
def _validator(endpoint_id: str) -> Validator | None:
    schema = openapi.input_schema(endpoint_id)
    return jsonschema.Draft202012Validator(schema) if schema else None


def faults_of(endpoint_id: str, payload: Any) -> list[dict[str, Any]]:
    """Find what is wrong with an input.

    Args:
        endpoint_id: Whose input it is.
        payload: The request's JSON.

    Returns:
        What stands under `detail` in fal's answer; empty where all is well.
    """
    if not isinstance(payload, dict):
        return [_fault([], "Input should be a valid dictionary", "dict_type")]
    validator = _validator(endpoint_id)
    if validator is None:
        return [] if payload.get("prompt") else [_missing("prompt")]
    found = [fault for error in validator.iter_errors(payload) for fault in _of(error)]
    if not found:
        schema = openapi.input_schema(endpoint_id) or {}
        found = list(_beyond_json_schema(schema, payload))
    return found


def _of(error: jsonschema.ValidationError) -> Iterator[dict[str, Any]]:
    path = list(error.absolute_path)
    if error.validator == "required":
        required: Any = error.validator_value
        given: Any = error.instance
        names = [name for name in required if name not in (given or {})]
        yield from (_missing(*path, name) for name in names)
        return
    yield _fault(
        path,
        error.message,
        _TYPES.get(str(error.validator), "value_error"),
        ctx={str(error.validator): error.validator_value}
        if isinstance(error.validator_value, int | float | list)
        else None,
    )


def _beyond_json_schema(
    schema: dict[str, Any], payload: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for name, node in schema.get("properties", {}).items():
        value = payload.get(name)
        if value is None:
            continue
        if isinstance(value, dict) and ("minPixels" in node or "maxPixels" in node):
            yield from _pixels(name, value, node)
        items = node.get("items", {})
        if "file" in node or "file" in items:
            for index, url in enumerate(value if isinstance(value, list) else [value]):
                where = [name, index] if isinstance(value, list) else [name]
                if not str(url).startswith(("http://", "https://", "data:")):
                    message = "Failed to download the file: not a URL"
                    yield _fault(where, message, "file_download_error")


def _pixels(
    name: str, size: dict[str, Any], node: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    total = size.get("width", 512) * size.get("height", 512)
    least, most = node.get("minPixels", 0), node.get("maxPixels", float("inf"))
    if not least <= total <= most:
        message = f"Total number of pixels must be between {least} and {most}"
        yield _fault([name], message, "value_error")


def _missing(*path: Any) -> dict[str, Any]:
    return _fault(list(path), "Field required", "missing")


def _fault(path: list[Any], message: str, kind: str, **more: Any) -> dict[str, Any]:
    known = {key: value for key, value in more.items() if value is not None}
    return {"loc": ["body", *path], "msg": message, "type": kind, **known}
