"""Generated images, and the result of an image request."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from langchain_fal_image._formats.image import EXTENSIONS, sniff_image
from langchain_fal_image._formats.signatures import is_text
from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
from langchain_fal_image.results._artifact import shorten_artifact
from langchain_fal_image.results._output import find_images, read_entry
from langchain_fal_image.results._recipe import ResultLookup, write_recipe
from langchain_fal_image.results.base import FalResult
from langchain_fal_image.results.file import GeneratedFile
from langchain_fal_image.wire.effects import Call, Gather

if TYPE_CHECKING:
    import PIL.Image

    from langchain_fal_image.inputs.reference import MediaType
    from langchain_fal_image.options.kind import Kind
    from langchain_fal_image.wire.effects import Flow

__all__ = ["GeneratedImage", "ImageResult"]

_ARTIFACT_BYTES_PER_IMAGE = 1024
_PARALLEL_DOWNLOADS = 8

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
        return self._open(self.read())

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

    def _open(self, content: bytes) -> PIL.Image.Image:
        """Open the image's bytes with Pillow; see `to_pil`."""
        try:
            import PIL.Image  # noqa: PLC0415 - Pillow is an extra
        except ImportError as error:
            message = "Opening an image needs Pillow."
            raise FalConfigurationError(
                message, next_step="pip install 'langchain-fal-image[images]'"
            ) from error
        limit = self._session.context.limits.image_pixels
        try:
            image = PIL.Image.open(io.BytesIO(content))
            if image.width * image.height > limit:
                message = (
                    f"{self._label} has {image.width}x{image.height} pixels; at "
                    f"most {limit} are decoded."
                )
                raise FalDownloadError(
                    message,
                    request_id=self.request_id,
                    next_step="Raise limits.image_pixels to decode it.",
                )
            image.load()
        except (OSError, PIL.Image.DecompressionBombError) as error:
            message = f"Pillow cannot open {self._label}: {error}."
            raise FalDownloadError(message, request_id=self.request_id) from error
        return image

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

    def save(self, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write all images into a folder, several at the same time.

        Args:
            folder: The folder, created if it is missing. The files get fal's names if
                these differ, else the handles of the images, else `image_1` and so on.

        Returns:
            The paths, in the order of the images. An incomplete file never appears
            there.

        Raises:
            FalDownloadError: The bytes of an image are not available.
            OSError: A file cannot be written.
        """
        return self._session.run(self._save_flow(Path(folder)))

    async def asave(self, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write all images into a folder, several at the same time; see `save`."""
        return await self._session.arun(self._save_flow(Path(folder)))

    def _save_flow(self, folder: Path) -> Flow[tuple[Path, ...]]:
        yield Call(lambda: folder.mkdir(parents=True, exist_ok=True))
        names = [image.file_name for image in self.images]
        are_distinct = None not in names and len(set(names)) == len(names)
        flows = [
            image._save_flow(
                folder,
                name=None if are_distinct else image.handle or f"image_{number}",
            )
            for number, image in enumerate(self.images, start=1)
        ]
        written: list[Path] = yield Gather(flows, limit=_PARALLEL_DOWNLOADS)
        return tuple(written)

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
        images = ", ".join(
            image.handle or image.url or f"sha256:{image.sha256}"
            for image in self.images
        )
        return (
            f"ImageResult(model={self.model!r}, request_id={self.request_id!r}, "
            f"seed={self.seed}, images=[{images}])"
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

    def _shorten(self, artifact: dict[str, Any]) -> dict[str, Any]:
        limit = _ARTIFACT_BYTES_PER_IMAGE * len(self.images)
        return shorten_artifact(artifact, limit, droppable=("raw",))


def _read_flag(flags: Any, index: int) -> bool | None:
    if isinstance(flags, list) and index < len(flags):
        flags = flags[index]
    return flags if isinstance(flags, bool) else None
