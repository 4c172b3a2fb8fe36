"""Send input files: small ones inside the request, large ones by upload."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from langchain_fal_image._formats.hidden import HiddenText
from langchain_fal_image.errors import FalConfigurationError, FalInputError
from langchain_fal_image.inputs.reference import InputReference
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.bodies import BytesSource, FileSource, Source
from langchain_fal_image.wire.effects import Call
from langchain_fal_image.wire.files import upload

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session
    from langchain_fal_image.inputs.file import InputFile
    from langchain_fal_image.wire.effects import Flow

__all__ = ["SentFile", "send_file"]

_CHUNK_BYTES = 1024 * 1024
_MIME_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,80}")


@dataclass(frozen=True, slots=True)
class SentFile:
    """An input file in the form that a request contains.

    Attributes:
        url: A URL, or a data URI for a small file.
        reference: The reference to the file that results contain.
    """

    url: str = field(repr=False)
    reference: InputReference


def send_file(
    file: InputFile, session: Session, *, check: Callable[[int, Any], None] | None
) -> Flow[SentFile]:
    """Convert an input file to a URL or a data URI, and upload it if it is large.

    A URL stays unchanged. A file of up to `limits.inline_bytes` becomes a data URI; a
    larger one is uploaded.

    Args:
        file: The file, from `read_input_file`.
        session: The session, with the limits, the store and the hosts.
        check: Called with the size in bytes and the format before anything is sent;
            raises if the endpoint does not take such a file. None sends any bytes.

    Raises:
        FalInputError: The bytes cannot be read; or they are not such a file and
            `check` is not None.
    """
    if file.url is not None:
        return SentFile(file.url, file.origin)
    if file.path is None:
        content = yield from _load_content(file, session)
        return (yield from _send_source(file, session, BytesSource(content), check))
    opened = yield Call(lambda: _open_allowed(file, session))
    try:
        return (yield from _send_source(file, session, FileSource(opened), check))
    except OSError as error:
        message = f"{file.option}: {file.path.name} cannot be read: {error.strerror}."
        raise file.file_type.error(message) from error
    finally:
        opened.close()


def _send_source(
    file: InputFile,
    session: Session,
    source: Source,
    check: Callable[[int, Any], None] | None,
) -> Flow[SentFile]:
    size, file_type = source.size, file.file_type
    found, digest = yield Call(
        lambda: (file_type.sniff(source.read(0, _CHUNK_BYTES)), _hash(source))
    )
    if found is None and (check is not None or not size):
        raise _make_format_error(file, size)
    if check is not None:
        check(size, found)
    mime_type = found.mime_type if found else _get_stated_type(file)
    if size <= session.context.limits.inline_bytes:
        content = yield Call(lambda: source.read(0, size))
        encoded = HiddenText(base64.b64encode(content).decode("ascii"))
        url: str = HiddenText(f"data:{mime_type};base64,{encoded}")
        reference_url = file.origin.url
    else:
        extension = file_type.extensions.get(mime_type, ".bin")
        url = reference_url = yield from upload(
            session.context,
            source,
            content_type=mime_type,
            file_name=f"{digest[:16]}{extension}",
        )
    reference = InputReference(
        handle=file.origin.handle,
        url=reference_url,
        sha256=digest,
        request_id=file.origin.request_id,
    )
    return SentFile(url, reference)


def _get_stated_type(file: InputFile) -> str:
    stated = file.mime_type or ""
    return stated if _MIME_TYPE.fullmatch(stated) else "application/octet-stream"


def _make_format_error(file: InputFile, size: int) -> FalInputError:
    file_type = file.file_type
    message = (
        f"{file.option}: these {size} bytes are not in a known {file_type.word} format "
        f"({file_type.formats})."
    )
    step = "Nothing was sent. Convert it, or send it as it is: check_options=False."
    return file_type.error(message, next_step=step if size else None)


def _open_allowed(file: InputFile, session: Session) -> BinaryIO:
    path = file.path or Path()
    try:
        opened = path.open("rb")
    except OSError as error:
        message = f"{file.option}: {path.name} cannot be read: {error.strerror}."
        raise file.file_type.error(message) from error
    try:
        fault = _find_fault(opened, path, session)
    except OSError as error:
        fault = f"it cannot be read ({error.strerror})"
    if fault:
        opened.close()
        message = f"{file.option}: {path.name} is refused: {fault}."
        raise file.file_type.error(message)
    return opened


def _find_fault(file: BinaryIO, path: Path, session: Session) -> str | None:
    """Return why an open file must not be sent; None if it can be sent."""
    limit = session.context.limits.upload_bytes
    opened = os.fstat(file.fileno())
    try:
        found = guard.resolve_path(path, allowed_dirs=session.allowed_dirs)
    except guard.AccessRefused as error:
        return str(error)
    if not os.path.samestat(opened, found.stat()):
        return "another file replaced it while it was opened"
    return f"it has more than {limit} bytes" if opened.st_size > limit else None


def _hash(source: Source) -> str:
    digest = hashlib.sha256()
    for start in range(0, source.size, _CHUNK_BYTES):
        digest.update(source.read(start, _CHUNK_BYTES))
    return digest.hexdigest()


def _load_content(file: InputFile, session: Session) -> Flow[bytes]:
    if file.content is not None:
        return file.content
    key = file.stored or ""
    store = session.store
    [stored] = yield Call(lambda: store.mget([key]), lambda: store.amget([key]))
    if stored is None:
        message = (
            f"{file.option}: the bytes of this {file.file_type.word} are lost: fal "
            f"sent them inside an earlier response, and this provider's store does not "
            f"have them."
        )
        raise file.file_type.error(message)
    if not isinstance(stored, bytes):
        message = f"The provider's store returned {type(stored).__name__}, not bytes."
        raise FalConfigurationError(message)
    return stored
