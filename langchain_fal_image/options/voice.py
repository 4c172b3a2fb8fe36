"""Words for the voice, given beside an endpoint's options instead of inside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_fal_image.options.casing import normal, to_fal
from langchain_fal_image.options.findings import Findings, Given, same
from langchain_fal_image.options.layers import Layer
from langchain_fal_image.options.schema import EndpointSchema, Field

__all__ = ["voice_field", "voiced"]

_SETTING = "voice_setting"
# What the AI SDK's call and fal's endpoints name differently.
_ALIKE = {"voice": ("voice_id",), "speed": ("voice_speed",)}


def voice_field(schema: EndpointSchema, name: str) -> Field | None:
    """Find the option that a word for the voice means.

    Args:
        schema: The endpoint's contract.
        name: Such as `voice`, `speed` or `emotion`.

    Returns:
        The endpoint's own option, else the one inside `voice_setting`; None where it
        has neither.
    """
    names = (name, *_ALIKE.get(name, ()))
    inner = {field.name: field for field in _inner(schema)}
    found = [schema.field(each) for each in names] + [inner.get(each) for each in names]
    return next((field for field in found if field), None)


def voiced(
    schema: EndpointSchema | None, layers: Sequence[Layer], findings: Findings
) -> list[Layer]:
    """Put words for the voice where the endpoint wants them.

    Where it has `voice_setting`, `speed=1.2` beside it is `voice_setting.speed`, and
    `voice` is `voice_setting.voice_id`. A later layer changes what it names and leaves
    the rest of the voice as it was.

    Args:
        schema: The endpoint's contract, or None.
        layers: What `layers.read` gave.
        findings: Where two values for one option go.

    Returns:
        The layers with such words in their places.
    """
    if schema is None or schema.kind != "audio":
        return list(layers)
    inner = tuple(field.name for field in _inner(schema))
    result = []
    before: Mapping[str, Any] = {}
    for layer in layers:
        kept: Layer = {}
        words: dict[str, Given] = {}
        for name, given in layer.items():
            own, place = _place(schema, inner, name)
            if own:
                kept[own] = given
            elif place:
                words[place] = given
            else:
                kept[name] = given
        setting = _setting(kept, words, before, findings)
        if setting is not None:
            kept[_SETTING] = setting
            before = setting.value
        result.append(kept)
    return result


def _inner(schema: EndpointSchema) -> tuple[Field, ...]:
    field = schema.field(_SETTING)
    return field.shape.object_fields if field else ()


def _place(
    schema: EndpointSchema, inner: tuple[str, ...], name: str
) -> tuple[str | None, str | None]:
    """Say which option, or which part of `voice_setting`, a name means."""
    if schema.field(name):
        return name, None
    names = (name, *_ALIKE.get(name, ()))
    own = next((each for each in names if schema.field(each)), None)
    return own, next((f for each in names if (f := to_fal(each, inner))), None)


def _setting(
    kept: Layer,
    words: Mapping[str, Given],
    before: Mapping[str, Any],
    findings: Findings,
) -> Given | None:
    """Give the layer's `voice_setting` with the words in it; None where it has none."""
    given = kept.get(_SETTING)
    if given is not None and not isinstance(given.value, Mapping):
        return None  # the check tells what is wrong with it
    if not words:
        return given
    value = dict(before if given is None else given.value)
    for place, word in words.items():
        known = [key for key in value if normal(str(key)) == normal(place)]
        for key in known if given is not None else ():
            if not same(value[key], word.value):
                inside = Given(f"{_SETTING}.{key}", value[key], word.layer)
                findings.contradiction(inside, word)
        value = {key: item for key, item in value.items() if key not in known}
        value[place] = word.value
    spelled = given.spelled if given else _SETTING
    first = next(iter(words.values()))
    return Given(spelled, value, first.layer)
