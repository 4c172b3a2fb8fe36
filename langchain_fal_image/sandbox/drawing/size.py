"""Resolve the size that a payload requests, in any of fal's forms, to pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["resolve_size"]

_Pair = tuple[float, float]

_PRESETS: Final[dict[str, _Pair]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_MAX_SIDE = 4096
_NUMBER = r"(\d{1,5}(?:\.\d{1,4})?)"
_PIXELS = re.compile(rf"{_NUMBER}\s*[x*]\s*{_NUMBER}", re.IGNORECASE)
_RATIO = re.compile(rf"\s*{_NUMBER}\s*:\s*{_NUMBER}\s*")
_PRESET_RATIO = re.compile(r"(portrait|landscape)_(\d{1,2})_(\d{1,2})")
_RESOLUTION = re.compile(rf"(?:auto_)?{_NUMBER}(k|mp|p)", re.IGNORECASE)


def resolve_size(
    options: Mapping[str, Any], input_sizes: Sequence[tuple[int, int]]
) -> tuple[int, int]:
    """Return the width and height of an image, each from 1 to 4096 pixels.

    Args:
        options: The payload with defaults. Values in an unknown form are ignored.
        input_sizes: Sizes of the input images. If no size is requested, the result
            follows the last one, as at fal's edit endpoints.
    """
    values = [options.get(name) for name in ("image_size", "size", "resolution")]
    for each in (*values, options):
        if pixels := _parse_pixels(each):
            return _limit_size(*pixels)
    ratios = map(_parse_ratio, (options.get("aspect_ratio"), *values))
    ratio = next(filter(None, ratios), None)
    resolution = next(filter(None, map(_parse_resolution, reversed(values))), None)
    if input_sizes and not ratio and not resolution:
        return _limit_size(*input_sizes[-1])
    across, down = ratio or (input_sizes[-1] if input_sizes else (1, 1))
    number, unit = resolution or (1, "k")
    if unit == "k":
        scale = number * 1024 / max(across, down)
    elif unit == "mp":
        scale = math.sqrt(number * 1e6 / (across * down))
    else:
        scale = number / min(across, down)
    return _limit_size(across * scale, down * scale)


def _parse_pixels(value: object) -> _Pair | None:
    """Parse `{"width": …, "height": …}`, a preset or `1024x768`."""
    if isinstance(value, Mapping):
        sides = (value.get("width"), value.get("height"))
        if all(isinstance(each, int | float) and 0 < each < 1e6 for each in sides):  # noqa: PLR2004 - more is not meant
            return float(sides[0] or 0), float(sides[1] or 0)
    elif isinstance(value, str):
        if value in _PRESETS:
            return _PRESETS[value]
        if found := _PIXELS.fullmatch(value):
            return _parse_pair(found[1], found[2])
    return None


def _parse_ratio(value: object) -> _Pair | None:
    """Parse `{"ratio": …}`, `16:9` or `portrait_4_3`."""
    if isinstance(value, Mapping):
        value = value.get("ratio")
    if not isinstance(value, str):
        return None
    if found := _PRESET_RATIO.fullmatch(value):
        short, long = sorted((int(found[2]), int(found[3])))
        is_wide = found[1] == "landscape"
        return _parse_pair(*((long, short) if is_wide else (short, long)))
    found = _RATIO.fullmatch(value)
    return _parse_pair(found[1], found[2]) if found else None


def _parse_resolution(value: object) -> tuple[float, str] | None:
    """Parse `2K`, `1mp` or `720p`."""
    found = _RESOLUTION.fullmatch(value) if isinstance(value, str) else None
    return (float(found[1]), found[2].lower()) if found and float(found[1]) else None


def _parse_pair(first: float | str, second: float | str) -> _Pair | None:
    across, down = float(first), float(second)
    return (across, down) if across and down else None


def _limit_size(width: float, height: float) -> tuple[int, int]:
    scale = min(1.0, _MAX_SIDE / max(width, height))
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
