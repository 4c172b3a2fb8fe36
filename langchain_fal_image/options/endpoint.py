"""The contract of one endpoint: its options, what each may be, what it answers.

An `EndpointSchema` is made of `Field`s; a field has a name and a `Shape`, which
says what its value may be and may hold further fields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

__all__ = [
    "AUDIO_OUTPUTS",
    "IMAGE_WORDS",
    "SPOKEN",
    "EndpointSchema",
    "Field",
    "FileKind",
    "FileLimits",
    "Kind",
    "Shape",
    "kind_of",
]

IMAGE_WORDS = frozenset({"image", "image_url", "image_urls"})
"""What most endpoints call their input images."""

AUDIO_OUTPUTS = ("audio", "audios", "audio_file", "audio_url")
"""What endpoints call the audio that they answer with."""

FileKind = Literal["image", "mask", "audio"]

Kind = Literal["image", "speech", "transcription"]
"""What an endpoint makes. All audio counts as speech, music and sounds too."""

SPOKEN = ("text", "preview_text", "gen_text", "script", "prompt")
"""What endpoints call the words to be spoken, the usual name first."""


def kind_of(output: Collection[str]) -> Kind:
    """Tell what an endpoint makes.

    Args:
        output: The names in its answer.
    """
    if "image" in output or "images" in output:
        return "image"
    if any(name in output for name in AUDIO_OUTPUTS):
        return "speech"
    is_transcription = "text" in output and ("chunks" in output or "words" in output)
    return "transcription" if is_transcription else "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """What an endpoint asks of each input picture.

    Attributes:
        min_side: Fewest pixels of width and of height.
        max_side: Most pixels of width and of height.
        max_bytes: Largest file, in bytes.
        mime_types: The formats taken; empty where none are named.
        alpha: Whether a picture may have transparency.
    """

    min_side: int | None = None
    max_side: int | None = None
    max_bytes: int | None = None
    mime_types: tuple[str, ...] = ()
    alpha: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a value may be. An attribute that is None or empty sets no limit.

    Attributes:
        types: JSON Schema's words for the types allowed.
        enum: The values allowed.
        minimum: Least number.
        maximum: Greatest number.
        exclusive_minimum: Number that must be exceeded.
        exclusive_maximum: Number that must not be reached.
        multiple_of: Number of which the value must be a multiple.
        min_length: Fewest characters.
        max_length: Most characters.
        items: What each element of a list may be.
        min_items: Fewest elements.
        max_items: Most elements.
        fields: The options inside an object.
        extra: What a free-form map's values may be.
        any_of: Shapes of which one must fit.
        file: Set where the value is a picture or audio: what it is.
        file_limits: What is asked of that file.
        min_pixels: Least product of width and height.
        max_pixels: Greatest product of width and height.
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
    items: Shape | None = None
    min_items: int | None = None
    max_items: int | None = None
    fields: tuple[Field, ...] = ()
    extra: Shape | None = None
    any_of: tuple[Shape, ...] = ()
    file: FileKind | None = None
    file_limits: FileLimits = FileLimits()
    min_pixels: int | None = None
    max_pixels: int | None = None

    @property
    def alternatives(self) -> tuple[Shape, ...]:
        """The shapes of which a value may take one: `any_of`, else this one."""
        return self.any_of or (self,)

    @property
    def is_nullable(self) -> bool:
        """Whether the endpoint takes null here."""
        return any(
            "null" in shape.types or (bool(shape.enum) and None in shape.enum)
            for shape in self.alternatives
        )

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values listed by name, in any alternative; empty where none are."""
        return tuple(value for shape in self.alternatives for value in shape.enum)

    @property
    def object_fields(self) -> tuple[Field, ...]:
        """The options inside the first alternative that is an object."""
        return next((shape.fields for shape in self.alternatives if shape.fields), ())

    @property
    def list_items(self) -> Shape | None:
        """What the elements of the first alternative that is a list may be."""
        return next(
            (shape.items for shape in self.alternatives if shape.items is not None),
            None,
        )


# Not slotted: what follows from the fields is worked out once and kept.
@dataclass(frozen=True, kw_only=True)
class Field:
    """One option.

    Attributes:
        name: fal's spelling.
        shape: What its value may be.
        required: Whether a request must have it.
        default: What fal takes without it; None where fal names nothing.
        description: What it does, in a sentence.
    """

    name: str
    shape: Shape
    required: bool = False
    default: Any = None
    description: str = ""

    @cached_property
    def file(self) -> FileKind | None:
        """`"image"`, `"mask"` or `"audio"` where the option holds files, else None."""
        items = self.shape.list_items
        kinds = [shape.file for shape in self.shape.alternatives]
        kinds += [shape.file for shape in items.alternatives] if items else []
        return next((kind for kind in kinds if kind), None)

    @cached_property
    def takes_list(self) -> bool:
        """Whether the value is a list."""
        return self.shape.list_items is not None

    @property
    def max_files(self) -> int | None:
        """How many files the option holds at most; None where unlimited."""
        if self.file is None:
            return 0
        if not self.takes_list:
            return 1
        limits = [s.max_items for s in self.shape.alternatives if s.items is not None]
        return limits[0]


@dataclass(frozen=True, kw_only=True)
class EndpointSchema:
    """The contract of one endpoint.

    Attributes:
        endpoint_id: fal's id, such as `fal-ai/qwen-image`.
        fields: Its options, in fal's order.
        title: Its name, for people.
        about: What it is good at, in a sentence.
        category: fal's word for its kind, such as `text-to-image`.
        kind: What it makes.
    """

    endpoint_id: str
    fields: tuple[Field, ...]
    title: str = ""
    about: str = ""
    category: str = ""
    kind: Kind = "image"

    @classmethod
    def from_openapi(cls, document: Mapping[str, Any]) -> EndpointSchema:
        """Read the contract from fal's own OpenAPI document of an endpoint.

        Args:
            document: As `https://fal.ai/api/openapi/queue/openapi.json` gives it.

        Raises:
            ValueError: It describes no endpoint.
        """
        from langchain_fal_image.options.openapi import read_openapi  # noqa: PLC0415

        return read_openapi(document)

    def field(self, name: str) -> Field | None:
        """Give the option of that name in fal's spelling, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all options, in fal's order."""
        return tuple(field.name for field in self.fields)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names of the options that a request must have."""
        return tuple(field.name for field in self.fields if field.required)

    @cached_property
    def image_fields(self) -> tuple[Field, ...]:
        """The options that hold input images, the one to be filled first in front."""
        found = [field for field in self.fields if field.file == "image"]
        return tuple(sorted(found, key=lambda field: not field.required))

    @cached_property
    def images_field(self) -> Field | None:
        """The option that `images` means; None where there is none or it is not clear.

        The only required image option, else one that bears a usual name, else the
        only one there is.
        """
        fields = self.image_fields
        required = [field for field in fields if field.required]
        usual = [field for field in fields if field.name in IMAGE_WORDS]
        for candidates in (required,) if required else (usual, fields):
            if len(candidates) == 1:
                return candidates[0]
        return None

    @cached_property
    def mask_field(self) -> Field | None:
        """The option that holds the mask, or None."""
        return next((field for field in self.fields if field.file == "mask"), None)

    @cached_property
    def spoken_field(self) -> Field | None:
        """The option that holds the words to be spoken; None where there is none."""
        found = (self.field(name) for name in SPOKEN) if self.kind == "speech" else ()
        return next((field for field in found if field), None)

    @cached_property
    def audio_field(self) -> Field | None:
        """The option that `audio` means: the one required, else the only one."""
        fields = [field for field in self.fields if field.file == "audio"]
        required = [field for field in fields if field.required]
        for candidates in (required, fields):
            if len(candidates) == 1:
                return candidates[0]
        return None

    @property
    def takes_images(self) -> bool:
        """Whether an input image can be given."""
        return bool(self.image_fields)

    @property
    def needs_image(self) -> bool:
        """Whether an input image must be given."""
        return any(field.required for field in self.image_fields)

    @property
    def max_images(self) -> int | None:
        """How many images `images` takes; None where unlimited."""
        field = self.images_field
        return field.max_files if field else 0

    def shape_at(self, path: Sequence[str | int]) -> Shape | None:
        """Find what the payload may hold at a place.

        Args:
            path: Names and indices, such as `("image_urls", 0)`.

        Returns:
            The shape, or None where the contract knows nothing of that place.
        """
        shape: Shape | None = Shape(fields=self.fields)
        for step in path:
            if shape is None:
                return None
            shape = next(_inside(shape, step), None)
        return shape


def _inside(shape: Shape, step: str | int) -> Iterator[Shape]:
    for alternative in shape.alternatives:
        if isinstance(step, int):
            if alternative.items is not None:
                yield alternative.items
            continue
        yield from (f.shape for f in alternative.fields if f.name == step)
        if alternative.extra is not None:
            yield alternative.extra
