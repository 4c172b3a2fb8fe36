"""Text on images: the caption and the SANDBOX mark."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFont

from langchain_fal_image.sandbox.drawing.palette import Colour, mix

__all__ = ["INK", "PAPER", "compute_band_height", "draw_caption", "draw_mark"]

PAPER: Colour = (247, 241, 228)
INK: Colour = (40, 38, 46)

_NIGHT: Colour = (24, 28, 46)
_MAX_LINES = 3
_MIN_SIZE = 8
_LINE_STEP = 1.22


def compute_band_height(size: tuple[int, int]) -> int:
    """Return the height of the caption's band for an image of this size."""
    width, height = size
    return max(1, round(min(height * 0.3, math.sqrt(width * height) * 0.13)))


def draw_caption(image: Image.Image, text: str, *, is_dark: bool) -> None:
    """Write a text in up to three lines on a light or dark band at the lower edge."""
    paper, ink = (_NIGHT, PAPER) if is_dark else (PAPER, INK)
    width, height = image.size
    band = compute_band_height(image.size)
    top = height - band
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, top, width, height), fill=paper)
    rule = mix(paper, ink, 0.35)
    pen.line((0, top, width, top), fill=rule, width=max(1, band // 60))
    text = " ".join(text.split()) or "(no prompt)"
    size, lines = _fit_text(text, width * 0.92, band * 0.82)
    font = ImageFont.load_default(size)
    y = height - band / 2 - size * _LINE_STEP * len(lines) / 2 + size * 0.06
    for line in lines:
        pen.text(((width - font.getlength(line)) / 2, y), line, font=font, fill=ink)
        y += size * _LINE_STEP


def _fit_text(text: str, width: float, height: float) -> tuple[int, list[str]]:
    """Return the largest font size at which the whole text fits, and its lines."""
    lines: list[str] = []
    size = _MIN_SIZE
    for count, part in ((1, 0.46), (2, 0.36), (_MAX_LINES, 0.27)):
        size = max(_MIN_SIZE, round(height * part))
        lines = _wrap_text(text, size, width)
        if len(lines) <= count:
            return size, lines
    kept = lines[: max(1, min(_MAX_LINES, int(height / (size * _LINE_STEP))))]
    font = ImageFont.load_default(size)
    last = kept[-1]
    while last and font.getlength(f"{last}…") > width:
        last = last[:-1]
    return size, [*kept[:-1], f"{last.rstrip()}…"]


def _wrap_text(text: str, size: int, width: float) -> list[str]:
    font = ImageFont.load_default(size)
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
        if len(lines) > _MAX_LINES + 1:
            break
    return lines


def draw_mark(image: Image.Image) -> None:
    """Put a small SANDBOX mark into the upper right corner."""
    width, height = image.size
    size = max(7, round(math.sqrt(width * height) / 46))
    font = ImageFont.load_default(size)
    pad = size * 0.45
    across = font.getlength("SANDBOX") + pad * 2
    box = (width - across - pad, pad, width - pad, pad + size * 1.75)
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rounded_rectangle(box, size * 0.4, fill=120)
    image.paste((20, 22, 30), (0, 0), mask)
    corner = (box[0] + pad, box[1] + size * 0.2)
    ImageDraw.Draw(image).text(corner, "SANDBOX", font=font, fill=(244, 240, 230))
