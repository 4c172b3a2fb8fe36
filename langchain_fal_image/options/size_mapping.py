"""The ways an endpoint has for a picture's size, and how a wish is put in them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import (
    PRESETS,
    Pixels,
    closest_ratio,
    longest_side,
    named_size,
    of_about_a_megapixel,
    pixels_of,
    ratio_of,
    side_limited,
    total_limited,
)
from langchain_fal_image.options.issues import Findings, Given
from langchain_fal_image.options.layers import Layer
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.size_request import Wish

__all__ = ["Ways", "preset_for"]


def preset_for(size: Field, ratio: Fraction | None) -> str | None:
    """Find the preset that the endpoint has for a ratio."""
    named = named_size(ratio) if ratio is not None else None
    return named if isinstance(named, str) and named in size.shape.choices else None


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways one endpoint has for size."""

    schema: EndpointSchema
    findings: Findings
    nearest: bool

    def mended(self, word: str, given: Given) -> Given:
        """Bring the endpoint's own word into its form, where the meaning is clear."""
        own = self.schema.get_field(word)
        if own is None or (
            isinstance(given.value, str) and given.value in own.shape.choices
        ):
            return given
        value: Any = None
        if word == "image_size":
            pixels = pixels_of(given.value)
            value = self._image_size(own, given, pixels) if pixels else None
        elif word == "aspect_ratio":
            ratio = ratio_of(given.value)
            value = self._near_ratio(own, given, ratio) if ratio else None
        elif word == "resolution":
            value = self._near_resolution(own, given)
        return given if value is None else Given(given.spelled, value, given.layer)

    def fulfilled(self, wish: Wish) -> Layer:
        """Give the options that make the size wanted, or note why there are none."""
        size = self.schema.get_field("image_size")
        if size is not None:
            return self._by_image_size(size, wish)
        if self.schema.get_field("width") and self.schema.get_field("height"):
            return self._by_sides(wish)
        ratio = self.schema.get_field("aspect_ratio")
        if ratio is not None:
            return self._by_ratio(ratio, wish)
        for given in wish.words:
            self.findings.fault(
                given.spelled,
                given.value,
                "cannot be used: the endpoint has no option for the size",
                allowed="leave it out",
            )
        return {}

    def _by_image_size(self, size: Field, wish: Wish) -> Layer:
        if wish.pixels is None and wish.long_side is None and wish.ratio is not None:
            given, ratio = wish.ratio
            preset = preset_for(size, ratio)
            if preset is not None:
                return {"image_size": Given(given.spelled, preset, given.layer)}
        found = self._pixels(wish)
        if found is None:
            return {}
        given, pixels = found
        value = self._image_size(size, given, pixels)
        if value is not None:
            return {"image_size": Given(given.spelled, value, given.layer)}
        names = [name for name in size.shape.choices if pixels_of(name)]
        self.findings.fault(
            given.spelled,
            given.value,
            "is not a size that the endpoint has",
            allowed=", ".join(
                f"{name} ({PRESETS[name][0]}x{PRESETS[name][1]})"
                if name in PRESETS
                else name
                for name in names
            ),
            nearest=_closest(pixels, names),
        )
        return {}

    def _by_sides(self, wish: Wish) -> Layer:
        found = self._pixels(wish)
        if found is None:
            return {}
        given, pixels = found
        return {
            side: Given(given.spelled, value, given.layer)
            for side, value in zip(("width", "height"), pixels, strict=True)
        }

    def _pixels(self, wish: Wish) -> tuple[Given, Pixels] | None:
        """Work out width and height."""
        if wish.pixels is not None:
            return wish.pixels
        if wish.ratio is None:
            for given in wish.words:
                self.findings.fault(
                    given.spelled,
                    given.value,
                    "says too little about the size here",
                    allowed="aspect_ratio beside it, or size, such as 1024x768",
                )
            return None
        given, ratio = wish.ratio
        if wish.long_side is not None:
            return given, side_limited(ratio, wish.long_side[1])
        least, most = self._totals()
        named = named_size(ratio)
        pixels = PRESETS[named] if isinstance(named, str) else named
        if pixels is None or pixels != total_limited(pixels, least=least, most=most):
            pixels = of_about_a_megapixel(ratio)
        return given, total_limited(pixels, least=least, most=most)

    def _totals(self) -> tuple[int | None, int | None]:
        size = self.schema.get_field("image_size")
        return (size.shape.min_pixels, size.shape.max_pixels) if size else (None, None)

    def _image_size(self, size: Field, given: Given, pixels: Pixels) -> Any:
        """Give the value of `image_size` for a size; None where it has none."""
        least, most = self._totals()
        wanted = pixels
        if self.nearest:
            wanted = total_limited(pixels, least=least, most=most)
        if size.shape.object_fields:
            if wanted != pixels:
                self._warn(given, f"{wanted[0]}x{wanted[1]}")
            return {"width": wanted[0], "height": wanted[1]}
        names = [name for name in size.shape.choices if pixels_of(name)]
        close = _closest(pixels, names)
        if close is None or pixels_of(close) == pixels:
            return close
        if not self.nearest:
            return None
        self._warn(given, close)
        return close

    def _by_ratio(self, option: Field, wish: Wish) -> Layer:
        if wish.long_side is not None:
            given = wish.long_side[0]
            self.findings.fault(
                given.spelled,
                given.value,
                "cannot be used: the endpoint has no option for the resolution",
                allowed="leave it out",
            )
        if wish.pixels is None:
            return {}
        given, pixels = wish.pixels
        ratio = self._near_ratio(option, given, Fraction(*pixels))
        if ratio is None:
            self._refuse_ratio(option, given, pixels)
            return {}
        layer = {"aspect_ratio": Given(given.spelled, ratio, given.layer)}
        sent = f"aspect_ratio {ratio}"
        resolution = self.schema.get_field("resolution")
        if resolution is not None:
            covering = self._covering(resolution, given, max(pixels))
            if covering is not None:
                layer["resolution"] = Given(given.spelled, covering, given.layer)
                sent += f" and resolution {covering}"
        self.findings.warn(f"{given} was sent as {sent}; its pixels may differ.")
        return layer

    def _near_ratio(self, option: Field, given: Given, ratio: Fraction) -> str | None:
        """Find a ratio among the endpoint's: the same, or the nearest if allowed."""
        choices = option.shape.choices
        if not choices:
            return f"{ratio.numerator}:{ratio.denominator}"
        close = closest_ratio(ratio, choices)
        if close is None or ratio_of(close) == ratio:
            return close
        if not self.nearest:
            return None
        self._warn(given, close)
        return close

    def _refuse_ratio(self, option: Field, given: Given, pixels: Pixels) -> None:
        ratio = Fraction(*pixels)
        names = [n for n in option.shape.choices if ratio_of(n) is not None]
        near = ratio_of(closest_ratio(ratio, names))
        nearest = None
        if near is not None:
            times = max(1, round(pixels[0] / near.numerator))
            nearest = f"{near.numerator * times}x{near.denominator * times}"
        self.findings.fault(
            given.spelled,
            given.value,
            f"has the ratio {ratio.numerator}:{ratio.denominator}, which the endpoint "
            "does not have",
            allowed=f"sizes of the ratios {', '.join(names)}",
            nearest=nearest,
        )

    def _covering(self, option: Field, given: Given, long_side: int) -> str | None:
        """Find the smallest resolution whose long side is not shorter."""
        sides = _long_sides(option)
        enough = [name for name, side in sides.items() if side >= long_side]
        if enough:
            return min(enough, key=lambda name: sides[name])
        if not sides:
            return None
        largest = max(sides, key=lambda name: sides[name])
        if self.nearest:
            self._warn(given, largest)
            return largest
        self.findings.fault(
            given.spelled,
            given.value,
            "is larger than the endpoint draws",
            allowed=f"a long side of up to {sides[largest]} pixels",
        )
        return None

    def _near_resolution(self, option: Field, given: Given) -> str | None:
        side = longest_side(given.value)
        sides = _long_sides(option)
        if side is None or not sides:
            return None
        close = min(sides, key=lambda name: abs(math.log(sides[name] / side)))
        if sides[close] == side:
            return close
        if not self.nearest:
            return None
        self._warn(given, close)
        return close

    def _warn(self, given: Given, taken: str) -> None:
        self.findings.warn(
            f"The endpoint does not have {given}; the nearest it has, {taken}, was "
            "taken."
        )


def _long_sides(option: Field) -> dict[str, int]:
    return {
        str(name): side
        for name in option.shape.choices
        if (side := longest_side(name)) is not None
    }


def _closest(pixels: Pixels, names: list[str]) -> str | None:
    """Find the named size that differs least in width and height."""

    def distance(name: str) -> float:
        known = pixels_of(name) or pixels
        return sum(abs(math.log(a / b)) for a, b in zip(known, pixels, strict=True))

    return min(names, key=distance, default=None)
