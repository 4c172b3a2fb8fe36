"""An option of a contract as a Python type and in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, WithJsonSchema, create_model
from pydantic import Field as Argument

from langchain_fal_image.options.endpoint import EndpointSchema, Kind
from langchain_fal_image.options.shape import Field, Shape

__all__ = ["create_input_model", "describe_option", "get_limits", "get_simple_type"]

_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
}
_LISTS: dict[Any, Any] = {str: list[str], int: list[int], float: list[float]}
_WORDS = {"True", "False"}
_GIVEN: dict[Kind, tuple[str, str]] = {
    "image": ("prompt", "What to make."),
    "speech": ("text", "What to say."),
    "transcription": ("audio", "The recording: a URL."),
}


def get_simple_type(field: Field) -> Any:
    """Give the plain Python type of an option, or None where it has none.

    Plain is what every chat provider's tool schema carries unchanged: `str`, `int`,
    `float`, `bool`, a choice among strings, or a list of texts or numbers. A choice
    among numbers is the number's type: Gemini's schema knows only choices of text.
    """
    for shape in field.shape.alternatives:
        if found := _shape_type(shape):
            return found
    items = field.shape.list_items
    if items is None:
        return None
    return _LISTS.get(str if items.choices else _shape_type(items))


def _shape_type(shape: Shape) -> Any:
    choices = [value for value in shape.enum if value is not None]
    if choices and all(isinstance(value, str) for value in choices):
        kind: Any = Literal[tuple(choices)]
        if len(choices) > 1:
            return kind
        # pydantic writes a single choice as `const`, which Gemini does not read.
        single = {"type": "string", "enum": choices}
        return Annotated[kind, WithJsonSchema(single)]
    if choices:
        kinds = {type(value) for value in choices}
        return kinds.pop() if len(kinds) == 1 else float if str not in kinds else None
    for name in shape.types:
        if name in _TYPES:
            return _TYPES[name]
    return None


def describe_option(field: Field) -> str:
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
    if shape.exclusive_minimum is not None:
        parts.append(f"above {shape.exclusive_minimum:g}")
    if shape.exclusive_maximum is not None:
        parts.append(f"below {shape.exclusive_maximum:g}")
    if shape.multiple_of is not None:
        parts.append(f"a multiple of {shape.multiple_of:g}")
    if shape.max_length is not None:
        parts.append(f"at most {shape.max_length} characters")
    parts += _list_words(shape)
    items = field.shape.list_items
    if choices := [*field.shape.choices, *(items.choices if items else ())]:
        parts.append(f"one of {', '.join(map(str, choices))}")
    if isinstance(field.default, str | int | float) and str(field.default).strip():
        default = str(field.default)
        parts.append(f"default {default.lower() if default in _WORDS else default}")
    return f"{'; '.join(parts)}."


def _list_words(shape: Shape) -> list[str]:
    if shape.items is None:
        return []
    low, high = shape.min_items, shape.max_items
    if low and high:
        return [f"exactly {low}" if low == high else f"{low} to {high} of them"]
    if high:
        return [f"at most {high} of them"]
    return [f"at least {low} of them"] if low else []


def get_limits(field: Field) -> dict[str, Any]:
    """Give an option's limits as pydantic enforces them and as a schema says them.

    Lengths of texts are left to the endpoint's contract: strict modes refuse a
    schema that names them.
    """
    shape = field.shape.alternatives[0]
    found = {
        "ge": shape.minimum,
        "le": shape.maximum,
        "gt": shape.exclusive_minimum,
        "lt": shape.exclusive_maximum,
        "min_length": shape.min_items,
        "max_length": shape.max_items,
    }
    return {name: value for name, value in found.items() if value is not None}


def create_input_model(
    name: str, schema: EndpointSchema | None, *, kind: Kind = "image"
) -> type[BaseModel]:
    """Make the readable input schema of a runnable.

    Args:
        name: The model's name.
        schema: The endpoint's contract; None gives a prompt and free options.
        kind: What the runnable makes.
    """
    fields: dict[str, Any] = {}
    for field in schema.fields if schema else ():
        type_: Any = get_simple_type(field) or (list if field.takes_list else dict)
        words = describe_option(field)
        fields[field.name] = (
            (type_, Argument(description=words))
            if field.required
            else (type_ | None, Argument(default=None, description=words))
        )
    known = schema and {
        "speech": schema.text_field,
        "transcription": schema.audio_field,
    }
    if not (known and known.get(kind)):
        word, told = _GIVEN[kind]
        fields.setdefault(word, (str, Argument(description=told)))
    config = ConfigDict(extra="allow", protected_namespaces=())
    return create_model(name, __config__=config, **fields)
