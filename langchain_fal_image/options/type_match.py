"""Whether a value is of a shape's kind, whatever the shape's limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.endpoint import Shape

__all__ = ["fits"]


def fits(shape: Shape, value: Any) -> bool:
    """Tell whether a value is of a shape's type, whatever its limits."""
    if shape.file is not None:
        return not (
            value is None
            or isinstance(value, bool | int | float | list | tuple)
            or (isinstance(value, str) and not value)
        )
    types = shape.types
    if not types:
        types = ("object",) if shape.fields else ("array",) if shape.items else ()
    return not types or any(_is(word, value) for word in types)


def _is(word: str, value: Any) -> bool:
    match word:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list | tuple)
        case "object":
            return isinstance(value, Mapping)
        case "integer" | "number" if isinstance(value, bool):
            return False
        case "integer" if isinstance(value, float):
            # What is not finite is refused as such, not as a wrong type.
            return not math.isfinite(value) or value.is_integer()
        case "integer" | "number":
            return isinstance(value, int | float)
        case _:
            return False
