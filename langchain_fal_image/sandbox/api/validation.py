"""Validate payloads against fal's documents, with fal's error entries.

This module shares no code with the checks in `options`, so that tests find mistakes
there. What only fal's pages state is not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import jsonschema
from pydantic_core import PydanticKnownError

from langchain_fal_image.options import catalog
from langchain_fal_image.sandbox.api.lax import (
    find_problem,
    normalize_schema,
    read_value,
)

__all__ = ["check_payload", "find_entries", "make_error"]

# For each JSON Schema keyword, the error of fal's models, which use pydantic: its type
# and the name of the limit in `ctx`.
_BOUNDS: Final[Mapping[str, tuple[Any, str]]] = {
    "maximum": ("less_than_equal", "le"),
    "minimum": ("greater_than_equal", "ge"),
    "exclusiveMaximum": ("less_than", "lt"),
    "exclusiveMinimum": ("greater_than", "gt"),
    "multipleOf": ("multiple_of", "multiple_of"),
    "maxLength": ("string_too_long", "max_length"),
    "minLength": ("string_too_short", "min_length"),
    "maxItems": ("too_long", "max_length"),
    "minItems": ("too_short", "min_length"),
    "pattern": ("string_pattern_mismatch", "pattern"),
}
_FORMATS: Final = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("uuid4")
def _is_uuid4(value: object) -> bool:
    return not isinstance(value, str) or not find_problem("uuid4", value)


def check_payload(endpoint_id: str, payload: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Return a payload as the endpoint reads it, and fal's `detail` entries.

    The list is empty if the payload is valid. A contract is checked as far as it is
    sure. One that was merged from several documents can differ from fal's inside
    objects. One from types can have the values of another endpoint, but not its names.
    """
    if not isinstance(payload, dict):
        return payload, [_make_known_error([], "model_attributes_type")]
    contract = catalog.get_contract(endpoint_id)
    if contract is None or not contract.input:
        missing = [] if payload.get("prompt") else ["prompt"]
        return payload, [_make_known_error([each], "missing") for each in missing]
    schema = normalize_schema(contract.input)
    read = read_value(schema, payload)
    if contract.source.origin == "types":
        schema = {"required": schema.get("required", [])}
    entries = find_entries(schema, read)
    if contract.source.origin == "merged":
        entries = [each for each in entries if not _is_inside_object(each["loc"])]
    return read, entries


def find_entries(schema: Mapping[str, Any], value: Any) -> list[dict[str, Any]]:
    """Return fal's `detail` entries for what is wrong with a value."""
    validator = jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)
    errors = list(validator.iter_errors(value))
    wrong = {tuple(each.absolute_path) for each in errors if each.validator == "type"}
    return [
        entry
        for each in errors
        if each.validator == "type" or tuple(each.absolute_path) not in wrong
        for entry in _to_entries(each)
    ]


def _is_inside_object(loc: list[Any]) -> bool:
    """Return whether a `loc` is inside an object that is the value of an option."""
    return any(isinstance(each, str) for each in loc[2:])


def make_error(
    path: list[Any], message: str, error_type: str, **extra: Any
) -> dict[str, Any]:
    """Return an entry of fal's `detail`; `extra` has further members, such as `ctx`."""
    url = f"https://docs.fal.ai/errors#{error_type}"
    entry = {"loc": ["body", *path], "msg": message, "type": error_type, "url": url}
    return {**entry, **extra}


def _make_known_error(path: list[Any], error_type: Any, **ctx: Any) -> dict[str, Any]:
    """Return an entry with the message of pydantic."""
    message = PydanticKnownError(error_type, ctx or None).message()
    return make_error(path, message, error_type, **({"ctx": ctx} if ctx else {}))


def _to_entries(error: jsonschema.ValidationError) -> Iterator[dict[str, Any]]:
    path, keyword = list(error.absolute_path), str(error.validator)
    limit: Any = error.validator_value
    schema: Any = error.schema
    if keyword == "required":
        # jsonschema reports one error per name, each with the whole list.
        name = next(each for each in limit if error.message.startswith(repr(each)))
        yield _make_known_error([*path, name], "missing")
    elif keyword in _BOUNDS:
        error_type, name = _BOUNDS[keyword]
        ctx = {name: limit}
        if isinstance(error.instance, list):
            ctx |= {"field_type": "List", "actual_length": len(error.instance)}
        yield _make_known_error(path, error_type, **ctx)
    elif keyword in {"enum", "const"}:
        expected = _join(limit if keyword == "enum" else [limit])
        yield _make_known_error(path, "literal_error", expected=expected)
    elif keyword == "type" and limit == "object" and "properties" in schema:
        # FastAPI reads models from attributes too.
        yield _make_known_error(path, "model_attributes_type")
    elif keyword in {"type", "format"} and (
        problem := find_problem(limit, error.instance)
    ):
        extra = {"ctx": problem["ctx"]} if "ctx" in problem else {}
        yield make_error(path, problem["msg"], problem["type"], **extra)
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

    not_null = [each for each in found if each.validator_value != "null"]
    return [each for each in found if is_of_right_type(each)] or not_null


def _join(values: list[Any]) -> str:
    quoted = [repr(each) for each in values]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
