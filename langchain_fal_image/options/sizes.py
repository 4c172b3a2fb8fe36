"""Convert size options to those that the endpoint has.

Endpoints have one of three: `image_size` (a preset, or width and height), `width` and
`height`, or `aspect_ratio` with or without `resolution`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import COMMON_RATIOS, parse_ratio, parse_size
from langchain_fal_image.options.issues import Issues, is_same
from langchain_fal_image.options.layers import SIZE_OPTIONS, Layer
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.size_mapping import SizeMapping, find_preset
from langchain_fal_image.options.size_request import parse_size_request

__all__ = ["list_aspect_ratios", "resolve_size"]


def list_aspect_ratios(schema: EndpointSchema) -> tuple[str, ...]:
    """Return the aspect ratios to offer for an endpoint.

    These are its own if it lists them, the common ones if it accepts any size, or none
    if the size cannot be chosen.
    """
    ratio_field = _get_nested_ratio(schema) or schema.fields.get("aspect_ratio")
    if ratio_field is not None and ratio_field.shape.choices:
        return tuple(str(choice) for choice in ratio_field.shape.choices)
    size_field = schema.fields.get("image_size")
    if size_field is not None and not size_field.shape.object_fields:
        return tuple(
            n for n in COMMON_RATIOS if find_preset(size_field, parse_ratio(n))
        )
    has_sides = bool(schema.fields.get("width") and schema.fields.get("height"))
    return COMMON_RATIOS if ratio_field or size_field or has_sides else ()


def resolve_size(
    schema: EndpointSchema | None,
    layer: Layer,
    issues: Issues,
    *,
    nearest: bool = False,
) -> Layer:
    """Convert the size options of a merged layer to those of the endpoint.

    Without a schema, only `size` is converted, to `image_size`. Faults: options that
    contradict each other, sizes that the endpoint does not have, unless `nearest`.
    """
    sizes = {name: layer[name] for name in SIZE_OPTIONS if name in layer}
    if not sizes:
        return layer
    rest = {name: option for name, option in layer.items() if name not in sizes}
    if schema is None:
        return rest | _resolve_without_schema(sizes, issues)
    if ratio_field := _get_nested_ratio(schema):
        return _resolve_nested(schema, ratio_field, layer, issues, nearest=nearest)
    mapping = SizeMapping(schema, issues, nearest=nearest)
    own = {
        name: mapping.convert_option(name, option)
        for name, option in sizes.items()
        if name in schema.fields
    }
    others = {name: option for name, option in sizes.items() if name not in own}
    request = parse_size_request(others, issues)
    if request is None:
        return rest | own
    for name, option in mapping.map_request(request).items():
        existing = own.setdefault(name, option)
        if existing is option:
            continue
        first, second = parse_size(existing.value), parse_size(option.value)
        if first != second or (
            first is None and not is_same(existing.value, option.value)
        ):
            issues.add_contradiction(request.options[0], existing)
    return rest | own


def _get_nested_ratio(schema: EndpointSchema) -> Field | None:
    """Return the field `ratio` inside an object `aspect_ratio` that holds only it."""
    field = schema.fields.get("aspect_ratio")
    inner = field.shape.object_fields if field else {}
    if list(inner) != ["ratio"]:
        return None
    return replace(inner["ratio"], name="aspect_ratio")


def _resolve_nested(
    schema: EndpointSchema,
    ratio_field: Field,
    layer: Layer,
    issues: Issues,
    *,
    nearest: bool,
) -> Layer:
    """Resolve the size with a plain ratio, then nest the ratio again."""
    name = ratio_field.name
    flat = dict(layer)
    option = flat.get(name)
    if option is not None and isinstance(option.value, Mapping):
        if set(option.value) != {"ratio"}:
            return layer  # `checks` reports the problem
        flat[name] = replace(option, value=option.value["ratio"])
    flat_schema = replace(schema, fields={**schema.fields, name: ratio_field})
    result = resolve_size(flat_schema, flat, issues, nearest=nearest)
    if (ratio := result.get(name)) is not None:
        result[name] = replace(ratio, value={"ratio": ratio.value})
    return result


def _resolve_without_schema(sizes: Layer, issues: Issues) -> Layer:
    """Convert `size` as the AI SDK does; leave the others unchanged."""
    if "size" not in sizes:
        return sizes
    kept = {name: option for name, option in sizes.items() if name != "size"}
    both: Layer = {n: sizes[n] for n in ("size", "image_size") if n in sizes}
    request = parse_size_request(both, issues)
    if request is None or request.size is None:
        return kept
    option = sizes["size"]
    width, height = request.size[1]
    issues.add_warning(
        f"{option} was sent as image_size: the endpoint's schema is not available."
    )
    return {
        "image_size": replace(option, value={"width": width, "height": height})
    } | kept
