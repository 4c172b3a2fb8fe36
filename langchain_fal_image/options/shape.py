"""The options of an endpoint and the values each may have.

A `Field` is one option: a name and a `Shape`. A shape describes a value and may hold
further fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

__all__ = ["Field", "FileKind", "FileLimits", "Shape"]

FileKind = Literal["image", "mask", "audio"]
"""The kind of file that an option holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """Limits for each input image.

    Attributes:
        min_side: Minimum width and height, in pixels.
        max_side: Maximum width and height, in pixels.
        min_ratio: Minimum of width divided by height.
        max_ratio: Maximum of width divided by height.
        max_bytes: Maximum file size, in bytes.
        mime_types: The accepted formats; empty if any is accepted.
        alpha: Whether an image may have transparency.
    """

    min_side: int | None = None
    max_side: int | None = None
    min_ratio: float | None = None
    max_ratio: float | None = None
    max_bytes: int | None = None
    mime_types: tuple[str, ...] = ()
    alpha: bool = True


# Shape and Field have no slots because cached_property needs a __dict__.
@dataclass(frozen=True, kw_only=True)
class Shape:
    """The values that an option may have. None or empty means no limit.

    Attributes:
        types: The allowed JSON Schema types.
        enum: The allowed values.
        minimum: Minimum of a number, inclusive.
        maximum: Maximum of a number, inclusive.
        exclusive_minimum: Minimum of a number, exclusive.
        exclusive_maximum: Maximum of a number, exclusive.
        multiple_of: A number that the value must be a multiple of.
        min_length: Minimum length of a string, in characters.
        max_length: Maximum length of a string, in characters.
        pattern: A regular expression that a string must contain.
        format: The JSON Schema format of a string, such as `uuid4`.
        items: The shape of each item of a list.
        min_items: Minimum number of items.
        max_items: Maximum number of items.
        unique_items: Whether all items must differ.
        fields: The options inside an object, by name.
        extra: The shape of the values of a free-form object.
        closed: Whether an object may have only the options in `fields`.
        any_of: Alternative shapes; the value must match one of them.
        file: The kind of file, if the value is one.
        file_limits: The limits of that file.
        min_pixels: Minimum of width times height.
        max_pixels: Maximum of width times height.
    """

    types: tuple[str, ...] = ()
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    items: Shape | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    fields: Mapping[str, Field] = field(default_factory=dict)
    extra: Shape | None = None
    closed: bool = False
    any_of: tuple[Shape, ...] = ()
    file: FileKind | None = None
    file_limits: FileLimits = FileLimits()
    min_pixels: int | None = None
    max_pixels: int | None = None

    @cached_property
    def alternatives(self) -> tuple[Shape, ...]:
        """The alternative shapes: `any_of`, or this shape alone."""
        return self.any_of or (self,)

    @cached_property
    def is_nullable(self) -> bool:
        """Whether the endpoint accepts null."""
        return any(
            "null" in shape.types or (bool(shape.enum) and None in shape.enum)
            for shape in self.alternatives
        )

    @cached_property
    def choices(self) -> tuple[Any, ...]:
        """The enum values of all alternatives but null; empty if there are none."""
        return tuple(
            value
            for shape in self.alternatives
            for value in shape.enum
            if value is not None
        )

    @cached_property
    def object_fields(self) -> Mapping[str, Field]:
        """The options inside the first alternative that is an object, by name."""
        return next((shape.fields for shape in self.alternatives if shape.fields), {})

    @cached_property
    def list_items(self) -> Shape | None:
        """The item shape of the first alternative that is a list."""
        return next(
            (shape.items for shape in self.alternatives if shape.items is not None),
            None,
        )

    @cached_property
    def has_limits(self) -> bool:
        """Whether a number or the length of a string is limited."""
        return any(
            limit is not None
            for limit in (
                *(self.minimum, self.exclusive_minimum, self.min_length),
                *(self.maximum, self.exclusive_maximum, self.max_length),
                *(self.multiple_of, self.pattern, self.format),
            )
        )

    @cached_property
    def has_pixel_limits(self) -> bool:
        """Whether width times height has a limit."""
        return self.min_pixels is not None or self.max_pixels is not None

    def inner_shapes(self, step: str | int) -> Iterator[Shape]:
        """Iterate over the shapes that a list's item or an object's option may have."""
        for alternative in self.alternatives:
            if isinstance(step, int):
                if alternative.items is not None:
                    yield alternative.items
                continue
            if step in alternative.fields:
                yield alternative.fields[step].shape
            if alternative.extra is not None:
                yield alternative.extra


@dataclass(frozen=True, kw_only=True)
class Field:
    """One option.

    Attributes:
        name: The name in fal's spelling.
        shape: The values it may have.
        required: Whether a request must have it.
        default: fal's default; None if it is not known.
        description: What it does, in a sentence.
    """

    name: str
    shape: Shape
    required: bool = False
    default: Any = None
    description: str = ""

    @cached_property
    def file(self) -> FileKind | None:
        """The kind of file that the option holds: `"image"`, `"mask"` or `"audio"`."""
        items = self.shape.list_items
        kinds = [shape.file for shape in self.shape.alternatives]
        kinds += [shape.file for shape in items.alternatives] if items else []
        return next((kind for kind in kinds if kind), None)

    @cached_property
    def takes_list(self) -> bool:
        """Whether the value is a list."""
        return self.shape.list_items is not None

    @cached_property
    def max_files(self) -> int | None:
        """The maximum number of files; None if unlimited."""
        if self.file is None:
            return 0
        if not self.takes_list:
            return 1
        limits = [s.max_items for s in self.shape.alternatives if s.items is not None]
        return limits[0]
