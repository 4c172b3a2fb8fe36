"""The size somebody wants, read from words that the endpoint does not have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from langchain_fal_image.options.geometry import (
    COMMON_RATIOS,
    Pixels,
    longest_side,
    pixels_of,
    ratio_of,
)
from langchain_fal_image.options.issues import Findings, Given
from langchain_fal_image.options.layers import Layer

__all__ = ["Wish", "wished"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A size, each part with the word it was read from.

    Attributes:
        pixels: Width and height.
        ratio: Width divided by height.
        long_side: Pixels of the longer side.
    """

    pixels: tuple[Given, Pixels] | None = None
    ratio: tuple[Given, Fraction] | None = None
    long_side: tuple[Given, int] | None = None

    @property
    def words(self) -> tuple[Given, ...]:
        """The words it was read from."""
        parts = (self.pixels, self.ratio, self.long_side)
        return tuple(part[0] for part in parts if part is not None)


def wished(words: Layer, findings: Findings) -> Wish | None:
    """Read size words.

    Args:
        words: The words that are not options of the endpoint.
        findings: Where faults go: a word that cannot be read, words that contradict
            each other.

    Returns:
        The wish, or None where there is none or it cannot be read.
    """
    wish = Wish()
    before = len(findings.faults)
    for word, given in _with_sides_joined(words, findings).items():
        if word == "aspect_ratio":
            wish = _with_ratio(wish, given, findings)
        elif word == "resolution":
            wish = _with_long_side(wish, given, findings)
        else:
            wish = _with_pixels(wish, given, findings)
    if wish.pixels is not None:
        given, pixels = wish.pixels
        if wish.ratio is not None and Fraction(*pixels) != wish.ratio[1]:
            findings.contradiction(given, wish.ratio[0])
        if wish.long_side is not None and max(pixels) != wish.long_side[1]:
            findings.contradiction(given, wish.long_side[0])
    return wish if wish.words and len(findings.faults) == before else None


def _with_sides_joined(words: Layer, findings: Findings) -> Layer:
    """Make one word of `width` and `height`."""
    sides = [words[side] for side in ("width", "height") if side in words]
    joined = {w: given for w, given in words.items() if w not in {"width", "height"}}
    if len(sides) == 1:
        findings.fault(
            sides[0].spelled,
            sides[0].value,
            "is one side only",
            allowed="width and height together",
        )
    elif sides:
        value = {"width": sides[0].value, "height": sides[1].value}
        joined["sides"] = Given("width and height", value, sides[0].layer)
    return joined


def _with_pixels(wish: Wish, given: Given, findings: Findings) -> Wish:
    pixels = pixels_of(given.value)
    if pixels is None:
        findings.fault(
            given.spelled,
            given.value,
            "is not a size",
            allowed="width and height in pixels, such as 1024x768",
        )
    elif wish.pixels is not None and wish.pixels[1] != pixels:
        findings.contradiction(wish.pixels[0], given)
    else:
        return replace(wish, pixels=(given, pixels))
    return wish


def _with_ratio(wish: Wish, given: Given, findings: Findings) -> Wish:
    ratio = ratio_of(given.value)
    if ratio is not None:
        return replace(wish, ratio=(given, ratio))
    findings.fault(
        given.spelled,
        given.value,
        "is not a ratio",
        allowed=f"{', '.join(COMMON_RATIOS)} or any other width:height",
    )
    return wish


def _with_long_side(wish: Wish, given: Given, findings: Findings) -> Wish:
    side = longest_side(given.value)
    if side is not None:
        return replace(wish, long_side=(given, side))
    findings.fault(
        given.spelled,
        given.value,
        "is not a resolution that can be used here",
        allowed="1K, 2K or 4K with aspect_ratio, or size, such as 1024x768",
    )
    return wish
