"""What may be given as an input image, and how it is sent to fal."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from langchain_fal_image.errors import (
    FalConfigurationError,
    FalInputImageError,
    shown,
)
from langchain_fal_image.images import GeneratedImage, InputReference
from langchain_fal_image.outputs import decode_data_uri
from langchain_fal_image.results import ImageResult
from langchain_fal_image.sniff import EXTENSIONS, ImageType, sniff
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.bodies import Bytes, OpenFile, Source
from langchain_fal_image.wire.effects import Call
from langchain_fal_image.wire.files import upload

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.wire.effects import Flow

__all__ = ["InputImage", "SentImage", "flattened", "input_image", "send", "traceable"]

# What is read at once: a type is told by the beginning of a file.
_HEAD = 1024 * 1024
_ACCEPTED = (
    "an https URL, a data URI, bytes, a Pillow image, a GeneratedImage, an "
    "ImageResult, an image content block, or a file below one of allowed_dirs"
)


@dataclass(frozen=True, slots=True)
class InputImage:
    """An image that was given, recognised but not yet read or sent.

    Exactly one of `url`, `content`, `path` and `stored` is set.

    Attributes:
        option: The option it was given for, for messages.
        url: Passed on to fal as it is.
        content: The bytes.
        path: A file that the developer allowed, symlinks resolved.
        stored: The SHA-256 under which the provider's store has the bytes.
        origin: What is known of where it came from.
    """

    option: str
    url: str | None = None
    content: bytes | None = field(default=None, repr=False)
    path: Path | None = None
    stored: str | None = None
    origin: InputReference = field(default_factory=InputReference)


@dataclass(frozen=True, slots=True)
class SentImage:
    """An input image as it stands in the request.

    Attributes:
        url: A URL, or a data URI for a small image.
        reference: What is kept of it in results: no bytes.
    """

    url: str = field(repr=False)
    reference: InputReference


def flattened(value: Any) -> list[Any]:
    """Spread a value into single images: results and lists hold several."""
    if isinstance(value, ImageResult):
        return list(value.images)
    if isinstance(value, list | tuple):
        return [image for item in value for image in flattened(item)]
    return [value]


def input_image(value: Any, *, option: str, fal: FalProvider) -> InputImage:
    """Recognise a value as an input image; nothing is read or sent.

    Args:
        value: What was given.
        option: For which option, as messages name it.
        fal: Says which directories and hosts are allowed.

    Raises:
        FalInputImageError: It is no image we can send, or not an allowed one.
    """
    if isinstance(value, ImageResult):
        if len(value.images) != 1:
            message = (
                f"{option} takes one image; this result has {len(value.images)}. "
                f"Give one of its images."
            )
            raise FalInputImageError(message)
        value = value.images[0]
    if isinstance(value, GeneratedImage):
        if value.url is not None and value.request_id is None:
            # Not fal's word: it was pasted into a chat, or made by hand.
            checked = _from_text(value.url, option, fal)
            return replace(checked, origin=value.reference())
        return InputImage(
            option,
            url=value.url,
            stored=value.sha256 if value.url is None else None,
            origin=value.reference(),
        )
    if isinstance(value, bytes | bytearray | memoryview):
        return InputImage(option, content=bytes(value))
    if isinstance(value, Mapping):
        return input_image(_block(value, option), option=option, fal=fal)
    if isinstance(value, str):
        return _from_text(value, option, fal)
    if isinstance(value, os.PathLike):
        return _from_path(value, option, fal)
    if callable(getattr(value, "save", None)) and hasattr(value, "getbands"):
        encoded = io.BytesIO()
        value.save(encoded, format="PNG")
        return InputImage(option, content=encoded.getvalue())
    message = f"{option}={shown(value)} is no image. Give {_ACCEPTED}."
    raise FalInputImageError(message)


def _from_text(text: str, option: str, fal: FalProvider) -> InputImage:
    if text[:5].lower() == "data:":
        try:
            content, _ = decode_data_uri(text)
        except ValueError as error:
            message = f"{option} is a data URI that cannot be read: {error}."
            raise FalInputImageError(message) from error
        return InputImage(option, content=content)
    if "://" in text:
        try:
            guard.check_url(text, trusted=fal.context.trusted_origins)
        except guard.Refused as error:
            message = f"{option}={shown(text)} is refused: {error}."
            raise FalInputImageError(
                message, next_step="Give a public http(s) URL of an image."
            ) from error
        return InputImage(option, url=text, origin=InputReference(url=text))
    return _from_path(text, option, fal)


def _from_path(
    path: str | os.PathLike[str], option: str, fal: FalProvider
) -> InputImage:
    try:
        found = guard.allowed_path(path, allowed_dirs=fal.allowed_dirs)
    except guard.Refused as error:
        message = f"{option}={str(path)!r} is refused: {error}."
        raise FalInputImageError(
            message,
            next_step="Give a URL or bytes, or let the developer allow the directory: "
            "create_fal(allowed_dirs=[…]).",
        ) from error
    return InputImage(option, path=found)


def _block(block: Mapping[str, Any], option: str) -> Any:
    """Find the image in a content block of LangChain, OpenAI, Anthropic or AI SDK."""
    source: Any = block.get("image_url", block.get("source", block))
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
    message = f"{option}: this content block holds no image by URL or base64."
    raise FalInputImageError(message)


def send(
    image: InputImage,
    fal: FalProvider,
    *,
    check: Callable[[int, ImageType], None],
) -> Flow[SentImage]:
    """Bring an input image into the form the request needs.

    A URL stays as it is. Bytes up to `limits.inline_bytes` become a data URI,
    larger ones are uploaded.

    Args:
        image: As `input_image` recognised it.
        fal: Whose limits, store and hosts hold.
        check: Called with the size in bytes and the type before anything is sent;
            raises where the endpoint does not take it.

    Raises:
        FalInputImageError: The bytes cannot be read or are no image.
    """
    if image.url is not None:
        return SentImage(image.url, image.origin)
    if image.path is None:
        return (
            yield from _sent(
                image, fal, Bytes((yield from _content(image, fal))), check
            )
        )
    file = yield Call(lambda: _opened(image, fal))
    try:
        return (yield from _sent(image, fal, OpenFile(file), check))
    except OSError as error:
        message = f"{image.option}: {image.path} cannot be read: {error}."
        raise FalInputImageError(message) from error
    finally:
        file.close()


def _sent(
    image: InputImage,
    fal: FalProvider,
    source: Source,
    check: Callable[[int, ImageType], None],
) -> Flow[SentImage]:
    size = source.size
    kind, digest = yield Call(lambda: (sniff(source.read(0, _HEAD)), _digest(source)))
    if kind is None:
        message = (
            f"{image.option}: these {size} bytes are no image we know (PNG, "
            f"JPEG, WebP, GIF, AVIF, BMP, TIFF or SVG)."
        )
        raise FalInputImageError(message)
    check(size, kind)
    if size <= fal.context.limits.inline_bytes:
        content = yield Call(lambda: source.read(0, size))
        encoded = base64.b64encode(content).decode("ascii")
        url = f"data:{kind.mime_type};base64,{encoded}"
        known_url = image.origin.url
    else:
        url = known_url = yield from upload(
            fal.context,
            source,
            content_type=kind.mime_type,
            file_name=f"{digest[:16]}{EXTENSIONS[kind.mime_type]}",
        )
    reference = InputReference(
        handle=image.origin.handle,
        url=known_url,
        sha256=digest,
        request_id=image.origin.request_id,
    )
    return SentImage(url, reference)


def _opened(image: InputImage, fal: FalProvider) -> BinaryIO:
    path = image.path or Path()
    try:
        file = path.open("rb")
    except OSError as error:
        message = f"{image.option}: {path} cannot be read: {error.strerror}."
        raise FalInputImageError(message) from error
    try:
        fault = _fault(file, path, fal)
    except OSError as error:
        fault = str(error)
    if fault:
        file.close()
        message = f"{image.option}: {path} is refused: {fault}."
        raise FalInputImageError(message)
    return file


def _fault(file: BinaryIO, path: Path, fal: FalProvider) -> str | None:
    """Say why a file that is open may not be sent after all."""
    limit = fal.context.limits.upload_bytes
    is_open = os.fstat(file.fileno())
    try:
        found = guard.allowed_path(path, allowed_dirs=fal.allowed_dirs)
    except guard.Refused as error:
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


def _content(image: InputImage, fal: FalProvider) -> Flow[bytes]:
    if image.content is not None:
        return image.content
    key = image.stored or ""
    store = fal.store
    [stored] = yield Call(lambda: store.mget([key]), lambda: store.amget([key]))
    if stored is None:
        message = (
            f"{image.option}: the bytes of this image are gone: fal sent them inside "
            f"an earlier answer, and this provider's store does not have them."
        )
        raise FalInputImageError(message)
    if not isinstance(stored, bytes):
        message = f"The provider's store gave {type(stored).__name__}, not bytes."
        raise FalConfigurationError(message)
    return stored


def traceable(value: Any) -> Any:
    """Write a call's input for a trace: JSON where it is JSON, never image bytes."""
    if isinstance(value, Mapping):
        return {str(key): traceable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [traceable(item) for item in value]
    if isinstance(value, GeneratedImage):
        return value.reference().to_dict()
    if isinstance(value, ImageResult):
        return [image.reference().to_dict() for image in value.images]
    if isinstance(value, bytes | bytearray | memoryview):
        return shown(value)
    if isinstance(value, str):
        return shown(value) if value[:5].lower() == "data:" else value
    if value is None or isinstance(value, bool | int | float):
        return value
    return shown(value)
