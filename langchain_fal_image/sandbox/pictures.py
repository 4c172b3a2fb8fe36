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

from PIL import (
    Image,
    ImageChops,
    ImageDraw,
    ImageEnhance,
    ImageFont,
    ImageOps,
    ImageStat,
)

from langchain_fal_image.sandbox import scenery
from langchain_fal_image.sandbox.lettering import band_height, caption, mark
from langchain_fal_image.sandbox.palettes import (
    COLOURS,
    PALETTES,
    Colour,
    Palette,
    choose,
    mixed,
)
from langchain_fal_image.sandbox.things import AERIAL, THINGS, Brush, tree

__all__ = ["draw", "edit", "encode", "stand_in"]

_LONG_SIDE = 1536
_PAPER: Colour = (247, 241, 228)
_INK: Colour = (40, 38, 46)
_INDOORS = frozenset({"mug", "cup", "library", "book", "studio", "product", "portrait"})
_WET = frozenset(
    {"sea", "lake", "ocean", "river", "water", "boat", "ship", "sailboat", "harbour"}
    | {"harbor", "beach", "coast", "coastline", "fuji", "island", "lighthouse"}
)
_BACKDROPS = frozenset({"library", "book"})
_URBAN = frozenset({"city", "town", "skyline", "street", "tokyo", "york", "neon"})


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
    if _INDOORS & set(words):
        picture = _indoors(canvas, palette, chance)
    else:
        picture = _outdoors(canvas, words, palette, chance)
    _place_things(picture, words, palette, chance)
    _weather(picture, words, palette, chance)
    picture = scenery.grain(picture)
    return _finished(picture, prompt, (width, height), dark=palette.dark)


def edit(
    prompt: str,
    *,
    inputs: Sequence[Image.Image],
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
        endpoint: As for `draw`.
        seed: As for `draw`.
        index: As for `draw`.
        width: In pixels.
        height: In pixels.
    """
    content = hashlib.sha256(b"".join(each.tobytes() for each in inputs)).hexdigest()
    chance = _chance(endpoint, prompt, seed, index, content)
    words = _words(prompt)
    picture = _arranged(inputs, _canvas(width, height))
    before = picture.copy()
    night = bool({"night", "midnight", "dark", "nacht"} & set(words))
    palette = PALETTES["night"] if night else PALETTES["day"]
    picture = _toned(picture, words)
    if night:
        scenery.stars(picture, chance, low=0.4)
    if night or "moon" in words:
        _moonrise(picture, chance)
    elif {"sun", "sunny"} & set(words):
        _sunrise(picture, chance)
    _place_things(picture, words, palette, chance, anywhere=True)
    _weather(picture, words, palette, chance)
    _quoted(picture, prompt)
    if ImageChops.difference(picture, before).getbbox() is None:
        picture = _retouched(picture, chance)
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
    pen.rectangle((24, 24, width - 25, height - 25), outline=_PAPER, width=6)
    name = url.split("?", maxsplit=1)[0].rstrip("/").rpartition("/")[2][:40] or "image"
    for text, part, size in (("offline stand-in for", 0.36, 34), (name, 0.46, 44)):
        font = ImageFont.load_default(size)
        across = font.getlength(text)
        box = ((width - across) / 2 - 18, height * part - 8)
        pen.rectangle((*box, box[0] + across + 36, box[1] + size * 1.5), fill=_PAPER)
        pen.text((box[0] + 18, box[1] + 8), text, font=font, fill=_INK)
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


# --- Composition ---


def _outdoors(
    size: tuple[int, int], words: list[str], palette: Palette, chance: random.Random
) -> Image.Image:
    wide, high = size
    picture = scenery.gradient(size, palette.sky)
    named = set(words)
    lone = bool({"fuji", "volcano"} & named)
    horizon = chance.uniform(0.58, 0.66)
    side = chance.choice((0.24, 0.3, 0.7, 0.76))
    if palette.dark:
        scenery.stars(picture, chance)
        scenery.moon(
            picture,
            (side * wide, high * chance.uniform(0.16, 0.26)),
            min(size) * 0.07,
            palette.light,
        )
    else:
        place = (side * wide, high * chance.uniform(0.18, 0.34))
        scenery.glow(picture, place, min(size) * 0.42, palette.light)
        scenery.disc(
            ImageDraw.Draw(picture),
            place,
            min(size) * chance.uniform(0.07, 0.1),
            palette.light,
        )
        scenery.clouds(picture, chance, mixed(palette.sky[2], (255, 255, 255), 0.5), 4)
    if _URBAN & named:
        scenery.city(picture, chance, base=horizon, palette=palette)
    else:
        for part in (0.0, 0.4, 0.75):
            if lone and part > 0:
                break
            rise = chance.uniform(0.18, 0.3) * (1 - part * 0.5)
            colour = mixed(palette.far, palette.near, part)
            scenery.ridge(
                picture,
                chance,
                base=horizon - 0.05 + part * 0.1,
                height=rise,
                colour=colour,
                smooth="desert" in named or "hill" in named or "hills" in named,
            )
    if lone:
        middle = 1 - side + chance.uniform(-0.06, 0.06)
        scenery.cone(
            picture,
            centre=middle,
            base=horizon + 0.01,
            top=chance.uniform(0.2, 0.27),
            palette=palette,
            chance=chance,
        )
        far = mixed(palette.far, palette.near, 0.8)
        scenery.ridge(
            picture, chance, base=horizon + 0.03, height=0.06, colour=far, smooth=True
        )
    if _WET & named or (chance.random() < 0.4 and "desert" not in named):  # noqa: PLR2004 - often there is a lake
        scenery.water(picture, chance, top=horizon, palette=palette)
    _foreground(picture, named, palette, chance)
    return picture


def _foreground(
    picture: Image.Image, named: set[str], palette: Palette, chance: random.Random
) -> None:
    wide, high = picture.size
    scenery.ridge(
        picture, chance, base=0.95, height=0.13, colour=palette.ground, smooth=True
    )
    if _URBAN & named or "desert" in named:
        return
    pen = ImageDraw.Draw(picture)
    blossoms = bool(
        {"blossom", "blossoms", "cherry", "spring", "autumn", "tree", "trees"} & named
    )
    unit = min(wide, high)
    for x in (chance.uniform(0.02, 0.12), chance.uniform(0.88, 0.98)):
        tall = unit * (
            chance.uniform(0.5, 0.66) if blossoms else chance.uniform(0.26, 0.4)
        )
        tree(
            pen,
            chance,
            x=x * wide,
            foot=high * chance.uniform(0.9, 0.95),
            height=tall,
            leaf=palette.leaf,
            pine=not blossoms,
        )
    for _ in range(5):
        x = chance.choice((chance.uniform(0, 0.3), chance.uniform(0.7, 1)))
        tree(
            pen,
            chance,
            x=x * wide,
            foot=high * chance.uniform(0.89, 0.94),
            height=unit * chance.uniform(0.1, 0.2),
            leaf=palette.leaf,
            pine=not blossoms,
        )


def _indoors(
    size: tuple[int, int], palette: Palette, chance: random.Random
) -> Image.Image:
    wide, high = size
    picture = scenery.gradient(size, palette.sky)
    scenery.glow(
        picture,
        (wide * chance.uniform(0.3, 0.7), high * 0.4),
        min(size) * 0.7,
        palette.light,
    )
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, high * 0.72, wide, high), fill=palette.ground)
    pen.rectangle(
        (0, high * 0.72, wide, high * 0.735),
        fill=mixed(palette.ground, (255, 255, 255), 0.3),
    )
    return picture


def _place_things(
    picture: Image.Image,
    words: list[str],
    palette: Palette,
    chance: random.Random,
    *,
    anywhere: bool = False,
) -> None:
    """Draw every thing that the words name, each in its own place."""
    wide, high = picture.size
    unit = min(wide, high)
    pen = ImageDraw.Draw(picture)
    sky = [0.3, 0.68, 0.5, 0.82, 0.18]
    floor = [0.5, 0.3, 0.7, 0.15, 0.85]
    if anywhere:
        chance.shuffle(sky)
        chance.shuffle(floor)
    for name, colour in _named_things(words):
        draws, _ = THINGS[name]
        tone = (
            mixed(colour, (16, 22, 48), 0.25)
            if palette.dark and name not in AERIAL
            else colour
        )
        if name in AERIAL:
            if not sky:
                continue
            half = 0.12
            x, y = _calm_place(picture, sky, chance) if anywhere else (sky[0], 0.26)
            sky.remove(x)
        elif name in _BACKDROPS:
            x, y, half = 0.5, 0.4, 0.36
        elif not floor:
            continue
        else:
            half = 0.24 if name not in {"boat", "ship", "sailboat", "house"} else 0.13
            x, y = floor.pop(0), 0.86 - half * unit / high
        draws(Brush(pen, x * wide, y * high, half * unit), tone)


def _calm_place(
    picture: Image.Image, columns: list[float], chance: random.Random
) -> tuple[float, float]:
    """Choose the place in the sky where the least is to be seen already."""
    wide, high = picture.size
    half = 0.14 * min(wide, high)

    def unrest(place: tuple[float, float]) -> float:
        x, y = place[0] * wide, place[1] * high
        box = (round(x - half), round(y - half), round(x + half), round(y + 2 * half))
        return sum(ImageStat.Stat(picture.crop(box)).var)

    return min(((x, chance.uniform(0.2, 0.34)) for x in columns), key=unrest)


def _named_things(words: list[str]) -> list[tuple[str, Colour]]:
    found: dict[str, Colour] = {}
    for place, word in enumerate(words):
        name = word if word in THINGS else word.removesuffix("s")
        if name not in THINGS or name in found:
            continue
        near = [
            COLOURS[each]
            for each in words[max(0, place - 2) : place]
            if each in COLOURS
        ]
        found[name] = near[-1] if near else COLOURS[THINGS[name][1]]
    # A backdrop is drawn before what stands in front of it.
    return sorted(found.items(), key=lambda each: each[0] not in _BACKDROPS)


def _weather(
    picture: Image.Image, words: list[str], palette: Palette, chance: random.Random
) -> None:
    named = set(words)
    if {"fog", "foggy", "mist", "misty"} & named:
        scenery.fog(picture)
    if {"rain", "rainy", "storm"} & named:
        scenery.rain(picture, chance)
    if {"snow", "snowy", "snowing"} & named:
        scenery.snow(picture, chance)
    if {"blossom", "blossoms", "petal", "petals", "sakura"} & named:
        scenery.petals(
            picture,
            chance,
            PALETTES["spring"].leaf if not palette.dark else palette.leaf,
        )


# --- Changes ---


def _arranged(inputs: Sequence[Image.Image], size: tuple[int, int]) -> Image.Image:
    """Lay the inputs out so that all are to be seen."""
    wide, high = size
    band = band_height(size)
    prints = [each.convert("RGB") for each in inputs]
    if len(prints) == 1:
        return ImageOps.fit(prints[0], size, Image.Resampling.BICUBIC)
    picture = Image.new("RGB", size, _PAPER)
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


def _toned(picture: Image.Image, words: list[str]) -> Image.Image:
    named = set(words)
    if {"night", "midnight", "dark", "nacht"} & named:
        picture = ImageEnhance.Color(picture).enhance(0.75)
        veil = scenery.gradient(
            picture.size, [(42, 56, 108), (72, 88, 140), (110, 116, 160)]
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
    if _named_things(words):
        # A colour then belongs to the thing.
        tints = tints[:-1]
    for keys, colour, part in tints:
        if keys & named:
            return Image.blend(picture, Image.new("RGB", picture.size, colour), part)
    return picture


def _moonrise(picture: Image.Image, chance: random.Random) -> None:
    wide, high = picture.size
    place = (wide * chance.choice((0.2, 0.5, 0.8)), high * chance.uniform(0.13, 0.2))
    scenery.moon(picture, place, min(wide, high) * 0.065, (250, 244, 216))


def _sunrise(picture: Image.Image, chance: random.Random) -> None:
    wide, high = picture.size
    place = (wide * chance.choice((0.22, 0.78)), high * chance.uniform(0.15, 0.22))
    scenery.glow(picture, place, min(wide, high) * 0.4, (255, 232, 160))
    scenery.disc(
        ImageDraw.Draw(picture), place, min(wide, high) * 0.08, (255, 236, 170)
    )


def _quoted(picture: Image.Image, prompt: str) -> None:
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
        fill=_PAPER,
        stroke_width=max(1, size // 14),
        stroke_fill=_INK,
    )


def _retouched(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Change a picture where no word says how: other colours, and a frame."""
    turned = ImageOps.colorize(
        ImageOps.grayscale(picture),
        black=chance.choice([(30, 24, 60), (20, 50, 50), (60, 24, 40)]),
        white=_PAPER,
        mid=chance.choice([(200, 120, 90), (90, 150, 160), (150, 120, 180)]),
    )
    picture = Image.blend(picture, turned, 0.5)
    wide, high = picture.size
    edge = max(2, min(wide, high) // 40)
    ImageDraw.Draw(picture).rectangle(
        (0, 0, wide - 1, high - 1), outline=_PAPER, width=edge
    )
    return picture


# --- What all have in common ---


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
    paper, ink = ((24, 28, 46), _PAPER) if dark else (_PAPER, _INK)
    caption(picture, prompt, paper=paper, ink=ink)
    mark(picture)
    return picture
