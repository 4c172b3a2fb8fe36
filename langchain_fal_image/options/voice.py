"""Words for the voice, given beside an endpoint's options instead of inside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_fal_image.options.casing import match_name, normalize_name, to_snake_case
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.issues import Findings, Given, same
from langchain_fal_image.options.layers import Layer
from langchain_fal_image.options.shape import Field

__all__ = ["find_voice_field", "list_voice_options", "voiced"]

_SETTING = "voice_setting"
# What the AI SDK's call and fal's endpoints name differently.
_ALIKE = {"voice": ("voice_id",), "speed": ("voice_speed",)}


def find_voice_field(schema: EndpointSchema, name: str) -> Field | None:
    """Find the option that a word for the voice means.

    Args:
        schema: The endpoint's contract.
        name: Such as `voice`, `speed` or `emotion`.

    Returns:
        The endpoint's own option, else the one inside `voice_setting`; None where it
        has neither.
    """
    name = to_snake_case(name)
    names = (name, *_ALIKE.get(name, ()))
    inner = {field.name: field for field in _inner(schema)}
    found = [schema.get_field(each) for each in names] + [
        inner.get(each) for each in names
    ]
    return next((field for field in found if field), None)


def list_voice_options(schema: EndpointSchema) -> tuple[str, ...]:
    """Name the words for a voice that may stand beside an endpoint's options."""
    inner = tuple(field.name for field in _inner(schema))
    return (*inner, "voice") if "voice_id" in inner else inner


def voiced(
    schema: EndpointSchema | None, layers: Sequence[Layer], findings: Findings
) -> list[Layer]:
    """Put words for the voice where the endpoint wants them.

    Where it has `voice_setting`, `speed=1.2` beside it is `voice_setting.speed`, and
    `voice` is `voice_setting.voice_id`. A later layer changes what it names inside an
    object, such as `voice_setting` or `audio_setting`, and leaves the rest as it was.

    Args:
        schema: The endpoint's contract, or None.
        layers: What `layers.read` gave.
        findings: Where two values for one option go.

    Returns:
        The layers with such words in their places.
    """
    if schema is None or schema.kind != "speech":
        return list(layers)
    objects = [each.name for each in schema.fields if each.shape.object_fields]
    inner = tuple(field.name for field in _inner(schema))
    before: dict[str, Mapping[str, Any]] = {}
    result = []
    for layer in layers:
        kept, words = _placed(schema, inner, layer, findings)
        for name in objects:
            parts = words if name == _SETTING else {}
            joined = _joined(name, kept.get(name), parts, before, findings)
            if joined is not None:
                kept[name] = joined
                before[name] = joined.value
        result.append(kept)
    return result


def _inner(schema: EndpointSchema) -> tuple[Field, ...]:
    field = schema.get_field(_SETTING)
    return field.shape.object_fields if field else ()


def _placed(
    schema: EndpointSchema, inner: tuple[str, ...], layer: Layer, findings: Findings
) -> tuple[Layer, Layer]:
    """Part a layer into the endpoint's own options and parts of `voice_setting`."""
    kept: Layer = {}
    words: Layer = {}
    for name, given in layer.items():
        names = (name, *_ALIKE.get(name, ()))
        own = next((each for each in names if schema.get_field(each)), None)
        place = next(
            (found for each in names if (found := match_name(each, inner))), None
        )
        if own or not place:
            _note(kept, own or name, given, findings)
        else:
            _note(words, place, given, findings)
    return kept, words


def _note(layer: Layer, name: str, given: Given, findings: Findings) -> None:
    earlier = layer.setdefault(name, given)
    if not same(earlier.value, given.value):
        findings.contradiction(earlier, given)


def _joined(
    name: str,
    given: Given | None,
    words: Layer,
    before: Mapping[str, Mapping[str, Any]],
    findings: Findings,
) -> Given | None:
    """Lay what a layer says of an object over what earlier layers said.

    Returns:
        None where it says nothing, or nothing that can be joined: the check then tells
        what is wrong with it.
    """
    if given is not None and not isinstance(given.value, Mapping):
        return None
    if given is None and not words:
        return None
    own = dict(given.value) if given else {}
    for place, word in words.items():
        for key in [
            each for each in own if normalize_name(str(each)) == normalize_name(place)
        ]:
            if not same(own[key], word.value):
                inside = Given(f"{name}.{key}", own[key], word.layer)
                findings.contradiction(inside, word)
            del own[key]
        own[place] = word.value
    changed = {normalize_name(str(key)) for key in own}
    earlier = before.get(name, {})
    rest = {k: v for k, v in earlier.items() if normalize_name(str(k)) not in changed}
    layer = given.layer if given else next(iter(words.values())).layer
    return Given(given.spelled if given else name, {**rest, **own}, layer)
