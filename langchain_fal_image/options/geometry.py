"""Parse and compute image sizes: ratios, presets, pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

__all__ = [
    "ANY_SIZE",
    "COMMON_RATIOS",
    "PRESETS",
    "USUAL_SIZES",
    "Resolution",
    "Size",
    "SizeLimits",
    "compute_size",
    "find_closest_ratio",
    "fit_limits",
    "fit_resolution",
    "measure",
    "parse_ratio",
    "parse_resolution",
    "parse_size",
]

Size = tuple[int, int]
"""Width and height in pixels."""

Resolution = tuple[str, int]
"""A unit and a number of pixels.

The unit is `k` for the long side (`2K`), `p` for the short side (`720p`), `mp` for
width times height (`1MP`).
"""

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

_Range = tuple[float, float]
_ANY: _Range = (1, math.inf)


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """The least and most of width, height and their product, in pixels."""

    width: _Range = _ANY
    height: _Range = _ANY
    pixels: _Range = _ANY

    def __str__(self) -> str:
        """Return the limits as messages show them: `width 512 to 1024`."""
        ranges = {
            "width": self.width,
            "height": self.height,
            "width times height": self.pixels,
        }
        return ", ".join(
            f"{name} {low:.15g} to {high:.15g}"
            for name, (low, high) in ranges.items()
            if high < math.inf
        )


ANY_SIZE = SizeLimits()
"""No limits."""

_STEP = 16
_MEGAPIXEL = 1024 * 1024
# Larger numbers are not sizes, and they would overflow in divisions.
_MAX_SIDE = 1_000_000_000
_MEASURES: Mapping[str, Callable[[Size], int]] = {"k": max, "p": min, "mp": math.prod}
_SIDE = re.compile(r"\d{1,6}")
_SIZE = re.compile(r"\s*(\d{1,6})\s*[xX\u00d7*]\s*(\d{1,6})\s*")
_RATIO = re.compile(r"\s*(\d{1,5}(?:\.\d{1,4})?)\s*:\s*(\d{1,5}(?:\.\d{1,4})?)\s*")
_RESOLUTION = re.compile(r"\s*(\d{1,5}(?:\.\d{1,2})?)\s*(k|p|mp)\s*", re.IGNORECASE)


def parse_size(value: object) -> Size | None:
    """Parse `"1024x768"`, a preset's name, `(1024, 768)` or `{width, height}`.

    Any other value returns None.
    """
    if isinstance(value, str):
        found = _SIZE.fullmatch(value)
        if not found:
            return PRESETS.get(value)
        value = found.groups()
    elif isinstance(value, Mapping) and set(value) == {"width", "height"}:
        value = (value["width"], value["height"])
    if not isinstance(value, list | tuple):
        return None
    match [_parse_side(side) for side in value]:
        case [int(width), int(height)]:
            return width, height
        case _:
            return None


def _parse_side(value: object) -> int | None:
    if isinstance(value, str):
        side = int(value) if _SIDE.fullmatch(value) else 0
    elif isinstance(value, int | float) and not isinstance(value, bool):
        side = int(value) if value % 1 == 0 else 0
    else:
        return None
    return side if 0 < side <= _MAX_SIDE else None


def parse_ratio(value: object) -> Fraction | None:
    """Parse a ratio such as `"16:9"`; return None if the value is not a ratio."""
    return _parse_ratio(value) if isinstance(value, str) else None


@lru_cache(maxsize=512)
def _parse_ratio(text: str) -> Fraction | None:
    found = _RATIO.fullmatch(text)
    if not found or not Fraction(found[1]) or not Fraction(found[2]):
        return None
    return Fraction(found[1]) / Fraction(found[2])


def parse_resolution(value: object) -> Resolution | None:
    """Parse `"2K"`, `"720p"` or `"1MP"`; return None for other values."""
    found = _RESOLUTION.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return None
    unit = found[2].lower()
    factor = {"k": 1024, "p": 1, "mp": _MEGAPIXEL}[unit]
    pixels = round(float(found[1]) * factor)
    return (unit, pixels) if pixels else None


def measure(size: Size, unit: str) -> int:
    """Return the number of pixels of a size in the unit of a resolution."""
    return _MEASURES[unit](size)


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


def fit_resolution(ratio: Fraction, resolution: Resolution) -> Size:
    """Return the size that has a ratio and a resolution.

    The side that the resolution determines is exact; others are multiples of 16.
    """
    unit, pixels = resolution
    if unit == "mp":
        height = math.sqrt(pixels / ratio)
        return _round_side(height * float(ratio)), _round_side(height)
    if (unit == "k") == (ratio >= 1):
        return pixels, _round_side(pixels / ratio)
    return _round_side(pixels * ratio), pixels


def fit_limits(size: Size, limits: SizeLimits) -> Size:
    """Return the closest size within limits, of the same ratio if that is possible.

    A size within the limits is returned unchanged; the sides of another one become
    multiples of 16, or a limit.
    """
    width, height = size
    bounds = (
        (limits.width, width),
        (limits.height, height),
        (limits.pixels, width * height),
    )
    # The factors for both sides, so the one for their product is a square root.
    least, most = (
        [
            (each[end] / value) ** (1 / power)
            for (each, value), power in zip(bounds, (1, 1, 2), strict=True)
        ]
        for end in (0, 1)
    )
    grow, shrink = max(least), min(most)
    if grow <= 1 <= shrink:
        return size
    # 1e-6: a rounding error must not change a multiple of 16.
    if grow > 1:
        sides = [math.ceil(side * grow / _STEP - 1e-6) * _STEP for side in size]
    else:
        sides = [
            max(1, math.floor(side * shrink / _STEP + 1e-6)) * _STEP for side in size
        ]
    fitted = zip(sides, (limits.width, limits.height), strict=True)
    across, down = (int(min(max(side, low), high)) for side, (low, high) in fitted)
    return across, down


def find_closest_ratio(ratio: Fraction, names: Iterable[object]) -> str | None:
    """Return the name, such as `"16:9"`, whose ratio is the closest."""
    ratios = {
        name: found
        for name in names
        if isinstance(name, str) and (found := parse_ratio(name)) is not None
    }
    logarithm = math.log(ratio)
    return min(
        ratios, key=lambda name: abs(math.log(ratios[name]) - logarithm), default=None
    )


def _round_side(side: float | Fraction) -> int:
    return max(_STEP, round(side / _STEP) * _STEP)
