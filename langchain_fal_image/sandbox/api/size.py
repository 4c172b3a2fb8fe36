"""The pixels that an input asks for, in each of the words that fal's endpoints have."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["size_of"]

_PRESETS: dict[str, tuple[int, int]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_LARGEST_SIDE = 4096
_LONG_SIDE = 1024
_NUMBER = r"(\d{1,5}(?:\.\d{1,4})?)"
_PIXELS = re.compile(rf"{_NUMBER}\s*[x*]\s*{_NUMBER}", re.IGNORECASE)
_RATIO = re.compile(rf"\s*{_NUMBER}\s*:\s*{_NUMBER}\s*")
_PRESET_RATIO = re.compile(r"(portrait|landscape)_(\d{1,2})_(\d{1,2})")
_RESOLUTION = re.compile(rf"(?:auto_)?{_NUMBER}(k|mp|p)", re.IGNORECASE)


def size_of(
    given: Mapping[str, Any], inputs: Sequence[tuple[int, int]]
) -> tuple[int, int]:
    """Say how large a picture an input asks for.

    Args:
        given: The input, its defaults filled in. What cannot be read asks for nothing.
        inputs: The sizes of the input images; the last one leads where the input
            names no size, as fal's edit endpoints have it.

    Returns:
        Width and height in pixels, each from 1 to 4096.
    """
    words = [given.get(name) for name in ("image_size", "size", "resolution")]
    for each in (*words, given):
        if exact := _exact(each):
            return _capped(*exact)
    asked = next(filter(None, map(_ratio, (given.get("aspect_ratio"), *words))), None)
    measure = next(filter(None, map(_resolution, reversed(words))), None)
    if inputs and not asked and not measure:
        return _capped(*inputs[-1])
    across, down = asked or (inputs[-1] if inputs else (1, 1))
    if measure is None:
        scale = _LONG_SIDE / max(across, down)
    elif measure[1] == "k":
        scale = measure[0] * 1024 / max(across, down)
    elif measure[1] == "mp":
        scale = math.sqrt(measure[0] * 1e6 / (across * down))
    else:
        scale = measure[0] / min(across, down)
    return _capped(across * scale, down * scale)


def _exact(word: object) -> tuple[float, float] | None:
    if isinstance(word, Mapping):
        sides = (word.get("width"), word.get("height"))
        if all(isinstance(each, int | float) and each > 0 for each in sides):
            return float(sides[0] or 0), float(sides[1] or 0)
    elif isinstance(word, str):
        if word in _PRESETS:
            return _PRESETS[word]
        found = _PIXELS.fullmatch(word)
        return _positive(found[1], found[2]) if found else None
    return None


def _ratio(word: object) -> tuple[float, float] | None:
    if isinstance(word, Mapping):
        word = word.get("ratio")
    if not isinstance(word, str):
        return None
    if found := _PRESET_RATIO.fullmatch(word):
        long, short = sorted((int(found[2]), int(found[3])), reverse=True)
        wide = found[1] == "landscape"
        return _positive(*((long, short) if wide else (short, long)))
    found = _RATIO.fullmatch(word)
    return _positive(found[1], found[2]) if found else None


def _resolution(word: object) -> tuple[float, str] | None:
    found = _RESOLUTION.fullmatch(word) if isinstance(word, str) else None
    return (float(found[1]), found[2].lower()) if found and float(found[1]) else None


def _positive(first: float | str, second: float | str) -> tuple[float, float] | None:
    across, down = float(first), float(second)
    return (across, down) if across and down else None


def _capped(width: float, height: float) -> tuple[int, int]:
    scale = min(1.0, _LARGEST_SIDE / max(width, height))
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
