"""Colours for a scene, selected by the words of a prompt.

`palettes.json` holds the named colours, the palettes with the words that select them,
and the tints that words apply to an edited image.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any, Final

__all__ = ["COLOURS", "PALETTES", "TINTS", "Colour", "Palette", "choose_palette", "mix"]

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one scene.

    Attributes:
        words: The words of a prompt that select this palette.
        sky: Three colours from top to horizon.
        light: Sun or moon.
        far: The furthest ridge.
        near: The nearest ridge.
        ground: The foreground.
        water: Two colours from horizon to foreground.
        leaf: Leaves and blossoms.
        is_dark: Whether it is night.
    """

    words: tuple[str, ...]
    sky: tuple[Colour, ...]
    light: Colour
    far: Colour
    near: Colour
    ground: Colour
    water: tuple[Colour, ...]
    leaf: Colour
    is_dark: bool = False


def _to_tuples(value: Any) -> Any:
    return tuple(map(_to_tuples, value)) if isinstance(value, list) else value


def _read_palette(data: Mapping[str, Any]) -> Palette:
    return Palette(**{name: _to_tuples(value) for name, value in data.items()})


_DATA: Final = json.loads(files(__package__).joinpath("palettes.json").read_text())
COLOURS: Final[dict[str, Colour]] = {
    name: _to_tuples(colour) for name, colour in _DATA["colours"].items()
}
PALETTES: Final = {
    name: _read_palette(data) for name, data in _DATA["palettes"].items()
}
TINTS: Final[list[tuple[frozenset[str], Colour, float]]] = [
    (frozenset(words), _to_tuples(colour), strength)
    for words, colour, strength in _DATA["tints"]
]
"""Words, the tint that they apply to an image, and its strength from 0 to 1."""


def choose_palette(words: Collection[str], rng: random.Random) -> Palette:
    """Choose the palette for the words of a prompt and vary it slightly."""
    fitting = (each for each in PALETTES.values() if set(each.words) & set(words))
    palette = next(fitting, None)
    if palette is None:
        palette = PALETTES[rng.choice(["day", "day", "sunset", "spring"])]
    by = [rng.randint(-12, 12) for _ in range(3)]

    def shift(value: Any) -> Any:
        if isinstance(value[0], int):
            pairs = zip(value, by, strict=True)
            return tuple(max(0, min(255, each + step)) for each, step in pairs)
        return tuple(map(shift, value))

    kept = {"words", "light", "is_dark"}
    colours = asdict(palette)
    return Palette(
        **{
            name: value if name in kept else shift(value)
            for name, value in colours.items()
        }
    )


def mix(first: Colour, second: Colour, part: float) -> Colour:
    """Mix two colours; `part` is the share of the second, from 0 to 1."""
    red, green, blue = (
        round(a + (b - a) * part) for a, b in zip(first, second, strict=True)
    )
    return red, green, blue
