"""Arithmetic of sizes: ratios, presets, pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

__all__ = [
    "COMMON_RATIOS",
    "PRESETS",
    "Pixels",
    "closest_ratio",
    "longest_side",
    "named_size",
    "of_about_a_megapixel",
    "pixels_of",
    "ratio_of",
    "side_limited",
    "total_limited",
]

Pixels = tuple[int, int]

PRESETS: Mapping[str, Pixels] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
"""Width and height in pixels of the sizes that fal has names for."""

COMMON_RATIOS = (
    *("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5"),
    *("16:10", "10:16", "21:9", "9:21"),
)
"""The ratios worth naming to somebody who may ask for any."""

_NAMED: Mapping[Fraction, str | Pixels] = {
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

_STEP = 16
_MEGAPIXEL = 1024 * 1024
_SIZE = re.compile(r"\s*(\d{1,6})\s*[xX\u00d7*]\s*(\d{1,6})\s*")
_RATIO = re.compile(r"\s*(\d{1,5}(?:\.\d{1,4})?)\s*:\s*(\d{1,5}(?:\.\d{1,4})?)\s*")
_THOUSANDS = re.compile(r"(\d{1,2}(?:\.\d)?)[kK]")


def pixels_of(value: object) -> Pixels | None:
    """Read a size: `"1024x768"`, a preset's name, or `{width, height}`.

    Returns:
        Width and height, both positive, or None where the value is no size.
    """
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


def ratio_of(value: object) -> Fraction | None:
    """Read a ratio such as `"16:9"`; None where the value is none."""
    found = _RATIO.fullmatch(value) if isinstance(value, str) else None
    if not found or not Fraction(found[1]) or not Fraction(found[2]):
        return None
    return Fraction(found[1]) / Fraction(found[2])


def longest_side(resolution: object) -> int | None:
    """Give the long side in pixels of `"1K"`, `"2K"`, …; None for other words."""
    found = _THOUSANDS.fullmatch(resolution) if isinstance(resolution, str) else None
    return round(float(found[1]) * 1024) or None if found else None


def named_size(ratio: Fraction) -> str | Pixels | None:
    """Give the preset or the pixels that the AI SDK takes for a ratio, if any."""
    return _NAMED.get(ratio)


def of_about_a_megapixel(ratio: Fraction) -> Pixels:
    """Give a size of about 1024x1024 pixels whose sides are multiples of 16.

    The ratio is kept exactly where such a size has it.
    """
    unit = _STEP * ratio.numerator, _STEP * ratio.denominator
    times = round(math.sqrt(_MEGAPIXEL / (unit[0] * unit[1])))
    if times:
        return unit[0] * times, unit[1] * times
    height = math.sqrt(_MEGAPIXEL / ratio)
    return _rounded(height * float(ratio)), _rounded(height)


def side_limited(ratio: Fraction, long_side: int) -> Pixels:
    """Give the size of a ratio whose long side has so many pixels."""
    if ratio >= 1:
        return long_side, _rounded(long_side / ratio)
    return _rounded(long_side * ratio), long_side


def total_limited(
    pixels: Pixels, *, least: int | None = None, most: int | None = None
) -> Pixels:
    """Scale a size until width times height lies within limits.

    Args:
        pixels: Width and height.
        least: Fewest pixels in all.
        most: Most pixels in all.

    Returns:
        The size itself where it lies within them, else the nearest of the same
        ratio with sides that are multiples of 16.
    """
    total = pixels[0] * pixels[1]
    # 1e-6: what is a multiple of 16 but for rounding counts as one.
    if least is not None and total < least:
        scale = math.sqrt(least / total) / _STEP
        steps = [math.ceil(side * scale - 1e-6) for side in pixels]
    elif most is not None and total > most:
        scale = math.sqrt(most / total) / _STEP
        steps = [max(1, math.floor(side * scale + 1e-6)) for side in pixels]
    else:
        return pixels
    return steps[0] * _STEP, steps[1] * _STEP


def closest_ratio(ratio: Fraction, names: Iterable[object]) -> str | None:
    """Find among names such as `"16:9"` the one whose ratio is closest."""
    known = {
        name: found
        for name in names
        if isinstance(name, str) and (found := ratio_of(name)) is not None
    }
    return min(known, key=lambda name: abs(math.log(known[name] / ratio)), default=None)


def _rounded(side: float | Fraction) -> int:
    return max(_STEP, round(side / _STEP) * _STEP)
