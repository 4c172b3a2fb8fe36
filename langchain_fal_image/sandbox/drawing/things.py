"""Things that a prompt may name, drawn flat: a kite, a cat, a boat.

Each is drawn into a box: `x`, `y` are its middle, `s` half its height, in pixels.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from PIL import ImageDraw

from langchain_fal_image.sandbox.drawing.palette import COLOURS, Colour, mixed

__all__ = ["AERIAL", "THINGS", "Brush", "tree"]


class Brush:
    """Draws shapes relative to a middle and a half height."""

    def __init__(self, draw: ImageDraw.ImageDraw, x: float, y: float, s: float) -> None:
        self._draw = draw
        self._x, self._y, self._s = x, y, s

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Give a point of the box in pixels."""
        return self._x + x * self._s, self._y + y * self._s

    def shape(self, *points: tuple[float, float], fill: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon([self.at(*point) for point in points], fill=fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """Fill an ellipse."""
        box = (*self.at(x - rx, y - ry), *self.at(x + rx, y + ry))
        self._draw.ellipse(box, fill=fill)

    def box(
        self, left: float, top: float, right: float, low: float, fill: Colour
    ) -> None:
        """Fill a rectangle with slightly round corners."""
        corners = (*self.at(left, top), *self.at(right, low))
        self._draw.rounded_rectangle(corners, self._s * 0.06, fill=fill)

    def line(
        self, *points: tuple[float, float], fill: Colour, width: float = 0.06
    ) -> None:
        """Draw a line; its width is in half heights."""
        thick = max(1, round(width * self._s))
        self._draw.line(
            [self.at(*point) for point in points], fill=fill, width=thick, joint="curve"
        )


def _lighter(colour: Colour) -> Colour:
    return mixed(colour, (255, 255, 255), 0.35)


def _darker(colour: Colour) -> Colour:
    return mixed(colour, (20, 20, 34), 0.35)


def _kite(b: Brush, colour: Colour) -> None:
    tail = [
        (0.12 * math.sin(step * 1.1) - 0.07 * step, 0.62 + 0.16 * step)
        for step in range(10)
    ]
    b.line(*tail, fill=_darker(colour), width=0.04)
    for x, y in tail[2::2]:
        b.shape(
            (x - 0.13, y - 0.09), (x, y), (x - 0.13, y + 0.09), fill=_lighter(colour)
        )
        b.shape((x + 0.13, y - 0.09), (x, y), (x + 0.13, y + 0.09), fill=colour)
    b.shape((0.1, -1), (0.62, -0.28), (0, 0.62), (-0.48, -0.4), fill=colour)
    b.shape((0.1, -1), (0.62, -0.28), (0.07, -0.34), fill=_lighter(colour))
    b.shape((0, 0.62), (-0.48, -0.4), (0.07, -0.34), fill=_darker(colour))


def _balloon(b: Brush, colour: Colour) -> None:
    b.oval(0, -0.35, 0.58, 0.65, colour)
    b.oval(0, -0.35, 0.3, 0.65, _lighter(colour))
    b.oval(0, -0.35, 0.1, 0.65, colour)
    b.line((-0.36, 0.16), (-0.14, 0.66), fill=_darker(colour), width=0.03)
    b.line((0.36, 0.16), (0.14, 0.66), fill=_darker(colour), width=0.03)
    b.box(-0.17, 0.66, 0.17, 0.92, COLOURS["brown"])


def _bird(b: Brush, colour: Colour) -> None:
    for x, y, size in ((0, 0, 1), (-1.1, 0.5, 0.7), (1.0, 0.7, 0.6)):
        wing = [(x - 0.5 * size, y - 0.25 * size), (x - 0.2 * size, y - 0.3 * size)]
        wing += [(x, y), (x + 0.2 * size, y - 0.3 * size)]
        wing += [(x + 0.5 * size, y - 0.25 * size)]
        b.line(*wing, fill=_darker(colour), width=0.09 * size)


def _star(b: Brush, colour: Colour) -> None:
    points = []
    for step in range(10):
        reach = 0.9 if step % 2 == 0 else 0.38
        angle = math.pi * step / 5 - math.pi / 2
        points.append((reach * math.cos(angle), reach * math.sin(angle)))
    b.shape(*points, fill=_lighter(colour))


def _boat(b: Brush, colour: Colour) -> None:
    b.shape((-0.9, 0.45), (0.95, 0.45), (0.6, 0.85), (-0.6, 0.85), fill=_darker(colour))
    b.line((0, 0.45), (0, -1), fill=COLOURS["brown"], width=0.06)
    b.shape((0.06, -0.92), (0.78, 0.3), (0.06, 0.3), fill=COLOURS["white"])
    b.shape((-0.06, -0.7), (-0.56, 0.3), (-0.06, 0.3), fill=_lighter(colour))


def _house(b: Brush, colour: Colour) -> None:
    b.box(-0.7, -0.1, 0.7, 0.95, COLOURS["white"])
    b.shape((-0.95, -0.05), (0, -0.9), (0.95, -0.05), fill=colour)
    b.box(-0.16, 0.4, 0.16, 0.95, COLOURS["brown"])
    b.box(-0.52, 0.15, -0.26, 0.42, (255, 214, 130))
    b.box(0.26, 0.15, 0.52, 0.42, (255, 214, 130))


def _lighthouse(b: Brush, colour: Colour) -> None:
    b.shape(
        (-0.3, 0.95), (0.3, 0.95), (0.18, -0.55), (-0.18, -0.55), fill=(246, 243, 236)
    )
    for top in (-0.3, 0.2, 0.7):
        wide = 0.19 + (top + 0.55) * 0.08
        b.shape(
            (-wide, top),
            (wide, top),
            (wide + 0.02, top + 0.2),
            (-wide - 0.02, top + 0.2),
            fill=colour,
        )
    b.box(-0.16, -0.8, 0.16, -0.55, (255, 226, 140))
    b.shape((-0.24, -0.8), (0, -1), (0.24, -0.8), fill=_darker(colour))


def _cat(b: Brush, colour: Colour) -> None:
    b.line((0.5, 0.85), (0.9, 0.6), (0.85, 0.1), (1.0, -0.1), fill=colour, width=0.16)
    b.oval(0.1, 0.5, 0.52, 0.52, colour)
    b.oval(0, -0.3, 0.42, 0.37, colour)
    b.shape((-0.42, -0.3), (-0.36, -0.85), (-0.05, -0.6), fill=colour)
    b.shape((0.42, -0.3), (0.36, -0.85), (0.05, -0.6), fill=colour)
    for side in (-0.16, 0.16):
        b.oval(side, -0.34, 0.07, 0.09, (250, 220, 120))
        b.oval(side, -0.34, 0.025, 0.08, (20, 20, 24))
    b.shape((-0.05, -0.2), (0.05, -0.2), (0, -0.14), fill=(232, 140, 140))
    b.oval(0.1, 0.62, 0.22, 0.3, _lighter(colour))


def _dog(b: Brush, colour: Colour) -> None:
    b.line((0.62, 0.3), (0.98, -0.15), fill=colour, width=0.14)
    b.oval(0.15, 0.35, 0.62, 0.34, colour)
    for x in (-0.32, -0.1, 0.45, 0.62):
        b.box(
            x - 0.08,
            0.45,
            x + 0.08,
            0.98,
            _darker(colour) if x in {-0.1, 0.45} else colour,
        )
    b.oval(-0.5, -0.15, 0.36, 0.34, colour)
    b.oval(-0.82, 0, 0.22, 0.17, _lighter(colour))
    b.oval(-0.25, -0.1, 0.13, 0.34, _darker(colour))
    b.oval(-0.56, -0.24, 0.05, 0.06, (24, 22, 24))
    b.oval(-0.98, -0.05, 0.07, 0.06, (24, 22, 24))


def _robot(b: Brush, colour: Colour) -> None:
    metal, dark = _lighter(colour), _darker(colour)
    b.line((0, -0.8), (0, -1), fill=dark, width=0.05)
    b.oval(0, -1, 0.08, 0.08, COLOURS["red"])
    b.box(-0.4, -0.82, 0.4, -0.25, metal)
    for side in (-0.17, 0.17):
        b.oval(side, -0.56, 0.1, 0.1, dark)
        b.oval(side, -0.56, 0.05, 0.05, (150, 230, 240))
    b.box(-0.16, -0.4, 0.16, -0.34, dark)
    b.box(-0.5, -0.18, 0.5, 0.5, colour)
    b.oval(0, 0.06, 0.13, 0.13, (255, 206, 110))
    for side in (-1, 1):
        b.line(
            (0.5 * side, -0.05),
            (0.72 * side, 0.3),
            (0.5 * side, 0.5),
            fill=metal,
            width=0.13,
        )
        b.box(0.25 * side - 0.12, 0.5, 0.25 * side + 0.12, 0.95, dark)


def _person(b: Brush, colour: Colour) -> None:
    skin = (226, 180, 150)
    b.shape(
        (-0.34, 0.4),
        (0.34, 0.4),
        (0.26, 0.98),
        (0.04, 0.98),
        (0, 0.6),
        (-0.04, 0.98),
        (-0.26, 0.98),
        fill=(50, 54, 74),
    )
    b.shape((-0.3, -0.35), (0.3, -0.35), (0.38, 0.5), (-0.38, 0.5), fill=colour)
    b.line((-0.28, -0.22), (-0.48, 0.35), fill=_darker(colour), width=0.16)
    b.line((0.28, -0.22), (0.48, 0.35), fill=_darker(colour), width=0.16)
    b.oval(0, -0.62, 0.24, 0.28, skin)
    b.shape(
        (-0.25, -0.62),
        (-0.2, -0.9),
        (0.2, -0.9),
        (0.25, -0.62),
        (0, -0.76),
        fill=(56, 42, 40),
    )


def _mug(b: Brush, colour: Colour) -> None:
    b.oval(0, 0.86, 0.75, 0.12, (120, 108, 96))
    b.oval(0.62, 0.15, 0.36, 0.36, _darker(colour))
    b.oval(0.62, 0.15, 0.22, 0.22, (226, 214, 200))
    b.box(-0.6, -0.5, 0.6, 0.85, colour)
    b.box(-0.52, -0.4, -0.32, 0.75, _lighter(colour))
    b.oval(0, -0.5, 0.6, 0.15, _lighter(colour))
    b.oval(0, -0.49, 0.5, 0.1, (74, 48, 36))
    for x in (-0.2, 0.15):
        b.line((x, -0.7), (x + 0.1, -0.85), (x, -1), fill=(250, 248, 244), width=0.05)


def _flower(b: Brush, colour: Colour) -> None:
    b.line((0, 0.98), (0.04, -0.2), fill=COLOURS["green"], width=0.08)
    b.shape((0.02, 0.5), (0.5, 0.2), (0.3, 0.55), fill=COLOURS["green"])
    for step in range(8):
        angle = math.pi * step / 4
        b.oval(
            0.04 + 0.36 * math.cos(angle),
            -0.45 + 0.36 * math.sin(angle),
            0.2,
            0.2,
            colour,
        )
    b.oval(0.04, -0.45, 0.2, 0.2, COLOURS["yellow"])


def _car(b: Brush, colour: Colour) -> None:
    b.shape(
        (-0.5, 0.15), (-0.3, -0.3), (0.35, -0.3), (0.65, 0.15), fill=_darker(colour)
    )
    b.shape(
        (-0.4, 0.12), (-0.24, -0.2), (0.02, -0.2), (0.02, 0.12), fill=(196, 220, 230)
    )
    b.shape((0.1, 0.12), (0.1, -0.2), (0.3, -0.2), (0.5, 0.12), fill=(196, 220, 230))
    b.box(-0.98, 0.1, 0.98, 0.5, colour)
    for x in (-0.55, 0.55):
        b.oval(x, 0.52, 0.24, 0.24, (34, 34, 40))
        b.oval(x, 0.52, 0.1, 0.1, (190, 190, 196))


def _books(b: Brush, colour: Colour) -> None:
    tones = [
        colour,
        COLOURS["red"],
        COLOURS["gold"],
        COLOURS["green"],
        COLOURS["purple"],
    ]
    for row in range(3):
        low = -0.32 + row * 0.64
        b.box(-1.1, low, 1.1, low + 0.06, COLOURS["brown"])
        x = -1.05
        for step in range(12):
            wide = 0.1 + 0.03 * ((step * 7 + row * 5) % 4)
            tall = 0.38 + 0.03 * ((step * 5 + row * 3) % 5)
            b.box(x, low - tall, x + wide, low, tones[(step + row * 2) % 5])
            x += wide + 0.015


def _hat(b: Brush, colour: Colour) -> None:
    b.oval(0, 0.5, 0.95, 0.18, _darker(colour))
    b.box(-0.5, -0.6, 0.5, 0.5, colour)
    b.box(-0.5, 0.2, 0.5, 0.4, COLOURS["gold"])


def _tower(b: Brush, colour: Colour) -> None:
    for row in range(4):
        wide = 0.72 - row * 0.13
        low = 0.95 - row * 0.42
        b.box(-wide * 0.6, low - 0.3, wide * 0.6, low, (232, 216, 196))
        b.shape(
            (-wide, low - 0.26),
            (-wide * 0.5, low - 0.44),
            (wide * 0.5, low - 0.44),
            (wide, low - 0.26),
            fill=colour,
        )
    b.line((0, -0.75), (0, -1.02), fill=_darker(colour), width=0.05)


def tree(
    draw: ImageDraw.ImageDraw,
    chance: random.Random,
    *,
    x: float,
    foot: float,
    height: float,
    leaf: Colour,
    pine: bool,
) -> None:
    """Draw a tree: a pine, or a crown of leaves or blossoms on a bent trunk."""
    b = Brush(draw, x, foot - height / 2, height / 2)
    trunk = mixed((74, 52, 46), leaf, 0.12)
    if pine:
        b.box(-0.05, 0.6, 0.05, 1, trunk)
        for row in range(4):
            wide, low = 0.42 - row * 0.08, 0.7 - row * 0.42
            tone = mixed(leaf, (20, 40, 44), 0.5 - row * 0.08)
            b.shape((-wide, low), (0, low - 0.66), (wide, low), fill=tone)
        return
    lean = chance.uniform(-0.12, 0.12)
    b.line((0, 1), (lean * 0.4, 0.4), (lean, -0.1), fill=trunk, width=0.11)
    b.line((lean * 0.5, 0.3), (lean - 0.35, -0.15), fill=trunk, width=0.07)
    b.line((lean * 0.6, 0.2), (lean + 0.35, -0.2), fill=trunk, width=0.07)
    blots = []
    for _ in range(34):
        angle, reach = chance.uniform(0, 2 * math.pi), chance.random() ** 0.6
        blots.append(
            (
                reach,
                lean + 0.62 * reach * math.cos(angle),
                0.42 * reach * math.sin(angle),
            )
        )
    for reach, dx, dy in sorted(blots, reverse=True):
        tone = mixed(leaf, (255, 246, 240), chance.uniform(0, 0.45))
        if dy > 0.12:  # noqa: PLR2004 - the lower side lies in shade
            tone = mixed(tone, (70, 40, 70), 0.22)
        size = 0.17 + 0.1 * (1 - reach)
        b.oval(dx, -0.38 + dy, size, size, tone)


Drawer = Callable[[Brush, Colour], None]

THINGS: dict[str, tuple[Drawer, str]] = {
    "kite": (_kite, "red"),
    "balloon": (_balloon, "orange"),
    "bird": (_bird, "black"),
    "star": (_star, "gold"),
    "boat": (_boat, "red"),
    "ship": (_boat, "blue"),
    "sailboat": (_boat, "blue"),
    "house": (_house, "red"),
    "cottage": (_house, "brown"),
    "lighthouse": (_lighthouse, "red"),
    "cat": (_cat, "black"),
    "dog": (_dog, "brown"),
    "robot": (_robot, "blue"),
    "person": (_person, "blue"),
    "man": (_person, "blue"),
    "woman": (_person, "red"),
    "girl": (_person, "pink"),
    "boy": (_person, "green"),
    "warrior": (_person, "red"),
    "mug": (_mug, "blue"),
    "cup": (_mug, "white"),
    "flower": (_flower, "pink"),
    "car": (_car, "red"),
    "automobile": (_car, "purple"),
    "library": (_books, "blue"),
    "book": (_books, "blue"),
    "hat": (_hat, "black"),
    "pagoda": (_tower, "red"),
    "temple": (_tower, "red"),
    "castle": (_tower, "grey"),
}
"""How each thing is drawn, and its colour where the prompt names none."""

AERIAL = frozenset({"kite", "balloon", "bird", "star"})
"""The things that belong into the sky."""
