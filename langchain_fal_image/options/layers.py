"""Convert layers of options to fal's names and merge them; later layers win.

A layer holds the options from one source: the constructor, `bind` or the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_fal_image.options.call_settings import is_call_setting
from langchain_fal_image.options.casing import match_name, to_snake_case
from langchain_fal_image.options.conversion import parse_integer
from langchain_fal_image.options.credentials import refuse_credentials
from langchain_fal_image.options.endpoint import IMAGE_OPTIONS, EndpointSchema
from langchain_fal_image.options.issues import Issues, Option, is_same
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.size_fields import SIZE_OPTIONS

__all__ = ["Layer", "add_option", "is_deliberate", "merge_layers", "parse_layers"]

Layer = dict[str, Option]
"""Options by fal's names."""

# A flag of @ai-sdk/fal: send the images as `image_urls`.
_FLAG = "use_multiple_images"
_RATIO_AND_RESOLUTION = ("aspect_ratio", "resolution")
_PROVIDER_OPTIONS = ("provider_options", "providerOptions")
# The AI SDK's prompt for an edit is an object of these parts.
_PROMPT_PARTS = {"text": "prompt", "images": "images", "mask": "mask"}
# The AI SDK's names for the options of a call.
_CALL_OPTIONS = {
    "n": "n",
    "images": "images",
    "files": "images",
    "mask": "mask",
    **{name: name for name in SIZE_OPTIONS},
}


def is_deliberate(layer: str) -> bool:
    """Return whether the options of a layer are sent even if their names are unknown.

    The constructor checks its keywords, so other options of its layer come from its
    argument `options`. The layer "message" is the text and the images of a message.
    """
    return layer in {"constructor", "message"} or layer.endswith(".fal")


def parse_layers(
    schema: EndpointSchema | None,
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    issues: Issues,
) -> list[Layer]:
    """Convert pairs of a layer's name and its options to layers in fal's names.

    The size options stay as they were passed. Faults: two values for one option, `n`
    for an endpoint without such an option, images that match several options.

    Raises:
        FalConfigurationError: An option has the name of a key or of HTTP headers.
    """
    split = list(_split_provider_options(layers, issues))
    for name, options in split:
        refuse_credentials(schema, name, options)
    images = "image_urls" if schema is None and _has_flag(split) else "images"
    parsed = [
        _match_names(schema, name, options, issues, images=images)
        for name, options in split
    ]
    return [_place_call_options(schema, layer, issues) for layer in parsed]


def merge_layers(
    layers: Sequence[Layer], issues: Issues, schema: EndpointSchema | None = None
) -> Layer:
    """Merge layers, later ones over earlier ones; size options are replaced as a group.

    If an endpoint has both `aspect_ratio` and `resolution`, these two do not replace
    each other. A resolution that another size option replaces adds a warning.
    """
    has_both = schema is not None and all(
        name in schema.fields for name in _RATIO_AND_RESOLUTION
    )
    names = schema.size_fields.names if schema is not None else SIZE_OPTIONS
    result: Layer = {}
    for layer in layers:
        sizes = [name for name in names if name in layer]
        keep_both = has_both and set(sizes) <= set(_RATIO_AND_RESOLUTION)
        for name in names if sizes else ():
            if keep_both and name in _RATIO_AND_RESOLUTION:
                continue
            replaced = result.pop(name, None)
            if replaced is not None and name not in layer and name == "resolution":
                by = layer[sizes[0]]
                issues.add_warning(
                    f"{by} from {by.layer} replaces {replaced} from {replaced.layer}: "
                    "size options replace each other. Pass both together to keep both."
                )
        result.update(layer)
    return result


def add_option(layer: Layer, name: str, option: Option, issues: Issues) -> None:
    """Add an option under fal's name; add a fault if its value there differs."""
    earlier = layer.setdefault(name, option)
    if earlier is not option and not is_same(earlier.value, option.value):
        issues.add_contradiction(earlier, option)


def _split_provider_options(
    layers: Sequence[tuple[str, Mapping[str, Any]]], issues: Issues
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Move `providerOptions.fal` to a separate layer right after the one it is in."""
    for name, options in layers:
        keys = [key for key in _PROVIDER_OPTIONS if options.get(key) is not None]
        yield name, {k: v for k, v in options.items() if k not in _PROVIDER_OPTIONS}
        for key in keys:
            providers = options[key]
            if not isinstance(providers, Mapping):
                issues.add_fault(
                    Option(key, providers, name),
                    "is not a mapping of providers to their options",
                    allowed="such as {'fal': {'guidanceScale': 4}}",
                )
            elif isinstance(providers.get("fal", {}), Mapping):
                # As in the AI SDK, other providers' options are ignored.
                yield f"{key}.fal", providers.get("fal", {})
            else:
                option = Option(f"{key}.fal", providers["fal"], name)
                issues.add_fault(option, "is not a mapping")


def _match_names(
    schema: EndpointSchema | None,
    layer_name: str,
    options: Mapping[str, Any],
    issues: Issues,
    *,
    images: str,
) -> Layer:
    """Convert the names of a layer; the call option `images` is called `images`."""
    layer: Layer = {}
    fields = schema.fields if schema else {}
    for given_name, key, value in _split_prompt(layer_name, options, issues):
        if not isinstance(key, str):
            option = Option(str(key), value, layer_name)
            issues.add_fault(option, "has a name that is not text")
            continue
        name = key if key in fields else _match_name(schema, key)
        field = fields.get(name)
        if name == _FLAG and not field:
            if schema is not None:
                issues.add_warning(
                    f"{key} was not sent: the contract decides the image option."
                )
            continue
        if value is None and not (field and field.shape.is_nullable):
            continue
        # Outside providerOptions, settings of the call were taken before.
        if schema is not None and not field and is_call_setting(key):
            problem = "is not an option of the endpoint"
            allowed = f"{key} outside providerOptions"
            option = Option(key, value, layer_name)
            issues.add_fault(option, problem, allowed=allowed, show_value=False)
            continue
        option = Option(given_name, value, layer_name)
        if name == "images" and not field:
            option = replace(option, value=_to_list(value))
            name = images if option.value else name
        add_option(layer, name, option, issues)
    return layer


def _has_flag(layers: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    """Return whether the last layer that has the flag `useMultipleImages` sets it."""
    flags = [
        value
        for _, options in layers
        for name, value in options.items()
        if isinstance(name, str) and to_snake_case(name) == _FLAG
    ]
    return bool(flags) and flags[-1] is True


def _split_prompt(
    layer: str, options: Mapping[str, Any], issues: Issues
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield each option's name in messages, name and value; split a prompt object."""
    for name, value in options.items():
        if name != "prompt" or not isinstance(value, Mapping):
            yield name, name, value
            continue
        if not value:
            empty = Option(name, value, layer)
            issues.add_fault(empty, "is empty", allowed=", ".join(_PROMPT_PARTS))
        for part, item in value.items():
            if part in _PROMPT_PARTS:
                yield f"prompt.{part}", _PROMPT_PARTS[part], item
            else:
                unknown = Option(f"prompt.{part}", item, layer)
                allowed = ", ".join(_PROMPT_PARTS)
                problem = "is not a part of a prompt"
                issues.add_fault(unknown, problem, allowed=allowed, show_value=False)


def _to_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _match_name(schema: EndpointSchema | None, key: str) -> str:
    """Return the endpoint's option, else the call option, else the snake_case name."""
    if schema is not None:
        own = match_name(key, schema.fields)
        if own is not None:
            return own
        if schema.count_field and to_snake_case(key) == "num_images":
            return "n"
        if schema.takes_images and to_snake_case(key) in IMAGE_OPTIONS:
            return "images"
    return _CALL_OPTIONS.get(to_snake_case(key), to_snake_case(key))


def _place_call_options(
    schema: EndpointSchema | None, layer: Layer, issues: Issues
) -> Layer:
    """Replace call options, such as `images`, with options of the endpoint."""
    own = schema.fields if schema else {}
    places = _AUDIO_PLACES if schema and schema.kind != "image" else _PLACES
    result = {name: option for name, option in layer.items() if name in own}
    for name, option in layer.items():
        if name in own:
            continue
        if name not in places:
            result[name] = option
            continue
        placed = places[name](schema, option, issues)
        if placed is not None:
            own_name, value = placed
            add_option(result, own_name, replace(option, value=value), issues)
    return result


_Placed = tuple[str, Any] | None


def _place_n(schema: EndpointSchema | None, option: Option, issues: Issues) -> _Placed:
    if schema is None:
        return "num_images", option.value
    if schema.count_field is not None:
        return schema.count_field.name, option.value
    if parse_integer(option.value) != 1:
        things = "images" if schema.kind == "image" else "results"
        problem = (
            f"cannot be chosen: the endpoint has no option for the number of {things}"
        )
        issues.add_fault(option, problem, allowed="1")
    return None


def _place_images(
    schema: EndpointSchema | None, option: Option, issues: Issues
) -> _Placed:
    images = option.value
    if not images:
        return None
    if schema is None:
        return ("image_url", images[0]) if len(images) == 1 else ("image_urls", images)
    if not schema.takes_images:
        problem = "cannot be used: the endpoint takes no images"
        issues.add_fault(option, problem, allowed="no images")
        return None
    field = schema.images_field
    if field is None:
        names = ", ".join(each.name for each in schema.image_fields)
        issues.add_fault(
            option,
            "matches more than one option",
            allowed=f"each image by the name of its option: {names}",
        )
        return None
    # Several images for an option that takes one are reported by `checks`.
    is_single = len(images) == 1 and not field.takes_list
    return field.name, images[0] if is_single else images


def _place_mask(
    schema: EndpointSchema | None, option: Option, issues: Issues
) -> _Placed:
    if schema is None:
        return "mask_url", option.value
    problem = "cannot be used: the endpoint takes no mask"
    return _place_in(schema.mask_field, option, issues, problem, allowed="no mask")


def _place_text(
    schema: EndpointSchema | None, option: Option, issues: Issues
) -> _Placed:
    field = schema.text_field if schema else None
    problem = "cannot be used: the endpoint has no option for a text to speak"
    return _place_in(field, option, issues, problem, allowed="no text")


def _place_audio(
    schema: EndpointSchema | None, option: Option, issues: Issues
) -> _Placed:
    field = schema.audio_field if schema else None
    names = (
        [each.name for each in schema.fields.values() if each.file] if schema else []
    )
    problem, allowed = "cannot be used: the endpoint takes no audio", "no audio"
    if names:
        problem = "matches more than one option"
        allowed = f"each file by the name of its option: {', '.join(names)}"
    return _place_in(field, option, issues, problem, allowed=allowed)


def _place_in(
    field: Field | None, option: Option, issues: Issues, problem: str, *, allowed: str
) -> _Placed:
    if field is not None:
        return field.name, option.value
    issues.add_fault(option, problem, allowed=allowed)
    return None


_PLACES = {"n": _place_n, "images": _place_images, "mask": _place_mask}
_AUDIO_PLACES = {**_PLACES, "text": _place_text, "audio": _place_audio}
