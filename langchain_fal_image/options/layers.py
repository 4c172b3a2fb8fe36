"""Layers of options: each read into fal's names, later ones over earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_fal_image.options.casing import match_name, to_snake_case
from langchain_fal_image.options.endpoint import IMAGE_OPTIONS, EndpointSchema
from langchain_fal_image.options.issues import Findings, Given, same

__all__ = ["SIZE_WORDS", "Layer", "merged", "read"]

Layer = dict[str, Given]

SIZE_WORDS = ("size", "aspect_ratio", "image_size", "width", "height", "resolution")
_SHAPE_AND_LARGENESS = ("aspect_ratio", "resolution")
_PROVIDER_OPTIONS = ("provider_options", "providerOptions")
_WORDS = {
    "n": "n",
    "images": "images",
    "files": "images",
    "mask": "mask",
    **{word: word for word in SIZE_WORDS},
}


def read(
    schema: EndpointSchema | None,
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    findings: Findings,
) -> list[Layer]:
    """Bring each layer into fal's names.

    Args:
        schema: The endpoint's contract, or None.
        layers: Names of layers and their options, the strongest last.
        findings: Where faults go: two values for one option, `n` without an option
            to take it, more images than fit.

    Returns:
        The layers with fal's names; the size words are still as they were given.
    """
    return [
        _placed(schema, _spelled(schema, name, options, findings), findings)
        for name, options in _split(layers, findings)
    ]


def merged(
    layers: Sequence[Layer], findings: Findings, schema: EndpointSchema | None = None
) -> Layer:
    """Lay later layers over earlier ones; size words replace each other as a group.

    Only where an endpoint has both `aspect_ratio` and `resolution` do the two stand
    side by side: one says the shape, the other how large.

    Args:
        layers: What `read` gave.
        findings: Where it is noted that a size word was dropped for another one.
        schema: The endpoint's contract, or None.

    Returns:
        One layer.
    """
    both = schema is not None and all(map(schema.get_field, _SHAPE_AND_LARGENESS))
    result: Layer = {}
    for layer in layers:
        sizes = [word for word in SIZE_WORDS if word in layer]
        beside = both and set(sizes) <= set(_SHAPE_AND_LARGENESS)
        for word in SIZE_WORDS if sizes else ():
            if beside and word in _SHAPE_AND_LARGENESS:
                continue
            dropped = result.pop(word, None)
            if dropped is not None and word not in layer and word == "resolution":
                by = layer[sizes[0]]
                findings.warn(
                    f"{dropped} from {dropped.layer} gave way to {by} from {by.layer}, "
                    "because the words for the size replace each other; give both "
                    "together to keep both."
                )
        result.update(layer)
    return result


def _split(
    layers: Sequence[tuple[str, Mapping[str, Any]]], findings: Findings
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Make `providerOptions.fal` a layer of its own, right after its own layer."""
    for name, options in layers:
        inner = [key for key in _PROVIDER_OPTIONS if options.get(key) is not None]
        yield name, {k: v for k, v in options.items() if k not in _PROVIDER_OPTIONS}
        for key in inner:
            providers = options[key]
            if not isinstance(providers, Mapping):
                findings.fault(
                    key,
                    providers,
                    "is not a mapping of providers to their options",
                    allowed="such as {'fal': {'guidanceScale': 4}}",
                )
            elif isinstance(providers.get("fal", {}), Mapping):
                # Other providers' options are none of ours, as in the AI SDK.
                yield f"{key}.fal", providers.get("fal", {})
            else:
                findings.fault(f"{key}.fal", providers["fal"], "is not a mapping")


def _spelled(
    schema: EndpointSchema | None,
    name: str,
    options: Mapping[str, Any],
    findings: Findings,
) -> Layer:
    layer: Layer = {}
    for key, value in options.items():
        if not isinstance(key, str):
            findings.fault(str(key), value, "has a name that is not text")
            continue
        word = _word(schema, key)
        if word == "use_multiple_images" and word not in (
            schema.names if schema else ()
        ):
            findings.warn(f"{key} was left out: images need no such flag here.")
            continue
        field = schema.get_field(word) if schema else None
        if value is None and not (field and field.shape.is_nullable):
            continue
        is_call_word = word == "images" and not field
        given = Given(key, _listed(value) if is_call_word else value, name)
        _put(layer, word, given, findings)
    return layer


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _word(schema: EndpointSchema | None, key: str) -> str:
    """Tell what a name means: the endpoint's own option, a call word, or neither."""
    if schema is not None:
        own = match_name(key, schema.names)
        if own is not None:
            return own
        if schema.takes_images and to_snake_case(key) in IMAGE_OPTIONS:
            return "images"
    return _WORDS.get(to_snake_case(key), to_snake_case(key))


def _put(layer: Layer, name: str, given: Given, findings: Findings) -> None:
    earlier = layer.setdefault(name, given)
    if not same(earlier.value, given.value):
        findings.contradiction(earlier, given)


def _placed(schema: EndpointSchema | None, layer: Layer, findings: Findings) -> Layer:
    """Put the caller's words, such as `images`, where the endpoint wants them."""
    own = schema.names if schema else ()
    places = _AUDIO_PLACES if schema and schema.kind != "image" else _PLACES
    result = {name: given for name, given in layer.items() if name in own}
    for name, given in layer.items():
        if name in own:
            continue
        if name not in places:
            result[name] = given
            continue
        placed = places[name](schema, given, findings)
        if placed is not None:
            option, value = placed
            _put(result, option, Given(given.spelled, value, given.layer), findings)
    return result


Placed = tuple[str, Any] | None


def _number(schema: EndpointSchema | None, given: Given, findings: Findings) -> Placed:
    if schema is None or schema.get_field("num_images"):
        return "num_images", given.value
    if not same(given.value, 1):
        things = "images" if schema.kind == "image" else "results"
        findings.fault(
            given.spelled,
            given.value,
            f"cannot be chosen: the endpoint has no option for the number of {things}",
            allowed="1",
        )
    return None


def _images(schema: EndpointSchema | None, given: Given, findings: Findings) -> Placed:
    images = given.value
    if not images:
        return None
    if schema is None:
        return ("image_url", images[0]) if len(images) == 1 else ("image_urls", images)
    if not schema.takes_images:
        why = "draws from text alone" if schema.kind == "image" else "takes no images"
        findings.fault(
            given.spelled,
            images,
            f"cannot be used: the endpoint {why}",
            allowed="no images",
        )
        return None
    field = schema.images_field
    if field is None:
        names = ", ".join(each.name for each in schema.image_fields)
        findings.fault(
            given.spelled,
            images,
            "could go to more than one option",
            allowed=f"each image by the name of its option: {names}",
        )
        return None
    # Several images for an option that holds one: the check will complain.
    single = len(images) == 1 and not field.takes_list
    return field.name, images[0] if single else images


def _mask(schema: EndpointSchema | None, given: Given, findings: Findings) -> Placed:
    if schema is None:
        return "mask_url", given.value
    field = schema.mask_field
    if field is None:
        findings.fault(
            given.spelled,
            given.value,
            "cannot be used: the endpoint takes no mask",
            allowed="no mask",
        )
        return None
    return field.name, given.value


def _text(schema: EndpointSchema | None, given: Given, findings: Findings) -> Placed:
    field = schema.text_field if schema else None
    if field is not None:
        return field.name, given.value
    findings.fault(
        given.spelled,
        given.value,
        "cannot be used: the endpoint speaks no text that is given",
        allowed="no text",
    )
    return None


def _audio(schema: EndpointSchema | None, given: Given, findings: Findings) -> Placed:
    field = schema.audio_field if schema else None
    if field is not None:
        return field.name, given.value
    fields = [each.name for each in schema.fields if each.file] if schema else []
    findings.fault(
        given.spelled,
        given.value,
        "could go to more than one option" if fields else "cannot be used here",
        allowed=f"each by its option: {', '.join(fields)}" if fields else "no audio",
    )
    return None


_PLACES = {"n": _number, "images": _images, "mask": _mask}
_AUDIO_PLACES = {**_PLACES, "text": _text, "audio": _audio}
