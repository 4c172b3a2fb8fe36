"""The parts of a landscape: sky, mountains, water, a city."""

from __future__ import annotations

import math

from PIL import Image, ImageFilter

from langchain_fal_image.sandbox.drawing.canvas import Canvas, Point, make_gradient
from langchain_fal_image.sandbox.drawing.palette import Colour, mix

__all__ = [
    "draw_city",
    "draw_clouds",
    "draw_moon",
    "draw_ridge",
    "draw_stars",
    "draw_volcano",
    "draw_water",
]

_WHITE: Colour = (255, 255, 255)


def draw_moon(canvas: Canvas, centre: Point, radius: float, colour: Colour) -> None:
    """Draw a full moon with a glow and dark patches."""
    x, y = centre
    canvas.draw_glow(centre, radius * 3.2, mix(colour, (120, 140, 190), 0.55))
    canvas.draw_disc(centre, radius, colour)
    sea = mix(colour, (190, 186, 176), 0.45)
    for dx, dy, part in ((-0.3, -0.25, 0.22), (0.28, 0.1, 0.3), (-0.1, 0.45, 0.16)):
        canvas.draw_disc((x + dx * radius, y + dy * radius), part * radius, sea)


def draw_stars(canvas: Canvas, *, low: float = 0.55) -> None:
    """Draw stars in the sky, down to a fraction of the height."""
    rng, unit = canvas.rng, canvas.unit / 500
    for _ in range(120):
        place = (
            rng.random() * canvas.width,
            rng.random() ** 1.4 * canvas.height * low,
        )
        shade = rng.randint(150, 255)
        canvas.draw_disc(place, unit * rng.choice((0.5, 0.6, 0.8, 1.3)), (shade,) * 3)


def draw_clouds(canvas: Canvas, colour: Colour, count: int) -> None:
    """Draw soft clouds with flat undersides in the upper sky."""
    rng = canvas.rng
    small = Canvas(canvas.make_mask(scale=2), canvas.palette, rng)
    for _ in range(count):
        x = rng.uniform(0, canvas.width / 2)
        y = rng.uniform(0.08, 0.36) * canvas.height / 2
        reach = rng.uniform(0.07, 0.16) * canvas.width / 2
        for step in range(6):
            part = (step - 2.5) / 3
            size = reach * (0.32 - 0.2 * abs(part)) * rng.uniform(0.8, 1.2)
            centre = x + part * reach
            puff = (centre - size * 1.7, y - size, centre + size * 1.7, y + size * 0.55)
            small.pen.ellipse(puff, fill=170)
    blur = ImageFilter.GaussianBlur(max(1, canvas.width / 400))
    canvas.paste(colour, small.image.filter(blur).resize(canvas.image.size))


def draw_ridge(
    canvas: Canvas,
    *,
    base: float,
    height: float,
    colour: Colour,
    is_smooth: bool = False,
) -> None:
    """Draw mountains or hills; `base` and `height` are fractions of the height."""
    rng = canvas.rng
    waves = [
        (rng.uniform(0.6, 1.4) * scale, rng.uniform(0, 7), weight)
        for scale, weight in ((3, 0.55), (7, 0.28), (15, 0.12), (34, 0.05))
    ]

    def rise(across: float) -> float:
        if is_smooth:
            return sum(
                weight * (0.5 + 0.5 * math.sin(across * rate + phase))
                for rate, phase, weight in waves[:2]
            )
        return sum(
            weight * (1 - abs(math.sin(across * rate + phase)))
            for rate, phase, weight in waves
        )

    wide, high = canvas.width, canvas.height
    line = [
        (step / 128 * wide, high * (base - height * rise(step / 128)))
        for step in range(129)
    ]
    canvas.pen.polygon([*line, (wide, high), (0, high)], fill=colour)


def draw_volcano(canvas: Canvas, *, centre: float, base: float, top: float) -> None:
    """Draw a volcano with snow; coordinates are fractions of width and height."""
    rng, palette = canvas.rng, canvas.palette
    wide, high = canvas.width, canvas.height
    reach = min(wide * 0.62, high * 0.95)
    rise = (base - top) * high
    crater = reach * 0.045
    middle, foot = centre * wide, base * high
    slope = [
        (crater + (reach - crater) * step / 40, rise * (1 - step / 40) ** 1.75)
        for step in range(41)
    ]
    right = [(middle + x, foot - y) for x, y in slope]
    left = [(middle - x, foot - y) for x, y in reversed(slope)]
    face = mix(palette.far, palette.near, 0.55)
    canvas.pen.polygon([*left, *right], fill=face)
    edge = [
        (middle + reach * 0.5 * part * rng.uniform(0.5, 1.0), foot - rise * (1 - part))
        for part in (1.0, 0.8, 0.62, 0.45, 0.28, 0.12)
    ]
    shade = [(middle + crater * 0.3, foot - rise), *right, *edge]
    canvas.pen.polygon(shade, fill=mix(face, palette.near, 0.5))
    white = mix((250, 248, 244), palette.sky[1], 0.3 if palette.is_dark else 0.06)
    cap = [point for point in [*left, *right] if foot - point[1] > rise * 0.58]
    low = foot - rise * 0.58
    first, last = cap[0][0], cap[-1][0]
    teeth = []
    for step in range(13):
        x = last + (first - last) * step / 12
        deep = rng.uniform(0.04, 0.2) if step % 2 else rng.uniform(-0.1, 0.02)
        teeth.append((x, low + rise * deep * (0.4 if step in {0, 12} else 1)))
    canvas.pen.polygon([*cap, *teeth], fill=white)
    side = [point for point in cap if point[0] >= middle]
    inner = [(middle + (x - middle) * 0.5, y) for x, y in reversed(side)]
    canvas.pen.polygon([*side, *inner], fill=mix(white, palette.far, 0.35))


def draw_water(canvas: Canvas, *, top: float) -> None:
    """Draw water with a reflection, from a fraction of the height to the bottom."""
    rng, palette = canvas.rng, canvas.palette
    wide, line = canvas.width, round(top * canvas.height)
    depth = canvas.height - line
    if depth < 2:  # noqa: PLR2004 - nothing to draw on
        return
    mirror = canvas.image.crop((0, max(0, line - depth), wide, line))
    mirror = mirror.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((wide, depth))
    mirror = mirror.filter(ImageFilter.GaussianBlur(max(1, wide / 500)))
    surface = make_gradient((wide, depth), palette.water)
    water = Canvas(Image.blend(surface, mirror, 0.38), palette, rng)
    tone = mix(palette.water[0], _WHITE, 0.25 if palette.is_dark else 0.5)
    for _ in range(70):
        y = rng.random() ** 1.3 * depth
        length = wide * rng.uniform(0.02, 0.09) * (0.4 + y / depth)
        x = rng.uniform(-0.05, 1) * wide
        thick = max(1, round(depth / 260 * (1 + y / depth)))
        water.pen.line((x, y, x + length, y), fill=tone, width=thick)
    canvas.image.paste(water.image, (0, line))


def draw_city(canvas: Canvas, *, base: float) -> None:
    """Draw a skyline with lit windows."""
    rng, palette, pen = canvas.rng, canvas.palette, canvas.pen
    wide, high = canvas.width, canvas.height
    for depth, part in ((0.34, 0.35), (0.22, 0.8)):
        colour = mix(palette.far, palette.near, part)
        lit = (255, 214, 130) if palette.is_dark else mix(colour, _WHITE, 0.3)
        x = -0.02 * wide
        while x < wide:
            across = rng.uniform(0.035, 0.085) * wide
            top = (base - depth * rng.uniform(0.35, 1)) * high
            pen.rectangle((x, top, x + across, high), fill=colour)
            if rng.random() < 0.25:  # noqa: PLR2004 - one in four has a mast
                mast = x + across / 2
                pen.line((mast, top, mast, top - 0.04 * high), fill=colour, width=3)
            cell = across / 6
            for row in range(int((base * high - top) / (cell * 1.6))):
                for column in range(4):
                    if rng.random() < (0.42 if palette.is_dark else 0.6):
                        left = x + cell * (0.8 + column * 1.25)
                        above = top + cell * (0.8 + row * 1.6)
                        window = (left, above, left + cell * 0.6, above + cell * 0.8)
                        pen.rectangle(window, fill=lit)
            x += across * rng.uniform(0.9, 1.15)
