"""The arguments of a tool's schema, each with its type and description."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator
from pydantic import Field as Argument

from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.models._input_schema import get_limits, get_simple_type
from langchain_fal_image.options.casing import match_name, to_snake_case
from langchain_fal_image.options.describe import describe_limits, describe_option
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.sizes import list_aspect_ratios, list_required_sizes
from langchain_fal_image.options.voice import find_voice_field, list_voice_options

__all__ = [
    "STANDARD_INPUTS",
    "find_bound_voice_options",
    "make_exposed_argument",
    "make_field_argument",
    "make_required_argument",
    "make_standard_argument",
    "resolve_option_name",
]

STANDARD_INPUTS = ("prompt", "images", "text", "audio")
"""Arguments for inputs whose options have different names at different endpoints."""

_SIDES = ("width", "height")
_EXAMPLE_HANDLES = {"image": "img_1", "mask": "img_1", "audio": "audio_1"}


def find_bound_voice_options(
    schema: EndpointSchema | None, bound: Mapping[str, Any]
) -> frozenset[str]:
    """Return the voice options that are bound, also those in `voice_setting`."""
    names = list_voice_options(schema) if schema else ()
    known = {match_name(name, (*names, "voice_setting")): bound[name] for name in bound}
    setting = known.get("voice_setting")
    inner = setting if isinstance(setting, Mapping) else {}
    found = {match_name(str(name), names) for name in (*known, *inner) if name}
    if {"voice", "voice_id"} & found:
        found |= {"voice", "voice_id"}
    return frozenset(name for name in found if name)


def resolve_option_name(name: str, schema: EndpointSchema | None) -> str:
    """Return the endpoint's option for a standard argument, else the name itself."""
    if schema is None:
        return name
    fields = {
        "images": schema.images_field,
        "text": schema.text_field,
        "audio": schema.audio_field,
        "num_images": schema.count_field,
        "n": schema.count_field,
    }
    field = fields.get(name)
    return field.name if field else name


def make_standard_argument(
    name: str, schema: EndpointSchema | None, fixed: set[str]
) -> dict[str, Any]:
    """Make a standard argument of a tool, if the endpoint takes it.

    Args:
        name: Such as `prompt`.
        schema: The endpoint's contract.
        fixed: Options set in code.

    Returns:
        The argument by its name; empty if the endpoint does not take it. `images`
        can become several arguments, one for each image.
    """
    if schema is None:
        return _make_without_contract(name)
    if schema.kind != "image":
        return _make_audio_argument(name, schema)
    if name == "images":
        return _make_images(schema, fixed)
    if name == "num_images":
        return _make_count(schema)
    field = schema.fields.get(name)
    if name == "aspect_ratio":
        return _make_aspect_ratio(schema, fixed)
    if field is None:
        return {}
    if name == "prompt":
        description = (
            "What should change" if schema.needs_image else "What the image shows"
        )
        return {name: _make_prompt(field, description)}
    return {name: _make_argument(field)}


def _make_aspect_ratio(schema: EndpointSchema, fixed: set[str]) -> dict[str, Any]:
    """Make `aspect_ratio`; it is required in place of a size that is required."""
    ratios = list_aspect_ratios(schema)
    needed = list_required_sizes(schema)
    if not ratios or not fixed.isdisjoint(needed):
        return {}
    description = f"The ratio of width to height, one of {', '.join(ratios)}."
    if needed:
        argument = Literal[ratios], Argument(description=description)
    else:
        argument = _make_optional(Literal[ratios], description)
    return {"aspect_ratio": argument}


def _make_count(schema: EndpointSchema) -> dict[str, Any]:
    """Make `num_images`, whatever the name of the endpoint's option for it."""
    field = schema.count_field
    if field is None:
        return {}
    if field.name != "num_images":
        what = field.name.replace("_", " ")
        field = replace(field, description=f"The number of images ({what})")
    return {"num_images": _make_argument(field)}


def _make_without_contract(name: str) -> dict[str, Any]:
    """Make a standard argument for an unknown endpoint."""
    if name == "prompt":
        description = "What the image shows, or what should change"
        return {name: _make_prompt(None, description)}
    if name == "images":
        description = f"{_IMAGES}, {_name_files('image', takes_list=True)}."
        return {name: (list[str], Argument(description=description, min_length=1))}
    if name == "text":
        return {name: (str, Argument(description="The text to speak."))}
    if name == "audio":
        description = f"The audio to transcribe, {_name_files('audio')}."
        return {name: (str, Argument(description=description))}
    return {}


_IMAGES = "The images to change or combine, in the order in which the prompt names them"


def _name_files(kind: str, *, takes_list: bool = False) -> str:
    each = "each by its" if takes_list else "by its"
    return f"{each} handle ({_EXAMPLE_HANDLES[kind]}) or URL"


def _make_prompt(field: Field | None, description: str) -> Any:
    shape = field.shape.alternatives[0] if field else None
    if shape and shape.max_length:
        description += f"; at most {shape.max_length} characters"
    if field and not field.required:
        return _make_optional(str, f"{description}.")
    return Annotated[str, AfterValidator(_check_not_empty)], Argument(
        description=f"{description}."
    )


def _check_not_empty(text: str) -> str:
    if not text.strip():
        message = "it is empty; say what you want"
        raise ValueError(message)
    return text


def _make_images(schema: EndpointSchema, fixed: set[str]) -> dict[str, Any]:
    """Make `images`, or an argument for each option that takes one image."""
    field = schema.images_field
    if field is None:
        return {
            each.name: _make_file(each)
            for each in schema.image_fields
            if each.required and each.name not in fixed
        }
    if field.name in fixed:
        return {}
    description = f"{_IMAGES}, {_name_files('image', takes_list=True)}"
    if most := schema.max_images:
        description += f"; {'exactly one' if most == 1 else f'1 to {most}'}"
    if not field.required:
        return {"images": _make_optional(list[str], f"{description}.", max_length=most)}
    argument = Argument(description=f"{description}.", min_length=1, max_length=most)
    return {"images": (list[str], argument)}


def _make_audio_argument(name: str, schema: EndpointSchema) -> dict[str, Any]:
    """Make an argument of a tool that speaks or transcribes."""
    if name == "text":
        # Always required: without a text, some endpoints speak a sample text.
        field = schema.text_field
        required = replace(field, required=True) if field else None
        return {name: _make_prompt(required, "The text to speak")} if required else {}
    if name == "audio":
        return {name: _make_file(schema.audio_field)} if schema.audio_field else {}
    if name == "language" and (field := schema.fields.get(name)):
        # A list of all language codes would cost tokens in every call.
        usual = f"default {field.default}" if field.default else "detected by default"
        description = (
            f"The language of the speech, as a code such as en, de or zh; {usual}."
        )
        return {name: _make_optional(str, description)}
    found = find_voice_field(schema, name)
    if found is None or get_simple_type(found) is None:
        return {}
    # Without a list of choices, a chat model would guess the name of a voice.
    is_guessed = name == "voice" and not found.shape.choices
    return {} if is_guessed else {name: _make_argument(found)}


def _make_file(field: Field) -> Any:
    how = _name_files(field.file or "image", takes_list=field.takes_list)
    what = field.description.rstrip(".") or field.name.replace("_", " ")
    limits = get_limits(field) if field.takes_list else {}
    number = f"; {describe_limits(field.shape)}" if limits else ""
    description = f"{what}; {how}{number}."
    kind = list[str] if field.takes_list else str
    if field.required:
        return kind, Argument(description=description, **limits)
    return _make_optional(kind, description, **limits)


def _make_argument(field: Field) -> Any:
    if field.file:
        return _make_file(field)
    kind, description, limits = (
        get_simple_type(field),
        describe_option(field),
        get_limits(field),
    )
    if field.required:
        return kind, Argument(description=description, **limits)
    return _make_optional(kind, description, **limits)


def _make_optional(kind: Any, description: str, **limits: Any) -> Any:
    return kind | None, Argument(default=None, description=description, **limits)


def make_required_argument(
    field: Field, schema: EndpointSchema | None
) -> dict[str, Any]:
    """Make an argument for an option that the endpoint requires.

    Args:
        field: The option.
        schema: The endpoint's contract.

    Raises:
        FalConfigurationError: The type of the option is too complex.
    """
    if field.file is None and get_simple_type(field) is None:
        endpoint = schema.endpoint_id if schema else "this endpoint"
        message = (
            f"{endpoint} requires {field.name}, whose type is too complex for a tool "
            f"argument: chat models make mistakes in such schemas."
        )
        make = schema.kind if schema else "image"
        step = f"Bind it in code: model=fal.{make}({endpoint!r}, {field.name}=…)."
        raise FalConfigurationError(message, next_step=step)
    return {field.name: _make_argument(field), **_make_side_arguments(field, schema)}


def make_exposed_argument(name: str, schema: EndpointSchema | None) -> dict[str, Any]:
    """Make an argument that the developer exposes.

    Args:
        name: In camelCase or snake_case.
        schema: The endpoint's contract.

    Raises:
        FalConfigurationError: The endpoint has no such option, or the type of the
            option is too complex.
    """
    if schema is None:
        message = f"expose={name!r}: the options of this endpoint are not known."
        step = "Bind the option in code, or call fal.describe() first."
        raise FalConfigurationError(message, next_step=step)
    found = match_name(name, schema.fields)
    field = schema.fields.get(found) if found else None
    if field is None and schema.kind == "speech":
        field = find_voice_field(schema, name)
        if field is not None:
            return {to_snake_case(name): _make_argument(field)}
    if field is None and name == "images" and schema.images_field:
        return _make_images(schema, set())
    if field is None:
        known = (*schema.fields, *list_voice_options(schema))
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        message = f"expose={name!r}: {schema.endpoint_id} has no such option.{hint}"
        raise FalConfigurationError(
            message, next_step=f"Its options are {', '.join(known)}."
        )
    made = make_field_argument(field.name, field, name, schema)
    return {**made, **_make_side_arguments(field, schema)}


def make_field_argument(
    argument: str, field: Field, name: str, schema: EndpointSchema | None
) -> dict[str, Any]:
    """Make an argument for an exposed option.

    An option that is too complex for a tool raises FalConfigurationError.
    """
    if field.file is None and get_simple_type(field) is None:
        endpoint = schema.endpoint_id if schema else "the endpoint"
        message = (
            f"expose={name!r}: the type of this option of {endpoint} is too "
            f"complex for a tool argument: chat models make mistakes in such schemas."
        )
        inner = ", ".join(f"{name}.{each}" for each in field.shape.object_fields)
        step = f"Bind it in code, or expose what is inside it: {inner}."
        raise FalConfigurationError(
            message, next_step=step if inner else "Bind the option in code."
        )
    return {argument: _make_argument(field)}


def _make_side_arguments(field: Field, schema: EndpointSchema | None) -> dict[str, Any]:
    """Make `width` and `height` for a size option that takes a name or both sides."""
    sides = field.shape.object_fields
    own = schema.fields if schema else ()
    if tuple(sides) != _SIDES or any(side in own for side in _SIDES):
        return {}
    return {
        side.name: _make_optional(
            int,
            f"{side.name.capitalize()} in pixels, together with {other}, instead of "
            f"{field.name}{_describe_range(side)}.",
            **get_limits(side),
        )
        for side, other in zip(sides.values(), reversed(_SIDES), strict=True)
    }


def _describe_range(side: Field) -> str:
    shape = side.shape.alternatives[0]
    low, high = shape.minimum, shape.maximum
    if low is not None and high is not None:
        return f"; from {low:g} to {high:g}"
    return f"; at most {high:g}" if high is not None else ""
