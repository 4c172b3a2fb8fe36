"""Scenes composed of a prompt's words: places, the things in them, the weather."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw, ImageStat

from langchain_fal_image.sandbox.drawing import scenery
from langchain_fal_image.sandbox.drawing.palette import (
    COLOURS,
    PALETTES,
    Colour,
    Palette,
    mixed,
)
from langchain_fal_image.sandbox.drawing.things import AERIAL, THINGS, Brush, tree

__all__ = [
    "indoors",
    "is_indoors",
    "named_things",
    "outdoors",
    "place_things",
    "weather",
]

_INDOORS = frozenset({"mug", "cup", "library", "book", "studio", "product", "portrait"})
_WET = frozenset(
    {"sea", "lake", "ocean", "river", "water", "boat", "ship", "sailboat", "harbour"}
    | {"harbor", "beach", "coast", "coastline", "fuji", "island", "lighthouse"}
)
_BACKDROPS = frozenset({"library", "book"})
_URBAN = frozenset({"city", "town", "skyline", "street", "tokyo", "york", "neon"})


def is_indoors(words: list[str]) -> bool:
    """Tell whether the words name a room or a table rather than a landscape."""
    return bool(_INDOORS & set(words))


def outdoors(
    size: tuple[int, int], words: list[str], palette: Palette, chance: random.Random
) -> Image.Image:
    """Compose a landscape or a city."""
    wide, high = size
    picture = scenery.gradient(size, palette.sky)
    named = set(words)
    lone = bool({"fuji", "volcano"} & named)
    horizon = chance.uniform(0.58, 0.66)
    side = chance.choice((0.24, 0.3, 0.7, 0.76))
    if palette.dark:
        scenery.stars(picture, chance)
        scenery.moon(
            picture,
            (side * wide, high * chance.uniform(0.16, 0.26)),
            min(size) * 0.07,
            palette.light,
        )
    else:
        place = (side * wide, high * chance.uniform(0.18, 0.34))
        scenery.glow(picture, place, min(size) * 0.42, palette.light)
        scenery.disc(
            ImageDraw.Draw(picture),
            place,
            min(size) * chance.uniform(0.07, 0.1),
            palette.light,
        )
        scenery.clouds(picture, chance, mixed(palette.sky[2], (255, 255, 255), 0.5), 4)
    if _URBAN & named:
        scenery.city(picture, chance, base=horizon, palette=palette)
    else:
        for part in (0.0, 0.4, 0.75):
            if lone and part > 0:
                break
            rise = chance.uniform(0.18, 0.3) * (1 - part * 0.5)
            colour = mixed(palette.far, palette.near, part)
            scenery.ridge(
                picture,
                chance,
                base=horizon - 0.05 + part * 0.1,
                height=rise,
                colour=colour,
                smooth="desert" in named or "hill" in named or "hills" in named,
            )
    if lone:
        middle = 1 - side + chance.uniform(-0.06, 0.06)
        scenery.cone(
            picture,
            centre=middle,
            base=horizon + 0.01,
            top=chance.uniform(0.2, 0.27),
            palette=palette,
            chance=chance,
        )
        far = mixed(palette.far, palette.near, 0.8)
        scenery.ridge(
            picture, chance, base=horizon + 0.03, height=0.06, colour=far, smooth=True
        )
    if _WET & named or (chance.random() < 0.4 and "desert" not in named):  # noqa: PLR2004 - often there is a lake
        scenery.water(picture, chance, top=horizon, palette=palette)
    _foreground(picture, named, palette, chance)
    return picture


def _foreground(
    picture: Image.Image, named: set[str], palette: Palette, chance: random.Random
) -> None:
    wide, high = picture.size
    scenery.ridge(
        picture, chance, base=0.95, height=0.13, colour=palette.ground, smooth=True
    )
    if _URBAN & named or "desert" in named:
        return
    pen = ImageDraw.Draw(picture)
    blossoms = bool(
        {"blossom", "blossoms", "cherry", "spring", "autumn", "tree", "trees"} & named
    )
    unit = min(wide, high)
    for x in (chance.uniform(0.02, 0.12), chance.uniform(0.88, 0.98)):
        tall = unit * (
            chance.uniform(0.5, 0.66) if blossoms else chance.uniform(0.26, 0.4)
        )
        tree(
            pen,
            chance,
            x=x * wide,
            foot=high * chance.uniform(0.9, 0.95),
            height=tall,
            leaf=palette.leaf,
            pine=not blossoms,
        )
    for _ in range(5):
        x = chance.choice((chance.uniform(0, 0.3), chance.uniform(0.7, 1)))
        tree(
            pen,
            chance,
            x=x * wide,
            foot=high * chance.uniform(0.89, 0.94),
            height=unit * chance.uniform(0.1, 0.2),
            leaf=palette.leaf,
            pine=not blossoms,
        )


def indoors(
    size: tuple[int, int], palette: Palette, chance: random.Random
) -> Image.Image:
    """Compose an empty room for things to stand in."""
    wide, high = size
    picture = scenery.gradient(size, palette.sky)
    scenery.glow(
        picture,
        (wide * chance.uniform(0.3, 0.7), high * 0.4),
        min(size) * 0.7,
        palette.light,
    )
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, high * 0.72, wide, high), fill=palette.ground)
    pen.rectangle(
        (0, high * 0.72, wide, high * 0.735),
        fill=mixed(palette.ground, (255, 255, 255), 0.3),
    )
    return picture


def place_things(
    picture: Image.Image,
    words: list[str],
    palette: Palette,
    chance: random.Random,
    *,
    anywhere: bool = False,
) -> None:
    """Draw every thing that the words name, each in its own place."""
    wide, high = picture.size
    unit = min(wide, high)
    pen = ImageDraw.Draw(picture)
    sky = [0.3, 0.68, 0.5, 0.82, 0.18]
    floor = [0.5, 0.3, 0.7, 0.15, 0.85]
    if anywhere:
        chance.shuffle(sky)
        chance.shuffle(floor)
    for name, colour in named_things(words):
        draws, _ = THINGS[name]
        tone = (
            mixed(colour, (16, 22, 48), 0.25)
            if palette.dark and name not in AERIAL
            else colour
        )
        if name in AERIAL:
            if not sky:
                continue
            half = 0.12
            x, y = _calm_place(picture, sky, chance) if anywhere else (sky[0], 0.26)
            sky.remove(x)
        elif name in _BACKDROPS:
            x, y, half = 0.5, 0.4, 0.36
        elif not floor:
            continue
        else:
            half = 0.24 if name not in {"boat", "ship", "sailboat", "house"} else 0.13
            x, y = floor.pop(0), 0.86 - half * unit / high
        draws(Brush(pen, x * wide, y * high, half * unit), tone)


def _calm_place(
    picture: Image.Image, columns: list[float], chance: random.Random
) -> tuple[float, float]:
    """Choose the place in the sky where the least is to be seen already."""
    wide, high = picture.size
    half = 0.14 * min(wide, high)

    def unrest(place: tuple[float, float]) -> float:
        x, y = place[0] * wide, place[1] * high
        box = (round(x - half), round(y - half), round(x + half), round(y + 2 * half))
        return sum(ImageStat.Stat(picture.crop(box)).var)

    return min(((x, chance.uniform(0.2, 0.34)) for x in columns), key=unrest)


def named_things(words: list[str]) -> list[tuple[str, Colour]]:
    """Find the things that the words name, each with its colour."""
    found: dict[str, Colour] = {}
    for place, word in enumerate(words):
        name = word if word in THINGS else word.removesuffix("s")
        if name not in THINGS or name in found:
            continue
        near = [
            COLOURS[each]
            for each in words[max(0, place - 2) : place]
            if each in COLOURS
        ]
        found[name] = near[-1] if near else COLOURS[THINGS[name][1]]
    # A backdrop is drawn before what stands in front of it.
    return sorted(found.items(), key=lambda each: each[0] not in _BACKDROPS)


def weather(
    picture: Image.Image, words: list[str], palette: Palette, chance: random.Random
) -> None:
    """Let it rain, snow or blossom, where the words say so."""
    named = set(words)
    if {"fog", "foggy", "mist", "misty"} & named:
        scenery.fog(picture)
    if {"rain", "rainy", "storm"} & named:
        scenery.rain(picture, chance)
    if {"snow", "snowy", "snowing"} & named:
        scenery.snow(picture, chance)
    if {"blossom", "blossoms", "petal", "petals", "sakura"} & named:
        scenery.petals(
            picture,
            chance,
            PALETTES["spring"].leaf if not palette.dark else palette.leaf,
        )
