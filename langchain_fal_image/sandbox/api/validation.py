"""Validate payloads as fal's models do, with fal's error entries.

This module shares no code with the checks in `options`, so that tests find mistakes
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import jsonschema
from jsonschema.protocols import Validator

from langchain_fal_image.sandbox.api import openapi

__all__ = ["find_errors", "make_error"]

# For each JSON Schema keyword, the error of fal's models, which use pydantic: its type,
# its message, and the name of the limit in `ctx`.
_BOUNDS: Final[dict[str, tuple[str, str, str]]] = {
    "maximum": ("less_than_equal", "be less than or equal to {}", "le"),
    "minimum": ("greater_than_equal", "be greater than or equal to {}", "ge"),
    "exclusiveMaximum": ("less_than", "be less than {}", "lt"),
    "exclusiveMinimum": ("greater_than", "be greater than {}", "gt"),
    "multipleOf": ("multiple_of", "be a multiple of {}", "multiple_of"),
    "maxLength": ("string_too_long", "have at most {} characters", "max_length"),
    "minLength": ("string_too_short", "have at least {} characters", "min_length"),
    "maxItems": ("too_long", "have at most {} items", "max_length"),
    "minItems": ("too_short", "have at least {} items", "min_length"),
}
_TYPES: Final = {
    "string": ("string_type", "Input should be a valid string"),
    "integer": ("int_type", "Input should be a valid integer"),
    "number": ("float_type", "Input should be a valid number"),
    "boolean": ("bool_type", "Input should be a valid boolean"),
    "array": ("list_type", "Input should be a valid list"),
    "object": ("dict_type", "Input should be a valid dictionary"),
    "null": ("none_required", "Input should be None"),
}


@cache
def _make_validator(endpoint_id: str) -> Validator | None:
    schema = openapi.get_input_schema(endpoint_id)
    return jsonschema.Draft202012Validator(schema) if schema else None


def find_errors(endpoint_id: str, payload: Any) -> list[dict[str, Any]]:
    """Return fal's `detail` entries for a payload; empty if it is valid."""
    if not isinstance(payload, dict):
        return [make_error([], "Input should be a valid dictionary", "dict_type")]
    validator = _make_validator(endpoint_id)
    if validator is None:
        return [] if payload.get("prompt") else [_make_missing_error("prompt")]
    found = [
        each for error in validator.iter_errors(payload) for each in _to_entries(error)
    ]
    if not found:
        schema = openapi.get_input_schema(endpoint_id) or {}
        found = list(_check_limits(schema, payload))
    return found


def make_error(
    path: list[Any], message: str, error_type: str, **extra: Any
) -> dict[str, Any]:
    """Return an entry of fal's `detail`; `extra` has further members, such as `ctx`."""
    url = f"https://docs.fal.ai/errors#{error_type}"
    entry = {"loc": ["body", *path], "msg": message, "type": error_type, "url": url}
    return {**entry, **extra}


def _to_entries(error: jsonschema.ValidationError) -> Iterator[dict[str, Any]]:
    path, keyword = list(error.absolute_path), str(error.validator)
    limit: Any = error.validator_value
    if keyword == "required":
        # jsonschema reports one error per name, each with the whole list.
        name = next(each for each in limit if error.message.startswith(repr(each)))
        yield _make_missing_error(*path, name)
    elif keyword in _BOUNDS:
        error_type, phrase, name = _BOUNDS[keyword]
        message = f"Input should {phrase.format(limit)}"
        yield make_error(path, message, error_type, ctx={name: limit})
    elif keyword == "enum":
        expected = _join(limit)
        message = f"Input should be {expected}"
        yield make_error(path, message, "literal_error", ctx={"expected": expected})
    elif keyword == "type":
        first = limit[0] if isinstance(limit, list) else limit
        error_type, message = _TYPES[first]
        yield make_error(path, message, error_type)
    elif keyword == "anyOf" and error.context:
        for each in _select_branches(error.context):
            yield from _to_entries(each)
    else:
        yield make_error(path, f"Input does not match {keyword}", "value_error")


def _select_branches(
    found: list[jsonschema.ValidationError],
) -> list[jsonschema.ValidationError]:
    """Return the errors of the `anyOf` branches of the right type, else all errors."""

    def is_of_right_type(error: jsonschema.ValidationError) -> bool:
        if error.path:
            return True
        is_plain = not isinstance(error.instance, dict | list)
        return error.validator != "type" and (is_plain or error.validator != "enum")

    return [each for each in found if is_of_right_type(each)] or found


def _join(values: list[Any]) -> str:
    quoted = [repr(each) for each in values]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _check_limits(
    schema: dict[str, Any], payload: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for name, node in schema.get("properties", {}).items():
        value = payload.get(name)
        if value is None:
            continue
        if isinstance(value, dict) and ("minPixels" in node or "maxPixels" in node):
            yield from _check_pixels(name, value, node)
        if openapi.find_file_kind(name, node):
            for index, url in enumerate(value if isinstance(value, list) else [value]):
                path = [name, index] if isinstance(value, list) else [name]
                if not str(url).startswith(("http://", "https://", "data:")):
                    message = "Failed to download the file: not a URL"
                    yield make_error(path, message, "file_download_error")


def _check_pixels(
    name: str, size: dict[str, Any], node: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    total = size.get("width", 512) * size.get("height", 512)
    tests: list[tuple[str, str, Callable[[int], bool]]] = [
        ("minPixels", "at least", lambda limit: total < limit),
        ("maxPixels", "at most", lambda limit: total > limit),
    ]
    for keyword, phrase, is_broken in tests:
        if keyword in node and is_broken(node[keyword]):
            message = f"Total number of pixels must be {phrase} {node[keyword]}"
            yield make_error([name], f"Value error, {message}", "value_error")


def _make_missing_error(*path: Any) -> dict[str, Any]:
    return make_error(list(path), "Field required", "missing")
