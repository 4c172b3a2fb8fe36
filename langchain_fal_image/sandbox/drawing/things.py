"""Things that a prompt may name, such as a kite, a cat or a boat; and trees.

`things.json` lists each thing's usual colour, its place, and half its height as a
fraction of the image's shorter side. It also lists the shapes of each thing, in a box
from -1 to 1. A shape has a kind, a fill (`main`, `light` and `dark` are shades of the
thing's colour), points or an ellipse's centre and radii, and for lines a width.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal

from PIL import ImageDraw

from langchain_fal_image.sandbox.drawing.canvas import Canvas, Point
from langchain_fal_image.sandbox.drawing.palette import COLOURS, Colour, mix

__all__ = ["THINGS", "Thing", "draw_thing", "draw_tree", "find_things"]


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing that a prompt may name.

    Attributes:
        shapes: The name of its shapes.
        colour: The name of its colour if the prompt does not name one.
        place: In the sky, on the floor, or behind everything else.
        half: Half its height, as a fraction of the image's shorter side.
    """

    shapes: str
    colour: str
    place: Literal["sky", "floor", "back"]
    half: float


_DATA: Final = json.loads(files(__package__).joinpath("things.json").read_text())
_SHAPES: Final[dict[str, list[list[Any]]]] = _DATA["shapes"]
THINGS: Final = {name: Thing(**data) for name, data in _DATA["things"].items()}


def find_things(words: Sequence[str]) -> list[tuple[Thing, Colour]]:
    """Return the things that the words name, with their colours, in drawing order."""
    found: dict[str, Colour] = {}
    for index, word in enumerate(words):
        name = word if word in THINGS else word.removesuffix("s")
        if name not in THINGS or name in found:
            continue
        before = words[max(0, index - 2) : index]
        colours = [each for each in before if each in COLOURS]
        found[name] = COLOURS[colours[-1] if colours else THINGS[name].colour]
    things = [(THINGS[name], colour) for name, colour in found.items()]
    return sorted(things, key=lambda each: each[0].place != "back")


class _Brush:
    """Draws shapes in a box; `half` is half the height of the box in pixels."""

    def __init__(self, pen: ImageDraw.ImageDraw, centre: Point, half: float) -> None:
        self._pen = pen
        self._centre = centre
        self._half = half

    def draw(
        self, kind: str, fill: Colour, values: Sequence[float], width: float = 0.0
    ) -> None:
        """Draw a shape of `things.json`."""
        if kind == "ellipse":
            x, y, across, down = values
            values = (x - across, y - down, x + across, y + down)
        (x, y), half = self._centre, self._half
        points = [
            (x + across * half, y + down * half)
            for across, down in zip(values[::2], values[1::2], strict=True)
        ]
        if kind == "polygon":
            self._pen.polygon(points, fill=fill)
        elif kind == "ellipse":
            self._pen.ellipse(points, fill=fill)
        elif kind == "box":
            self._pen.rounded_rectangle(points, half * 0.06, fill=fill)
        else:
            thick = max(1, round(width * half))
            self._pen.line(points, fill=fill, width=thick, joint="curve")


def draw_thing(
    canvas: Canvas, thing: Thing, colour: Colour, *, centre: Point, half: float
) -> None:
    """Draw a thing in its own colour; `half` is half its height in pixels."""
    fills: Mapping[str, Colour] = COLOURS | {
        "main": colour,
        "light": mix(colour, (255, 255, 255), 0.35),
        "dark": mix(colour, (20, 20, 34), 0.35),
    }
    brush = _Brush(canvas.pen, centre, half)
    for kind, fill, *rest in _SHAPES[thing.shapes]:
        brush.draw(kind, fills[fill] if isinstance(fill, str) else tuple(fill), *rest)


def draw_tree(
    canvas: Canvas, *, x: float, foot: float, height: float, is_pine: bool
) -> None:
    """Draw a pine, or a bent trunk with a crown; places are in pixels."""
    rng, leaf = canvas.rng, canvas.palette.leaf
    brush = _Brush(canvas.pen, (x, foot - height / 2), height / 2)
    trunk = mix((74, 52, 46), leaf, 0.12)
    if is_pine:
        brush.draw("box", trunk, (-0.05, 0.6, 0.05, 1))
        for row in range(4):
            wide, low = 0.42 - row * 0.08, 0.7 - row * 0.42
            tone = mix(leaf, (20, 40, 44), 0.5 - row * 0.08)
            brush.draw("polygon", tone, (-wide, low, 0, low - 0.66, wide, low))
        return
    lean = rng.uniform(-0.12, 0.12)
    brush.draw("line", trunk, (0, 1, lean * 0.4, 0.4, lean, -0.1), 0.11)
    brush.draw("line", trunk, (lean * 0.5, 0.3, lean - 0.35, -0.15), 0.07)
    brush.draw("line", trunk, (lean * 0.6, 0.2, lean + 0.35, -0.2), 0.07)
    crown = []
    for _ in range(34):
        angle, reach = rng.uniform(0, 2 * math.pi), rng.random() ** 0.6
        across = lean + 0.62 * reach * math.cos(angle)
        crown.append((reach, across, 0.42 * reach * math.sin(angle)))
    for reach, across, down in sorted(crown, reverse=True):
        tone = mix(leaf, (255, 246, 240), rng.uniform(0, 0.45))
        if down > 0.12:  # noqa: PLR2004 - the lower side is in shade
            tone = mix(tone, (70, 40, 70), 0.22)
        size = 0.17 + 0.1 * (1 - reach)
        brush.draw("ellipse", tone, (across, -0.38 + down, size, size))
