"""The options of an endpoint that determine the size of its images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from langchain_fal_image.options.geometry import (
    ANY_SIZE,
    Size,
    SizeLimits,
    parse_ratio,
    parse_size,
)
from langchain_fal_image.options.shape import Field, Shape

__all__ = ["SIZE_OPTIONS", "SizeFields", "find_choice", "find_size_fields"]

SIZE_OPTIONS = ("size", "aspect_ratio", "image_size", "width", "height", "resolution")
"""The size options: the AI SDK's `size`, and those of most endpoints."""

# Which of an endpoint's options holds a size or a ratio depends on its shape too:
# `aspect_ratio` of fal-ai/fooocus is a size, as its default shows.
_SIZE_NAMES = ("image_size", "size", "canvas_size", "shot_size", "target_sizes")
_RATIO_NAMES = ("aspect_ratio", "ratio", "resolution_mode")
_SIDE_NAMES = (
    ("width", "height"),
    ("output_width", "output_height"),
    ("target_width", "target_height"),
)

_Form = Literal["object", "list", "texts", "text", "names"]
_NUMBERS = frozenset({"integer", "number"})


# It has no slots because cached_property needs a __dict__.
@dataclass(frozen=True)
class SizeFields:
    """The options of an endpoint that determine the size; None if it has no such one.

    Attributes:
        size: Holds width and height, or the name of a size.
        form: How `size` holds them: an object, a list of two numbers, a list of
            `1024x768`, one such text, or one of the listed names only.
        sides: Width and height as two options.
        ratio: Holds a ratio such as `16:9`, plain or as `{"ratio": …}`.
        resolution: Holds one of several listed resolutions, such as `2K`.
    """

    size: Field | None = None
    form: _Form | None = None
    sides: tuple[Field, Field] | None = None
    ratio: Field | None = None
    resolution: Field | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all size options, both those of calls and the endpoint's."""
        own = (self.size, self.ratio, *(self.sides or ()))
        found = (field.name for field in own if field is not None)
        return tuple(dict.fromkeys((*SIZE_OPTIONS, *found)))

    @cached_property
    def takes_pixels(self) -> bool:
        """Whether width and height can be chosen, not only their ratio."""
        return self.size is not None or self.sides is not None

    @cached_property
    def limits(self) -> SizeLimits:
        """The limits of width and height."""
        if self.sides is not None:
            width, height = self.sides
            return SizeLimits(_get_range(width.shape), _get_range(height.shape))
        if self.size is None:
            return ANY_SIZE
        shape, inner = self.size.shape, self.size.shape.object_fields
        ranges = [
            _get_range(inner[side].shape) if side in inner else ANY_SIZE.width
            for side in ("width", "height")
        ]
        pixels = (shape.min_pixels or 1, shape.max_pixels or math.inf)
        return SizeLimits(ranges[0], ranges[1], pixels)

    def write_size(self, size: Size) -> Any:
        """Return the value of `size` for width and height."""
        width, height = size
        match self.form:
            case "object":
                return {"width": width, "height": height}
            case "list":
                return [width, height]
            case "texts":
                return [f"{width}x{height}"]
            case _:
                return f"{width}x{height}"

    def write_ratio(self, ratio: str) -> Any:
        """Return the value of `ratio` for a ratio."""
        is_nested = self.ratio is not None and self.ratio.shape.object_fields
        return {"ratio": ratio} if is_nested else ratio

    @cached_property
    def named_sizes(self) -> dict[str, Size]:
        """The sizes that the option `size` lists, by name."""
        choices = self.size.shape.choices if self.size else ()
        return {
            name: size
            for name in choices
            if isinstance(name, str) and (size := parse_size(name))
        }

    @cached_property
    def named_ratios(self) -> tuple[str, ...]:
        """The values that the option `ratio` lists, such as `16:9` or `auto`."""
        if self.ratio is None:
            return ()
        inner = self.ratio.shape.object_fields.get("ratio", self.ratio)
        return tuple(name for name in inner.shape.choices if isinstance(name, str))

    @cached_property
    def takes_any_ratio(self) -> bool:
        """Whether the option `ratio` takes ratios that it does not list."""
        return self.ratio is not None and _is_open_text(self.ratio.shape)


def find_size_fields(fields: Mapping[str, Field]) -> SizeFields:
    """Find those of an endpoint's options that determine the size."""
    resolution = fields.get("resolution")
    size, form = next(_find_sizes(fields), (None, None))
    ratios = (fields[name] for name in _RATIO_NAMES if name in fields)
    pairs = (
        (fields[width], fields[height])
        for width, height in _SIDE_NAMES
        if width in fields and height in fields
    )
    return SizeFields(
        size=size,
        form=form,
        sides=next(filter(_are_numbers, pairs), None),
        ratio=next(
            (each for each in ratios if each is not size and _has_ratio(each)), None
        ),
        resolution=resolution if resolution is not size else None,
    )


def find_choice(field: Field | None, value: object) -> str | None:
    """Return the listed choice that a text names, in any case: `1K` for `1k`."""
    if field is None or not isinstance(value, str):
        return None
    choices = [name for name in field.shape.choices if isinstance(name, str)]
    if value in choices:
        return value
    text = value.strip().casefold()
    return next((name for name in choices if name.casefold() == text), None)


def _find_sizes(fields: Mapping[str, Field]) -> Iterator[tuple[Field, _Form]]:
    for name in (*_SIZE_NAMES, *_RATIO_NAMES, "resolution"):
        field = fields.get(name)
        form = _find_form(field) if field is not None else None
        if field is not None and form is not None:
            yield field, form


def _find_form(field: Field) -> _Form | None:
    shape = field.shape
    if {"width", "height"} <= set(shape.object_fields):
        return "object"
    if shape.list_items is not None:
        return "list" if _is_number(shape.list_items) else "texts"
    if not any(
        isinstance(each, str) and parse_size(each)
        for each in (field.default, *shape.choices)
    ):
        return None
    return "text" if _is_open_text(shape) else "names"


def _has_ratio(field: Field) -> bool:
    """Return whether an option holds ratios: it lists some, or it takes any text."""
    shape = field.shape
    if shape.object_fields:
        return list(shape.object_fields) == ["ratio"]
    return any(map(parse_ratio, shape.choices)) or _is_open_text(shape)


def _is_open_text(shape: Shape) -> bool:
    return any("string" in each.types and not each.enum for each in shape.alternatives)


def _is_number(shape: Shape) -> bool:
    return any(not _NUMBERS.isdisjoint(each.types) for each in shape.alternatives)


def _are_numbers(sides: tuple[Field, Field]) -> bool:
    return all(_is_number(side.shape) for side in sides)


def _get_range(shape: Shape) -> tuple[float, float]:
    """Return the least and most pixels of a side."""
    low, high = ANY_SIZE.width
    for each in shape.alternatives:
        if each.minimum is not None:
            low = max(low, each.minimum)
        if each.exclusive_minimum is not None:
            low = max(low, each.exclusive_minimum + 1)
        if each.maximum is not None:
            high = min(high, each.maximum)
        if each.exclusive_maximum is not None:
            high = min(high, each.exclusive_maximum - 1)
    return low, high
