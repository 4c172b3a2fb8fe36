"""Limits of files and of the number of pixels."""

from __future__ import annotations

from typing import Any

from langchain_fal_image.errors import OptionFault
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import pixels_of
from langchain_fal_image.options.paths import Path, format_path
from langchain_fal_image.options.shape import FileLimits, Shape

__all__ = ["check_file", "find_pixel_problem"]


def check_file(
    schema: EndpointSchema | None,
    path: Path,
    *,
    size: int | None = None,
    mime_type: str | None = None,
    width: int | None = None,
    height: int | None = None,
    has_alpha: bool | None = None,
) -> OptionFault | None:
    """Check an image against the limits of its option.

    Args:
        schema: The endpoint's schema; None checks nothing.
        path: The image's path in the payload, from `ResolvedOptions.files`.
        size: Its size in bytes. Here and below, None is not checked.
        mime_type: Its format, such as `image/png`.
        width: Its width in pixels.
        height: Its height in pixels.
        has_alpha: Whether it has transparency.

    Returns:
        What is wrong with it, or None.
    """
    shape = schema.get_shape(path) if schema else None
    alternatives = shape.alternatives if shape else ()
    limits = next((each.file_limits for each in alternatives if each.file), None)
    if limits is None:
        return None
    problems = []
    if limits.max_bytes is not None and size is not None and size > limits.max_bytes:
        problems.append(f"has {size} bytes")
    if limits.mime_types and mime_type and mime_type not in limits.mime_types:
        problems.append(f"is {mime_type}")
    sides = [side for side in (width, height) if side is not None]
    if any(limits.min_side is not None and side < limits.min_side for side in sides):
        problems.append("is too small")
    if any(limits.max_side is not None and side > limits.max_side for side in sides):
        problems.append("is too large")
    if has_alpha and not limits.alpha:
        problems.append("has transparency")
    if not problems:
        return None
    value = f"<image of {width}x{height} pixels>" if len(sides) > 1 else "<image>"
    allowed = _describe(limits)
    return OptionFault(format_path(path), value, " and ".join(problems), allowed)


def _describe(limits: FileLimits) -> str:
    parts = []
    if limits.min_side is not None or limits.max_side is not None:
        low, high = limits.min_side or 1, limits.max_side
        parts.append(
            f"sides of {low} to {high} pixels" if high else f"from {low} pixels"
        )
    if limits.max_bytes is not None:
        parts.append(f"at most {limits.max_bytes} bytes")
    if limits.mime_types:
        parts.append(", ".join(limits.mime_types))
    if not limits.alpha:
        parts.append("no transparency")
    return "; ".join(parts)


def find_pixel_problem(shape: Shape, value: Any) -> str:
    """Return what is wrong with the number of pixels of a size; empty if nothing is.

    Args:
        shape: The size's shape; without limits on pixels, nothing is wrong.
        value: A preset's name or an object; a missing side has its default.
    """
    least, most = shape.min_pixels, shape.max_pixels
    if least is None and most is None:
        return ""
    if isinstance(value, dict):
        defaults = {field.name: field.default for field in shape.object_fields}
        sides = {
            side: value.get(side, defaults.get(side)) for side in ("width", "height")
        }
        pixels = pixels_of(sides)
    else:
        pixels = pixels_of(value)
    if pixels is None:
        return ""
    total = pixels[0] * pixels[1]
    if least is not None and total < least:
        return f"has too few pixels ({total})"
    if most is not None and total > most:
        return f"has too many pixels ({total})"
    return ""
