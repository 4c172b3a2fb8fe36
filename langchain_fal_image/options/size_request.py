"""The requested size, parsed from options that the endpoint does not have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from langchain_fal_image.options.geometry import (
    COMMON_RATIOS,
    Resolution,
    Size,
    measure,
    parse_ratio,
    parse_resolution,
    parse_size,
)
from langchain_fal_image.options.issues import Issues, Option
from langchain_fal_image.options.layers import Layer

__all__ = ["SizeRequest", "parse_size_request"]


@dataclass(frozen=True, slots=True)
class SizeRequest:
    """A requested size; each part with the option that it comes from.

    `size` is width and height in pixels; `ratio` is width divided by height;
    `resolution` is a number of pixels that, with the ratio, determines the size.
    """

    size: tuple[Option, Size] | None = None
    ratio: tuple[Option, Fraction] | None = None
    resolution: tuple[Option, Resolution] | None = None

    @property
    def options(self) -> tuple[Option, ...]:
        """The options that it was parsed from."""
        parts = (self.size, self.ratio, self.resolution)
        return tuple(part[0] for part in parts if part is not None)


def parse_size_request(layer: Layer, issues: Issues) -> SizeRequest | None:
    """Parse the requested size from the size options that the endpoint does not have.

    Returns None if no size is requested or a fault was added: an option that cannot be
    parsed, or options that contradict each other.
    """
    request = SizeRequest()
    before = len(issues.faults)
    for name, option in _join_sides(layer, issues).items():
        if name == "aspect_ratio":
            request = _add_ratio(request, option, issues)
        elif name == "resolution":
            request = _add_resolution(request, option, issues)
        else:
            request = _add_size(request, option, issues)
    if request.size is not None:
        option, size = request.size
        if request.ratio is not None and Fraction(*size) != request.ratio[1]:
            issues.add_contradiction(option, request.ratio[0])
        if request.resolution is not None:
            resolution, (unit, pixels) = request.resolution
            if measure(size, unit) != pixels:
                issues.add_contradiction(option, resolution)
    if request == SizeRequest() or len(issues.faults) > before:
        return None
    return request


def _join_sides(layer: Layer, issues: Issues) -> Layer:
    """Combine `width` and `height` into one option."""
    sides = [layer[side] for side in ("width", "height") if side in layer]
    joined = {k: v for k, v in layer.items() if k not in {"width", "height"}}
    if len(sides) == 1:
        problem = f"is given without {'width' if 'height' in layer else 'height'}"
        issues.add_fault(sides[0], problem, allowed="width and height together")
    elif sides:
        value = {"width": sides[0].value, "height": sides[1].value}
        joined["sides"] = Option("width and height", value, sides[0].layer)
    return joined


def _add_size(request: SizeRequest, option: Option, issues: Issues) -> SizeRequest:
    size = parse_size(option.value)
    if size is None:
        allowed = "width and height in pixels, such as 1024x768"
        issues.add_fault(option, "is not a size", allowed=allowed)
    elif request.size is not None and request.size[1] != size:
        issues.add_contradiction(request.size[0], option)
    else:
        return replace(request, size=(option, size))
    return request


def _add_ratio(request: SizeRequest, option: Option, issues: Issues) -> SizeRequest:
    ratio = parse_ratio(option.value)
    if ratio is not None:
        return replace(request, ratio=(option, ratio))
    allowed = f"{', '.join(COMMON_RATIOS)} or any other width:height"
    issues.add_fault(option, "is not a ratio", allowed=allowed)
    return request


def _add_resolution(
    request: SizeRequest, option: Option, issues: Issues
) -> SizeRequest:
    resolution = parse_resolution(option.value)
    if resolution is not None:
        return replace(request, resolution=(option, resolution))
    if parse_size(option.value) is not None:
        return _add_size(request, option, issues)
    issues.add_fault(
        option,
        "is not a supported resolution",
        allowed="1K, 2K or 4K with aspect_ratio, or size, such as 1024x768",
    )
    return request
