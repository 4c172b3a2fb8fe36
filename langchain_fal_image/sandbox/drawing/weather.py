"""Weather over a scene, and paper grain."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from functools import cache
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from langchain_fal_image.sandbox.drawing.canvas import Canvas
from langchain_fal_image.sandbox.drawing.palette import PALETTES, mix

__all__ = ["add_grain", "draw_weather"]


def draw_weather(canvas: Canvas, words: Collection[str]) -> None:
    """Draw the fog, rain, snow or petals that the words name."""
    for names, draw in _WEATHER:
        if names & set(words):
            draw(canvas)


def _draw_fog(canvas: Canvas) -> None:
    mask = Image.linear_gradient("L").resize(canvas.image.size)
    canvas.paste((226, 228, 230), mask.point(lambda value: value * 3 // 5))


def _draw_rain(canvas: Canvas) -> None:
    rng, wide, high = canvas.rng, canvas.width, canvas.height
    mask = canvas.make_mask()
    pen = ImageDraw.Draw(mask)
    long, thick = high / 14, max(1, round(canvas.unit / 420))
    for _ in range(340):
        x, y = rng.uniform(-0.1, 1) * wide, rng.uniform(-0.1, 1) * high
        drop = (x, y, x + long * 0.22, y + long)
        pen.line(drop, fill=rng.randint(60, 140), width=thick)
    canvas.paste((214, 226, 240), mask)


def _draw_snow(canvas: Canvas) -> None:
    rng, unit = canvas.rng, canvas.unit / 300
    for _ in range(260):
        place = (rng.random() * canvas.width, rng.random() * canvas.height)
        canvas.draw_disc(place, unit * rng.uniform(0.4, 1.6), (250, 250, 252))


def _draw_petals(canvas: Canvas) -> None:
    rng, unit = canvas.rng, canvas.unit / 130
    colour = (canvas.palette if canvas.palette.is_dark else PALETTES["spring"]).leaf
    for _ in range(70):
        x, y = rng.random() * canvas.width, rng.random() * canvas.height
        size = unit * rng.uniform(0.4, 1)
        tone = mix(colour, (255, 255, 255), rng.uniform(0, 0.5))
        canvas.pen.ellipse((x, y, x + size * 1.5, y + size), fill=tone)


_WEATHER: Final[list[tuple[set[str], Callable[[Canvas], None]]]] = [
    ({"fog", "foggy", "mist", "misty"}, _draw_fog),
    ({"rain", "rainy", "storm"}, _draw_rain),
    ({"snow", "snowy", "snowing"}, _draw_snow),
    ({"blossom", "blossoms", "petal", "petals", "sakura"}, _draw_petals),
]


def add_grain(canvas: Canvas) -> None:
    """Add paper grain to the image."""
    tile = _make_grain()
    noise = canvas.make_mask()
    for x in range(0, canvas.width, tile.width):
        for y in range(0, canvas.height, tile.height):
            noise.paste(tile, (x, y))
    grained = ImageChops.overlay(canvas.image, noise.convert("RGB"))
    canvas.replace(Image.blend(canvas.image, grained, 0.14))


@cache
def _make_grain() -> Image.Image:
    # Pillow's noise functions do not accept a seed.
    speckles = random.Random(7).randbytes(256 * 256)  # noqa: S311 - not a secret
    tile = Image.frombytes("L", (256, 256), speckles)
    return tile.filter(ImageFilter.BoxBlur(1))
