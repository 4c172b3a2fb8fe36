"""Find the images and recordings that a user pasted into the chat."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from langchain_fal_image._formats.data_uri import decode_data_uri
from langchain_fal_image.inputs.reference import MediaType

__all__ = [
    "PastedFile",
    "find_audio_blocks",
    "find_image_blocks",
    "find_pasted_files",
    "is_audio_block",
]

# The names under which LangChain, OpenAI and Anthropic nest a block's source.
_SOURCE_NAMES = ("image_url", "source", "audio_url", "input_audio")


@dataclass(frozen=True, slots=True)
class PastedFile:
    """One image or recording of a user's message.

    Attributes:
        key: Its URL, or the digest of its bytes; the same file has the same key.
        media_type: What it holds.
        url: Its URL, if it was pasted by URL.
        content: Its bytes, if it was pasted as bytes.
    """

    key: str
    media_type: MediaType
    url: str | None = None
    content: bytes | None = field(default=None, repr=False)


def find_pasted_files(message: BaseMessage) -> list[PastedFile]:
    """Return the images and recordings of a user's message.

    Args:
        message: A message; only a human's has pasted files.

    Returns:
        The images in order, then the recordings. A file that only has an id at the
        chat model's provider is included, without URL and bytes, so that the numbers
        of handles match what the chat model sees.
    """
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return []
    images = [_read_block(block, "image") for block in find_image_blocks(message)]
    return [
        *images,
        *(_read_block(block, "audio") for block in find_audio_blocks(message)),
    ]


def find_image_blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    """Yield the content blocks of a message that hold an image, in any form."""
    return filter(_is_image_block, _list_blocks(message))


def find_audio_blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    """Yield the content blocks of a message that hold audio, in any form."""
    return filter(is_audio_block, _list_blocks(message))


def is_audio_block(value: object) -> bool:
    """Return whether a value is a content block that holds audio, in any form."""
    return isinstance(value, Mapping) and _holds(
        value, "audio", {"audio", "audio_url", "input_audio"}
    )


def _is_image_block(block: Mapping[str, Any]) -> bool:
    return _holds(block, "image", {"image", "image_url", "input_image"})


def _holds(block: Mapping[str, Any], media_type: MediaType, types: set[str]) -> bool:
    mime_type = str(block.get("mime_type") or block.get("media_type") or "")
    # `media` is a block type of langchain-google-genai, not a LangChain standard.
    return block.get("type") in types or (
        block.get("type") in {"media", "file"}
        and mime_type.startswith(f"{media_type}/")
    )


def _list_blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    for block in message.content_blocks:
        found: Mapping[str, Any] = block
        yield found["value"] if found.get("type") == "non_standard" else found


def _read_block(block: Mapping[str, Any], media_type: MediaType) -> PastedFile:
    source: Any = next((block[name] for name in _SOURCE_NAMES if name in block), block)
    if isinstance(source, str):
        source = {"url": source}
    url = source.get("url") or source.get("file_uri")
    data = source.get("base64") or source.get("data")
    if isinstance(url, str) and url[:5].lower() != "data:":
        return PastedFile(url, media_type, url=url)
    content = data if isinstance(data, bytes) else _decode(url or data or "")
    if not content:
        key = f"file:{block.get('file_id') or block.get('id')}"
        return PastedFile(key, media_type)
    return PastedFile(hashlib.sha256(content).hexdigest(), media_type, content=content)


def _decode(text: str) -> bytes:
    """Decode a data URI or base64; return no bytes if it is neither."""
    uri = text if text[:5].lower() == "data:" else f"data:;base64,{text}"
    try:
        content, _ = decode_data_uri(uri)
    except ValueError:
        return b""
    return content
