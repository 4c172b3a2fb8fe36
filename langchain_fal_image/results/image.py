"""Generated images, and the result of an image request."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from langchain_fal_image._formats.image import EXTENSIONS, sniff_image
from langchain_fal_image._formats.pillow import decode_image, make_thumbnail
from langchain_fal_image._formats.signatures import is_text
from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
from langchain_fal_image.results._artifact import shorten_artifact
from langchain_fal_image.results._disk import make_stem
from langchain_fal_image.results._output import find_images, read_entry, write_entry
from langchain_fal_image.results._recipe import ResultLookup, write_recipe
from langchain_fal_image.results.base import FalResult
from langchain_fal_image.results.file import GeneratedFile
from langchain_fal_image.wire.effects import Gather

if TYPE_CHECKING:
    import PIL.Image

    from langchain_fal_image.inputs.reference import MediaType
    from langchain_fal_image.options.kind import Kind
    from langchain_fal_image.wire.effects import Flow

__all__ = ["GeneratedImage", "ImageResult"]

T = TypeVar("T")

_ARTIFACT_BYTES_PER_IMAGE = 1024
_PARALLEL_DOWNLOADS = 8
_MAX_DESCRIPTION = 1000

_CAMEL_IMAGE_FIELDS = {
    "content_type": "contentType",
    "file_name": "fileName",
    "file_size": "fileSize",
    "file_data": "fileData",
}


@dataclass(frozen=True, kw_only=True)
class GeneratedImage(GeneratedFile):
    """One image that fal made.

    Attributes:
        width: In pixels; None if fal does not report it and the file was not read yet.
        height: In pixels; None if fal does not report it and the file was not read
            yet.
        nsfw: Whether fal's safety checker flagged it; None if fal does not report it.
    """

    width: int | None = field(default=None, compare=False)
    height: int | None = field(default=None, compare=False)
    nsfw: bool | None = None

    media_type: ClassVar[MediaType] = "image"
    _default_type: ClassVar[str] = "image/png"
    _extensions: ClassVar[Mapping[str, str]] = EXTENSIONS

    def to_pil(self) -> PIL.Image.Image:
        """Read the image as a Pillow image.

        Raises:
            FalConfigurationError: Pillow is not installed.
            FalDownloadError: The bytes are not available, are not an image, or have
                more pixels than `limits.image_pixels`.
        """
        return self._decode(self.read(), decode_image)

    def to_html(self, *, embed: bool = False) -> str:
        """Return the image as HTML, by its URL.

        Args:
            embed: Whether to put the bytes into the HTML, so that it works after the
                URL expires. An image without a URL (`sync_mode`) is always embedded.

        Raises:
            FalDownloadError: The bytes are not available.
        """
        # Imported when HTML is needed, to save start-up time.
        from langchain_fal_image.results._html import render_image  # noqa: PLC0415

        source = self._html_source(embed=embed)
        return render_image(source, self.handle or f"image {self.index + 1}")

    def _make_thumbnail(self, content: bytes, side: int) -> bytes:
        """Return a small JPEG of the image; raises the errors of `to_pil`."""
        return self._decode(content, functools.partial(make_thumbnail, side=side))

    def _decode(self, content: bytes, decode: Callable[..., T]) -> T:
        try:
            return decode(content, max_pixels=self._session.context.limits.image_pixels)
        except ImportError as error:
            message = "Opening an image needs Pillow."
            raise FalConfigurationError(
                message, next_step="pip install 'langchain-fal-image[images]'"
            ) from error
        except ValueError as error:
            message = f"{self._label} cannot be decoded: {error}."
            raise FalDownloadError(message, request_id=self.request_id) from error

    def _check_content(self, head: bytes, size: int) -> None:
        image_type = sniff_image(head)
        if image_type is None and is_text(head):
            message = f"{self._label} is not an image: it is {size} bytes of text."
            raise FalDownloadError(message, request_id=self.request_id)
        if image_type:
            object.__setattr__(self, "mime_type", image_type.mime_type)
            if image_type.width and image_type.height:
                object.__setattr__(self, "width", image_type.width)
                object.__setattr__(self, "height", image_type.height)


@dataclass(frozen=True, repr=False, kw_only=True)
class ImageResult(FalResult):
    """The images that one request to fal made.

    Attributes:
        images: The images, in fal's order.
    """

    images: tuple[GeneratedImage, ...]

    kind: ClassVar[Kind] = "image"
    media_type: ClassVar[MediaType | None] = "image"
    artifact_type: ClassVar[str] = "fal_image_result"
    _files_field: ClassVar[str | None] = "images"
    _output_noun: ClassVar[str] = "image"
    # The fields that @ai-sdk/fal leaves out of the provider metadata
    # (`fal-image-model.ts`).
    _not_metadata: ClassVar[frozenset[str]] = frozenset(
        {"images", "image", "prompt", "has_nsfw_concepts", "nsfw_content_detected"}
    )

    @property
    def image(self) -> GeneratedImage:
        """The image, or the first of several."""
        return self.images[0]

    @property
    def prompt(self) -> str | None:
        """The prompt that was sent, else the one in fal's response."""
        for source in (self.options, self.raw):
            if isinstance(text := source.get("prompt"), str):
                return text
        return None

    @property
    def description(self) -> str | None:
        """The text about the images that the endpoint returned, if any."""
        text = self.raw.get("description")
        return text if isinstance(text, str) and text else None

    @property
    def provider_metadata(self) -> dict[str, Any]:
        """The metadata that @ai-sdk/fal returns, as `{"fal": …}`, with image URLs."""
        images = []
        for image, entry in zip(self.images, find_images(self.raw), strict=False):
            fields = {
                _CAMEL_IMAGE_FIELDS.get(key, key): value for key, value in entry.items()
            }
            if image.nsfw is not None:
                fields["nsfw"] = image.nsfw
            images.append(fields)
        return {"fal": {"images": images, **super().provider_metadata["fal"]}}

    def save(
        self, folder: str | os.PathLike[str], *, overwrite: bool = False
    ) -> tuple[Path, ...]:
        """Write all images into a folder, several at the same time.

        Args:
            folder: The folder, created if it is missing. The files get the letters and
                digits of fal's names if these differ, else the handles of the images,
                else `image_1` and so on. A number is added if another file has the
                name (`fuji.png`, `fuji_2.png`).
            overwrite: Whether to replace other files of these names.

        Returns:
            The paths, in the order of the images. An incomplete file never appears
            there. Only this user can read the files.

        Raises:
            FalDownloadError: The bytes of an image are not available.
            OSError: A file cannot be written.
        """
        return self._session.run(self._save_flow(Path(folder), overwrite=overwrite))

    async def asave(
        self, folder: str | os.PathLike[str], *, overwrite: bool = False
    ) -> tuple[Path, ...]:
        """Write all images into a folder, several at the same time; see `save`."""
        return await self._session.arun(
            self._save_flow(Path(folder), overwrite=overwrite)
        )

    def _save_flow(
        self, folder: Path, *, overwrite: bool = False
    ) -> Flow[tuple[Path, ...]]:
        flows = [
            image._save_flow(folder, stem=stem, overwrite=overwrite)
            for stem, image in zip(self._choose_stems(), self.images, strict=True)
        ]
        written: list[Path] = yield Gather(flows, limit=_PARALLEL_DOWNLOADS)
        return tuple(written)

    def _choose_stems(self) -> list[str]:
        """Return a different file name for each image, without extension."""
        stems: list[str] = []
        for names in (
            [image.file_name for image in self.images],
            [image.handle for image in self.images],
            [f"image_{number + 1}" for number in range(len(self.images))],
        ):
            stems = [make_stem(name) for name in names]
            if all(stems) and len({stem.casefold() for stem in stems}) == len(stems):
                break
        return stems

    def recipe(self, *, library: ResultLookup | None = None) -> dict[str, Any]:
        """Return the recipe: each step from the first prompt to this result.

        Args:
            library: The `ImageLibrary` that has the results of earlier steps; see
                `langchain_fal_image.recipes`.

        Returns:
            Plain JSON, for `replay`.
        """
        return write_recipe(self, library=library)

    def to_html(self, *, embed: bool = False) -> str:
        """Return the images as HTML, with prompt, model and seed as the caption.

        Args:
            embed: Whether to put the bytes into the HTML, so that it works after fal's
                URLs expire.

        Raises:
            FalDownloadError: The bytes are not available.
        """
        # Imported when HTML is needed, to save start-up time.
        from langchain_fal_image.results._html import render_figure  # noqa: PLC0415

        images = "".join(image.to_html(embed=embed) for image in self.images)
        caption = f"{self.prompt or ''} — {self.model}, seed {self.seed}"
        return render_figure(images, caption)

    def __repr__(self) -> str:
        """Return the request and its images."""
        return (
            f"ImageResult(model={self.model!r}, request_id={self.request_id!r}, "
            f"seed={self.seed}, images=[{self._name_files()}])"
        )

    def _with_prompt(self, prompt: str) -> Self:
        """Return a copy with the full prompt, if the artifact has a shortened one.

        Args:
            prompt: The prompt of the tool call; one that does not match is ignored.
        """
        short = self.options.get("prompt")
        if not self.is_shortened or not isinstance(short, str):
            return self
        if not short.endswith("…") or not prompt.startswith(short[:-1]):
            return self
        return self._with(options={**self.options, "prompt": prompt})

    @classmethod
    def _parse(
        cls, body: Mapping[str, Any], request_id: str | None
    ) -> dict[str, Any] | None:
        flags = body.get("has_nsfw_concepts") or body.get("nsfw_content_detected")
        images = tuple(
            GeneratedImage(
                **read_entry(entry, "width", "height"),
                nsfw=_read_flag(flags, index),
                request_id=request_id,
                index=index,
            )
            for index, entry in enumerate(find_images(body))
        )
        return {"images": images} if images else None

    def _reduce(self) -> dict[str, Any]:
        raw: dict[str, Any] = {"images": [write_entry(image) for image in self.images]}
        if any(image.nsfw is not None for image in self.images):
            raw["has_nsfw_concepts"] = [image.nsfw for image in self.images]
        if "seed" in self.raw and self.seed is not None:
            raw["seed"] = self.seed
        if self.description:
            raw["description"] = self.description[:_MAX_DESCRIPTION]
        return raw

    def _shorten(
        self, artifact: dict[str, Any], essential: Mapping[str, Any]
    ) -> dict[str, Any]:
        limit = _ARTIFACT_BYTES_PER_IMAGE * len(self.images)
        return shorten_artifact(artifact, limit, essential=essential)


def _read_flag(flags: Any, index: int) -> bool | None:
    if isinstance(flags, list) and index < len(flags):
        flags = flags[index]
    return flags if isinstance(flags, bool) else None
