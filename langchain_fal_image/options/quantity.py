"""Count the images and pixels that a payload requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import parse_size

__all__ = ["count_images", "count_pixels"]


def count_images(schema: EndpointSchema | None, payload: Mapping[str, Any]) -> int:
    """Return the maximum number of images that a payload requests, at least 1.

    If an endpoint makes up to `max_images` images in each of `num_images` rounds, the
    result is the product. Defaults are included.
    """
    number = 1
    for name in ("num_images", "max_images"):
        value = _get_value(schema, payload, name)
        if isinstance(value, int) and value > 1:
            number *= value
    return number


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
