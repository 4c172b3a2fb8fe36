"""Map a requested size to the size options of an endpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from langchain_fal_image.options.geometry import (
    PRESETS,
    USUAL_SIZES,
    Size,
    compute_size,
    find_closest_ratio,
    fit_limits,
    fit_resolution,
    measure,
    parse_ratio,
    parse_resolution,
    parse_size,
)
from langchain_fal_image.options.issues import Issues, Option
from langchain_fal_image.options.layers import Layer
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.size_fields import SizeFields, find_choice
from langchain_fal_image.options.size_request import SizeRequest

__all__ = ["SizeMapping", "name_ratio"]

# How far a ratio may be off because sides have limits and are multiples of 16.
_TOLERANCE = 0.05


def name_ratio(ratio: Fraction) -> str:
    """Return a ratio as `width:height`, such as `16:9`."""
    return f"{ratio.numerator}:{ratio.denominator}"


@dataclass(frozen=True, slots=True)
class SizeMapping:
    """Maps sizes to the options of one endpoint.

    If `nearest`, the nearest size that the endpoint has is taken, with a warning,
    instead of adding a fault.
    """

    fields: SizeFields
    issues: Issues
    nearest: bool = False

    def convert_option(self, name: str, option: Option) -> Option:
        """Convert one of the endpoint's size options to a form that it accepts.

        An option is returned unchanged if its value is not a size, or if the endpoint
        takes any text.
        """
        fields = self.fields
        value: Any = None
        if fields.size is not None and name == fields.size.name:
            value = self._convert_size(fields.size, option)
        elif fields.ratio is not None and name == fields.ratio.name:
            value = self._convert_ratio(option)
        elif fields.resolution is not None and name == fields.resolution.name:
            value = self._convert_resolution(fields.resolution, option)
        return option if value is None else replace(option, value=value)

    def map_name(self, option: Option) -> Layer:
        """Return the option that lists a name such as `auto`; empty if none does."""
        is_name = not parse_size(option.value) and not parse_ratio(option.value)
        for field in (self.fields.ratio, self.fields.size):
            name = find_choice(field, option.value)
            if is_name and field is not None and name is not None:
                return {field.name: replace(option, value=name)}
        return {}

    def map_request(self, request: SizeRequest) -> Layer:
        """Return the endpoint's options for a size; empty if a fault was added."""
        fields = self.fields
        is_ratio = request.ratio is not None and request.size is None
        if fields.ratio is not None and (is_ratio or not fields.takes_pixels):
            return self._map_to_ratio(fields.ratio, request)
        if fields.size is not None:
            return self._map_to_size(fields.size, request)
        if fields.sides is not None:
            return self._map_to_sides(fields.sides, request)
        for option in request.options:
            self.issues.add_fault(
                option,
                "cannot be used: the endpoint has no option for the size",
                allowed="leave it out",
            )
        return {}

    def _convert_size(self, field: Field, option: Option) -> Any:
        if (name := find_choice(field, option.value)) is not None:
            return name
        if self.fields.form == "text" and isinstance(option.value, str):
            return None
        size = parse_size(option.value)
        return self._choose_size(option, size) if size else None

    def _convert_ratio(self, option: Option) -> Any:
        value = option.value
        if isinstance(value, Mapping) and set(value) == {"ratio"}:
            value = value["ratio"]
        if not isinstance(value, str) or self.fields.takes_any_ratio:
            return None
        ratio = parse_ratio(value)
        if value not in self.fields.named_ratios and ratio is not None:
            value = self._choose_ratio(option, ratio) or value
        return self.fields.write_ratio(value)

    def _convert_resolution(self, field: Field, option: Option) -> str | None:
        if (name := find_choice(field, option.value)) is not None:
            return name
        unit, pixels = parse_resolution(option.value) or ("", 0)
        named = _list_resolutions(field, unit)
        if not named:
            return None
        closest = min(named, key=lambda name: abs(math.log(named[name] / pixels)))
        return self._choose(option, closest, is_exact=named[closest] == pixels)

    def _map_to_size(self, field: Field, request: SizeRequest) -> Layer:
        if request.ratio and not request.size and not request.resolution:
            option, ratio = request.ratio
            if self.fields.form == "names":
                name = self._choose_name(option, ratio)
                return {field.name: replace(option, value=name)} if name else {}
            usual = USUAL_SIZES.get(ratio)
            if isinstance(usual, str) and usual in field.shape.choices:
                return {field.name: replace(option, value=usual)}
        if request.resolution and not request.size and not request.ratio:
            option, _ = request.resolution
            if automatic := find_choice(field, f"auto_{option.value}"):
                return {field.name: replace(option, value=automatic)}
        computed = self._compute_size(request)
        if computed is None:
            return {}
        option, size = computed
        value = self._choose_size(option, size)
        if value is not None:
            return {field.name: replace(option, value=value)}
        named = self.fields.named_sizes
        self.issues.add_fault(
            option,
            "is not a size that the endpoint has",
            allowed=", ".join(map(_describe_name, named)),
            nearest=_find_closest_size(size, named),
        )
        return {}

    def _map_to_sides(self, sides: tuple[Field, Field], request: SizeRequest) -> Layer:
        computed = self._compute_size(request)
        if computed is None:
            return {}
        option, size = computed
        fitted = self._fit_limits(option, size)
        return {
            side.name: replace(option, value=value)
            for side, value in zip(sides, fitted, strict=True)
        }

    def _map_to_ratio(self, field: Field, request: SizeRequest) -> Layer:
        if request.resolution is not None:
            self.issues.add_fault(
                request.resolution[0],
                "cannot be used: the endpoint has no option for the resolution",
                allowed="leave it out",
            )
        if request.size is not None:
            option, size = request.size
            ratio = Fraction(*size)
        elif request.ratio is not None:
            (option, ratio), size = request.ratio, None
        else:
            return {}
        name = self._choose_ratio(option, ratio)
        if name is None:
            self._add_ratio_fault(option, ratio, size)
            return {}
        layer = {field.name: replace(option, value=self.fields.write_ratio(name))}
        if size is None:
            return layer
        sent = f"{field.name} {name}"
        if self.fields.resolution is not None:
            covering = self._choose_covering(self.fields.resolution, option, size)
            if covering is not None:
                layer[self.fields.resolution.name] = replace(option, value=covering)
                sent += f" and resolution {covering}"
        warning = f"{option} was sent as {sent}; its size in pixels may differ."
        self.issues.add_warning(warning)
        return layer

    def _compute_size(self, request: SizeRequest) -> tuple[Option, Size] | None:
        """Return width and height; None if the request does not determine them."""
        if request.size is not None:
            return request.size
        if request.ratio is None or self.fields.form == "texts":
            with_ratio = "aspect_ratio with it, or " if request.ratio is None else ""
            for option in request.options:
                self.issues.add_fault(
                    option,
                    "does not determine the size",
                    allowed=f"{with_ratio}size, such as 1024x768",
                )
            return None
        option, ratio = request.ratio
        if request.resolution is not None:
            return option, fit_resolution(ratio, request.resolution[1])
        size = self._compute_usual_size(ratio)
        if abs(Fraction(*size) / ratio - 1) <= _TOLERANCE:
            return option, size
        if self.nearest:
            self._warn_of_nearest(option, f"{size[0]}x{size[1]}")
            return option, size
        allowed = f"{self.fields.limits}; the nearest size is {size[0]}x{size[1]}"
        self.issues.add_fault(option, "does not fit the sizes", allowed=allowed)
        return None

    def _compute_usual_size(self, ratio: Fraction) -> Size:
        limits = self.fields.limits
        usual = USUAL_SIZES.get(ratio)
        size = PRESETS[usual] if isinstance(usual, str) else usual
        has_usual = self.fields.form in {"object", None}
        if size is None or not has_usual or size != fit_limits(size, limits):
            size = compute_size(ratio)
        return fit_limits(size, limits)

    def _choose_size(self, option: Option, size: Size) -> Any:
        """Return the value of the endpoint's option, or None if no size fits."""
        if self.fields.form != "names":
            return self.fields.write_size(self._fit_limits(option, size))
        named = self.fields.named_sizes
        closest = _find_closest_size(size, named)
        is_exact = closest is not None and named[closest] == size
        return self._choose(option, closest, is_exact=is_exact)

    def _fit_limits(self, option: Option, size: Size) -> Size:
        """Return the size; if `nearest`, the closest one within the limits."""
        fitted = fit_limits(size, self.fields.limits) if self.nearest else size
        if fitted != size:
            self._warn_of_nearest(option, f"{fitted[0]}x{fitted[1]}")
        return fitted

    def _choose_name(self, option: Option, ratio: Fraction) -> str | None:
        """Return the listed size of about a megapixel with a ratio, or add a fault."""
        named = self.fields.named_sizes
        ratios = {name: Fraction(*size) for name, size in named.items()}
        usual = math.prod(compute_size(ratio))
        closest = min(
            named,
            key=lambda name: (
                abs(math.log(ratios[name] / ratio)),
                abs(math.log(math.prod(named[name]) / usual)),
            ),
        )
        found = self._choose(option, closest, is_exact=ratios[closest] == ratio)
        if found is None:
            self.issues.add_fault(
                option,
                "is not the ratio of a size that the endpoint has",
                allowed=", ".join(f"{name_ratio(ratios[n])} ({n})" for n in named),
                nearest=name_ratio(ratios[closest]),
            )
        return found

    def _choose_ratio(self, option: Option, ratio: Fraction) -> str | None:
        """Return the endpoint's name for a ratio, or None if none fits."""
        closest = find_closest_ratio(ratio, self.fields.named_ratios)
        is_exact = parse_ratio(closest) == ratio
        if self.fields.takes_any_ratio and not is_exact:
            return name_ratio(ratio)
        return self._choose(option, closest, is_exact=is_exact)

    def _choose_covering(self, field: Field, option: Option, size: Size) -> str | None:
        """Return the smallest resolution that has at least that size."""
        for unit in ("k", "p", "mp"):
            named = _list_resolutions(field, unit)
            needed = measure(size, unit)
            covering = [name for name in named if named[name] >= needed]
            if covering:
                return min(covering, key=lambda name: named[name])
            if not named:
                continue
            largest = max(named, key=lambda name: named[name])
            if unit != "k":
                return largest  # how large it is at this ratio is not documented
            if not self.nearest:
                self.issues.add_fault(
                    option,
                    "is larger than the endpoint supports",
                    allowed=f"a long side of up to {named[largest]} pixels",
                )
            return self._choose(option, largest, is_exact=False)
        return None

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

    def _add_ratio_fault(
        self, option: Option, ratio: Fraction, size: Size | None
    ) -> None:
        names = [n for n in self.fields.named_ratios if parse_ratio(n) is not None]
        nearest = find_closest_ratio(ratio, names)
        closest = parse_ratio(nearest)
        if size is not None and closest is not None:
            times = max(1, round(size[0] / closest.numerator))
            nearest = f"{closest.numerator * times}x{closest.denominator * times}"
        self.issues.add_fault(
            option,
            f"has the ratio {name_ratio(ratio)}, which the endpoint does not have",
            allowed=f"{'sizes of ' if size else ''}the ratios {', '.join(names)}",
            nearest=nearest,
        )

    def _warn_of_nearest(self, option: Option, used: str) -> None:
        self.issues.add_warning(
            f"The endpoint does not support {option}; {used}, the nearest, is sent."
        )


def _describe_name(name: str) -> str:
    size = PRESETS.get(name)
    return f"{name} ({size[0]}x{size[1]})" if size else name


def _list_resolutions(field: Field, unit: str) -> dict[str, int]:
    """Return the listed resolutions in a unit, with their pixels."""
    found = {str(name): parse_resolution(name) for name in field.shape.choices}
    return {name: each[1] for name, each in found.items() if each and each[0] == unit}


def _find_closest_size(size: Size, named: Mapping[str, Size]) -> str | None:
    """Return the named size that differs least in width and height."""

    def compare(name: str) -> float:
        return sum(abs(math.log(a / b)) for a, b in zip(named[name], size, strict=True))

    return min(named, key=compare, default=None)
