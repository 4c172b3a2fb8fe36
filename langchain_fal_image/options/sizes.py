"""Convert size options to those that the endpoint has.

Most endpoints have one of three: `image_size` (a preset, or width and height), `width`
and `height`, or `aspect_ratio` with or without `resolution`.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import (
    COMMON_RATIOS,
    compute_size,
    parse_ratio,
    parse_size,
)
from langchain_fal_image.options.issues import Issues, Option, is_same
from langchain_fal_image.options.layers import Layer
from langchain_fal_image.options.size_fields import (
    SizeFields,
    find_choice,
)
from langchain_fal_image.options.size_mapping import SizeMapping, name_ratio
from langchain_fal_image.options.size_request import SizeRequest, parse_size_request

__all__ = [
    "has_size_option",
    "list_aspect_ratios",
    "list_required_sizes",
    "resolve_size",
]


def list_aspect_ratios(schema: EndpointSchema) -> tuple[str, ...]:
    """Return the values of `aspect_ratio` to offer for an endpoint.

    These are its own if it lists them, those of the sizes that it lists, the common
    ones if it accepts any size, or none if the ratio cannot be chosen.
    """
    fields = schema.size_fields
    if fields.ratio is not None:
        found = fields.named_ratios or COMMON_RATIOS
    elif fields.form == "names":
        ratios = {Fraction(*size) for size in fields.named_sizes.values()}
        common = [name for name in COMMON_RATIOS if parse_ratio(name) in ratios]
        known = set(map(parse_ratio, common))
        found = (*common, *(name_ratio(each) for each in sorted(ratios - known)))
    elif fields.form == "text":
        sizes = (compute_size(parse_ratio(n) or Fraction(1)) for n in COMMON_RATIOS)
        found = tuple(f"{width}x{height}" for width, height in sizes)
    else:
        found = tuple(name for name in COMMON_RATIOS if _is_available(fields, name))
    automatic = find_choice(fields.size, "auto")
    if automatic and automatic not in found:
        found = (automatic, *found)
    return found if len(found) > 1 else ()


def list_required_sizes(schema: EndpointSchema) -> tuple[str, ...]:
    """Return the required options that `aspect_ratio` sets."""
    fields = schema.size_fields
    size = fields.size if fields.form != "texts" else None
    own = (size, fields.ratio, *(fields.sides or ()))
    return tuple(each.name for each in own if each is not None and each.required)


def has_size_option(schema: EndpointSchema) -> bool:
    """Return whether an endpoint has any option for the size of its images."""
    fields = schema.size_fields
    return fields.takes_pixels or bool(fields.ratio or fields.resolution)


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
    fields = schema.size_fields if schema is not None else SizeFields()
    sizes = {name: layer[name] for name in fields.names if name in layer}
    if not sizes:
        return layer
    rest = {name: option for name, option in layer.items() if name not in sizes}
    if schema is None:
        return rest | _resolve_without_schema(sizes, issues)
    mapping = SizeMapping(fields, issues, nearest=nearest)
    own: Layer = {}
    mapped: list[tuple[Option, Layer]] = []
    others: Layer = {}
    for name, option in sizes.items():
        if name in schema.fields:
            own[name] = mapping.convert_option(name, option)
        elif named := mapping.map_name(option):
            mapped.append((option, named))
        else:
            others[name] = option
    request = parse_size_request(others, issues)
    if request is not None:
        mapped.append((request.options[0], mapping.map_request(request)))
        _check_ratio(request, fields, own, issues)
    for source, found in mapped:
        for name, option in found.items():
            existing = own.setdefault(name, option)
            if not _is_same_size(existing, option):
                issues.add_contradiction(source, sizes.get(name, existing))
    return rest | own | _compute_required(fields, own, mapping)


def _is_available(fields: SizeFields, name: str) -> bool:
    """Return whether a ratio becomes a size without a fault or a warning."""
    ratio, issues = parse_ratio(name), Issues()
    if ratio is None:
        return False
    request = SizeRequest(ratio=(Option("aspect_ratio", name, ""), ratio))
    SizeMapping(fields, issues).map_request(request)
    return not issues.faults and not issues.warnings


def _is_same_size(first: Option, second: Option) -> bool:
    if is_same(first.value, second.value):
        return True
    size = parse_size(first.value)
    return size is not None and size == parse_size(second.value)


def _check_ratio(
    request: SizeRequest, fields: SizeFields, own: Layer, issues: Issues
) -> None:
    """Add a fault if a requested size has another ratio than the ratio option."""
    option = own.get(fields.ratio.name) if fields.ratio and fields.size else None
    ratio = parse_ratio(option.value) if option else None
    if option and ratio and request.size and Fraction(*request.size[1]) != ratio:
        issues.add_contradiction(request.size[0], option)


def _compute_required(fields: SizeFields, own: Layer, mapping: SizeMapping) -> Layer:
    """Compute a required size from the ratio, for endpoints that take both."""
    size, option = fields.size, own.get(fields.ratio.name) if fields.ratio else None
    ratio = parse_ratio(option.value) if option else None
    if size is None or not size.required or size.name in own or not option or not ratio:
        return {}
    request = SizeRequest(ratio=(option, ratio))
    return replace(mapping, fields=replace(fields, ratio=None)).map_request(request)


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
