"""Edit images according to an instruction, so that they stay recognisable."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageEnhance, ImageFont, ImageOps

from langchain_fal_image.sandbox.drawing import scenery
from langchain_fal_image.sandbox.drawing.canvas import Canvas, make_gradient
from langchain_fal_image.sandbox.drawing.caption import INK, PAPER, compute_band_height
from langchain_fal_image.sandbox.drawing.palette import PALETTES, TINTS
from langchain_fal_image.sandbox.drawing.scene import place_things
from langchain_fal_image.sandbox.drawing.things import find_things
from langchain_fal_image.sandbox.drawing.weather import draw_weather

__all__ = ["edit_images"]

_NIGHT = frozenset({"night", "midnight", "dark", "nacht"})
_GREY = frozenset({"grayscale", "greyscale", "monochrome"})
_SEPIA = frozenset({"sepia", "vintage", "old"})
_BLUE = frozenset({"blue", "bluer"})
_QUOTED = re.compile(r"[\"'\u2018\u201c]([^\"'\u2019\u201d]{1,40})[\"'\u2019\u201d]")


def edit_images(
    inputs: Sequence[Image.Image],
    *,
    prompt: str,
    words: Sequence[str],
    mask: Image.Image | None,
    size: tuple[int, int],
    rng: random.Random,
) -> Canvas:
    """Draw the inputs on one image and change it as the prompt says.

    Text in quotes in the prompt is written on it. Only white areas of the mask change.
    """
    before = _arrange(inputs, size)
    named = frozenset(words)
    is_night = bool(_NIGHT & named)
    palette = PALETTES["night" if is_night else "day"]
    canvas = Canvas(_change_tone(before.copy(), words), palette, rng)
    if is_night:
        scenery.draw_stars(canvas, low=0.4)
    if is_night or "moon" in named:
        _draw_moon(canvas)
    elif {"sun", "sunny"} & named:
        _draw_sun(canvas)
    place_things(canvas, words, is_edit=True)
    draw_weather(canvas, named)
    _write_quoted(canvas, prompt)
    if ImageChops.difference(canvas.image, before).getbbox() is None:
        _retouch(canvas)
    if mask:
        allowed = mask.convert("L").resize(size)
        canvas.replace(Image.composite(canvas.image, before, allowed))
    return canvas


def _arrange(inputs: Sequence[Image.Image], size: tuple[int, int]) -> Image.Image:
    """Put the inputs on one image so that each is visible."""
    if len(inputs) == 1:
        return ImageOps.fit(inputs[0], size, Image.Resampling.BICUBIC)
    wide, high = size
    image = Image.new("RGB", size, PAPER)
    room = high - compute_band_height(size)
    columns = min(len(inputs), max(1, round((len(inputs) * wide / room) ** 0.5)))
    rows = -(-len(inputs) // columns)
    gap = max(2, min(size) // 60)
    for number, each in enumerate(inputs):
        row, column = divmod(number, columns)
        in_row = min(columns, len(inputs) - row * columns)
        across = (wide - gap * (in_row + 1)) // in_row
        down = (room - gap * (rows + 1)) // rows
        place = (gap + column * (across + gap), gap + row * (down + gap))
        fitted = (max(1, across), max(1, down))
        image.paste(ImageOps.fit(each, fitted, Image.Resampling.BICUBIC), place)
    return image


def _change_tone(image: Image.Image, words: Sequence[str]) -> Image.Image:
    """Tint, darken or brighten an image as the words say."""
    named = frozenset(words)
    if _NIGHT & named:
        image = ImageEnhance.Color(image).enhance(0.75)
        veil = [(58, 72, 126), (74, 90, 142), (94, 104, 152)]
        dark = ImageChops.multiply(image, make_gradient(image.size, veil))
        return Image.blend(dark, image, 0.16)
    grey = ImageOps.grayscale(image)
    if _GREY & named or {"black", "white"} <= named:
        return grey.convert("RGB")
    if _SEPIA & named:
        return ImageOps.colorize(grey, (52, 34, 20), (252, 240, 214))
    for names, colour, strength in TINTS:
        # If the words name a thing, blue is the colour of that thing, not a tint.
        if names & named and not (names == _BLUE and find_things(words)):
            return Image.blend(image, Image.new("RGB", image.size, colour), strength)
    return image


def _draw_moon(canvas: Canvas) -> None:
    x = canvas.width * canvas.rng.choice((0.2, 0.5, 0.8))
    y = canvas.height * canvas.rng.uniform(0.13, 0.2)
    scenery.draw_moon(canvas, (x, y), canvas.unit * 0.065, (250, 244, 216))


def _draw_sun(canvas: Canvas) -> None:
    x = canvas.width * canvas.rng.choice((0.22, 0.78))
    y = canvas.height * canvas.rng.uniform(0.15, 0.22)
    canvas.draw_glow((x, y), canvas.unit * 0.4, (255, 232, 160))
    canvas.draw_disc((x, y), canvas.unit * 0.08, (255, 236, 170))


def _write_quoted(canvas: Canvas, prompt: str) -> None:
    """Write the quoted part of the prompt."""
    found = _QUOTED.search(prompt)
    if not found:
        return
    wide, high = canvas.width, canvas.height
    size = max(8, round(min(high * 0.12, wide * 1.5 / max(4, len(found[1])))))
    font = ImageFont.load_default(size)
    canvas.pen.text(
        ((wide - font.getlength(found[1])) / 2, high * 0.08),
        found[1],
        font=font,
        fill=PAPER,
        stroke_width=max(1, size // 14),
        stroke_fill=INK,
    )


def _retouch(canvas: Canvas) -> None:
    """Change colours and add a frame, for a prompt without known words."""
    rng, image = canvas.rng, canvas.image
    turned = ImageOps.colorize(
        ImageOps.grayscale(image),
        black=rng.choice([(30, 24, 60), (20, 50, 50), (60, 24, 40)]),
        white=PAPER,
        mid=rng.choice([(200, 120, 90), (90, 150, 160), (150, 120, 180)]),
    )
    canvas.replace(Image.blend(image, turned, 0.5))
    frame = (0, 0, canvas.width - 1, canvas.height - 1)
    canvas.pen.rectangle(frame, outline=PAPER, width=max(2, canvas.unit // 40))
