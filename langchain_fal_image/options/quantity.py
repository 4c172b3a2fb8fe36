"""Count the images and pixels that a payload requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.conversion import parse_integer
from langchain_fal_image.options.endpoint import COUNT_OPTIONS, EndpointSchema
from langchain_fal_image.options.geometry import parse_size

__all__ = ["count_images", "count_pixels"]


# A larger number cannot be meant; arithmetic with it must not fail.
_MAX_COUNT = 10**9


def count_images(schema: EndpointSchema | None, payload: Mapping[str, Any]) -> int:
    """Return the maximum number of images that a payload requests, at least 1.

    If an endpoint makes up to `max_images` images in each of `num_images` rounds, the
    result is the product. Defaults are included. A value that fal does not accept
    counts as the default.
    """
    number = 1
    for name in COUNT_OPTIONS:
        number *= _get_count(schema, payload, name)
    if schema is not None and schema.kind == "image":
        number = _count_special(schema, payload, number)
    return min(number, _MAX_COUNT)


def _count_special(
    schema: EndpointSchema, payload: Mapping[str, Any], number: int
) -> int:
    """Return the number of images with those that other options than a count cause.

    From reading the options of all image endpoints in fal's documents of 2026-06-11.
    """
    fields = schema.fields
    if "series_amount" in fields and payload.get("result_type") == "series":
        # Kling: a series instead of `num_images` single images.
        most = fields["series_amount"].shape.alternatives[0].maximum or 1
        return _get_count(schema, payload, "series_amount", default=int(most))
    if "num_frames" in fields and payload.get("output_type") != "video":
        # FILM and RIFE: the frames between two images, and these two.
        ends = sum(
            payload.get(name) is True for name in ("include_start", "include_end")
        )
        return number * _get_count(schema, payload, "num_frames") + ends
    for name in ("num_images_per_size", "max_frames"):
        number *= _get_count(schema, payload, name)
    number *= _count_items(schema, payload, "target_sizes")
    if "maps" in fields:
        # Patina: the maps of each image, which is also returned if it was made.
        maps = _count_items(schema, payload, "maps")
        number *= maps + 1 if schema.count_field else maps
    return number


def _get_count(
    schema: EndpointSchema | None,
    payload: Mapping[str, Any],
    name: str,
    *,
    default: int = 1,
) -> int:
    """Return the value of an option for a number of images, at least 1."""
    field = schema.fields.get(name) if schema else None
    for value in (payload.get(name), field.default if field else None):
        if (count := parse_integer(value)) is not None:
            return max(1, count)
    return default


def _count_items(schema: EndpointSchema, payload: Mapping[str, Any], name: str) -> int:
    value = _get_value(schema, payload, name)
    return max(1, len(value)) if isinstance(value, list | tuple) else 1


def count_pixels(
    schema: EndpointSchema | None, payload: Mapping[str, Any]
) -> int | None:
    """Return the number of pixels of one image; None if the size is unknown."""
    sides = {side: _get_value(schema, payload, side) for side in ("width", "height")}
    for value in (_get_value(schema, payload, "image_size"), sides):
        if size := parse_size(value):
            return size[0] * size[1]
    return None


def _get_value(
    schema: EndpointSchema | None, payload: Mapping[str, Any], name: str
) -> Any:
    if name in payload:
        return payload[name]
    field = schema.fields.get(name) if schema else None
    return field.default if field else None
