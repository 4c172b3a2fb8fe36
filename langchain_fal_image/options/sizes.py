"""The words for a picture's size, turned into what the endpoint has.

Endpoints say size in one of three ways: `image_size` (a preset's name or width and
height), `width` and `height`, or `aspect_ratio` with or without `resolution`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import COMMON_RATIOS, pixels_of, ratio_of
from langchain_fal_image.options.issues import Findings, Given, same
from langchain_fal_image.options.layers import SIZE_WORDS, Layer
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.size_mapping import Ways, preset_for
from langchain_fal_image.options.size_request import wished

__all__ = ["list_aspect_ratios", "sized"]


def list_aspect_ratios(schema: EndpointSchema) -> tuple[str, ...]:
    """Name the aspect ratios to offer for an endpoint.

    Args:
        schema: The endpoint's contract.

    Returns:
        All that it takes where it has a list of them; where it takes any size, the
        common ones; nothing where its size cannot be chosen.
    """
    own = _ratio_inside(schema) or schema.get_field("aspect_ratio")
    if own is not None and own.shape.choices:
        return tuple(str(choice) for choice in own.shape.choices)
    size = schema.get_field("image_size")
    if size is not None and not size.shape.object_fields:
        return tuple(n for n in COMMON_RATIOS if preset_for(size, ratio_of(n)))
    has_sides = (
        schema.get_field("width") is not None and schema.get_field("height") is not None
    )
    return COMMON_RATIOS if own or size or has_sides else ()


def sized(
    schema: EndpointSchema | None,
    layer: Layer,
    findings: Findings,
    *,
    nearest: bool = False,
) -> Layer:
    """Turn the size words of a merged layer into the endpoint's own options.

    Args:
        schema: The endpoint's contract; where it is None, only `size` is turned,
            into `image_size`.
        layer: All options, in fal's names.
        findings: Where faults go: words that contradict each other, sizes that the
            endpoint does not have; and what was taken instead.
        nearest: Whether the nearest size is taken instead of refusing.

    Returns:
        The layer with the endpoint's options for the size.
    """
    words = {word: layer[word] for word in SIZE_WORDS if word in layer}
    rest = {name: given for name, given in layer.items() if name not in words}
    if schema is None:
        return rest | _for_unknown(words, findings)
    if inner := _ratio_inside(schema):
        return _wrapped(schema, inner, layer, findings, nearest=nearest)
    ways = Ways(schema, findings, nearest=nearest)
    own = {
        word: ways.mended(word, given)
        for word, given in words.items()
        if schema.get_field(word)
    }
    foreign = {word: given for word, given in words.items() if word not in own}
    wish = wished(foreign, findings)
    for word, given in (ways.fulfilled(wish) if wish else {}).items():
        beside = own.setdefault(word, given)
        sizes = pixels_of(beside.value), pixels_of(given.value)
        if sizes[0] != sizes[1] or (
            sizes[0] is None and not same(beside.value, given.value)
        ):
            asked = wish.words[0] if wish else given
            findings.contradiction(asked, beside)
    return rest | own


def _ratio_inside(schema: EndpointSchema) -> Field | None:
    """Give the ratio where `aspect_ratio` is an object that holds nothing else."""
    own = schema.get_field("aspect_ratio")
    inner = own.shape.object_fields if own else ()
    if len(inner) != 1 or inner[0].name != "ratio":
        return None
    return replace(inner[0], name="aspect_ratio")


def _wrapped(
    schema: EndpointSchema,
    inner: Field,
    layer: Layer,
    findings: Findings,
    *,
    nearest: bool,
) -> Layer:
    """Choose the ratio as if it stood alone, then put it into its object."""
    fields = (inner if each.name == inner.name else each for each in schema.fields)
    flat = dict(layer)
    given = flat.get(inner.name)
    if given is not None and isinstance(given.value, Mapping):
        if set(given.value) != {"ratio"}:
            return layer  # the check tells what is wrong with it
        flat[inner.name] = replace(given, value=given.value["ratio"])
    alone = replace(schema, fields=tuple(fields))
    result = sized(alone, flat, findings, nearest=nearest)
    if (chosen := result.get(inner.name)) is not None:
        result[inner.name] = replace(chosen, value={"ratio": chosen.value})
    return result


def _for_unknown(words: Layer, findings: Findings) -> Layer:
    """Turn `size` as the AI SDK does; leave all else as it was given."""
    if "size" not in words:
        return words
    kept = {word: given for word, given in words.items() if word != "size"}
    both: Layer = {w: words[w] for w in ("size", "image_size") if w in words}
    wish = wished(both, findings)
    if wish is None or wish.pixels is None:
        return kept
    given = words["size"]
    width, height = wish.pixels[1]
    findings.warn(f"{given} was sent as image_size: this endpoint is not known here.")
    value = {"width": width, "height": height}
    return {"image_size": Given(given.spelled, value, given.layer), **kept}
