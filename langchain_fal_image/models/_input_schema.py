"""Python types of options, and input schemas built from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, WithJsonSchema, create_model
from pydantic import Field as Argument

from langchain_fal_image.options.describe import describe_option
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.options.shape import Field, Shape

__all__ = ["create_input_model", "get_limits", "get_simple_type"]

_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
}
_LISTS: dict[Any, Any] = {str: list[str], int: list[int], float: list[float]}
# The name and description of a runnable's main input, if its endpoint has none.
_MAIN_INPUTS: dict[Kind, tuple[str, str]] = {
    "image": ("prompt", "What the image should show."),
    "speech": ("text", "The text to speak."),
    "transcription": ("audio", "The URL of the recording."),
}


def get_simple_type(field: Field) -> Any:
    """Return a Python type that is simple enough for tool schemas, or None.

    Simple types pass through every chat provider's tool schema unchanged: `str`,
    `int`, `float`, `bool`, a `Literal` of strings, or a list of strings or numbers.
    An enum of numbers becomes the type of its numbers, because Gemini accepts only
    enums of strings.
    """
    for shape in field.shape.alternatives:
        if found := _get_shape_type(shape):
            return found
    items = field.shape.list_items
    if items is None:
        return None
    return _LISTS.get(str if items.choices else _get_shape_type(items))


def _get_shape_type(shape: Shape) -> Any:
    choices = [value for value in shape.enum if value is not None]
    if choices and all(isinstance(value, str) for value in choices):
        literal: Any = Literal[tuple(choices)]
        if len(choices) > 1:
            return literal
        # pydantic writes a single choice as `const`, which Gemini does not accept.
        single = {"type": "string", "enum": choices}
        return Annotated[literal, WithJsonSchema(single)]
    if choices:
        types = {type(value) for value in choices}
        return types.pop() if len(types) == 1 else float if str not in types else None
    for name in shape.types:
        if name in _TYPES:
            return _TYPES[name]
    return None


def get_limits(field: Field) -> dict[str, Any]:
    """Return an option's limits as arguments of pydantic's `Field`.

    String lengths are left out, because OpenAI's strict mode rejects them. They are
    checked against the endpoint's contract instead.
    """
    shape = field.shape.alternatives[0]
    limits = {
        "ge": shape.minimum,
        "le": shape.maximum,
        "gt": shape.exclusive_minimum,
        "lt": shape.exclusive_maximum,
        "min_length": shape.min_items,
        "max_length": shape.max_items,
    }
    return {name: value for name, value in limits.items() if value is not None}


def create_input_model(
    name: str, schema: EndpointSchema | None, *, kind: Kind = "image"
) -> type[BaseModel]:
    """Create the pydantic model that describes the input of a runnable.

    Args:
        name: The name of the pydantic model.
        schema: The endpoint's contract; if it is None, the model has only the main
            input and allows other options.
        kind: What the runnable makes.
    """
    fields: dict[str, Any] = {}
    for field in schema.fields.values() if schema else ():
        type_: Any = get_simple_type(field) or (list if field.takes_list else dict)
        text = describe_option(field)
        fields[field.name] = (
            (type_, Argument(description=text))
            if field.required
            else (type_ | None, Argument(default=None, description=text))
        )
    known = schema and {
        "speech": schema.text_field,
        "transcription": schema.audio_field,
    }
    if not (known and known.get(kind)):
        option, text = _MAIN_INPUTS[kind]
        fields.setdefault(option, (str, Argument(description=text)))
    config = ConfigDict(extra="allow", protected_namespaces=())
    return create_model(name, __config__=config, **fields)
