"""Recognise the values that callers pass as input files."""

from __future__ import annotations

import base64
import io
import mimetypes
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_fal_image._formats.data_uri import decode_data_uri
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalInputImageError
from langchain_fal_image.inputs.file_type import IMAGE, FileType
from langchain_fal_image.inputs.reference import InputReference, OutputFile, OutputFiles
from langchain_fal_image.wire import guard

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session

__all__ = ["InputFile", "read_input_file"]

# The first bytes show a file's format, so only these are decoded to detect it.
_HEAD_BYTES = 1024 * 1024
_MIN_BASE64 = 64


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input file that is recognised, but not yet read or sent.

    Exactly one of `url`, `content`, `path` and `stored` is set.

    Attributes:
        option: The option that holds it, for messages.
        file_type: The type of file that the option takes.
        url: Passed on to fal unchanged.
        content: The bytes.
        path: A file that the developer allowed, symlinks resolved.
        stored: The SHA-256 under which the session's store has the bytes.
        mime_type: The MIME type that a data URI or a file name states. It is sent only
            if the bytes do not show their format.
        origin: The reference to the file that the caller passed.
    """

    option: str
    file_type: FileType
    url: str | None = None
    content: bytes | None = field(default=None, repr=False)
    path: Path | None = None
    stored: str | None = None
    mime_type: str | None = None
    origin: InputReference = field(default_factory=InputReference)


def read_input_file(
    value: Any, *, option: str, session: Session, file_type: FileType
) -> InputFile:
    """Recognise a value as an input file. Nothing is read or sent.

    Args:
        value: The value that the caller passed.
        option: The option that holds it, for messages.
        session: The session, with the allowed directories and hosts.
        file_type: The type of file that the option takes.

    Raises:
        FalInputError: The value is not such a file, or the file is not allowed.
    """
    value = _take_only_file(value, option, file_type)
    if isinstance(value, OutputFile) and value.media_type == file_type.media_type:
        return _read_output_file(value, option, session, file_type)
    if isinstance(value, bytes | bytearray | memoryview):
        return InputFile(option, file_type, content=bytes(value))
    if isinstance(value, Mapping):
        found = _read_block(value, option, file_type)
        return read_input_file(
            found, option=option, session=session, file_type=file_type
        )
    if isinstance(value, str):
        return _read_text(value, option, session, file_type)
    if isinstance(value, os.PathLike):
        return _read_path(value, option, session, file_type)
    if file_type is IMAGE and hasattr(value, "getbands"):
        return InputFile(option, file_type, content=_encode_png(value, option))
    message = (
        f"{option}={safe_repr(value)} is not {_with_article(file_type.word)}. Pass an "
        f"https URL, a data URI, bytes, {file_type.accepted}, or a file below one of "
        f"allowed_dirs."
    )
    raise file_type.error(message)


def _encode_png(image: Any, option: str) -> bytes:
    encoded = io.BytesIO()
    try:
        image.save(encoded, format="PNG")
    except Exception as error:  # Pillow raises errors of any class
        message = f"{option}: Pillow cannot write this image as PNG: {error}."
        raise FalInputImageError(message) from error
    return encoded.getvalue()


def _take_only_file(value: Any, option: str, file_type: FileType) -> Any:
    """Return the only file of a result; return any other value unchanged."""
    if not isinstance(value, OutputFiles) or value.media_type != file_type.media_type:
        return value
    files = value.files
    if len(files) == 1:
        return files[0]
    word = file_type.word
    message = f"{option} takes one {word}; this result has {len(files) or 'none'}."
    if files:
        message = f"{message} Pass one of its {word}s."
    raise file_type.error(message)


def _read_output_file(
    file: OutputFile, option: str, session: Session, file_type: FileType
) -> InputFile:
    if file.url is not None and file.request_id is None:
        # fal did not report this URL: a user pasted it, or the caller built the value.
        checked = _read_text(file.url, option, session, file_type)
        return replace(checked, origin=file.reference())
    return InputFile(
        option,
        file_type,
        url=file.url,
        stored=file.sha256 if file.url is None else None,
        origin=file.reference(),
    )


def _read_text(
    text: str, option: str, session: Session, file_type: FileType
) -> InputFile:
    if text[:5].lower() == "data:":
        try:
            content, mime_type = decode_data_uri(text)
        except ValueError as error:
            message = f"{option} is a data URI that cannot be decoded: {error}."
            raise file_type.error(message) from error
        return InputFile(option, file_type, content=content, mime_type=mime_type)
    if "://" in text:
        try:
            guard.check_url(text, trusted=session.context.trusted_origins)
        except guard.AccessRefused as error:
            message = f"{option}={safe_repr(text)} is refused: {error}."
            step = f"Pass a public http(s) URL of {_with_article(file_type.word)}."
            raise file_type.error(message, next_step=step) from error
        return InputFile(option, file_type, url=text, origin=InputReference(url=text))
    decoded = _decode_base64(text, file_type)
    if decoded is not None:
        return InputFile(option, file_type, content=decoded)
    return _read_path(text, option, session, file_type)


def _decode_base64(text: str, file_type: FileType) -> bytes | None:
    """Decode a file in base64, as the AI SDK does; return None for other text."""
    # "/w" also begins a path such as /work/a, which decodes to a JPEG XL signature.
    if len(text) < _MIN_BASE64 or text.startswith("/w"):
        return None
    try:
        head = base64.b64decode(text[: _HEAD_BYTES - _HEAD_BYTES % 4], validate=True)
        if not file_type.sniff(head):
            return None
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def _with_article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _read_path(
    path: str | os.PathLike[str], option: str, session: Session, file_type: FileType
) -> InputFile:
    try:
        found = guard.resolve_path(path, allowed_dirs=session.allowed_dirs)
    except guard.AccessRefused as error:
        message = f"{option}={safe_repr(str(path))} is refused: {error}."
        allowed = ", ".join(map(str, session.allowed_dirs)) or "none"
        raise file_type.error(
            message,
            next_step="Pass a URL or bytes, or let the developer allow the directory: "
            f"create_fal(allowed_dirs=[…]); allowed: {allowed}.",
        ) from error
    mime_type, _ = mimetypes.guess_type(found.name)
    return InputFile(option, file_type, path=found, mime_type=mime_type)


def _read_block(block: Mapping[str, Any], option: str, file_type: FileType) -> Any:
    """Return the file of a content block of LangChain, OpenAI, Anthropic or AI SDK."""
    holders = ("image_url", "source", "audio_url", "input_audio")
    source: Any = next((block[name] for name in holders if name in block), block)
    if isinstance(source, str):
        return source
    for name in ("url", "file_uri", "base64", "data"):
        found = source.get(name) if isinstance(source, Mapping) else None
        if isinstance(found, bytes):
            return found
        if isinstance(found, str) and found:
            if name in {"url", "file_uri"} or found[:5].lower() == "data:":
                return found
            return f"data:;base64,{found}"
    word = file_type.word
    message = f"{option}: this content block has no {word} by URL or base64."
    raise file_type.error(message)
