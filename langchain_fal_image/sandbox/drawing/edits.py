"""Changes to pictures by an instruction's words."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFont, ImageOps

from langchain_fal_image.sandbox.drawing import scenery
from langchain_fal_image.sandbox.drawing.caption import INK, PAPER, band_height
from langchain_fal_image.sandbox.drawing.palette import Colour
from langchain_fal_image.sandbox.drawing.scene import named_things

__all__ = ["NIGHT", "arranged", "moonrise", "quoted", "retouched", "sunrise", "toned"]

NIGHT = frozenset({"night", "midnight", "dark", "nacht"})
"""The words that turn a picture into night."""


def arranged(inputs: Sequence[Image.Image], size: tuple[int, int]) -> Image.Image:
    """Lay the inputs out so that all are to be seen."""
    wide, high = size
    band = band_height(size)
    prints = [each.convert("RGB") for each in inputs]
    if len(prints) == 1:
        return ImageOps.fit(prints[0], size, Image.Resampling.BICUBIC)
    picture = Image.new("RGB", size, PAPER)
    room = high - band
    columns = min(len(prints), max(1, round((len(prints) * wide / room) ** 0.5)))
    rows = -(-len(prints) // columns)
    gap = max(2, min(size) // 60)
    for number, each in enumerate(prints):
        row, column = divmod(number, columns)
        in_row = min(columns, len(prints) - row * columns)
        across = (wide - gap * (in_row + 1)) // in_row
        down = (room - gap * (rows + 1)) // rows
        place = (gap + column * (across + gap), gap + row * (down + gap))
        picture.paste(
            ImageOps.fit(
                each, (max(1, across), max(1, down)), Image.Resampling.BICUBIC
            ),
            place,
        )
    return picture


def toned(picture: Image.Image, words: list[str]) -> Image.Image:
    """Tint, darken or brighten a picture as the words ask for."""
    named = set(words)
    if NIGHT & named:
        picture = ImageEnhance.Color(picture).enhance(0.75)
        veil = scenery.gradient(
            picture.size, [(58, 72, 126), (74, 90, 142), (94, 104, 152)]
        )
        return Image.blend(ImageChops.multiply(picture, veil), picture, 0.16)
    tints: list[tuple[set[str], Colour, float]] = [
        (
            {"sunset", "dusk", "evening", "warm", "warmer", "golden"},
            (250, 150, 80),
            0.34,
        ),
        ({"winter", "cold", "colder", "ice"}, (190, 214, 240), 0.38),
        ({"autumn", "fall"}, (214, 140, 70), 0.3),
        ({"spring"}, (250, 200, 210), 0.26),
        ({"darker"}, (16, 18, 34), 0.4),
        ({"brighter", "lighter", "bright"}, (255, 250, 236), 0.32),
        ({"blue", "bluer"}, (70, 120, 210), 0.28),
    ]
    if {"grayscale", "greyscale", "monochrome"} & named or {"black", "white"} <= named:
        return ImageOps.grayscale(picture).convert("RGB")
    if {"sepia", "vintage", "old"} & named:
        return ImageOps.colorize(
            ImageOps.grayscale(picture), (52, 34, 20), (252, 240, 214)
        )
    if named_things(words):
        # A colour then belongs to the thing.
        tints = tints[:-1]
    for keys, colour, part in tints:
        if keys & named:
            return Image.blend(picture, Image.new("RGB", picture.size, colour), part)
    return picture


def moonrise(picture: Image.Image, chance: random.Random) -> None:
    """Let the moon rise."""
    wide, high = picture.size
    place = (wide * chance.choice((0.2, 0.5, 0.8)), high * chance.uniform(0.13, 0.2))
    scenery.moon(picture, place, min(wide, high) * 0.065, (250, 244, 216))


def sunrise(picture: Image.Image, chance: random.Random) -> None:
    """Let the sun rise."""
    wide, high = picture.size
    place = (wide * chance.choice((0.22, 0.78)), high * chance.uniform(0.15, 0.22))
    scenery.glow(picture, place, min(wide, high) * 0.4, (255, 232, 160))
    scenery.disc(
        ImageDraw.Draw(picture), place, min(wide, high) * 0.08, (255, 236, 170)
    )


def quoted(picture: Image.Image, prompt: str) -> None:
    """Letter what the prompt puts into quotes."""
    found = re.search(
        r"[\"'\u2018\u201c]([^\"'\u2019\u201d]{1,40})[\"'\u2019\u201d]", prompt
    )
    if not found:
        return
    wide, high = picture.size
    size = max(8, round(min(high * 0.12, wide * 1.5 / max(4, len(found[1])))))
    font = ImageFont.load_default(size)
    pen = ImageDraw.Draw(picture)
    x = (wide - font.getlength(found[1])) / 2
    pen.text(
        (x, high * 0.08),
        found[1],
        font=font,
        fill=PAPER,
        stroke_width=max(1, size // 14),
        stroke_fill=INK,
    )


def retouched(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Change a picture where no word says how: other colours, and a frame."""
    turned = ImageOps.colorize(
        ImageOps.grayscale(picture),
        black=chance.choice([(30, 24, 60), (20, 50, 50), (60, 24, 40)]),
        white=PAPER,
        mid=chance.choice([(200, 120, 90), (90, 150, 160), (150, 120, 180)]),
    )
    picture = Image.blend(picture, turned, 0.5)
    wide, high = picture.size
    edge = max(2, min(wide, high) // 40)
    ImageDraw.Draw(picture).rectangle(
        (0, 0, wide - 1, high - 1), outline=PAPER, width=edge
    )
    return picture
