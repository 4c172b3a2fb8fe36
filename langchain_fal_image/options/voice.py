"""Place voice options: at the top level of the payload or in `voice_setting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_fal_image.options.casing import (
    match_name,
    normalize_name,
    to_snake_case,
)
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.issues import Issues, Option, is_same
from langchain_fal_image.options.layers import Layer, add_option, is_deliberate
from langchain_fal_image.options.shape import Field

__all__ = ["find_voice_field", "list_voice_options", "place_voice_options"]

_VOICE_SETTING = "voice_setting"
# The AI SDK's names for call options, and fal's other names for them.
_FAL_NAMES = {"voice": ("voice_id",), "speed": ("voice_speed",)}


def find_voice_field(schema: EndpointSchema, name: str) -> Field | None:
    """Find the option for a property of the voice, such as `voice` or `emotion`.

    A top-level option comes before one inside `voice_setting`.
    """
    names = _list_names(to_snake_case(name))
    inner = _get_inner_fields(schema)
    found = [schema.fields.get(each) for each in names]
    found += [inner.get(each) for each in names]
    return next((field for field in found if field), None)


def list_voice_options(schema: EndpointSchema) -> tuple[str, ...]:
    """Return the options of `voice_setting` that may be passed without nesting."""
    inner = _get_inner_fields(schema)
    return (*inner, "voice") if "voice_id" in inner else tuple(inner)


def place_voice_options(
    schema: EndpointSchema, layers: Sequence[Layer], issues: Issues
) -> list[Layer]:
    """Move voice options into `voice_setting` if the endpoint has it.

    `speed=1.2` becomes `voice_setting.speed`, and `voice` becomes
    `voice_setting.voice_id`. A later layer replaces only the parts of an object, such
    as `voice_setting` or `audio_setting`, that it has.
    """
    objects = [
        name for name, field in schema.fields.items() if field.shape.object_fields
    ]
    earlier: dict[str, Option] = {}
    result = []
    for layer in layers:
        own, parts = _split_layer(schema, layer, issues)
        for name in objects:
            inner = parts if name == _VOICE_SETTING else {}
            merged = _merge_object(
                schema.fields[name], own.get(name), inner, earlier.get(name), issues
            )
            if merged is not None:
                own[name] = earlier[name] = merged
        result.append(own)
    return result


def _list_names(name: str) -> tuple[str, ...]:
    return (name, *_FAL_NAMES.get(name, ()))


def _get_inner_fields(schema: EndpointSchema) -> Mapping[str, Field]:
    field = schema.fields.get(_VOICE_SETTING)
    return field.shape.object_fields if field else {}


def _split_layer(
    schema: EndpointSchema, layer: Layer, issues: Issues
) -> tuple[Layer, Layer]:
    """Split a layer into the endpoint's own options and parts of `voice_setting`."""
    inner_names = _get_inner_fields(schema)
    own: Layer = {}
    parts: Layer = {}
    for name, option in layer.items():
        names = _list_names(name)
        own_name = next((each for each in names if schema.fields.get(each)), None)
        found = (match_name(each, inner_names) for each in names)
        inner_name = next((each for each in found if each), None)
        if own_name or not inner_name:
            add_option(own, own_name or name, option, issues)
        else:
            add_option(parts, inner_name, option, issues)
    return own, parts


def _merge_object(
    field: Field,
    option: Option | None,
    parts: Layer,
    earlier: Option | None,
    issues: Issues,
) -> Option | None:
    """Merge a layer's object and parts over the object of earlier layers.

    The result has the layer that decides what happens to unknown parts. None if the
    layer has neither, or if its value is not an object, which `checks` reports.
    """
    if option is None and not parts:
        return None
    if option is not None and not isinstance(option.value, Mapping):
        return None
    value = dict(option.value) if option else {}
    for inner_name, part in parts.items():
        form = normalize_name(inner_name)
        for key in [each for each in value if normalize_name(str(each)) == form]:
            if not is_same(value[key], part.value):
                inner = Option(f"{field.name}.{key}", value[key], part.layer)
                issues.add_contradiction(inner, part)
            del value[key]
        value[inner_name] = part.value
    replaced = {normalize_name(str(key)) for key in value}
    before = earlier.value.items() if earlier else ()
    kept = {k: v for k, v in before if normalize_name(str(k)) not in replaced}
    layer = option.layer if option else next(iter(parts.values())).layer
    known = field.shape.object_fields
    unknown = [
        each
        for each, names in ((layer, value), (earlier.layer if earlier else "", kept))
        if not all(match_name(str(name), known) for name in names)
    ]
    refused = (each for each in unknown if not is_deliberate(each))
    layer = next(refused, unknown[0] if unknown else layer)
    return Option(option.name if option else field.name, {**kept, **value}, layer)
