"""One image that fal made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from langchain_fal_image._formats.image import EXTENSIONS, sniff_image
from langchain_fal_image._formats.signatures import is_text
from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
from langchain_fal_image.results.file import GeneratedFile, InputReference

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["GeneratedImage", "InputReference"]


@dataclass(frozen=True)
class GeneratedImage(GeneratedFile):
    """One image that fal made.

    Attributes:
        url: Where it lies; None where fal sent the bytes in its answer
            (`sync_mode`). fal's URLs are public to all who know them, and expire.
        width: In pixels; None where neither fal nor the bytes told yet.
        height: In pixels; likewise.
        mime_type: fal's word until the image was read, then what the bytes are.
        nsfw: Whether fal's checker flagged it; None where it did not say.
        file_name: fal's name for the file.
        file_size: In bytes, as fal says.
        handle: Its short name in a conversation, such as `img_1`.
        sha256: The digest under which the provider's store has the bytes.
        request_id: The request that made it.
        index: Its place in the result, from 0.
    """

    url: str | None
    width: int | None = field(default=None, compare=False)
    height: int | None = field(default=None, compare=False)
    mime_type: str | None = field(default=None, compare=False)
    nsfw: bool | None = None
    file_name: str | None = None
    file_size: int | None = None
    handle: str | None = None
    sha256: str | None = None
    request_id: str | None = None
    index: int = 0

    _word: ClassVar[str] = "image"
    _usual_type: ClassVar[str] = "image/png"
    _extensions: ClassVar[Mapping[str, str]] = EXTENSIONS

    def to_pil(self) -> PIL.Image.Image:
        """Read the image as a Pillow image.

        Raises:
            FalConfigurationError: Pillow is not installed.
            FalDownloadError: The bytes cannot be had or are no image.
        """
        return self.opened(self.read())

    def opened(self, content: bytes) -> PIL.Image.Image:
        """Open bytes that were read as a Pillow image.

        Args:
            content: The image's.

        Raises:
            FalConfigurationError: Pillow is not installed.
            FalDownloadError: They are no image.
        """
        import io  # noqa: PLC0415

        try:
            import PIL.Image  # noqa: PLC0415
        except ImportError as error:
            message = "Opening an image needs Pillow."
            raise FalConfigurationError(
                message, next_step="pip install 'langchain-fal-image[images]'"
            ) from error
        limit = self._provider.context.limits.image_pixels
        try:
            picture = PIL.Image.open(io.BytesIO(content))
            if picture.width * picture.height > limit:
                message = (
                    f"{self._name()} has {picture.width}x{picture.height} pixels; at "
                    f"most {limit} are decoded."
                )
                raise FalDownloadError(
                    message,
                    request_id=self.request_id,
                    next_step="Raise limits.image_pixels if that is right.",
                )
            picture.load()
        except (OSError, PIL.Image.DecompressionBombError) as error:
            message = f"Pillow cannot open {self._name()}: {error}."
            raise FalDownloadError(message, request_id=self.request_id) from error
        return picture

    def _look(self, head: bytes, size: int) -> None:
        """Note what the bytes are; refuse a page that stands in the image's place."""
        seen = sniff_image(head)
        if seen is None and is_text(head):
            message = f"{self._name()} is no image: {size} bytes of text lie there."
            raise FalDownloadError(message, request_id=self.request_id)
        if seen:
            object.__setattr__(self, "mime_type", seen.mime_type)
            if seen.width and seen.height:
                object.__setattr__(self, "width", seen.width)
                object.__setattr__(self, "height", seen.height)

    def to_html(self, *, embed: bool = False) -> str:
        """Show the image as HTML, by its URL.

        Args:
            embed: Put its bytes into the HTML, so that it can still be seen when the
                URL has expired. An image without a URL (`sync_mode`) always is.

        Raises:
            FalDownloadError: The bytes cannot be had.
        """
        from langchain_fal_image.results._html import picture  # noqa: PLC0415 - needed late

        source = self._source(embed=embed)
        return picture(source, self.handle or f"image {self.index + 1}")

    def _repr_html_(self) -> str:
        return self.to_html()
