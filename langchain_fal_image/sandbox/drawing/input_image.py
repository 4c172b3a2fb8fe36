"""Decode input images; draw a stand-in for a file on another host."""

from __future__ import annotations

import io
import struct
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from langchain_fal_image.sandbox.drawing.canvas import make_gradient, make_rng
from langchain_fal_image.sandbox.drawing.caption import INK, PAPER
from langchain_fal_image.sandbox.drawing.palette import choose_palette, mix
from langchain_fal_image.sandbox.input_file import InputFile, UnreadableInputError

__all__ = ["open_image"]

# Without this list Pillow tries all its decoders, and the one for EPS starts a
# program. The last two need a newer Pillow or a plugin.
_FORMATS: Final = (
    *("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "ICO"),
    *("AVIF", "HEIF"),
)
# Pillow's decoders raise these for broken files, and KeyError if one is not installed.
_DECODE_ERRORS: Final[tuple[type[Exception], ...]] = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError),
    *(KeyError, TypeError, OverflowError, Image.DecompressionBombError),
)


def open_image(file: InputFile) -> Image.Image:
    """Return an input image, on white if it has transparency.

    Raises:
        UnreadableInputError: The file is not an image.
    """
    if file.content is None:
        return _draw_stand_in(file.url)
    try:
        image = Image.open(io.BytesIO(file.content), formats=_FORMATS)
        image.load()
        if not image.has_transparency_data:
            return image.convert("RGB")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    except _DECODE_ERRORS as error:
        message = "Failed to load the image: cannot identify image file"
        error_type = "image_load_error"
        raise UnreadableInputError(
            message, path=file.path, error_type=error_type
        ) from error


def _draw_stand_in(url: str) -> Image.Image:
    """Return a placeholder that shows the last part of a URL."""
    width, height = 1024, 768
    palette = choose_palette([], make_rng(url))
    pale = [mix(each, (200, 200, 200), 0.5) for each in palette.sky]
    image = make_gradient((width, height), pale)
    pen = ImageDraw.Draw(image)
    stripe = mix(palette.sky[1], (255, 255, 255), 0.25)
    for x in range(-height, width, 48):
        pen.line((x, height, x + height, 0), fill=stripe, width=10)
    pen.rectangle((24, 24, width - 25, height - 25), outline=PAPER, width=6)
    name = url.split("?", maxsplit=1)[0].rstrip("/").rpartition("/")[2][:40] or "image"
    for text, part, size in (("offline stand-in for", 0.36, 34), (name, 0.46, 44)):
        font = ImageFont.load_default(size)
        across = font.getlength(text)
        left, top = (width - across) / 2 - 18, height * part - 8
        pen.rectangle((left, top, left + across + 36, top + size * 1.5), fill=PAPER)
        pen.text((left + 18, top + 8), text, font=font, fill=INK)
    return image
