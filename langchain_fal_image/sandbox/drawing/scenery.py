"""Skies, mountains, water, weather: what a scene is made of."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from langchain_fal_image.sandbox.drawing.palette import Colour, Palette, mixed

__all__ = [
    "city",
    "clouds",
    "cone",
    "fog",
    "glow",
    "gradient",
    "grain",
    "moon",
    "petals",
    "rain",
    "ridge",
    "snow",
    "stars",
    "water",
]


def gradient(size: tuple[int, int], colours: Sequence[Colour]) -> Image.Image:
    """Fill a picture from top to bottom with colours that run into each other."""
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata(list(colours))
    # Twice as many rows, so that the outer colours are not cut to half.
    return strip.resize((1, 256), Image.Resampling.BICUBIC).resize(size)


def glow(
    picture: Image.Image, centre: tuple[float, float], radius: float, colour: Colour
) -> None:
    """Lighten the surroundings of a light."""
    side = max(2, round(radius * 2))
    mask = ImageChops.invert(Image.radial_gradient("L").resize((side, side)))
    mask = mask.point(lambda value: max(0, value - 70) * 200 // 185)
    place = (round(centre[0] - radius), round(centre[1] - radius))
    picture.paste(Image.new("RGB", (side, side), colour), place, mask)


def moon(
    picture: Image.Image, centre: tuple[float, float], radius: float, colour: Colour
) -> None:
    """Draw a full moon with its glow and a few seas."""
    glow(picture, centre, radius * 3.2, mixed(colour, (120, 140, 190), 0.55))
    draw = ImageDraw.Draw(picture)
    disc(draw, centre, radius, colour)
    for dx, dy, part in ((-0.3, -0.25, 0.22), (0.28, 0.1, 0.3), (-0.1, 0.45, 0.16)):
        sea = (centre[0] + dx * radius, centre[1] + dy * radius)
        disc(draw, sea, part * radius, mixed(colour, (190, 186, 176), 0.45))


def disc(
    draw: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    radius: float,
    colour: Colour,
) -> None:
    """Draw a filled circle."""
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def stars(picture: Image.Image, chance: random.Random, *, low: float = 0.55) -> None:
    """Sprinkle stars over the sky, down to a part of the height."""
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    unit = min(width, height) / 500
    for _ in range(120):
        place = (chance.random() * width, chance.random() ** 1.4 * height * low)
        shade = chance.randint(150, 255)
        disc(draw, place, unit * chance.choice((0.5, 0.6, 0.8, 1.3)), (shade,) * 3)


def clouds(
    picture: Image.Image, chance: random.Random, colour: Colour, count: int
) -> None:
    """Let soft, flat-bottomed clouds drift through the upper sky."""
    width, height = picture.size
    mask = Image.new("L", (width // 2, height // 2))
    draw = ImageDraw.Draw(mask)
    for _ in range(count):
        x = chance.uniform(0, width / 2)
        y = chance.uniform(0.08, 0.36) * height / 2
        reach = chance.uniform(0.07, 0.16) * width / 2
        for step in range(6):
            part = (step - 2.5) / 3
            size = reach * (0.32 - 0.2 * abs(part)) * chance.uniform(0.8, 1.2)
            centre = x + part * reach
            draw.ellipse(
                (centre - size * 1.7, y - size, centre + size * 1.7, y + size * 0.55),
                fill=170,
            )
    blur = ImageFilter.GaussianBlur(max(1, width / 400))
    mask = mask.filter(blur).resize((width, height))
    picture.paste(Image.new("RGB", (width, height), colour), (0, 0), mask)


def ridge(
    picture: Image.Image,
    chance: random.Random,
    *,
    base: float,
    height: float,
    colour: Colour,
    smooth: bool = False,
) -> None:
    """Draw a line of mountains or hills that fills all below it.

    Args:
        picture: Drawn on.
        chance: Decides its line.
        base: Where it lies, as a part of the picture's height.
        height: How far it rises, likewise.
        colour: Of its face.
        smooth: Hills instead of peaks.
    """
    wide, high = picture.size
    waves = [
        (chance.uniform(0.6, 1.4) * scale, chance.uniform(0, 7), weight)
        for scale, weight in ((3, 0.55), (7, 0.28), (15, 0.12), (34, 0.05))
    ]
    if smooth:
        waves = waves[:2]
    points = []
    for step in range(129):
        across = step / 128
        rise = sum(
            weight * (1 - abs(math.sin(across * rate + phase)))
            if not smooth
            else weight * (0.5 + 0.5 * math.sin(across * rate + phase))
            for rate, phase, weight in waves
        )
        points.append((across * wide, high * (base - height * rise)))
    ImageDraw.Draw(picture).polygon([*points, (wide, high), (0, high)], fill=colour)


def cone(
    picture: Image.Image,
    *,
    centre: float,
    base: float,
    top: float,
    palette: Palette,
    chance: random.Random,
) -> None:
    """Draw a lone volcano with snow, such as Mount Fuji.

    Args:
        picture: Drawn on.
        centre: Of the summit, as a part of the width.
        base: Of its foot, as a part of the height.
        top: Of its summit, likewise.
        palette: Its colours.
        chance: Decides the edge of the snow.
    """
    wide, high = picture.size
    reach = min(wide * 0.62, high * 0.95)
    rise = (base - top) * high
    crater = reach * 0.045
    sides: list[tuple[float, float]] = []
    for step in range(41):
        part = step / 40
        sides.append((crater + (reach - crater) * part, rise * (1 - part) ** 1.75))
    middle, foot = centre * wide, base * high
    right = [(middle + x, foot - y) for x, y in sides]
    left = [(middle - x, foot - y) for x, y in reversed(sides)]
    face = mixed(palette.far, palette.near, 0.55)
    draw = ImageDraw.Draw(picture)
    draw.polygon([*left, *right], fill=face)
    shade = [(middle + crater * 0.3, foot - rise), *right]
    jag = [
        (
            middle + reach * 0.5 * part * chance.uniform(0.5, 1.0),
            foot - rise * (1 - part),
        )
        for part in (1.0, 0.8, 0.62, 0.45, 0.28, 0.12)
    ]
    draw.polygon([*shade, *jag], fill=mixed(face, palette.near, 0.5))
    snow_white = mixed((250, 248, 244), palette.sky[1], 0.3 if palette.dark else 0.06)
    cap = [point for point in [*left, *right] if foot - point[1] > rise * 0.58]
    low = foot - rise * 0.58
    first, last = cap[0][0], cap[-1][0]
    teeth = []
    for step in range(13):
        x = last + (first - last) * step / 12
        deep = chance.uniform(0.04, 0.2) if step % 2 else chance.uniform(-0.1, 0.02)
        teeth.append((x, low + rise * deep * (0.4 if step in {0, 12} else 1)))
    draw.polygon([*cap, *teeth], fill=snow_white)
    shadow = [point for point in cap if point[0] >= middle]
    inner = [(middle + (x - middle) * 0.5, y) for x, y in reversed(shadow)]
    draw.polygon([*shadow, *inner], fill=mixed(snow_white, palette.far, 0.35))


def water(
    picture: Image.Image, chance: random.Random, *, top: float, palette: Palette
) -> None:
    """Lay water from a height down, with what stands above mirrored in it."""
    wide, high = picture.size
    line = round(top * high)
    depth = high - line
    if depth < 2:  # noqa: PLR2004 - nothing to draw on
        return
    surface = gradient((wide, depth), palette.water)
    mirror = picture.crop((0, max(0, line - depth), wide, line))
    mirror = mirror.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((wide, depth))
    mirror = mirror.filter(ImageFilter.GaussianBlur(max(1, wide / 500)))
    surface = Image.blend(surface, mirror, 0.38)
    draw = ImageDraw.Draw(surface)
    for _ in range(70):
        y = chance.random() ** 1.3 * depth
        length = wide * chance.uniform(0.02, 0.09) * (0.4 + y / depth)
        x = chance.uniform(-0.05, 1) * wide
        tone = mixed(palette.water[0], (255, 255, 255), 0.25 if palette.dark else 0.5)
        thick = max(1, round(depth / 260 * (1 + y / depth)))
        draw.line((x, y, x + length, y), fill=tone, width=thick)
    picture.paste(surface, (0, line))


def city(
    picture: Image.Image, chance: random.Random, *, base: float, palette: Palette
) -> None:
    """Raise a skyline, its windows lit at night."""
    wide, high = picture.size
    draw = ImageDraw.Draw(picture)
    for depth, part in ((0.34, 0.35), (0.22, 0.8)):
        colour = mixed(palette.far, palette.near, part)
        lit = (255, 214, 130) if palette.dark else mixed(colour, (255, 255, 255), 0.3)
        x = -0.02 * wide
        while x < wide:
            across = chance.uniform(0.035, 0.085) * wide
            top = (base - depth * chance.uniform(0.35, 1)) * high
            draw.rectangle((x, top, x + across, high), fill=colour)
            if chance.random() < 0.25:  # noqa: PLR2004 - one in four has a mast
                mast = x + across / 2
                draw.line((mast, top, mast, top - 0.04 * high), fill=colour, width=3)
            cell = across / 6
            for row in range(int((base * high - top) / (cell * 1.6))):
                for column in range(4):
                    if chance.random() < (0.42 if palette.dark else 0.6):
                        left = x + cell * (0.8 + column * 1.25)
                        above = top + cell * (0.8 + row * 1.6)
                        window = (left, above, left + cell * 0.6, above + cell * 0.8)
                        draw.rectangle(window, fill=lit)
            x += across * chance.uniform(0.9, 1.15)


def snow(picture: Image.Image, chance: random.Random) -> None:
    """Let it snow."""
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    unit = min(width, height) / 300
    for _ in range(260):
        place = (chance.random() * width, chance.random() * height)
        disc(draw, place, unit * chance.uniform(0.4, 1.6), (250, 250, 252))


def rain(picture: Image.Image, chance: random.Random) -> None:
    """Let it rain."""
    width, height = picture.size
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    long = height / 14
    for _ in range(340):
        x, y = chance.uniform(-0.1, 1) * width, chance.uniform(-0.1, 1) * height
        thick = max(1, round(min(width, height) / 420))
        end = (x + long * 0.22, y + long)
        draw.line((x, y, *end), fill=chance.randint(60, 140), width=thick)
    picture.paste(Image.new("RGB", picture.size, (214, 226, 240)), (0, 0), mask)


def fog(picture: Image.Image) -> None:
    """Let fog rise from the lower half."""
    width, height = picture.size
    mask = Image.linear_gradient("L").resize((width, height))
    mask = mask.point(lambda value: value * 3 // 5)
    picture.paste(Image.new("RGB", picture.size, (226, 228, 230)), (0, 0), mask)


def petals(picture: Image.Image, chance: random.Random, colour: Colour) -> None:
    """Let petals drift through the air."""
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    unit = min(width, height) / 130
    for _ in range(70):
        x, y = chance.random() * width, chance.random() * height
        size = unit * chance.uniform(0.4, 1)
        tone = mixed(colour, (255, 255, 255), chance.uniform(0, 0.5))
        draw.ellipse((x, y, x + size * 1.5, y + size), fill=tone)


def grain(picture: Image.Image) -> Image.Image:
    """Give the picture the tooth of paper."""
    width, height = picture.size
    # The same tooth every time: Pillow's own noise cannot be seeded.
    speckles = random.Random(7).randbytes(256 * 256)  # noqa: S311 - no secret
    tile = Image.frombytes("L", (256, 256), speckles).filter(ImageFilter.BoxBlur(1))
    noise = Image.new("L", (width, height))
    for x in range(0, width, 256):
        for y in range(0, height, 256):
            noise.paste(tile, (x, y))
    return Image.blend(picture, ImageChops.overlay(picture, noise.convert("RGB")), 0.14)
