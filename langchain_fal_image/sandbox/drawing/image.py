"""The sandbox's pictures: composed from a prompt's words, the same every time.

A picture depends on endpoint, prompt, seed and place in the batch, and on its inputs,
and on nothing else. It shows its prompt, and bears a small SANDBOX mark.
"""

from __future__ import annotations

import hashlib
import io
import random
import re
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFont

from langchain_fal_image.sandbox.drawing import edits as changes
from langchain_fal_image.sandbox.drawing import scene as composition
from langchain_fal_image.sandbox.drawing import scenery
from langchain_fal_image.sandbox.drawing.caption import INK, PAPER, caption, mark
from langchain_fal_image.sandbox.drawing.palette import PALETTES, choose, mixed

__all__ = ["draw", "edit", "encode", "stand_in"]

_LONG_SIDE = 1536


def draw(
    prompt: str, *, endpoint: str, seed: int, index: int, width: int, height: int
) -> Image.Image:
    """Draw a picture for a prompt.

    Args:
        prompt: What it should show.
        endpoint: Who is asked; others draw it otherwise.
        seed: Other seeds give other compositions.
        index: The picture's place among those of one request.
        width: In pixels.
        height: In pixels.
    """
    chance = _chance(endpoint, prompt, seed, index)
    words = _words(prompt)
    palette = choose(words, chance)
    canvas = _canvas(width, height)
    if composition.is_indoors(words):
        picture = composition.indoors(canvas, palette, chance)
    else:
        picture = composition.outdoors(canvas, words, palette, chance)
    composition.place_things(picture, words, palette, chance)
    composition.weather(picture, words, palette, chance)
    picture = scenery.grain(picture)
    return _finished(picture, prompt, (width, height), dark=palette.dark)


def edit(
    prompt: str,
    *,
    inputs: Sequence[Image.Image],
    mask: Image.Image | None = None,
    endpoint: str,
    seed: int,
    index: int,
    width: int,
    height: int,
) -> Image.Image:
    """Change pictures by an instruction; they stay recognisable.

    Args:
        prompt: What should change.
        inputs: One fills the picture, several are all to be seen.
        mask: White where the picture may change; None for everywhere.
        endpoint: As for `draw`.
        seed: As for `draw`.
        index: As for `draw`.
        width: In pixels.
        height: In pixels.
    """
    content = hashlib.sha256(b"".join(each.tobytes() for each in inputs)).hexdigest()
    chance = _chance(endpoint, prompt, seed, index, content)
    words = _words(prompt)
    picture = changes.arranged(inputs, _canvas(width, height))
    before = picture.copy()
    night = bool(changes.NIGHT & set(words))
    palette = PALETTES["night"] if night else PALETTES["day"]
    picture = changes.toned(picture, words)
    if night:
        scenery.stars(picture, chance, low=0.4)
    if night or "moon" in words:
        changes.moonrise(picture, chance)
    elif {"sun", "sunny"} & set(words):
        changes.sunrise(picture, chance)
    composition.place_things(picture, words, palette, chance, anywhere=True)
    composition.weather(picture, words, palette, chance)
    changes.quoted(picture, prompt)
    if ImageChops.difference(picture, before).getbbox() is None:
        picture = changes.retouched(picture, chance)
    if mask:
        where = mask.convert("L").resize(picture.size)
        picture = Image.composite(picture, before, where)
    return _finished(picture, prompt, (width, height), dark=night)


def stand_in(url: str, *, width: int = 1024, height: int = 768) -> Image.Image:
    """Draw what stands for an input the sandbox cannot fetch, being offline.

    Args:
        url: Its last part is shown.
        width: In pixels.
        height: In pixels.
    """
    chance = _chance(url)
    palette = choose([], chance)
    picture = scenery.gradient(
        (width, height), [mixed(each, (200,) * 3, 0.5) for each in palette.sky]
    )
    pen = ImageDraw.Draw(picture)
    for step in range(-height, width, 48):
        pen.line(
            (step, height, step + height, 0),
            fill=mixed(palette.sky[1], (255,) * 3, 0.25),
            width=10,
        )
    pen.rectangle((24, 24, width - 25, height - 25), outline=PAPER, width=6)
    name = url.split("?", maxsplit=1)[0].rstrip("/").rpartition("/")[2][:40] or "image"
    for text, part, size in (("offline stand-in for", 0.36, 34), (name, 0.46, 44)):
        font = ImageFont.load_default(size)
        across = font.getlength(text)
        box = ((width - across) / 2 - 18, height * part - 8)
        pen.rectangle((*box, box[0] + across + 36, box[1] + size * 1.5), fill=PAPER)
        pen.text((box[0] + 18, box[1] + 8), text, font=font, fill=INK)
    return picture


def encode(image: Image.Image, *, format: str) -> bytes:  # noqa: A002 - Pillow's name
    """Write a picture as a file.

    Args:
        image: The picture.
        format: `png`, `jpeg` or `webp`.

    Returns:
        The file; a PNG has no alpha channel.
    """
    settings = {
        "png": {"compress_level": 3},
        "jpeg": {"quality": 90},
        "webp": {"quality": 88, "method": 2},
    }
    file = io.BytesIO()
    image.convert("RGB").save(file, format=format.upper(), **settings[format])
    return file.getvalue()


def _chance(*parts: object) -> random.Random:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return random.Random(digest)  # noqa: S311 - no secret


def _words(prompt: str) -> list[str]:
    return re.findall(r"[a-z]+", prompt.lower())


def _canvas(width: int, height: int) -> tuple[int, int]:
    """Choose the size to draw at: finer than small pictures, coarser than huge ones."""
    scale = max(0.1, min(2.0, _LONG_SIDE / max(width, height)))
    return max(16, round(width * scale)), max(16, round(height * scale))


def _finished(
    picture: Image.Image, prompt: str, size: tuple[int, int], *, dark: bool
) -> Image.Image:
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    paper, ink = ((24, 28, 46), PAPER) if dark else (PAPER, INK)
    caption(picture, prompt, paper=paper, ink=ink)
    mark(picture)
    return picture
