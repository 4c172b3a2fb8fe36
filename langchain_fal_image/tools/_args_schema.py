"""The flat argument schema that a chat model fills in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    create_model,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.options.casing import match_name
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.sizes import list_required_sizes
from langchain_fal_image.tools._args_fields import (
    STANDARD_INPUTS,
    find_bound_voice_options,
    make_exposed_argument,
    make_field_argument,
    make_required_argument,
    make_standard_argument,
    resolve_option_name,
)
from langchain_fal_image.tools._nested import list_nested_options

__all__ = ["ToolArguments", "build_args_schema", "find_file_arguments"]

_COUNTS = ("num_images", "n")


class ToolArguments(BaseModel):
    """Base of the argument schemas; names can also be camelCase.

    An unknown argument is an error, because without it the result would be wrong and
    still be charged. LangGraph passes its `runtime` as an argument; it is dropped here.
    """

    model_config = ConfigDict(protected_namespaces=())

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Drop defaults: strict modes reject them, and descriptions contain them."""
        schema = handler(core_schema)
        for each in handler.resolve_ref_schema(schema)["properties"].values():
            each.pop("default", None)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _normalize_names(cls, arguments: Any) -> Any:
        if not isinstance(arguments, Mapping):
            return arguments
        names = tuple(cls.model_fields)
        values: dict[str, Any] = {}
        for key, value in arguments.items():
            if key == "runtime":
                continue
            name = key if key in names else match_name(key, names)
            if name is None:
                close = difflib.get_close_matches(key, names, n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                message = f"unknown argument {key!r}; use {', '.join(names)}.{hint}"
                raise ValueError(message)
            if name in values and values[name] != value:
                message = (
                    f"{name} has two values: {safe_repr(values[name])}, "
                    f"{safe_repr(value)}."
                )
                raise ValueError(message)
            values[name] = value
        return values


def build_args_schema(
    name: str,
    schema: EndpointSchema | None,
    *,
    standard: Iterable[str],
    bound: Mapping[str, Any] = MappingProxyType({}),
    expose: Iterable[str] = (),
) -> type[ToolArguments]:
    """Build the flat argument schema of a tool.

    In addition to the standard and exposed arguments, it has every option that the
    endpoint requires and that is not bound, because every call needs these.

    Args:
        name: The name of the schema.
        schema: The endpoint's contract; None for an unknown endpoint.
        standard: The arguments that the tool has if the endpoint takes them.
        bound: Options set in code, which the chat model does not see.
        expose: Further options of the endpoint, in camelCase or snake_case; an option
            inside an object with its path, such as `fill_image.fill_image_url`.

    Raises:
        FalConfigurationError: An exposed or required option does not exist, or its
            type is too complex for a tool argument.
    """
    names = (*(schema.fields if schema else ()), *STANDARD_INPUTS)
    fixed = {match_name(each, names) or each for each in bound}
    fixed |= {resolve_option_name(each, schema) for each in _COUNTS if each in fixed}
    fixed |= find_bound_voice_options(schema, bound)
    arguments: dict[str, Any] = {}
    for each in expose:
        if "." not in each or schema is None:
            arguments |= make_exposed_argument(each, schema)
    for option, (path, field) in list_nested_options(expose, schema).items():
        arguments |= make_field_argument(option, field, ".".join(path), schema)
    sizes = set(list_required_sizes(schema)) if schema else set()
    for each in standard:
        if resolve_option_name(each, schema) not in fixed:
            exposed = sizes & arguments.keys()
            arguments |= make_standard_argument(each, schema, fixed | exposed)
    if "aspect_ratio" in arguments:
        fixed |= sizes  # `aspect_ratio` sets them
    fixed |= {
        resolve_option_name(each, schema)
        for each in (*STANDARD_INPUTS, *_COUNTS)
        if each in {*arguments, *fixed}
    }
    for field in schema.fields.values() if schema else ():
        if field.required and field.name not in {*arguments, *fixed}:
            arguments |= make_required_argument(field, schema)
    return create_model(name, __base__=ToolArguments, **_sort(arguments))


def find_file_arguments(
    schema: EndpointSchema | None,
    arguments: Iterable[str],
    nested: Mapping[str, Field] = MappingProxyType({}),
) -> frozenset[str]:
    """Return those of a tool's arguments that name files.

    Args:
        schema: The endpoint's contract.
        arguments: The names of all arguments.
        nested: The options inside objects, by the names of their arguments.
    """
    found = set()
    for name in arguments:
        field = nested.get(name) or (schema.fields.get(name) if schema else None)
        if name in {"images", "audio"} or (field is not None and field.file):
            found.add(name)
    return frozenset(found)


def _sort(arguments: dict[str, Any]) -> dict[str, Any]:
    """Sort the prompt first, for calls with a plain text; then required arguments."""

    def place(item: tuple[str, Any]) -> tuple[bool, bool]:
        name, (_, argument) = item
        return name not in {"prompt", "text"}, not argument.is_required()

    return dict(sorted(arguments.items(), key=place))
