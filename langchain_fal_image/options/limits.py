"""Check values and files against the limits of a shape."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from langchain_fal_image.errors import OptionFault
from langchain_fal_image.options.describe import (
    describe_file_limits,
    name_file,
    pluralize,
)
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import parse_size
from langchain_fal_image.options.paths import Path, format_path
from langchain_fal_image.options.shape import FileLimits, Shape

__all__ = [
    "check_file",
    "find_count_problem",
    "find_limit_problem",
    "find_pixel_problem",
]

_UUID_VERSION = 4


def find_limit_problem(shape: Shape, value: str | float | None) -> str:
    """Return the problem with a number or a text, or an empty string."""
    if isinstance(value, str):
        return _find_text_problem(shape, value)
    if value is None or isinstance(value, bool):
        return ""
    return _find_number_problem(shape, value)


def _find_text_problem(shape: Shape, text: str) -> str:
    least, most = shape.min_length or 0, shape.max_length
    if len(text) < least or (most is not None and len(text) > most):
        adjective = "short" if len(text) < least else "long"
        return f"is too {adjective} ({pluralize(len(text), 'character')})"
    if shape.pattern and not _has_match(shape.pattern, text):
        return "does not have the required form"
    if shape.format == "uuid4" and not _is_uuid4(text):
        return "is not a UUID of version 4"
    return ""


def _has_match(pattern: str, text: str) -> bool:
    """Return whether a pattern of JSON Schema matches; True if Python has no such."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True


def _is_uuid4(text: str) -> bool:
    try:
        return UUID(text).version == _UUID_VERSION
    except ValueError:
        return False


def _find_number_problem(shape: Shape, number: float) -> str:
    low, high = shape.minimum, shape.maximum
    over, under = shape.exclusive_minimum, shape.exclusive_maximum
    if (low is not None and number < low) or (over is not None and number <= over):
        return "is too small"
    if (high is not None and number > high) or (under is not None and number >= under):
        return "is too large"
    if shape.multiple_of and not _is_multiple(number, shape.multiple_of):
        return f"is not a multiple of {shape.multiple_of:g}"
    return ""


def _is_multiple(number: float, step: float) -> bool:
    if isinstance(number, int) and float(step).is_integer():
        return number % int(step) == 0
    try:
        times = number / step
        return math.isclose(times, round(times), abs_tol=1e-9)
    except OverflowError:
        return True


def find_count_problem(shape: Shape, items: Sequence[Any]) -> str:
    """Return the problem with a list: its length or equal items, or an empty string."""
    count = len(items)
    least, most = shape.min_items or 0, shape.max_items
    if least <= count and (most is None or count <= most):
        is_repeated = shape.unique_items and len(set(map(repr, items))) < count
        return "has the same element twice" if is_repeated else ""
    amount = "few" if count < least else "many"
    file = shape.items.file if shape.items else None
    noun = name_file(file) if file else "element"
    return f"has too {amount} {noun}s ({count})"


def find_pixel_problem(shape: Shape, value: Any) -> str:
    """Return the problem with the number of pixels of a size, or an empty string.

    The size is a preset's name or an object; a missing side takes its default.
    """
    least, most = shape.min_pixels, shape.max_pixels
    if isinstance(value, dict):
        defaults = {name: field.default for name, field in shape.object_fields.items()}
        sides = {
            side: value.get(side, defaults.get(side)) for side in ("width", "height")
        }
        size = parse_size(sides)
    else:
        size = parse_size(value)
    if size is None:
        return ""
    total = size[0] * size[1]
    if least is not None and total < least:
        return f"has too few pixels ({total})"
    if most is not None and total > most:
        return f"has too many pixels ({total})"
    return ""


def _find_ratio_problem(limits: FileLimits, ratio: float) -> str:
    if limits.min_ratio is not None and ratio < limits.min_ratio:
        return "is too narrow"
    if limits.max_ratio is not None and ratio > limits.max_ratio:
        return "is too wide"
    return ""


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
    """Check an image against the limits of its option; return the fault, or None.

    Without a schema, nothing is checked; neither is a property that is None. `size` is
    in bytes, `width` and `height` in pixels.
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
    if width and height and (problem := _find_ratio_problem(limits, width / height)):
        problems.append(problem)
    if has_alpha and not limits.alpha:
        problems.append("has transparency")
    if not problems:
        return None
    value = f"<image of {width}x{height} pixels>" if len(sides) > 1 else "<image>"
    allowed = describe_file_limits(limits)
    return OptionFault(format_path(path), value, " and ".join(problems), allowed)
