"""Scenes composed from the words of a prompt: a landscape, a city or a room."""

from __future__ import annotations

import random
from collections.abc import Sequence

from PIL import ImageStat

from langchain_fal_image.sandbox.drawing import scenery
from langchain_fal_image.sandbox.drawing.canvas import Canvas, Point, make_gradient
from langchain_fal_image.sandbox.drawing.palette import choose_palette, mix
from langchain_fal_image.sandbox.drawing.things import (
    draw_thing,
    draw_tree,
    find_things,
)
from langchain_fal_image.sandbox.drawing.weather import add_grain, draw_weather

__all__ = ["draw_scene", "place_things"]

_INDOORS = frozenset({"mug", "cup", "library", "book", "studio", "product", "portrait"})
_WET = frozenset(
    {"sea", "lake", "ocean", "river", "water", "boat", "ship", "sailboat", "harbour"}
    | {"harbor", "beach", "coast", "coastline", "fuji", "island", "lighthouse"}
)
_URBAN = frozenset({"city", "town", "skyline", "street", "tokyo", "york", "neon"})
_LEAFY = frozenset(
    {"blossom", "blossoms", "cherry", "spring", "autumn", "tree", "trees"}
)


def draw_scene(
    words: Sequence[str], *, size: tuple[int, int], rng: random.Random
) -> Canvas:
    """Draw the scene that the words describe, with random details."""
    palette = choose_palette(words, rng)
    canvas = Canvas(make_gradient(size, palette.sky), palette, rng)
    named = frozenset(words)
    if _INDOORS & named:
        _draw_room(canvas)
    else:
        _draw_outdoors(canvas, named)
    place_things(canvas, words)
    draw_weather(canvas, named)
    add_grain(canvas)
    return canvas


def _draw_room(canvas: Canvas) -> None:
    wide, high = canvas.width, canvas.height
    light, ground = canvas.palette.light, canvas.palette.ground
    centre = (wide * canvas.rng.uniform(0.3, 0.7), high * 0.4)
    canvas.draw_glow(centre, canvas.unit * 0.7, light)
    canvas.pen.rectangle((0, high * 0.72, wide, high), fill=ground)
    edge = mix(ground, (255, 255, 255), 0.3)
    canvas.pen.rectangle((0, high * 0.72, wide, high * 0.735), fill=edge)


def _draw_outdoors(canvas: Canvas, named: frozenset[str]) -> None:
    rng, palette = canvas.rng, canvas.palette
    has_volcano = bool({"fuji", "volcano"} & named)
    horizon = rng.uniform(0.58, 0.66)
    side = rng.choice((0.24, 0.3, 0.7, 0.76))
    _draw_sky(canvas, side)
    if _URBAN & named:
        scenery.draw_city(canvas, base=horizon)
    else:
        for part in (0.0,) if has_volcano else (0.0, 0.4, 0.75):
            scenery.draw_ridge(
                canvas,
                height=rng.uniform(0.18, 0.3) * (1 - part * 0.5),
                base=horizon - 0.05 + part * 0.1,
                colour=mix(palette.far, palette.near, part),
                is_smooth=bool({"desert", "hill", "hills"} & named),
            )
    if has_volcano:
        scenery.draw_volcano(
            canvas,
            centre=1 - side + rng.uniform(-0.06, 0.06),
            base=horizon + 0.01,
            top=rng.uniform(0.2, 0.27),
        )
        hills = mix(palette.far, palette.near, 0.8)
        scenery.draw_ridge(
            canvas, base=horizon + 0.03, height=0.06, colour=hills, is_smooth=True
        )
    if _WET & named or (rng.random() < 0.4 and "desert" not in named):  # noqa: PLR2004 - often there is a lake
        scenery.draw_water(canvas, top=horizon)
    _draw_foreground(canvas, named)


def _draw_sky(canvas: Canvas, side: float) -> None:
    rng, palette = canvas.rng, canvas.palette
    wide, high, unit = canvas.width, canvas.height, canvas.unit
    if palette.is_dark:
        scenery.draw_stars(canvas)
        moon = (side * wide, high * rng.uniform(0.16, 0.26))
        scenery.draw_moon(canvas, moon, unit * 0.07, palette.light)
        return
    sun = (side * wide, high * rng.uniform(0.18, 0.34))
    canvas.draw_glow(sun, unit * 0.42, palette.light)
    canvas.draw_disc(sun, unit * rng.uniform(0.07, 0.1), palette.light)
    scenery.draw_clouds(canvas, mix(palette.sky[2], (255, 255, 255), 0.5), 4)


def _draw_foreground(canvas: Canvas, named: frozenset[str]) -> None:
    rng, unit = canvas.rng, canvas.unit
    ground = canvas.palette.ground
    scenery.draw_ridge(canvas, base=0.95, height=0.13, colour=ground, is_smooth=True)
    if _URBAN & named or "desert" in named:
        return
    wide, high = canvas.width, canvas.height
    is_leafy = bool(_LEAFY & named)
    for x in (rng.uniform(0.02, 0.12), rng.uniform(0.88, 0.98)):
        tall = unit * rng.uniform(*((0.5, 0.66) if is_leafy else (0.26, 0.4)))
        foot = high * rng.uniform(0.9, 0.95)
        draw_tree(canvas, x=x * wide, foot=foot, height=tall, is_pine=not is_leafy)
    for _ in range(5):
        x = rng.choice((rng.uniform(0, 0.3), rng.uniform(0.7, 1)))
        foot = high * rng.uniform(0.89, 0.94)
        tall = unit * rng.uniform(0.1, 0.2)
        draw_tree(canvas, x=x * wide, foot=foot, height=tall, is_pine=not is_leafy)


def place_things(
    canvas: Canvas, words: Sequence[str], *, is_edit: bool = False
) -> None:
    """Draw each thing that the words name; in an edit, in a uniform area."""
    wide, high, unit = canvas.width, canvas.height, canvas.unit
    sky = [0.3, 0.68, 0.5, 0.82, 0.18]
    floor = [0.5, 0.3, 0.7, 0.15, 0.85]
    if is_edit:
        canvas.rng.shuffle(sky)
        canvas.rng.shuffle(floor)
    for thing, colour in find_things(words):
        if thing.place == "back":
            x, y = 0.5, 0.4
        elif thing.place == "sky" and sky:
            x, y = _find_calm_place(canvas, sky) if is_edit else (sky[0], 0.26)
            sky.remove(x)
        elif thing.place == "floor" and floor:
            x, y = floor.pop(0), 0.86 - thing.half * unit / high
        else:
            continue
        is_shaded = canvas.palette.is_dark and thing.place != "sky"
        tone = mix(colour, (16, 22, 48), 0.25) if is_shaded else colour
        centre, half = (x * wide, y * high), thing.half * unit
        draw_thing(canvas, thing, tone, centre=centre, half=half)


def _find_calm_place(canvas: Canvas, columns: Sequence[float]) -> Point:
    """Return the most uniform place in the sky."""
    half = 0.14 * canvas.unit

    def measure_variance(place: Point) -> float:
        x, y = place[0] * canvas.width, place[1] * canvas.height
        box = (round(x - half), round(y - half), round(x + half), round(y + 2 * half))
        return sum(ImageStat.Stat(canvas.image.crop(box)).var)

    places = [(x, canvas.rng.uniform(0.2, 0.34)) for x in columns]
    return min(places, key=measure_variance)
