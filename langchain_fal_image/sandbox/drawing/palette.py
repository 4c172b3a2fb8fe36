"""Colours for a scene, chosen by the words of a prompt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["COLOURS", "PALETTES", "Colour", "Palette", "choose", "mixed", "shifted"]

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "red": (196, 53, 42),
    "orange": (224, 122, 48),
    "yellow": (240, 190, 70),
    "gold": (214, 164, 65),
    "green": (70, 130, 84),
    "blue": (52, 96, 160),
    "turquoise": (64, 158, 158),
    "purple": (112, 76, 140),
    "violet": (112, 76, 140),
    "pink": (232, 140, 160),
    "white": (246, 243, 236),
    "black": (34, 34, 40),
    "grey": (130, 132, 138),
    "gray": (130, 132, 138),
    "brown": (122, 82, 56),
}


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one scene.

    Attributes:
        sky: From top to horizon.
        light: Sun or moon.
        far: The furthest ridge, near the sky in colour.
        near: The nearest ridge.
        ground: What lies in front.
        water: From the horizon to the front.
        leaf: Leaves, blossoms, windows.
        dark: Whether it is night.
    """

    sky: tuple[Colour, Colour, Colour]
    light: Colour
    far: Colour
    near: Colour
    ground: Colour
    water: tuple[Colour, Colour]
    leaf: Colour
    dark: bool = False


PALETTES: dict[str, Palette] = {
    "day": Palette(
        sky=((92, 152, 196), (168, 206, 216), (246, 232, 204)),
        light=(255, 246, 214),
        far=(150, 178, 192),
        near=(58, 96, 110),
        ground=(52, 88, 72),
        water=((150, 190, 200), (56, 112, 134)),
        leaf=(94, 140, 92),
    ),
    "spring": Palette(
        sky=((126, 176, 208), (206, 216, 220), (250, 226, 216)),
        light=(255, 240, 220),
        far=(170, 184, 204),
        near=(92, 118, 134),
        ground=(96, 128, 92),
        water=((196, 210, 220), (110, 152, 170)),
        leaf=(240, 164, 182),
    ),
    "autumn": Palette(
        sky=((120, 150, 172), (214, 196, 168), (246, 216, 164)),
        light=(255, 228, 170),
        far=(176, 160, 150),
        near=(112, 82, 72),
        ground=(104, 74, 48),
        water=((206, 188, 160), (116, 110, 106)),
        leaf=(206, 98, 44),
    ),
    "winter": Palette(
        sky=((124, 152, 182), (190, 206, 220), (234, 234, 236)),
        light=(252, 250, 240),
        far=(186, 200, 214),
        near=(104, 128, 152),
        ground=(228, 234, 240),
        water=((196, 212, 224), (122, 152, 176)),
        leaf=(92, 116, 116),
    ),
    "sunset": Palette(
        sky=((72, 62, 108), (214, 104, 92), (250, 196, 116)),
        light=(255, 222, 150),
        far=(168, 100, 116),
        near=(74, 48, 82),
        ground=(44, 32, 56),
        water=((240, 168, 112), (96, 60, 96)),
        leaf=(226, 120, 80),
    ),
    "night": Palette(
        sky=((10, 16, 40), (24, 38, 78), (62, 80, 122)),
        light=(250, 244, 216),
        far=(50, 66, 106),
        near=(22, 32, 60),
        ground=(12, 18, 34),
        water=((60, 80, 120), (14, 24, 50)),
        leaf=(120, 134, 168),
        dark=True,
    ),
    "desert": Palette(
        sky=((86, 142, 176), (226, 204, 164), (250, 222, 166)),
        light=(255, 240, 196),
        far=(214, 168, 124),
        near=(176, 106, 66),
        ground=(206, 150, 92),
        water=((226, 188, 136), (190, 134, 84)),
        leaf=(92, 122, 76),
    ),
    "studio": Palette(
        sky=((222, 214, 202), (236, 228, 216), (246, 240, 230)),
        light=(255, 252, 244),
        far=(214, 200, 184),
        near=(188, 168, 148),
        ground=(176, 150, 126),
        water=((214, 200, 184), (188, 168, 148)),
        leaf=(120, 142, 122),
    ),
}

_WORDS = {
    "night": ("night", "midnight", "starry", "dark", "nacht", "moonlit"),
    "sunset": ("sunset", "sunrise", "dusk", "dawn", "evening", "golden hour"),
    "winter": ("winter", "snow", "snowy", "ice", "frozen", "christmas"),
    "autumn": ("autumn", "fall", "harvest", "october"),
    "desert": ("desert", "dune", "sahara", "canyon", "mars"),
    "spring": ("spring", "blossom", "blossoms", "cherry", "sakura", "meadow"),
    "studio": ("product", "mug", "studio", "portrait", "logo", "icon", "library"),
}


def choose(words: Sequence[str], chance: random.Random) -> Palette:
    """Choose the palette that the words ask for, a little different each time.

    Args:
        words: Of the prompt, in lower case.
        chance: Decides the nuance, and all where no word helps.
    """
    for name, keys in _WORDS.items():
        if any(key in words for key in keys):
            return _nuanced(PALETTES[name], chance)
    return _nuanced(PALETTES[chance.choice(["day", "day", "sunset", "spring"])], chance)


def _nuanced(palette: Palette, chance: random.Random) -> Palette:
    shift = tuple(chance.randint(-12, 12) for _ in range(3))

    def nuance(colour: Colour) -> Colour:
        return shifted(colour, shift)

    top, middle, low = map(nuance, palette.sky)
    first, last = map(nuance, palette.water)
    return Palette(
        sky=(top, middle, low),
        light=palette.light,
        far=nuance(palette.far),
        near=nuance(palette.near),
        ground=nuance(palette.ground),
        water=(first, last),
        leaf=nuance(palette.leaf),
        dark=palette.dark,
    )


def shifted(colour: Colour, by: Sequence[int]) -> Colour:
    """Move a colour by so much in each channel."""
    red, green, blue = (
        max(0, min(255, each + step)) for each, step in zip(colour, by, strict=True)
    )
    return red, green, blue


def mixed(first: Colour, second: Colour, part: float) -> Colour:
    """Mix two colours; `part` is how much of the second, from 0 to 1."""
    red, green, blue = (
        round(a + (b - a) * part) for a, b in zip(first, second, strict=True)
    )
    return red, green, blue
