"""The schema of one endpoint: its options and what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from langchain_fal_image.options.contract import (
    UNKNOWN_SOURCE,
    Contract,
    ContractSource,
)
from langchain_fal_image.options.json_schema import parse_fields
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.options.openapi import parse_document
from langchain_fal_image.options.shape import Field, Shape
from langchain_fal_image.options.size_fields import SizeFields, find_size_fields

__all__ = ["COUNT_OPTIONS", "IMAGE_OPTIONS", "TEXT_OPTIONS", "EndpointSchema"]

COUNT_OPTIONS = (
    *("num_images", "num_results", "num_samples", "number_of_images", "num_outputs"),
    *("num_variations", "batch_size", "n", "max_images", "num_layers"),
)
"""The names of the option for the number of results, the most usual one first."""

IMAGE_OPTIONS = frozenset({"image", "image_url", "image_urls"})
"""The usual names of the option for input images."""

TEXT_OPTIONS = ("text", "preview_text", "gen_text", "script", "prompt")
"""The names of the option for the text to speak, the most usual one first."""


@dataclass(frozen=True, kw_only=True)
class EndpointSchema:
    """The schema of one endpoint.

    Attributes:
        endpoint_id: fal's id, such as `fal-ai/qwen-image`.
        fields: Its options by name, in fal's order.
        title: Its name.
        about: What it is good at, in a sentence.
        category: fal's category, such as `text-to-image`.
        kind: What it makes.
        source: Where the contract comes from; it decides whether a value outside the
            contract raises an error or adds a warning.
    """

    endpoint_id: str
    fields: Mapping[str, Field]
    title: str = ""
    about: str = ""
    category: str = ""
    kind: Kind = "image"
    source: ContractSource = UNKNOWN_SOURCE

    @classmethod
    def from_contract(cls, contract: Contract) -> EndpointSchema:
        """Create the schema from a contract."""
        return cls(
            endpoint_id=contract.endpoint_id,
            fields=parse_fields(contract.input),
            title=contract.title,
            about=contract.about,
            category=contract.category,
            kind=contract.kind,
            source=contract.source,
        )

    @classmethod
    def from_openapi(
        cls, document: Mapping[str, Any], *, date: str = ""
    ) -> EndpointSchema:
        """Create the schema from fal's OpenAPI document of an endpoint.

        Args:
            document: As `https://fal.ai/api/openapi/queue/openapi.json` returns it;
                OpenAPI 3.0 or 3.1.
            date: The day on which it was fetched, for `source`; by default today.

        Raises:
            ValueError: The document describes no endpoint, has a `$ref` that does not
                resolve, or is not valid OpenAPI.
        """
        today = date or datetime.now(UTC).date().isoformat()
        try:
            return cls.from_contract(parse_document(document, date=today))
        except (AttributeError, KeyError, RecursionError, TypeError) as error:
            message = f"The document is not valid OpenAPI: {error}."
            raise ValueError(message) from error

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names of the options that a request must have."""
        return tuple(field.name for field in self.fields.values() if field.required)

    @cached_property
    def image_fields(self) -> tuple[Field, ...]:
        """The options that hold input images, required ones first."""
        found = [field for field in self.fields.values() if field.file == "image"]
        return tuple(sorted(found, key=lambda field: not field.required))

    @cached_property
    def images_field(self) -> Field | None:
        """The option that the call option `images` sets, or None.

        It is the only required image option, else the only one with a usual name, else
        the only image option.
        """
        fields = self.image_fields
        required = [field for field in fields if field.required]
        usual = [field for field in fields if field.name in IMAGE_OPTIONS]
        for candidates in (required,) if required else (usual, fields):
            if len(candidates) == 1:
                return candidates[0]
        return None

    @cached_property
    def mask_field(self) -> Field | None:
        """The option that holds the mask, or None."""
        return next(
            (field for field in self.fields.values() if field.file == "mask"), None
        )

    @cached_property
    def size_fields(self) -> SizeFields:
        """The options that determine the size of images."""
        return find_size_fields(self.fields)

    @cached_property
    def count_field(self) -> Field | None:
        """The option that the call option `n` sets: the number of results, or None."""
        found = (self.fields.get(name) for name in COUNT_OPTIONS)
        return next((field for field in found if field), None)

    @cached_property
    def text_field(self) -> Field | None:
        """The option that holds the text to speak, or None."""
        if self.kind != "speech":
            return None
        found = (self.fields.get(name) for name in TEXT_OPTIONS)
        return next((field for field in found if field), None)

    @cached_property
    def audio_field(self) -> Field | None:
        """The option that `audio` sets: the only required one, else the only one."""
        fields = [field for field in self.fields.values() if field.file == "audio"]
        required = [field for field in fields if field.required]
        for candidates in (required, fields):
            if len(candidates) == 1:
                return candidates[0]
        return None

    @cached_property
    def takes_images(self) -> bool:
        """Whether the endpoint accepts input images."""
        return bool(self.image_fields)

    @cached_property
    def needs_image(self) -> bool:
        """Whether the endpoint requires an input image."""
        return any(field.required for field in self.image_fields)

    @cached_property
    def max_images(self) -> int | None:
        """The maximum number of `images`; None if unlimited."""
        field = self.images_field
        return field.max_files if field else 0

    def get_shape(self, path: Sequence[str | int]) -> Shape | None:
        """Return the shape of the value at a path of the payload.

        Args:
            path: Names and indices, such as `("image_urls", 0)`.

        Returns:
            The shape, or None if the schema does not describe that path.
        """
        shape: Shape | None = Shape(fields=self.fields)
        for step in path:
            if shape is None:
                return None
            shape = next(shape.inner_shapes(step), None)
        return shape
