"""How much a payload asks for: images, and pixels where they are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import pixels_of

__all__ = ["count_images", "count_pixels"]


def count_images(schema: EndpointSchema | None, payload: Mapping[str, Any]) -> int:
    """Count the images that a payload may make, defaults included.

    Args:
        schema: The endpoint's contract, or None.
        payload: In fal's names, checked.

    Returns:
        At least 1. Where an endpoint makes up to `max_images` in each of
        `num_images` rounds, all of them.
    """
    number = 1
    for name in ("num_images", "max_images"):
        value = _value(schema, payload, name)
        if isinstance(value, int) and value > 1:
            number *= value
    return number


def count_pixels(
    schema: EndpointSchema | None, payload: Mapping[str, Any]
) -> int | None:
    """Count the pixels of one image, where the payload or a default tells them.

    Args:
        schema: The endpoint's contract, or None.
        payload: In fal's names, checked.
    """
    sides = {side: _value(schema, payload, side) for side in ("width", "height")}
    for size in (_value(schema, payload, "image_size"), sides):
        if pixels := pixels_of(size):
            return pixels[0] * pixels[1]
    return None


def _value(schema: EndpointSchema | None, payload: Mapping[str, Any], name: str) -> Any:
    if name in payload:
        return payload[name]
    field = schema.get_field(name) if schema else None
    return field.default if field else None
