"""The canvas that scenes are drawn on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

from langchain_fal_image.sandbox.drawing.palette import Colour, Palette

__all__ = ["Canvas", "Point", "make_gradient", "make_rng"]

Point = tuple[float, float]


class Canvas:
    """An image with the palette and the random generator of a scene.

    Attributes:
        image: The image so far.
        pen: Pillow's drawing interface to the image.
        width: In pixels.
        height: In pixels.
        unit: The shorter side in pixels.
    """

    def __init__(
        self, image: Image.Image, palette: Palette, rng: random.Random
    ) -> None:
        self.palette = palette
        self.rng = rng
        self.width, self.height = image.size
        self.unit = min(image.size)
        self.replace(image)

    def replace(self, image: Image.Image) -> None:
        """Replace the image with another one of the same size."""
        self.image = image
        self.pen = ImageDraw.Draw(image)

    def make_mask(self, *, scale: int = 1) -> Image.Image:
        """Return an empty mask of the image's size divided by `scale`."""
        return Image.new("L", (self.width // scale, self.height // scale))

    def paste(self, colour: Colour, mask: Image.Image) -> None:
        """Cover the image with a colour where the mask is white."""
        self.image.paste(colour, (0, 0), mask)

    def draw_disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """Draw a filled circle."""
        x, y = centre
        box = (x - radius, y - radius, x + radius, y + radius)
        self.pen.ellipse(box, fill=colour)

    def draw_glow(self, centre: Point, radius: float, colour: Colour) -> None:
        """Draw a glow around a light."""
        side = max(2, round(radius * 2))
        mask = ImageChops.invert(Image.radial_gradient("L").resize((side, side)))
        mask = mask.point(lambda value: max(0, value - 70) * 200 // 185)
        corner = (round(centre[0] - radius), round(centre[1] - radius))
        self.image.paste(colour, corner, mask)


def make_gradient(size: tuple[int, int], colours: Sequence[Colour]) -> Image.Image:
    """Return a vertical gradient."""
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata(list(colours))
    # Go through 256 rows: resizing a few rows directly halves the outer colours.
    return strip.resize((1, 256), Image.Resampling.BICUBIC).resize(size)


def make_rng(*parts: object) -> random.Random:
    """Return a random generator that the values seed."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return random.Random(digest)  # noqa: S311 - not a secret
