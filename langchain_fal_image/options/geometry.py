"""Parse and compute image sizes: ratios, presets, pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

__all__ = [
    "COMMON_RATIOS",
    "PRESETS",
    "USUAL_SIZES",
    "Size",
    "compute_size",
    "find_closest_ratio",
    "fit_long_side",
    "fit_pixel_limits",
    "parse_long_side",
    "parse_ratio",
    "parse_size",
]

Size = tuple[int, int]
"""Width and height in pixels."""

PRESETS: Mapping[str, Size] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
"""The sizes of fal's presets for `image_size`."""

COMMON_RATIOS = (
    *("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5"),
    *("16:10", "10:16", "21:9", "9:21"),
)
"""The ratios that are offered for an endpoint that accepts any ratio."""

USUAL_SIZES: Mapping[Fraction, str | Size] = {
    Fraction(1): "square_hd",
    Fraction(16, 9): "landscape_16_9",
    Fraction(9, 16): "portrait_16_9",
    Fraction(4, 3): "landscape_4_3",
    Fraction(3, 4): "portrait_4_3",
    Fraction(16, 10): (1280, 800),
    Fraction(10, 16): (800, 1280),
    Fraction(21, 9): (2560, 1080),
    Fraction(9, 21): (1080, 2560),
}
"""The preset or size for a ratio, as @ai-sdk/fal's image model sends it."""

_STEP = 16
_MEGAPIXEL = 1024 * 1024
_SIZE = re.compile(r"\s*(\d{1,6})\s*[xX\u00d7*]\s*(\d{1,6})\s*")
_RATIO = re.compile(r"\s*(\d{1,5}(?:\.\d{1,4})?)\s*:\s*(\d{1,5}(?:\.\d{1,4})?)\s*")
_RESOLUTION = re.compile(r"(\d{1,2}(?:\.\d)?)[kK]")


def parse_size(value: object) -> Size | None:
    """Parse `"1024x768"`, a preset's name, or `{width, height}`; else return None."""
    if isinstance(value, str):
        found = _SIZE.fullmatch(value)
        if not found:
            return PRESETS.get(value)
        sides: tuple[Any, Any] = (int(found[1]), int(found[2]))
    elif isinstance(value, Mapping) and set(value) == {"width", "height"}:
        sides = (value["width"], value["height"])
    else:
        return None
    width, height = (
        int(side) if isinstance(side, float) and side.is_integer() else side
        for side in sides
    )
    if not all(isinstance(s, int) and not isinstance(s, bool) for s in (width, height)):
        return None
    return (width, height) if width > 0 and height > 0 else None


def parse_ratio(value: object) -> Fraction | None:
    """Parse a ratio such as `"16:9"`; return None if the value is not a ratio."""
    found = _RATIO.fullmatch(value) if isinstance(value, str) else None
    if not found or not Fraction(found[1]) or not Fraction(found[2]):
        return None
    return Fraction(found[1]) / Fraction(found[2])


def parse_long_side(resolution: object) -> int | None:
    """Return the long side of `"1K"`, `"2K"`, … in pixels; None for other values."""
    if not isinstance(resolution, str):
        return None
    found = _RESOLUTION.fullmatch(resolution)
    return round(float(found[1]) * 1024) or None if found else None


def compute_size(ratio: Fraction) -> Size:
    """Return a size of about 1024x1024 pixels whose sides are multiples of 16.

    The ratio is exact if such a size exists.
    """
    unit = _STEP * ratio.numerator, _STEP * ratio.denominator
    times = round(math.sqrt(_MEGAPIXEL / (unit[0] * unit[1])))
    if times:
        return unit[0] * times, unit[1] * times
    height = math.sqrt(_MEGAPIXEL / ratio)
    return _round_side(height * float(ratio)), _round_side(height)


def fit_long_side(ratio: Fraction, long_side: int) -> Size:
    """Return the size of a ratio with a given long side, in pixels."""
    if ratio >= 1:
        return long_side, _round_side(long_side / ratio)
    return _round_side(long_side * ratio), long_side


def fit_pixel_limits(
    size: Size, *, least: int | None = None, most: int | None = None
) -> Size:
    """Return the closest size of the same ratio with width times height within limits.

    A size within the limits is returned unchanged; the sides of another one become
    multiples of 16.
    """
    total = size[0] * size[1]
    # 1e-6: a rounding error must not change a multiple of 16.
    if least is not None and total < least:
        scale = math.sqrt(least / total) / _STEP
        steps = [math.ceil(side * scale - 1e-6) for side in size]
    elif most is not None and total > most:
        scale = math.sqrt(most / total) / _STEP
        steps = [max(1, math.floor(side * scale + 1e-6)) for side in size]
    else:
        return size
    return steps[0] * _STEP, steps[1] * _STEP


def find_closest_ratio(ratio: Fraction, names: Iterable[object]) -> str | None:
    """Return the name, such as `"16:9"`, whose ratio is the closest."""
    ratios = {
        name: found
        for name in names
        if isinstance(name, str) and (found := parse_ratio(name)) is not None
    }
    return min(
        ratios, key=lambda name: abs(math.log(ratios[name] / ratio)), default=None
    )


def _round_side(side: float | Fraction) -> int:
    return max(_STEP, round(side / _STEP) * _STEP)
