"""A file that fal made: how it is read, written down, and named."""

from __future__ import annotations

import abc
import base64
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
from langchain_fal_image.results._bound import Bound
from langchain_fal_image.wire.effects import Call

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.wire.effects import Flow
    from langchain_fal_image.wire.files import DownloadedFile

__all__ = ["GeneratedFile", "InputReference"]

_HEAD = 1024 * 1024


@dataclass(frozen=True)
class InputReference:
    """What an input file was: enough to find it again, never its bytes.

    Attributes:
        handle: Its short name in the conversation, such as `img_1`.
        url: Where it lay, for a file given by URL.
        sha256: The digest of its bytes, for a file given as bytes or by its path.
        request_id: The request that made it, where fal made it.
    """

    handle: str | None = None
    url: str | None = None
    sha256: str | None = None
    request_id: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Give the parts that are known."""
        return {name: value for name, value in vars(self).items() if value is not None}


class GeneratedFile(Bound, abc.ABC):
    """Base of what fal makes: an image, audio. Its fields are its classes' own."""

    url: str | None
    mime_type: str | None
    file_name: str | None
    handle: str | None
    sha256: str | None
    request_id: str | None
    index: int

    _word: ClassVar[str]
    _usual_type: ClassVar[str]
    _extensions: ClassVar[Mapping[str, str]]
    _by_url: ClassVar[str] = "Leave sync_mode off"

    def read(self) -> bytes:
        """Read the bytes.

        Returns:
            The file as it is; nothing is kept in memory.

        Raises:
            FalDownloadError: The bytes cannot be had; nothing is made anew.
        """
        return self._provider.run(self.reading())

    async def aread(self) -> bytes:
        """Read the bytes; see `read`."""
        return await self._provider.arun(self.reading())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file.

        Args:
            path: A file, or a directory that exists. A name without a suffix gets
                that of the file's type. Missing parent directories are made.

        Returns:
            The file that was written. It appears whole or not at all.

        Raises:
            FalDownloadError: The bytes cannot be had.
            OSError: The file cannot be written.
        """
        return self._provider.run(self.saving(Path(path)))

    async def asave(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file; see `save`."""
        return await self._provider.arun(self.saving(Path(path)))

    def to_content_block(self) -> dict[str, Any]:
        """Give LangChain's content block, by URL.

        Raises:
            FalConfigurationError: There is no URL: fal sent the bytes.
        """
        if self.url is None:
            message = f"{self._name()} has no URL: fal sent it inside its answer."
            step = f"{self._by_url} to get it by URL."
            raise FalConfigurationError(message, next_step=step)
        block: dict[str, Any] = {"type": self._word, "url": self.url}
        if self.mime_type:
            block["mime_type"] = self.mime_type
        if self.request_id:
            block["id"] = f"{self.request_id}-{self.index}"
        return block

    def reference(self) -> InputReference:
        """Name it as the input of another request."""
        return InputReference(
            handle=self.handle,
            url=self.url,
            sha256=self.sha256,
            request_id=self.request_id,
        )

    def with_handle(self, handle: str) -> Self:
        """Give the same under a short name."""
        return self._with(handle=handle)

    def reading(self) -> Flow[bytes]:
        """Read the bytes, as a flow; see `read`."""
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
                    next_step="Give create_fal() a store that lasts. "
                    f"{self._by_url} to get it by URL.",
                )
            content = (yield from _downloaded(fal, self.url)).content
        self._look(content, len(content))
        return content

    def saving(self, path: Path, *, name: str | None = None) -> Flow[Path]:
        """Write it to a file, as a flow; see `save`.

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

    @abc.abstractmethod
    def _look(self, head: bytes, size: int) -> None:
        """Note what the bytes are; refuse a page that stands in the file's place."""

    def _put(self, file: BinaryIO, path: Path, name: str | None) -> Path:
        """Give a file that was written whole its name."""
        suffix = self._extensions.get(self.mime_type or "", "")
        if path.is_dir():
            own = self.file_name if name is None else None
            path /= Path(own or f"{name or self.handle or self._word}{suffix}").name
        elif not path.suffix:
            path = path.with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        Path(file.name).replace(path)
        return path

    def _name(self) -> str:
        return (
            self.handle or self.url or f"{self._word} {self.index} of {self.request_id}"
        )

    def _source(self, *, embed: bool) -> str:
        """Give what HTML shows it by: its URL, or its bytes as a data URI."""
        if self.url is not None and not embed:
            return self.url
        encoded = base64.b64encode(self.read()).decode("ascii")
        return f"data:{self.mime_type or self._usual_type};base64,{encoded}"


def _downloaded(
    fal: FalProvider, url: str, *, into: BinaryIO | None = None
) -> Flow[DownloadedFile]:
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
