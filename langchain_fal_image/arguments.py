"""What a chat model fills in: the flat argument schema of a tool."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic import Field as Argument
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from langchain_fal_image.errors import FalConfigurationError, shown
from langchain_fal_image.option_types import described, limits, simple_type
from langchain_fal_image.options.casing import to_fal
from langchain_fal_image.options.schema import EndpointSchema, Field
from langchain_fal_image.options.sizes import aspect_ratios

__all__ = ["ToolArguments", "image_arguments", "tool_arguments", "wrong_arguments"]

_NAMES = (
    "each by its handle (img_1) or URL",
    "by its handle (img_1) or URL",
)
_SIDES = ("width", "height")


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
    names = (*(schema.names if schema else ()), "prompt", "images")
    fixed = {to_fal(each, names) or each for each in bound}
    fields: dict[str, Any] = {}
    for each in offered:
        if each not in fixed:
            fields |= _offered(each, schema, fixed)
    for each in expose:
        fields |= _exposed(each, schema)
    images = schema.images_field if schema else None
    if images and "images" in {*fields, *fixed}:
        fixed.add(images.name)
    for field in schema.fields if schema else ():
        if field.required and field.name not in {*fields, *fixed}:
            fields |= _required(field, schema)
    return create_model(name, __base__=ToolArguments, **_required_first(fields))


def image_arguments(
    schema: EndpointSchema | None, arguments: Iterable[str]
) -> frozenset[str]:
    """Tell which of a tool's arguments name images.

    Args:
        schema: The endpoint's contract.
        arguments: The names of all arguments.
    """
    found = set()
    for name in arguments:
        field = schema.field(name) if schema else None
        if name == "images" or (field is not None and field.file):
            found.add(name)
    return frozenset(found)


def _required_first(fields: dict[str, Any]) -> dict[str, Any]:
    """Put the prompt in front, then what is required: text input means the first."""

    def place(item: tuple[str, Any]) -> tuple[bool, bool]:
        name, (_, argument) = item
        return name != "prompt", not argument.is_required()

    return dict(sorted(fields.items(), key=place))


# --- The arguments one by one ---


def _offered(
    name: str, schema: EndpointSchema | None, fixed: set[str]
) -> dict[str, Any]:
    if name == "images":
        return _images(schema, fixed)
    if name == "aspect_ratio":
        ratios = aspect_ratios(schema) if schema else ()
        own = schema.field(name) if schema else None
        if not ratios or (own and own.required):
            return {}
        told = f"Width to height, one of {', '.join(ratios)}."
        return {name: _optional(Literal[ratios], told)}
    field = schema.field(name) if schema else None
    if name == "prompt":
        return {name: _prompt(field)} if field or schema is None else {}
    return {name: _argument(field)} if field else {}


def _prompt(field: Field | None) -> Any:
    shape = field.shape.alternatives[0] if field else None
    words = "What the image should show, or what should change in it"
    if shape and shape.max_length:
        words += f"; at most {shape.max_length} characters"
    if field and not field.required:
        return _optional(str, f"{words}.")
    kind = Annotated[str, AfterValidator(_not_empty)]
    return kind, Argument(description=f"{words}.")


def _not_empty(prompt: str) -> str:
    if not prompt.strip():
        message = "it is empty; say in words what the image should show"
        raise ValueError(message)
    return prompt


def _images(schema: EndpointSchema | None, fixed: set[str]) -> dict[str, Any]:
    """Offer `images`; where several options want one image each, those by name."""
    field = schema.images_field if schema else None
    if schema is not None and field is None:
        return {
            each.name: _image_option(each)
            for each in schema.image_fields
            if each.required and each.name not in fixed
        }
    if field is not None and field.name in fixed:
        return {}
    most = schema.max_images if schema else None
    words = (
        "The images to change or combine, in the order the prompt speaks of them, "
        f"{_NAMES[0]}"
    )
    if most:
        words += f"; {'exactly one' if most == 1 else f'1 to {most}'}"
    kind = list[str]
    if field is not None and not field.required:
        return {"images": _optional(kind, f"{words}.", max_length=most)}
    described_ = Argument(description=f"{words}.", min_length=1, max_length=most)
    return {"images": (kind, described_)}


def _image_option(field: Field) -> Any:
    how = _NAMES[0 if field.takes_list else 1]
    words = f"{field.description.rstrip('.') or field.name.replace('_', ' ')}; {how}."
    kind = list[str] if field.takes_list else str
    most = field.max_files if field.takes_list else None
    limit: dict[str, Any] = {} if most is None else {"max_length": most}
    if field.required:
        return kind, Argument(description=words, **limit)
    return _optional(kind, words, **limit)


def _argument(field: Field) -> Any:
    if field.file:
        return _image_option(field)
    kind, words, bounds = simple_type(field), described(field), limits(field)
    if field.required:
        return kind, Argument(description=words, **bounds)
    return _optional(kind, words, **bounds)


def _optional(kind: Any, words: str, **bounds: Any) -> Any:
    return kind | None, Argument(default=None, description=words, **bounds)


def _required(field: Field, schema: EndpointSchema | None) -> dict[str, Any]:
    if field.file is None and simple_type(field) is None:
        endpoint = schema.endpoint_id if schema else "this endpoint"
        message = (
            f"{endpoint} requires {field.name}, which is too rich for a tool's "
            f"argument; chat models garble such schemas."
        )
        step = f"Bind it in code: model=fal.image({endpoint!r}, {field.name}=…)."
        raise FalConfigurationError(message, next_step=step)
    return {field.name: _argument(field), **_sides(field, schema)}


def _exposed(name: str, schema: EndpointSchema | None) -> dict[str, Any]:
    if schema is None:
        message = f"expose={name!r}: the options of this endpoint are not known."
        step = "Bind the option in code, or call fal.describe() first."
        raise FalConfigurationError(message, next_step=step)
    found = to_fal(name, schema.names)
    field = schema.field(found) if found else None
    if field is None and name == "images" and schema.images_field:
        return _images(schema, set())
    if field is None:
        near = difflib.get_close_matches(name, schema.names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"expose={name!r}: {schema.endpoint_id} has no such option.{hint}"
        raise FalConfigurationError(
            message, next_step=f"Its options are {', '.join(schema.names)}."
        )
    if field.file is None and simple_type(field) is None:
        message = (
            f"expose={name!r}: this option of {schema.endpoint_id} is too rich for a "
            f"tool's argument; chat models garble such schemas."
        )
        raise FalConfigurationError(message, next_step="Bind the option in code.")
    return {field.name: _argument(field), **_sides(field, schema)}


def _sides(field: Field, schema: EndpointSchema | None) -> dict[str, Any]:
    """Give the sides beside a choice of sizes that also takes width and height."""
    names = tuple(each.name for each in field.shape.object_fields)
    own = schema.names if schema else ()
    if names != _SIDES or any(side in own for side in _SIDES):
        return {}
    return {
        side.name: _optional(
            int,
            f"{side.name.capitalize()} in pixels, together with {other}, in place of "
            f"{field.name}{_range(side)}.",
            **limits(side),
        )
        for side, other in zip(field.shape.object_fields, reversed(_SIDES), strict=True)
    }


def _range(side: Field) -> str:
    shape = side.shape.alternatives[0]
    low, high = shape.minimum, shape.maximum
    if low is not None and high is not None:
        return f"; from {low:g} to {high:g}"
    return f"; at most {high:g}" if high is not None else ""


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
        told_already = fault["type"] == "missing" or not fault["loc"]
        given = "" if told_already else f"={shown(fault['input'])}"
        lines.append(f"- {where}{given}: {message}")
    told = "\n".join(lines)
    return (
        f"No image was made: wrong arguments.\n{told}\nNothing was charged.\n"
        f"Next: correct them and call again."
    )
