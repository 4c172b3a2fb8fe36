"""Generated files, which can be read and saved."""

from __future__ import annotations

import abc
import base64
import errno
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
from langchain_fal_image.inputs.reference import InputReference, OutputFile
from langchain_fal_image.results._bound import Bound
from langchain_fal_image.results._disk import (
    create_private_file,
    make_private_folder,
    make_stem,
    publish,
    publish_in_folder,
)
from langchain_fal_image.wire.effects import Call

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session
    from langchain_fal_image.wire.effects import Flow
    from langchain_fal_image.wire.files import DownloadedFile

__all__ = ["GeneratedFile"]

_HEAD_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class GeneratedFile(Bound, OutputFile, abc.ABC):
    """Base of the files that fal makes.

    Attributes:
        url: Its URL; None if fal sent the bytes inside its response. Anyone who knows
            the URL can open it until it expires.
        mime_type: The type that fal reports; once the file is read, the type that its
            bytes show.
        file_name: fal's name for the file.
        file_size: The size in bytes that fal reports.
        handle: Its handle in a thread, such as `img_1`.
        sha256: The digest under which the provider's store has the bytes.
        request_id: The request that made it.
        index: Its position in the result, from 0.
    """

    url: str | None
    mime_type: str | None = field(default=None, compare=False)
    file_name: str | None = None
    file_size: int | None = None
    handle: str | None = None
    sha256: str | None = None
    request_id: str | None = None
    index: int = 0

    _default_type: ClassVar[str]
    _extensions: ClassVar[Mapping[str, str]]
    _url_advice: ClassVar[str] = "Leave sync_mode off"

    def read(self) -> bytes:
        """Return the file's bytes; they are not kept in memory.

        Raises:
            FalDownloadError: The bytes are not available. Nothing is generated again.
        """
        return self._session.run(self._read_flow())

    async def aread(self) -> bytes:
        """Return the file's bytes; see `read`."""
        return await self._session.arun(self._read_flow())

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file to disk, readable only by this user.

        Args:
            path: A file, or an existing directory. If the name has no extension, the
                extension of the file's type is added. Missing parent directories are
                created. In a directory, the file gets the letters and digits of fal's
                name, else its handle, and a number if another file has that name
                (`fuji.png`, `fuji_2.png`).
            overwrite: Whether to replace another file of this name.

        Returns:
            The path of the file. An incomplete file never appears there.

        Raises:
            FileExistsError: `path` is another file, with other bytes, and `overwrite`
                is False. The image is still at its URL.
            FalDownloadError: The bytes are not available.
            OSError: The file cannot be written.
        """
        return self._session.run(self._save_flow(Path(path), overwrite=overwrite))

    async def asave(
        self, path: str | os.PathLike[str], *, overwrite: bool = False
    ) -> Path:
        """Write the file to disk; see `save`."""
        return await self._session.arun(
            self._save_flow(Path(path), overwrite=overwrite)
        )

    def to_content_block(self) -> dict[str, Any]:
        """Return the file as a LangChain content block, by URL.

        Raises:
            FalConfigurationError: The file has no URL, because fal sent the bytes.
        """
        if self.url is None:
            message = f"{self._label} has no URL: fal sent it inside its response."
            step = f"{self._url_advice} to get a URL."
            raise FalConfigurationError(message, next_step=step)
        block: dict[str, Any] = {"type": self.media_type, "url": self.url}
        if self.mime_type:
            block["mime_type"] = self.mime_type
        if self.request_id:
            block["id"] = f"{self.request_id}-{self.index}"
        return block

    def reference(self) -> InputReference:
        """Return the reference to this file, for requests that use it as input."""
        return InputReference(
            handle=self.handle,
            url=self.url,
            sha256=self.sha256,
            request_id=self.request_id,
        )

    @abc.abstractmethod
    def to_html(self, *, embed: bool = False) -> str:
        """Return the file as HTML."""

    def _repr_html_(self) -> str:
        return self.to_html()

    def _read_flow(self) -> Flow[bytes]:
        content: bytes | None = None
        if self.sha256 is not None:
            store, key = self._session.store, self.sha256
            [content] = yield Call(
                lambda: store.mget([key]), lambda: store.amget([key])
            )
            if not isinstance(content, bytes | None):
                message = f"The provider's store returned {type(content).__name__}."
                raise FalConfigurationError(message, next_step="Store bytes in it.")
        if content is None:
            if self.url is None:
                message = (
                    f"The bytes of {self._label} are lost: fal sent them inside its "
                    f"response, and this provider's store does not have them."
                )
                raise FalDownloadError(
                    message,
                    request_id=self.request_id,
                    next_step="Pass a persistent store to create_fal(). "
                    f"{self._url_advice} to get a URL.",
                )
            content = (yield from _download(self._session, self.url)).content
        self._check_content(content, len(content))
        return content

    def _save_flow(
        self, path: Path, *, stem: str | None = None, overwrite: bool = False
    ) -> Flow[Path]:
        """Write the file to disk.

        Args:
            path: See `save`; with a stem, the directory, which is created.
            stem: The name of the file, without an extension.
            overwrite: See `save`.
        """
        file: BinaryIO = yield Call(lambda: _create_part_file(path))
        part = Path(file.name)
        try:
            if self.url is None or self.sha256 is not None:
                content = yield from self._read_flow()
                yield Call(lambda: file.write(content))
            else:
                yield from _download(self._session, self.url, into=file)
                yield Call(lambda: self._check_content(*_read_head(file)))
            written: Path = yield Call(
                lambda: self._publish(file, path, stem, overwrite)
            )
        finally:
            file.close()
            part.unlink(missing_ok=True)
        return written

    @abc.abstractmethod
    def _check_content(self, head: bytes, size: int) -> None:
        """Set the fields that the bytes show; raise if the bytes are text."""

    def _publish(
        self,
        file: BinaryIO,
        path: Path,
        stem: str | None,
        overwrite: bool,  # noqa: FBT001 - internal
    ) -> Path:
        """Move a complete file to its final name."""
        file.flush()
        os.fsync(file.fileno())
        file.close()
        part = Path(file.name)
        extension = self._extensions.get(self.mime_type or "", "")
        if stem is not None or path.is_dir():
            make_private_folder(path)
            stem = stem or make_stem(self.file_name) or make_stem(self.handle)
            return publish_in_folder(
                part, path, stem or self.media_type, extension, overwrite=overwrite
            )
        if not path.suffix:
            path = path.with_suffix(extension)
        make_private_folder(path.parent)
        try:
            publish(part, path, overwrite=overwrite)
        except FileExistsError as error:
            message = f"Pass overwrite=True or another name to save {self._label}"
            raise FileExistsError(errno.EEXIST, message, str(path)) from error
        return path

    @property
    def _label(self) -> str:
        """The name of this file in messages."""
        unnamed = f"{self.media_type} {self.index} of {self.request_id}"
        return self.handle or self.url or unnamed

    def _html_source(self, *, embed: bool) -> str:
        """Return the file's URL, or a data URI of its bytes."""
        if self.url is not None and not embed:
            return self.url
        encoded = base64.b64encode(self.read()).decode("ascii")
        return f"data:{self.mime_type or self._default_type};base64,{encoded}"


def _download(
    session: Session, url: str, *, into: BinaryIO | None = None
) -> Flow[DownloadedFile]:
    # Imported with the first download, to save start-up time.
    from langchain_fal_image.wire.files import download  # noqa: PLC0415

    return download(session.context, url, into=into)


def _create_part_file(path: Path) -> BinaryIO:
    """Create a temporary file on the same disk, to rename once it is complete."""
    folder = path
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return create_private_file(folder / f".{uuid.uuid4().hex}.part")


def _read_head(file: BinaryIO) -> tuple[bytes, int]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return file.read(_HEAD_BYTES), size
