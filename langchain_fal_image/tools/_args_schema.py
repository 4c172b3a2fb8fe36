"""What a chat model fills in: the flat argument schema of a tool."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.options.casing import match_name
from langchain_fal_image.options.endpoint import EndpointSchema, Kind
from langchain_fal_image.tools._args_fields import (
    CALL_WORDS,
    bound_words,
    exposed_field,
    offered_field,
    option_of,
    required_field,
)
from langchain_fal_image.tools._messages import told_nothing

__all__ = ["ToolArguments", "file_arguments", "tool_arguments", "wrong_arguments"]


class ToolArguments(BaseModel):
    """Base of what a chat model fills in; understands camelCase names.

    Unknown arguments are an error and not dropped: a dropped option is the wrong
    picture. LangGraph's `runtime` comes along with them and is none of ours.
    """

    model_config = ConfigDict(protected_namespaces=())

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Leave out defaults: strict modes refuse them, and the words say them."""
        schema = handler(core_schema)
        for each in handler.resolve_ref_schema(schema)["properties"].values():
            each.pop("default", None)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _read_names(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        names = tuple(cls.model_fields)
        read: dict[str, Any] = {}
        for key, value in given.items():
            if key == "runtime":
                continue
            name = match_name(key, names)
            if name is None:
                near = difflib.get_close_matches(key, names, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                message = f"{key!r} is no argument; use {', '.join(names)}.{hint}"
                raise ValueError(message)
            if name in read and read[name] != value:
                message = (
                    f"{name} is given twice: {safe_repr(read[name])}, "
                    f"{safe_repr(value)}."
                )
                raise ValueError(message)
            read[name] = value
        return read


def tool_arguments(
    name: str,
    schema: EndpointSchema | None,
    *,
    offered: Iterable[str],
    bound: Mapping[str, Any] = MappingProxyType({}),
    expose: Iterable[str] = (),
) -> type[ToolArguments]:
    """Make the flat argument schema of a tool.

    Beside what is offered and exposed it has every option that the endpoint requires
    and that is not bound: without them no call could succeed.

    Args:
        name: The schema's name.
        schema: The endpoint's contract; None for an endpoint we do not know.
        offered: The arguments every such tool has, where the endpoint takes them.
        bound: Options fixed in code, which the model is not offered.
        expose: Further options of the endpoint, in either spelling.

    Raises:
        FalConfigurationError: An exposed or required option does not exist, or its
            type is too rich for a tool's schema.
    """
    names = (*(schema.names if schema else ()), *CALL_WORDS)
    fixed = {match_name(each, names) or each for each in bound} | bound_words(
        schema, bound
    )
    offered = [each for each in offered if option_of(each, schema) not in fixed]
    fields: dict[str, Any] = {}
    for each in offered:
        fields |= offered_field(each, schema, fixed)
    for each in expose:
        fields |= exposed_field(each, schema)
    fixed |= {
        option_of(word, schema) for word in CALL_WORDS if word in {*fields, *fixed}
    }
    for field in schema.fields if schema else ():
        if field.required and field.name not in {*fields, *fixed}:
            fields |= required_field(field, schema)
    return create_model(name, __base__=ToolArguments, **_required_first(fields))


def file_arguments(
    schema: EndpointSchema | None, arguments: Iterable[str]
) -> frozenset[str]:
    """Tell which of a tool's arguments name files.

    Args:
        schema: The endpoint's contract.
        arguments: The names of all arguments.
    """
    found = set()
    for name in arguments:
        field = schema.get_field(name) if schema else None
        if name in {"images", "audio"} or (field is not None and field.file):
            found.add(name)
    return frozenset(found)


def _required_first(fields: dict[str, Any]) -> dict[str, Any]:
    """Put the prompt in front, then what is required: text input means the first."""

    def place(item: tuple[str, Any]) -> tuple[bool, bool]:
        name, (_, argument) = item
        return name not in {"prompt", "text"}, not argument.is_required()

    return dict(sorted(fields.items(), key=place))


def wrong_arguments(error: ValidationError, *, kind: Kind = "image") -> str:
    """Tell a model what was wrong with the arguments it filled in.

    Args:
        error: pydantic's.
        kind: What would have been made.

    Returns:
        A line for each fault, without echoing long values.
    """
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        where = ".".join(map(str, fault["loc"])) or "arguments"
        message = fault["msg"].removeprefix("Value error, ")
        told_already = fault["type"] == "missing" or not fault["loc"]
        given = "" if told_already else f"={safe_repr(fault['input'])}"
        lines.append(f"- {where}{given}: {message}")
    told = "\n".join(lines)
    return (
        f"{told_nothing(kind)[:-1]}: wrong arguments.\n{told}\nNothing was charged.\n"
        f"Next: correct them and call again."
    )
