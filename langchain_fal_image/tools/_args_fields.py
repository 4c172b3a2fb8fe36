"""The arguments of a tool's schema, one by one."""

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
from langchain_fal_image.options.describe import describe_option
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.sizes import list_aspect_ratios
from langchain_fal_image.options.voice import find_voice_field, list_voice_options

__all__ = [
    "CALL_WORDS",
    "bound_words",
    "exposed_field",
    "offered_field",
    "option_of",
    "required_field",
]

CALL_WORDS = ("prompt", "images", "text", "audio")
"""Arguments that stand for an option which each endpoint names as it likes."""

_IMAGE_NAMES = (
    "each by its handle (img_1) or URL",
    "by its handle (img_1) or URL",
)
_AUDIO_NAMES = (
    "each by its handle (audio_1) or URL",
    "by its handle (audio_1) or URL",
)
_NAMES = {"image": _IMAGE_NAMES, "mask": _IMAGE_NAMES, "audio": _AUDIO_NAMES}
_WORDS_OF_AUDIO = {
    "text": "What is to be said.",
    "audio": f"The recording to write down, {_AUDIO_NAMES[1]}.",
}
_SIDES = ("width", "height")


def bound_words(
    schema: EndpointSchema | None, bound: Mapping[str, Any]
) -> frozenset[str]:
    """Name the words for a voice that are bound, also those inside `voice_setting`.

    Args:
        schema: The endpoint's contract.
        bound: The options that are bound.
    """
    words = list_voice_options(schema) if schema else ()
    given = {match_name(name, (*words, "voice_setting")): bound[name] for name in bound}
    setting = given.get("voice_setting")
    inside = setting if isinstance(setting, Mapping) else {}
    found = {match_name(str(name), words) for name in (*given, *inside) if name} - {
        None
    }
    if {"voice", "voice_id"} & found:
        found |= {"voice", "voice_id"}
    return frozenset(str(name) for name in found)


def option_of(word: str, schema: EndpointSchema | None) -> str:
    """Name the option that a call word means; any other name is its own.

    Args:
        word: Such as `images`.
        schema: The endpoint's contract.
    """
    if schema is None:
        return word
    found = {
        "images": schema.images_field,
        "text": schema.text_field,
        "audio": schema.audio_field,
    }
    field = found.get(word)
    return field.name if field else word


def offered_field(
    name: str, schema: EndpointSchema | None, fixed: set[str]
) -> dict[str, Any]:
    """Give an argument that every such tool has, where the endpoint takes it."""
    if schema is not None and schema.kind != "image":
        return _sounding(name, schema)
    if name == "images":
        return _images(schema, fixed)
    if name in _WORDS_OF_AUDIO:
        return {name: (str, Argument(description=_WORDS_OF_AUDIO[name]))}
    if name == "aspect_ratio":
        ratios = list_aspect_ratios(schema) if schema else ()
        own = schema.get_field(name) if schema else None
        if not ratios or (own and own.required):
            return {}
        told = f"Width to height, one of {', '.join(ratios)}."
        return {name: _optional(Literal[ratios], told)}
    field = schema.get_field(name) if schema else None
    if name == "prompt":
        return {name: _prompt(field)} if field or schema is None else {}
    return {name: _argument(field)} if field else {}


def _prompt(
    field: Field | None,
    words: str = "What the image should show, or what should change in it",
) -> Any:
    shape = field.shape.alternatives[0] if field else None
    if shape and shape.max_length:
        words += f"; at most {shape.max_length} characters"
    if field and not field.required:
        return _optional(str, f"{words}.")
    kind = Annotated[str, AfterValidator(_not_empty)]
    return kind, Argument(description=f"{words}.")


def _not_empty(prompt: str) -> str:
    if not prompt.strip():
        message = "it is empty; say in words what is wanted"
        raise ValueError(message)
    return prompt


def _images(schema: EndpointSchema | None, fixed: set[str]) -> dict[str, Any]:
    """Offer `images`; where several options want one image each, those by name."""
    field = schema.images_field if schema else None
    if schema is not None and field is None:
        return {
            each.name: _file_option(each)
            for each in schema.image_fields
            if each.required and each.name not in fixed
        }
    if field is not None and field.name in fixed:
        return {}
    most = schema.max_images if schema else None
    words = (
        "The images to change or combine, in the order the prompt speaks of them, "
        f"{_NAMES['image'][0]}"
    )
    if most:
        words += f"; {'exactly one' if most == 1 else f'1 to {most}'}"
    kind = list[str]
    if field is not None and not field.required:
        return {"images": _optional(kind, f"{words}.", max_length=most)}
    described_ = Argument(description=f"{words}.", min_length=1, max_length=most)
    return {"images": (kind, described_)}


def _sounding(name: str, schema: EndpointSchema) -> dict[str, Any]:
    """Give an argument of a tool that speaks or listens."""
    if name == "text":
        # Required, whatever the contract says: some speak a text of fal's without one.
        field = schema.text_field
        needed = replace(field, required=True) if field else None
        return {name: _prompt(needed, "What is to be said")} if needed else {}
    if name == "audio":
        return {name: _file_option(schema.audio_field)} if schema.audio_field else {}
    if name == "language" and (field := schema.get_field(name)):
        # Its choices, a hundred codes, would be in the model's context at every turn.
        usual = f"default {field.default}" if field.default else "found out without it"
        words = f"The language spoken, as a code such as en, de or zh; {usual}."
        return {name: _optional(str, words)}
    found = find_voice_field(schema, name)
    if found is None or get_simple_type(found) is None:
        return {}
    is_guessed = name == "voice" and not found.shape.choices
    return {} if is_guessed else {name: _argument(found)}


def _file_option(field: Field) -> Any:
    how = _NAMES[field.file or "image"][0 if field.takes_list else 1]
    words = f"{field.description.rstrip('.') or field.name.replace('_', ' ')}; {how}."
    kind = list[str] if field.takes_list else str
    most = field.max_files if field.takes_list else None
    limit: dict[str, Any] = {} if most is None else {"max_length": most}
    if field.required:
        return kind, Argument(description=words, **limit)
    return _optional(kind, words, **limit)


def _argument(field: Field) -> Any:
    if field.file:
        return _file_option(field)
    kind, words, bounds = (
        get_simple_type(field),
        describe_option(field),
        get_limits(field),
    )
    if field.required:
        return kind, Argument(description=words, **bounds)
    return _optional(kind, words, **bounds)


def _optional(kind: Any, words: str, **bounds: Any) -> Any:
    return kind | None, Argument(default=None, description=words, **bounds)


def required_field(field: Field, schema: EndpointSchema | None) -> dict[str, Any]:
    """Give an argument for an option that must be given."""
    if field.file is None and get_simple_type(field) is None:
        endpoint = schema.endpoint_id if schema else "this endpoint"
        message = (
            f"{endpoint} requires {field.name}, which is too rich for a tool's "
            f"argument; chat models garble such schemas."
        )
        make = schema.kind if schema else "image"
        step = f"Bind it in code: model=fal.{make}({endpoint!r}, {field.name}=…)."
        raise FalConfigurationError(message, next_step=step)
    return {field.name: _argument(field), **_sides(field, schema)}


def exposed_field(name: str, schema: EndpointSchema | None) -> dict[str, Any]:
    """Give an argument that the developer exposes."""
    if schema is None:
        message = f"expose={name!r}: the options of this endpoint are not known."
        step = "Bind the option in code, or call fal.describe() first."
        raise FalConfigurationError(message, next_step=step)
    found = match_name(name, schema.names)
    field = schema.get_field(found) if found else None
    if field is None and schema.kind == "speech":
        field = find_voice_field(schema, name)
        if field is not None:
            return {to_snake_case(name): _argument(field)}
    if field is None and name == "images" and schema.images_field:
        return _images(schema, set())
    if field is None:
        known = (*schema.names, *list_voice_options(schema))
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"expose={name!r}: {schema.endpoint_id} has no such option.{hint}"
        raise FalConfigurationError(
            message, next_step=f"Its options are {', '.join(known)}."
        )
    if field.file is None and get_simple_type(field) is None:
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
            **get_limits(side),
        )
        for side, other in zip(field.shape.object_fields, reversed(_SIDES), strict=True)
    }


def _range(side: Field) -> str:
    shape = side.shape.alternatives[0]
    low, high = shape.minimum, shape.maximum
    if low is not None and high is not None:
        return f"; from {low:g} to {high:g}"
    return f"; at most {high:g}" if high is not None else ""
