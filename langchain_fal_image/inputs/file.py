"""What may be given as an input file, and how it is sent to fal."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from langchain_fal_image._formats.data_uri import decode_data_uri
from langchain_fal_image._formats.image import EXTENSIONS, sniff_image
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalInputError,
    FalInputImageError,
)
from langchain_fal_image.results._generated_image import GeneratedImage
from langchain_fal_image.results.file import GeneratedFile, InputReference
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.bodies import BytesSource, FileSource, Source
from langchain_fal_image.wire.effects import Call
from langchain_fal_image.wire.files import upload

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.wire.effects import Flow

__all__ = [
    "IMAGE",
    "InputFile",
    "Medium",
    "SentFile",
    "input_file",
    "send",
]

# What is read at once: a type is told by the beginning of a file.
_HEAD = 1024 * 1024
_SHORT = 64


@dataclass(frozen=True, slots=True)
class Medium:
    """What kind of file an option takes.

    Attributes:
        word: What such a file is called, in messages.
        accepted: How it may be given beside URLs, data URIs, bytes and files.
        formats: The formats that are known, in words.
        extensions: Suffixes of file names by MIME type; all that may be sent.
        sniff: Tells a format by a file's beginning.
        made: The class of such a file that fal made.
        of_result: Gives those of a result; None where it is no result that has any.
        error: What is raised where a value is no such file.
    """

    word: str
    accepted: str
    formats: str
    extensions: Mapping[str, str]
    sniff: Callable[[bytes], Any]
    made: type[GeneratedFile]
    of_result: Callable[[Any], Sequence[GeneratedFile] | None]
    error: type[FalInputError]


def _images_of(value: Any) -> Sequence[GeneratedFile] | None:
    return value.images if isinstance(value, ImageResult) else None


IMAGE = Medium(
    word="image",
    accepted="a Pillow image, a GeneratedImage, an ImageResult, an image content block",
    formats="PNG, JPEG, WebP, GIF, AVIF, BMP, TIFF or SVG",
    extensions=EXTENSIONS,
    sniff=sniff_image,
    made=GeneratedImage,
    of_result=_images_of,
    error=FalInputImageError,
)


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was given, recognised but not yet read or sent.

    Exactly one of `url`, `content`, `path` and `stored` is set.

    Attributes:
        option: The option it was given for, for messages.
        medium: What it is meant to be.
        url: Passed on to fal as it is.
        content: The bytes.
        path: A file that the developer allowed, symlinks resolved.
        stored: The SHA-256 under which the provider's store has the bytes.
        origin: What is known of where it came from.
    """

    option: str
    medium: Medium
    url: str | None = None
    content: bytes | None = field(default=None, repr=False)
    path: Path | None = None
    stored: str | None = None
    origin: InputReference = field(default_factory=InputReference)


@dataclass(frozen=True, slots=True)
class SentFile:
    """An input file as it stands in the request.

    Attributes:
        url: A URL, or a data URI for a small file.
        reference: What is kept of it in results: no bytes.
    """

    url: str = field(repr=False)
    reference: InputReference


def input_file(
    value: Any, *, option: str, fal: FalProvider, medium: Medium
) -> InputFile:
    """Recognise a value as an input file; nothing is read or sent.

    Args:
        value: What was given.
        option: For which option, as messages name it.
        fal: Says which directories and hosts are allowed.
        medium: What the option takes.

    Raises:
        FalInputError: It is no such file that we can send, or not an allowed one.
    """
    value = _single(value, option, medium)
    if isinstance(value, medium.made):
        return _from_made(value, option, fal, medium)
    if isinstance(value, bytes | bytearray | memoryview):
        return InputFile(option, medium, content=bytes(value))
    if isinstance(value, Mapping):
        found = _block(value, option, medium)
        return input_file(found, option=option, fal=fal, medium=medium)
    if isinstance(value, str):
        return _from_text(value, option, fal, medium)
    if isinstance(value, os.PathLike):
        return _from_path(value, option, fal, medium)
    if medium is IMAGE and hasattr(value, "getbands"):
        encoded = io.BytesIO()
        value.save(encoded, format="PNG")
        return InputFile(option, medium, content=encoded.getvalue())
    message = (
        f"{option}={safe_repr(value)} is no {medium.word}. Give an https URL, a "
        f"data URI, bytes, {medium.accepted}, or a file below one of allowed_dirs."
    )
    raise medium.error(message)


def _single(value: Any, option: str, medium: Medium) -> Any:
    """Give the one file of a result; all else as it is."""
    files = medium.of_result(value)
    if files is None:
        return value
    if len(files) == 1:
        return files[0]
    word = medium.word
    message = f"{option} takes one {word}; this result has {len(files) or 'none'}."
    if files:
        message = f"{message} Give one of its {word}s."
    raise medium.error(message)


def _from_made(
    made: GeneratedFile, option: str, fal: FalProvider, medium: Medium
) -> InputFile:
    if made.url is not None and made.request_id is None:
        # Not fal's word: it was pasted into a chat, or made by hand.
        checked = _from_text(made.url, option, fal, medium)
        return replace(checked, origin=made.reference())
    return InputFile(
        option,
        medium,
        url=made.url,
        stored=made.sha256 if made.url is None else None,
        origin=made.reference(),
    )


def _from_text(text: str, option: str, fal: FalProvider, medium: Medium) -> InputFile:
    if text[:5].lower() == "data:":
        try:
            content, _ = decode_data_uri(text)
        except ValueError as error:
            message = f"{option} is a data URI that cannot be read: {error}."
            raise medium.error(message) from error
        return InputFile(option, medium, content=content)
    if "://" in text:
        try:
            guard.check_url(text, trusted=fal.context.trusted_origins)
        except guard.AccessRefused as error:
            message = f"{option}={safe_repr(text)} is refused: {error}."
            step = f"Give a public http(s) URL of {_a(medium.word)}."
            raise medium.error(message, next_step=step) from error
        return InputFile(option, medium, url=text, origin=InputReference(url=text))
    if (decoded := _from_base64(text, medium)) is not None:
        return InputFile(option, medium, content=decoded)
    return _from_path(text, option, fal, medium)


def _from_base64(text: str, medium: Medium) -> bytes | None:
    """Read a text that is a file in base64, as the AI SDK takes it; else None."""
    if len(text) < _SHORT:
        return None
    try:
        beginning = base64.b64decode(text[: _HEAD - _HEAD % 4], validate=True)
        return (
            base64.b64decode(text, validate=True) if medium.sniff(beginning) else None
        )
    except ValueError:
        return None


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _from_path(
    path: str | os.PathLike[str], option: str, fal: FalProvider, medium: Medium
) -> InputFile:
    try:
        found = guard.resolve_path(path, allowed_dirs=fal.allowed_dirs)
    except guard.AccessRefused as error:
        message = f"{option}={safe_repr(str(path))} is refused: {error}."
        raise medium.error(
            message,
            next_step="Give a URL or bytes, or let the developer allow the directory: "
            "create_fal(allowed_dirs=[…]).",
        ) from error
    return InputFile(option, medium, path=found)


def _block(block: Mapping[str, Any], option: str, medium: Medium) -> Any:
    """Find the file in a content block of LangChain, OpenAI, Anthropic or AI SDK."""
    named = ("image_url", "source", "audio_url", "input_audio")
    source: Any = next((block[name] for name in named if name in block), block)
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
    message = f"{option}: this content block holds no {medium.word} by URL or base64."
    raise medium.error(message)


def send(
    file: InputFile,
    fal: FalProvider,
    *,
    check: Callable[[int, Any], None],
) -> Flow[SentFile]:
    """Bring an input file into the form the request needs.

    A URL stays as it is. Bytes up to `limits.inline_bytes` become a data URI,
    larger ones are uploaded.

    Args:
        file: As `input_file` recognised it.
        fal: Whose limits, store and hosts hold.
        check: Called with the size in bytes and the type before anything is sent;
            raises where the endpoint does not take it.

    Raises:
        FalInputError: The bytes cannot be read or are no such file.
    """
    if file.url is not None:
        return SentFile(file.url, file.origin)
    if file.path is None:
        return (
            yield from _sent(
                file, fal, BytesSource((yield from _content(file, fal))), check
            )
        )
    opened = yield Call(lambda: _opened(file, fal))
    try:
        return (yield from _sent(file, fal, FileSource(opened), check))
    except OSError as error:
        message = f"{file.option}: {file.path} cannot be read: {error}."
        raise file.medium.error(message) from error
    finally:
        opened.close()


def _sent(
    file: InputFile,
    fal: FalProvider,
    source: Source,
    check: Callable[[int, Any], None],
) -> Flow[SentFile]:
    size, medium = source.size, file.medium
    kind, digest = yield Call(
        lambda: (medium.sniff(source.read(0, _HEAD)), _digest(source))
    )
    if kind is None:
        message = (
            f"{file.option}: these {size} bytes are no {medium.word} we know "
            f"({medium.formats})."
        )
        raise medium.error(message)
    check(size, kind)
    if size <= fal.context.limits.inline_bytes:
        content = yield Call(lambda: source.read(0, size))
        encoded = base64.b64encode(content).decode("ascii")
        url = f"data:{kind.mime_type};base64,{encoded}"
        known_url = file.origin.url
    else:
        url = known_url = yield from upload(
            fal.context,
            source,
            content_type=kind.mime_type,
            file_name=f"{digest[:16]}{medium.extensions[kind.mime_type]}",
        )
    reference = InputReference(
        handle=file.origin.handle,
        url=known_url,
        sha256=digest,
        request_id=file.origin.request_id,
    )
    return SentFile(url, reference)


def _opened(file: InputFile, fal: FalProvider) -> BinaryIO:
    path = file.path or Path()
    try:
        opened = path.open("rb")
    except OSError as error:
        message = f"{file.option}: {path} cannot be read: {error.strerror}."
        raise file.medium.error(message) from error
    try:
        fault = _fault(opened, path, fal)
    except OSError as error:
        fault = str(error)
    if fault:
        opened.close()
        message = f"{file.option}: {path} is refused: {fault}."
        raise file.medium.error(message)
    return opened


def _fault(file: BinaryIO, path: Path, fal: FalProvider) -> str | None:
    """Say why a file that is open may not be sent after all."""
    limit = fal.context.limits.upload_bytes
    is_open = os.fstat(file.fileno())
    try:
        found = guard.resolve_path(path, allowed_dirs=fal.allowed_dirs)
    except guard.AccessRefused as error:
        return str(error)
    if not os.path.samestat(is_open, found.stat()):
        # It was exchanged since it was found; what is open counts.
        return "it was exchanged for another file"
    return f"it has more than {limit} bytes" if is_open.st_size > limit else None


def _digest(source: Source) -> str:
    digest = hashlib.sha256()
    for start in range(0, source.size, _HEAD):
        digest.update(source.read(start, _HEAD))
    return digest.hexdigest()


def _content(file: InputFile, fal: FalProvider) -> Flow[bytes]:
    if file.content is not None:
        return file.content
    key = file.stored or ""
    store = fal.store
    [stored] = yield Call(lambda: store.mget([key]), lambda: store.amget([key]))
    if stored is None:
        message = (
            f"{file.option}: the bytes of this {file.medium.word} are gone: fal sent "
            f"them inside an earlier answer, and this provider's store does not have "
            f"them."
        )
        raise file.medium.error(message)
    if not isinstance(stored, bytes):
        message = f"The provider's store gave {type(stored).__name__}, not bytes."
        raise FalConfigurationError(message)
    return stored
