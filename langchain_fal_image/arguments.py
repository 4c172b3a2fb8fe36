"""Contracts as pydantic models: a runnable's input schema, a tool's arguments."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic import Field as Argument

from langchain_fal_image.errors import FalConfigurationError, shown
from langchain_fal_image.options.casing import to_fal
from langchain_fal_image.options.schema import EndpointSchema, Field, Shape
from langchain_fal_image.options.sizes import aspect_ratios

__all__ = [
    "ToolArguments",
    "described",
    "input_model",
    "simple_type",
    "tool_arguments",
    "wrong_arguments",
]

_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
}


def simple_type(field: Field) -> Any:
    """Give the plain Python type of an option, or None where it has none.

    Plain is what every chat provider's tool schema carries unchanged: `str`, `int`,
    `float`, `bool`, a choice among strings, or a list of strings.
    """
    for shape in field.shape.alternatives:
        if found := _shape_type(shape):
            return found
    if (items := field.shape.list_items) and _shape_type(items) is str:
        return list[str]
    return None


def _shape_type(shape: Shape) -> Any:
    if shape.enum and all(isinstance(value, str) for value in shape.enum):
        return Literal[shape.enum]
    for name in shape.types:
        if name in _TYPES:
            return _TYPES[name]
    return None


def described(field: Field) -> str:
    """Describe an option in words: what it does, its limits, its default.

    Some chat providers drop limits and defaults from the schema they show to the
    model, so the words repeat them.
    """
    parts = [field.description.rstrip(".") or field.name.replace("_", " ")]
    shape = field.shape.alternatives[0]
    if shape.minimum is not None and shape.maximum is not None:
        parts.append(f"from {shape.minimum:g} to {shape.maximum:g}")
    elif shape.minimum is not None:
        parts.append(f"at least {shape.minimum:g}")
    elif shape.maximum is not None:
        parts.append(f"at most {shape.maximum:g}")
    if shape.max_length is not None:
        parts.append(f"at most {shape.max_length} characters")
    if choices := [str(value) for value in field.shape.choices]:
        parts.append(f"one of {', '.join(choices)}")
    if isinstance(field.default, str | int | float) and str(field.default).strip():
        default = str(field.default)
        parts.append(f"default {default.lower() if default in _WORDS else default}")
    return f"{'; '.join(parts)}."


_WORDS = {"True", "False"}


def _limits(field: Field) -> dict[str, Any]:
    """Give an option's limits as pydantic enforces them."""
    shape = field.shape.alternatives[0]
    found = {
        "ge": shape.minimum,
        "le": shape.maximum,
        "gt": shape.exclusive_minimum,
        "lt": shape.exclusive_maximum,
        "min_length": shape.min_length,
        "max_length": shape.max_length,
    }
    return {name: value for name, value in found.items() if value is not None}


def input_model(name: str, schema: EndpointSchema | None) -> type[BaseModel]:
    """Make the readable input schema of a runnable.

    Args:
        name: The model's name.
        schema: The endpoint's contract; None gives a prompt and free options.
    """
    fields: dict[str, Any] = {}
    for field in schema.fields if schema else ():
        kind: Any = simple_type(field) or (list if field.takes_list else dict)
        if field.required:
            fields[field.name] = (kind, Argument(description=described(field)))
        else:
            fields[field.name] = (
                kind | None,
                Argument(default=None, description=described(field)),
            )
    fields.setdefault("prompt", (str, Argument(description="What to make.")))
    return create_model(name, __config__=ConfigDict(extra="allow"), **fields)


class ToolArguments(BaseModel):
    """Base of what a chat model fills in; understands camelCase names.

    Unknown arguments are an error and not dropped: a dropped option is the wrong
    picture. LangGraph's `runtime` comes along with them and is none of ours.
    """

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
            name = to_fal(key, names)
            if name is None:
                near = difflib.get_close_matches(key, names, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                message = f"{key!r} is no argument; use {', '.join(names)}.{hint}"
                raise ValueError(message)
            if name in read and read[name] != value:
                message = f"{name} is given twice: {shown(read[name])}, {shown(value)}."
                raise ValueError(message)
            read[name] = value
        return read


def tool_arguments(
    name: str,
    schema: EndpointSchema | None,
    *,
    offered: Iterable[str],
    bound: Iterable[str] = (),
    expose: Iterable[str] = (),
) -> type[ToolArguments]:
    """Make the flat argument schema of a tool.

    Args:
        name: The schema's name.
        schema: The endpoint's contract; None for an endpoint we do not know.
        offered: The arguments every such tool has, where the endpoint takes them.
        bound: Options fixed in code, which the model is not offered.
        expose: Further options of the endpoint, in either spelling.

    Raises:
        FalConfigurationError: An exposed option does not exist, or its type is too
            rich for a tool's schema.
    """
    fixed = {to_fal(each, schema.names) or each for each in bound} if schema else set()
    fields: dict[str, Any] = {}
    for each in offered:
        argument = _offered(each, schema)
        if argument and (each not in fixed or each in {"prompt", "images"}):
            fields[each] = argument
    for each in expose:
        field = _exposed(each, schema)
        fields[field.name] = _argument(field)
    return create_model(name, __base__=ToolArguments, **fields)


def _offered(name: str, schema: EndpointSchema | None) -> Any:
    if name == "images":
        return _images(schema)
    if name == "aspect_ratio":
        ratios = aspect_ratios(schema) if schema else ()
        told = f"Width to height, one of {', '.join(ratios)}."
        return (
            (Literal[ratios] | None, Argument(default=None, description=told))
            if ratios
            else None
        )
    field = schema.field(name) if schema else None
    if name == "prompt":
        limits = _limits(field) if field else {}
        words = "What the image should show, or what should change in it"
        if longest := limits.get("max_length"):
            words += f"; at most {longest} characters"
        return str, Argument(description=f"{words}.", **{"min_length": 1, **limits})
    return _argument(field) if field else None


def _images(schema: EndpointSchema | None) -> Any:
    most = schema.max_images if schema else None
    words = (
        "The images to change or combine, in the order the prompt speaks of them, each "
        "by its handle (img_1) or URL"
    )
    if most:
        words += f"; {'exactly one' if most == 1 else f'1 to {most}'}"
    return list[str], Argument(description=f"{words}.", min_length=1, max_length=most)


def _argument(field: Field) -> Any:
    kind = simple_type(field)
    words, limits = described(field), _limits(field)
    if field.required:
        return kind, Argument(description=words, **limits)
    return kind | None, Argument(default=None, description=words, **limits)


def _exposed(name: str, schema: EndpointSchema | None) -> Field:
    if schema is None:
        message = f"expose={name!r}: the options of this endpoint are not known."
        raise FalConfigurationError(message, next_step="Bind the option in code.")
    found = to_fal(name, schema.names)
    field = schema.field(found) if found else None
    if field is None:
        near = difflib.get_close_matches(name, schema.names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"expose={name!r}: {schema.endpoint_id} has no such option.{hint}"
        raise FalConfigurationError(
            message, next_step=f"Its options are {', '.join(schema.names)}."
        )
    if simple_type(field) is None:
        message = (
            f"expose={name!r}: this option of {schema.endpoint_id} is too rich for a "
            f"tool's argument; chat models garble such schemas."
        )
        raise FalConfigurationError(message, next_step="Bind the option in code.")
    return field


def wrong_arguments(error: ValidationError) -> str:
    """Tell a model what was wrong with the arguments it filled in.

    Args:
        error: pydantic's.

    Returns:
        A line for each fault, without echoing long values.
    """
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        where = ".".join(map(str, fault["loc"])) or "arguments"
        message = fault["msg"].removeprefix("Value error, ")
        told_already = fault["type"] in {"missing", "value_error"}
        given = "" if told_already else f"={shown(fault['input'])}"
        lines.append(f"- {where}{given}: {message}")
    told = "\n".join(lines)
    return (
        f"No image was made: wrong arguments.\n{told}\nNothing was charged.\n"
        f"Next: correct them and call again."
    )
