"""Map a requested size to the size options of an endpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.geometry import (
    PRESETS,
    USUAL_SIZES,
    Size,
    compute_size,
    find_closest_ratio,
    fit_long_side,
    fit_pixel_limits,
    parse_long_side,
    parse_ratio,
    parse_size,
)
from langchain_fal_image.options.issues import Issues, Option
from langchain_fal_image.options.layers import Layer
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.size_request import SizeRequest

__all__ = ["SizeMapping", "find_preset"]


def find_preset(field: Field, ratio: Fraction | None) -> str | None:
    """Return the preset that `image_size` has for a ratio, or None."""
    usual = USUAL_SIZES.get(ratio) if ratio is not None else None
    return usual if isinstance(usual, str) and usual in field.shape.choices else None


@dataclass(frozen=True, slots=True)
class SizeMapping:
    """Maps sizes to the options of one endpoint.

    If `nearest`, the nearest size that the endpoint has is taken, with a warning,
    instead of adding a fault.
    """

    schema: EndpointSchema
    issues: Issues
    nearest: bool

    def convert_option(self, name: str, option: Option) -> Option:
        """Convert one of the endpoint's size options to a form that it accepts.

        An option whose value is not a size is returned unchanged.
        """
        field = self.schema.fields.get(name)
        if field is None or (
            isinstance(option.value, str) and option.value in field.shape.choices
        ):
            return option
        value: Any = None
        if name == "image_size":
            size = parse_size(option.value)
            value = self._choose_image_size(field, option, size) if size else None
        elif name == "aspect_ratio":
            ratio = parse_ratio(option.value)
            value = self._choose_ratio(field, option, ratio) if ratio else None
        elif name == "resolution":
            value = self._choose_resolution(field, option)
        return option if value is None else replace(option, value=value)

    def map_request(self, request: SizeRequest) -> Layer:
        """Return the endpoint's options for a size; empty if a fault was added."""
        size_field = self.schema.fields.get("image_size")
        if size_field is not None:
            return self._map_to_image_size(size_field, request)
        if self.schema.fields.get("width") and self.schema.fields.get("height"):
            return self._map_to_sides(request)
        ratio_field = self.schema.fields.get("aspect_ratio")
        if ratio_field is not None:
            return self._map_to_ratio(ratio_field, request)
        for option in request.options:
            self.issues.add_fault(
                option,
                "cannot be used: the endpoint has no option for the size",
                allowed="leave it out",
            )
        return {}

    def _map_to_image_size(self, field: Field, request: SizeRequest) -> Layer:
        if request.ratio and not request.size and not request.long_side:
            option, ratio = request.ratio
            preset = find_preset(field, ratio)
            if preset is not None:
                return {"image_size": replace(option, value=preset)}
        computed = self._compute_size(request)
        if computed is None:
            return {}
        option, size = computed
        value = self._choose_image_size(field, option, size)
        if value is not None:
            return {"image_size": replace(option, value=value)}
        names = [name for name in field.shape.choices if parse_size(name)]
        self.issues.add_fault(
            option,
            "is not a size that the endpoint has",
            allowed=", ".join(map(_describe_named_size, names)),
            nearest=_find_closest_size(size, names),
        )
        return {}

    def _map_to_sides(self, request: SizeRequest) -> Layer:
        computed = self._compute_size(request)
        if computed is None:
            return {}
        option, size = computed
        return {
            side: replace(option, value=value)
            for side, value in zip(("width", "height"), size, strict=True)
        }

    def _map_to_ratio(self, field: Field, request: SizeRequest) -> Layer:
        if request.long_side is not None:
            self.issues.add_fault(
                request.long_side[0],
                "cannot be used: the endpoint has no option for the resolution",
                allowed="leave it out",
            )
        if request.size is None:
            return {}
        option, size = request.size
        ratio = self._choose_ratio(field, option, Fraction(*size))
        if ratio is None:
            self._add_ratio_fault(field, option, size)
            return {}
        layer = {"aspect_ratio": replace(option, value=ratio)}
        sent = f"aspect_ratio {ratio}"
        resolution_field = self.schema.fields.get("resolution")
        if resolution_field is not None:
            covering = self._choose_covering(resolution_field, option, max(size))
            if covering is not None:
                layer["resolution"] = replace(option, value=covering)
                sent += f" and resolution {covering}"
        warning = f"{option} was sent as {sent}; its size in pixels may differ."
        self.issues.add_warning(warning)
        return layer

    def _compute_size(self, request: SizeRequest) -> tuple[Option, Size] | None:
        """Return width and height; None if the request does not determine them."""
        if request.size is not None:
            return request.size
        if request.ratio is None:
            for option in request.options:
                self.issues.add_fault(
                    option,
                    "does not determine the size",
                    allowed="aspect_ratio with it, or size, such as 1024x768",
                )
            return None
        option, ratio = request.ratio
        if request.long_side is not None:
            return option, fit_long_side(ratio, request.long_side[1])
        usual = USUAL_SIZES.get(ratio)
        size = PRESETS[usual] if isinstance(usual, str) else usual
        if size is None or size != self._fit_pixel_limits(size):
            size = compute_size(ratio)
        return option, self._fit_pixel_limits(size)

    def _fit_pixel_limits(self, size: Size) -> Size:
        field = self.schema.fields.get("image_size")
        if field is None:
            return size
        least, most = field.shape.min_pixels, field.shape.max_pixels
        return fit_pixel_limits(size, least=least, most=most)

    def _choose_image_size(self, field: Field, option: Option, size: Size) -> Any:
        """Return the value of `image_size` for a size, or None if none fits."""
        if field.shape.object_fields:
            width, height = self._fit_pixel_limits(size) if self.nearest else size
            if (width, height) != size:
                self._warn_of_nearest(option, f"{width}x{height}")
            return {"width": width, "height": height}
        names = [name for name in field.shape.choices if parse_size(name)]
        closest = _find_closest_size(size, names)
        is_exact = closest is None or parse_size(closest) == size
        return self._choose(option, closest, is_exact=is_exact)

    def _choose_ratio(
        self, field: Field, option: Option, ratio: Fraction
    ) -> str | None:
        """Return the endpoint's name for a ratio, or None if none fits."""
        choices = field.shape.choices
        if not choices:
            return f"{ratio.numerator}:{ratio.denominator}"
        closest = find_closest_ratio(ratio, choices)
        is_exact = closest is None or parse_ratio(closest) == ratio
        return self._choose(option, closest, is_exact=is_exact)

    def _choose_resolution(self, field: Field, option: Option) -> str | None:
        """Return the endpoint's name for a resolution, or None if none fits."""
        side = parse_long_side(option.value)
        sides = _get_long_sides(field)
        if side is None or not sides:
            return None
        closest = min(sides, key=lambda name: abs(math.log(sides[name] / side)))
        return self._choose(option, closest, is_exact=sides[closest] == side)

    def _choose_covering(
        self, field: Field, option: Option, long_side: int
    ) -> str | None:
        """Return the smallest resolution with at least that long side."""
        sides = _get_long_sides(field)
        covering = [name for name, side in sides.items() if side >= long_side]
        if covering:
            return min(covering, key=lambda name: sides[name])
        if not sides:
            return None
        largest = max(sides, key=lambda name: sides[name])
        if not self.nearest:
            self.issues.add_fault(
                option,
                "is larger than the endpoint supports",
                allowed=f"a long side of up to {sides[largest]} pixels",
            )
        return self._choose(option, largest, is_exact=False)

    def _choose(
        self, option: Option, closest: str | None, *, is_exact: bool
    ) -> str | None:
        """Return the closest value if it is exact or `nearest` is set."""
        if is_exact or closest is None:
            return closest
        if not self.nearest:
            return None
        self._warn_of_nearest(option, closest)
        return closest

    def _add_ratio_fault(self, field: Field, option: Option, size: Size) -> None:
        ratio = Fraction(*size)
        names = [n for n in field.shape.choices if parse_ratio(n) is not None]
        closest = parse_ratio(find_closest_ratio(ratio, names))
        nearest = None
        if closest is not None:
            times = max(1, round(size[0] / closest.numerator))
            nearest = f"{closest.numerator * times}x{closest.denominator * times}"
        self.issues.add_fault(
            option,
            f"has the ratio {ratio.numerator}:{ratio.denominator}, which the endpoint "
            "does not have",
            allowed=f"sizes of the ratios {', '.join(names)}",
            nearest=nearest,
        )

    def _warn_of_nearest(self, option: Option, used: str) -> None:
        self.issues.add_warning(
            f"The endpoint does not support {option}; {used}, the nearest, is sent."
        )


def _describe_named_size(name: str) -> str:
    size = PRESETS.get(name)
    return f"{name} ({size[0]}x{size[1]})" if size else name


def _get_long_sides(field: Field) -> dict[str, int]:
    return {
        str(name): side
        for name in field.shape.choices
        if (side := parse_long_side(name)) is not None
    }


def _find_closest_size(size: Size, names: list[str]) -> str | None:
    """Return the named size that differs least in width and height."""

    def measure(name: str) -> float:
        named = parse_size(name) or size
        return sum(abs(math.log(a / b)) for a, b in zip(named, size, strict=True))

    return min(names, key=measure, default=None)
