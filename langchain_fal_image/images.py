"""One image that fal made."""

from __future__ import annotations

import base64
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from langchain_fal_image.bound import Bound
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalDownloadError,
)
from langchain_fal_image.sniff import EXTENSIONS, is_text, sniff
from langchain_fal_image.wire.effects import Call

if TYPE_CHECKING:
    import PIL.Image

    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.wire.effects import Flow
    from langchain_fal_image.wire.files import Media

__all__ = ["GeneratedImage", "InputReference"]

_HEAD = 1024 * 1024


@dataclass(frozen=True)
class InputReference:
    """What an input image was: enough to find it again, never its bytes.

    Attributes:
        handle: Its short name in the conversation, such as `img_1`.
        url: Where it lay, for an image given by URL.
        sha256: The digest of its bytes, for an image given as bytes or a file.
        request_id: The request that made it, where fal made it.
    """

    handle: str | None = None
    url: str | None = None
    sha256: str | None = None
    request_id: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Give the parts that are known."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class GeneratedImage(Bound):
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

    def read(self) -> bytes:
        """Read the image's bytes.

        Returns:
            The file as it is; nothing is kept in memory.

        Raises:
            FalDownloadError: The bytes cannot be had; the image is not made anew.
        """
        return self._provider.run(self.reading())

    async def aread(self) -> bytes:
        """Read the image's bytes; see `read`."""
        return await self._provider.arun(self.reading())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the image to a file.

        Args:
            path: A file, or a directory that exists. A name without a suffix gets
                that of the image's type. Missing parent directories are made.

        Returns:
            The file that was written. It appears whole or not at all.

        Raises:
            FalDownloadError: The bytes cannot be had.
            OSError: The file cannot be written.
        """
        return self._provider.run(self.saving(Path(path)))

    async def asave(self, path: str | os.PathLike[str]) -> Path:
        """Write the image to a file; see `save`."""
        return await self._provider.arun(self.saving(Path(path)))

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

    def to_content_block(self) -> dict[str, Any]:
        """Give LangChain's image content block, by URL.

        Raises:
            FalConfigurationError: The image has no URL (`sync_mode`).
        """
        if self.url is None:
            message = f"{self._name()} has no URL: fal sent it inside its answer."
            raise FalConfigurationError(
                message, next_step="Leave sync_mode off to get images by URL."
            )
        block: dict[str, Any] = {"type": "image", "url": self.url}
        if self.mime_type:
            block["mime_type"] = self.mime_type
        if self.request_id:
            block["id"] = f"{self.request_id}-{self.index}"
        return block

    def reference(self) -> InputReference:
        """Name this image as the input of another request."""
        return InputReference(
            handle=self.handle,
            url=self.url,
            sha256=self.sha256,
            request_id=self.request_id,
        )

    def with_handle(self, handle: str) -> Self:
        """Give the same image under a short name."""
        return self._with(handle=handle)

    def reading(self) -> Flow[bytes]:
        """Read the image's bytes, as a flow; see `read`."""
        fal = self._provider
        content: bytes | None = None
        if self.sha256 is not None:
            store, key = fal.store, self.sha256
            [content] = yield Call(
                lambda: store.mget([key]), lambda: store.amget([key])
            )
        if content is None:
            if self.url is None:
                message = (
                    f"The bytes of {self._name()} are gone: fal sent them inside its "
                    f"answer, and this provider's store does not have them."
                )
                raise FalDownloadError(
                    message,
                    request_id=self.request_id,
                    next_step="Give create_fal() a store that lasts, or leave "
                    "sync_mode off, so that images come by URL.",
                )
            content = (yield from _downloaded(fal, self.url)).content
        self._look(content, len(content))
        return content

    def _look(self, head: bytes, size: int) -> None:
        """Note what the bytes are; refuse a page that stands in the image's place."""
        seen = sniff(head)
        if seen is None and is_text(head):
            message = f"{self._name()} is no image: {size} bytes of text lie there."
            raise FalDownloadError(message, request_id=self.request_id)
        if seen:
            object.__setattr__(self, "mime_type", seen.mime_type)
            if seen.width and seen.height:
                object.__setattr__(self, "width", seen.width)
                object.__setattr__(self, "height", seen.height)

    def saving(self, path: Path, *, name: str | None = None) -> Flow[Path]:
        """Write the image to a file, as a flow; see `save`.

        Args:
            path: As for `save`.
            name: Without a suffix: what it is called in a directory.
        """
        file: BinaryIO = yield Call(lambda: _part_file(path))
        part = Path(file.name)
        try:
            if self.url is None or self.sha256 is not None:
                content = yield from self.reading()
                yield Call(lambda: file.write(content))
            else:
                fal = self._provider
                yield from _downloaded(fal, self.url, into=file)
                yield Call(lambda: self._look(*_beginning(file)))
            written: Path = yield Call(lambda: self._put(file, path, name))
        finally:
            file.close()
            part.unlink(missing_ok=True)
        return written

    def _put(self, file: BinaryIO, path: Path, name: str | None) -> Path:
        """Give a file that was written whole its name."""
        suffix = EXTENSIONS.get(self.mime_type or "", "")
        if path.is_dir():
            own = self.file_name if name is None else None
            path /= Path(own or f"{name or self.handle or 'image'}{suffix}").name
        elif not path.suffix:
            path = path.with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        Path(file.name).replace(path)
        return path

    def _name(self) -> str:
        return self.handle or self.url or f"image {self.index} of {self.request_id}"

    def to_html(self, *, embed: bool = False) -> str:
        """Show the image as HTML, by its URL.

        Args:
            embed: Put its bytes into the HTML, so that it can still be seen when the
                URL has expired. An image without a URL (`sync_mode`) always is.

        Raises:
            FalDownloadError: The bytes cannot be had.
        """
        from langchain_fal_image.page import picture  # noqa: PLC0415 - needed late

        source = self.url
        if source is None or embed:
            encoded = base64.b64encode(self.read()).decode("ascii")
            source = f"data:{self.mime_type or 'image/png'};base64,{encoded}"
        return picture(source, self.handle or f"image {self.index + 1}")

    def _repr_html_(self) -> str:
        return self.to_html()


def _downloaded(
    fal: FalProvider, url: str, *, into: BinaryIO | None = None
) -> Flow[Media]:
    from langchain_fal_image.wire.files import download  # noqa: PLC0415 - needed late

    return download(fal.context, url, into=into)


def _part_file(path: Path) -> BinaryIO:
    """Open a file that takes the bytes until they are whole, on the same disk."""
    folder = path if path.is_dir() else path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    name = f".{path.name[:100]}.{uuid.uuid4().hex[:8]}.part"
    return (folder / name).open("x+b")


def _beginning(file: BinaryIO) -> tuple[bytes, int]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return file.read(_HEAD), size
