"""Checks inputs as fal's models do, and answers with fal's error bodies.

Shares no code with the checks of `options`: an error there should not agree with
itself here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from langchain_fal_image.sandbox.api import openapi

__all__ = ["fault", "find_errors"]

# JSON Schema's words, and what fal's models, which are pydantic's, say instead: the
# type, the message and the name of the limit in `ctx`.
_BOUNDS: dict[str, tuple[str, str, str]] = {
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
_TYPES = {
    "string": ("string_type", "Input should be a valid string"),
    "integer": ("int_type", "Input should be a valid integer"),
    "number": ("float_type", "Input should be a valid number"),
    "boolean": ("bool_type", "Input should be a valid boolean"),
    "array": ("list_type", "Input should be a valid list"),
    "object": ("dict_type", "Input should be a valid dictionary"),
    "null": ("none_required", "Input should be None"),
}


@cache
def _validator(endpoint_id: str) -> Validator | None:
    schema = openapi.input_schema(endpoint_id)
    return jsonschema.Draft202012Validator(schema) if schema else None


def find_errors(endpoint_id: str, payload: Any) -> list[dict[str, Any]]:
    """Find what is wrong with an input.

    Args:
        endpoint_id: Whose input it is.
        payload: The request's JSON.

    Returns:
        What stands under `detail` in fal's answer; empty where all is well.
    """
    if not isinstance(payload, dict):
        return [fault([], "Input should be a valid dictionary", "dict_type")]
    validator = _validator(endpoint_id)
    if validator is None:
        return [] if payload.get("prompt") else [_missing("prompt")]
    found = [each for error in validator.iter_errors(payload) for each in _of(error)]
    if not found:
        schema = openapi.input_schema(endpoint_id) or {}
        found = list(_beyond_json_schema(schema, payload))
    return found


def fault(path: list[Any], message: str, kind: str, **more: Any) -> dict[str, Any]:
    """Make one entry of fal's `detail`.

    Args:
        path: Where in the input.
        message: For people.
        kind: fal's word, for programs.
        **more: Further members, such as `ctx`; those that are None are left out.
    """
    known = {key: value for key, value in more.items() if value is not None}
    url = f"https://docs.fal.ai/errors#{kind}"
    return {"loc": ["body", *path], "msg": message, "type": kind, "url": url, **known}


def _of(error: jsonschema.ValidationError) -> Iterator[dict[str, Any]]:
    path, word = list(error.absolute_path), str(error.validator)
    limit: Any = error.validator_value
    if word == "required":
        given: Any = error.instance
        # jsonschema gives one error for each name, each with the whole list.
        name = next(each for each in limit if error.message.startswith(repr(each)))
        if name not in given:
            yield _missing(*path, name)
    elif word in _BOUNDS:
        kind, phrase, name = _BOUNDS[word]
        message = f"Input should {phrase.format(limit)}"
        yield fault(path, message, kind, ctx={name: limit})
    elif word == "enum":
        expected = _listed(limit)
        message = f"Input should be {expected}"
        yield fault(path, message, "literal_error", ctx={"expected": expected})
    elif word == "type":
        first = limit[0] if isinstance(limit, list) else limit
        kind, message = _TYPES[first]
        yield fault(path, message, kind)
    elif word == "anyOf" and error.context:
        for each in _nearest(error.context):
            yield from _of(each)
    else:
        yield fault(path, f"Input should fit {word}", "value_error")


def _nearest(
    found: list[jsonschema.ValidationError],
) -> list[jsonschema.ValidationError]:
    """Choose what to tell of an `anyOf`: the branches of the right type, else all."""

    def is_of_right_type(error: jsonschema.ValidationError) -> bool:
        if error.path:
            return True
        plain = not isinstance(error.instance, dict | list)
        return error.validator != "type" and (plain or error.validator != "enum")

    return [each for each in found if is_of_right_type(each)] or found


def _listed(values: list[Any]) -> str:
    quoted = [repr(each) for each in values]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


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
                    yield fault(where, message, "file_download_error")


def _pixels(
    name: str, size: dict[str, Any], node: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    total = size.get("width", 512) * size.get("height", 512)
    tests: list[tuple[str, str, Callable[[int], bool]]] = [
        ("minPixels", "at least", lambda limit: total < limit),
        ("maxPixels", "at most", lambda limit: total > limit),
    ]
    for word, phrase, is_broken in tests:
        if word in node and is_broken(node[word]):
            message = f"Total number of pixels must be {phrase} {node[word]}"
            yield fault([name], f"Value error, {message}", "value_error")


def _missing(*path: Any) -> dict[str, Any]:
    return fault(list(path), "Field required", "missing")
