"""Convert values to the types of a shape, as pydantic's lax mode does, which fal uses.

Differences on purpose: a bool is not a number, and text such as `inf` or `nan` stays
text, because JSON has no such numbers. A number that is a choice as text becomes that
text, and the other way round; a choice in other letter case gets fal's spelling.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.issues import is_same
from langchain_fal_image.options.shape import Shape

__all__ = ["MAX_BITS", "convert_value", "matches_type", "parse_integer"]

_INTEGER = re.compile(r"[+-]?\d+(?:_\d+)*(?:\.0+)?", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE
)
# pydantic's limit, and the one of Python's int() and str().
_MAX_DIGITS = 4300
MAX_BITS = 14_000
_BOOLEANS = {
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "false", "n", "no"), False),
}


def convert_value(shape: Shape, value: Any) -> Any:
    """Return a value as one alternative takes it, or the value itself.

    Only text, numbers and choices are converted, and only if the alternative does not
    take them as they are.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    if shape.enum:
        return _convert_to_choice(shape.enum, value)
    if isinstance(value, str):
        return _convert_text(shape.types, value)
    if "number" in shape.types:
        return value
    if "integer" in shape.types:
        is_whole = isinstance(value, float) and value.is_integer()
        return int(value) if is_whole else value
    return bool(value) if "boolean" in shape.types and value in {0, 1} else value


def parse_integer(value: Any) -> int | None:
    """Return the integer that fal reads in a value, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, str) or len(value) > _MAX_DIGITS:
        return None
    text = value.strip()
    return int(text.partition(".")[0]) if _INTEGER.fullmatch(text) else None


def _parse_number(value: str) -> float | None:
    """Return the number in a text; whole ones without a point stay integers."""
    text = value.strip()
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        return None
    is_whole = text.lstrip("+-").replace("_", "").isdigit()
    return int(text) if is_whole else number


def _convert_text(types: tuple[str, ...], text: str) -> Any:
    if not types or "string" in types:
        return text
    found: Any = None
    if "integer" in types:
        found = parse_integer(text)
    if found is None and "number" in types:
        found = _parse_number(text)
    if found is None and "boolean" in types:
        found = _BOOLEANS.get(text.lower())
    return text if found is None else found


def _convert_to_choice(choices: tuple[Any, ...], value: str | float) -> Any:
    """Return the only choice that a value means, or the value itself."""
    if isinstance(value, str):
        if value in choices:
            return value
        number, text = _parse_number(value), value.lower()
        found = [
            choice
            for choice in choices
            if (isinstance(choice, str) and choice.lower() == text)
            or (number is not None and is_same(choice, number))
        ]
    else:
        texts = _write_number(value)
        found = [each for each in choices if is_same(each, value)]
        found = found or [each for each in choices if each in texts]
    return found[0] if len(found) == 1 else value


def _write_number(value: float) -> tuple[str, ...]:
    """Return the texts for a number: `4.0` is "4.0" or "4"."""
    if isinstance(value, float):
        whole = (f"{value:.0f}",) if value.is_integer() else ()
        return (f"{value!r}", *whole)
    return (f"{value:d}",) if value.bit_length() <= MAX_BITS else ()


def matches_type(shape: Shape, value: Any) -> bool:
    """Return whether a shape allows the type of a value, whatever its limits."""
    if shape.file is not None and value is not None:
        return not (
            isinstance(value, bool | int | float | list | tuple)
            or (isinstance(value, str) and not value)
        )
    types = shape.types
    if not types:
        types = ("object",) if shape.fields else ("array",) if shape.items else ()
    return not types or any(_is_type(name, value) for name in types)


def _is_type(name: str, value: Any) -> bool:
    match name:
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
            # Infinity and NaN are reported by another check, not as a wrong type.
            return not math.isfinite(value) or value.is_integer()
        case "integer" | "number":
            return isinstance(value, int | float)
        case _:
            return False
