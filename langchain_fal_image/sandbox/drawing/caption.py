"""Words on pictures: the caption, and the mark that says whose picture it is."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFont

from langchain_fal_image.sandbox.drawing.palette import Colour, mixed

__all__ = ["INK", "PAPER", "band_height", "caption", "mark"]

PAPER: Colour = (247, 241, 228)
INK: Colour = (40, 38, 46)

_PART = 0.13
_MOST_LINES = 3
_SMALLEST = 8


def band_height(size: tuple[int, int]) -> int:
    """Say how high the caption's band is; the same for every picture of a size."""
    width, height = size
    return max(1, round(min(height * 0.3, math.sqrt(width * height) * _PART)))


def caption(picture: Image.Image, text: str, *, paper: Colour, ink: Colour) -> None:
    """Write a text on a band at the lower edge, in up to three lines.

    Args:
        picture: Drawn on.
        text: What does not fit ends in an ellipsis.
        paper: The band's colour.
        ink: The letters' colour.
    """
    width, height = picture.size
    band = band_height(picture.size)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height - band, width, height), fill=paper)
    rule = mixed(paper, ink, 0.35)
    draw.line(
        (0, height - band, width, height - band), fill=rule, width=max(1, band // 60)
    )
    text = " ".join(text.split()) or "(no prompt)"
    room = (width * 0.92, band * 0.82)
    size, lines = _fitting(text, room)
    font = ImageFont.load_default(size)
    step = size * 1.22
    y = height - band / 2 - step * len(lines) / 2 + size * 0.06
    for line in lines:
        x = (width - font.getlength(line)) / 2
        draw.text((x, y), line, font=font, fill=ink)
        y += step


def _fitting(text: str, room: tuple[float, float]) -> tuple[int, list[str]]:
    """Choose the largest letters that hold the whole text, else the smallest."""
    lines: list[str] = []
    size = _SMALLEST
    for count, part in ((1, 0.46), (2, 0.36), (_MOST_LINES, 0.27)):
        size = max(_SMALLEST, round(room[1] * part))
        lines = _wrapped(text, ImageFont.load_default(size), room[0])
        if len(lines) <= count:
            return size, lines
    fit = max(1, min(_MOST_LINES, int(room[1] / (size * 1.22))))
    kept = lines[:fit]
    font = ImageFont.load_default(size)
    last = kept[-1]
    while last and font.getlength(f"{last}…") > room[0]:
        last = last[:-1]
    return size, [*kept[:-1], f"{last.rstrip()}…"]


def _wrapped(
    text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float
) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width and lines[-1]:
                lines.append("")
            lines[-1] += letter
        if len(lines) > _MOST_LINES + 1:
            break
    return lines


def mark(picture: Image.Image) -> None:
    """Put the small mark into a corner: this picture came from the sandbox."""
    width, height = picture.size
    size = max(7, round((width * height) ** 0.5 / 46))
    font = ImageFont.load_default(size)
    word = "SANDBOX"
    pad = size * 0.45
    across = font.getlength(word) + pad * 2
    box = (width - across - pad, pad, width - pad, pad + size * 1.75)
    veil = Image.new("L", picture.size)
    ImageDraw.Draw(veil).rounded_rectangle(box, size * 0.4, fill=120)
    picture.paste(Image.new("RGB", picture.size, (20, 22, 30)), (0, 0), veil)
    draw = ImageDraw.Draw(picture)
    draw.text(
        (box[0] + pad, box[1] + size * 0.2), word, font=font, fill=(244, 240, 230)
    )
