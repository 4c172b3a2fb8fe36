"""Images and audio that a user put into the chat, in any of LangChain's block forms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from langchain_fal_image._formats.data_uri import decode_data_uri

__all__ = ["Pasted", "audio_blocks", "image_blocks", "is_audio_block", "pasted_files"]


@dataclass(frozen=True, slots=True)
class Pasted:
    """One image or recording of a user's message.

    Attributes:
        key: What tells it from others: its URL, or the digest of its bytes.
        url: Where it lies, where it was given by URL.
        content: Its bytes, where they were given.
        is_audio: Whether it is a recording.
    """

    key: str
    url: str | None = None
    content: bytes | None = field(default=None, repr=False)
    is_audio: bool = False


def pasted_files(message: BaseMessage) -> list[Pasted]:
    """Find the images and recordings of a user's message.

    Args:
        message: One of any kind; only a human's holds pasted files.

    Returns:
        The images in order, then the recordings. One that is only a file id at the
        chat's provider is counted too, so that the numbers fit what a model sees; it
        has neither URL nor bytes.
    """
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return []
    images = [_pasted(block) for block in image_blocks(message)]
    recordings = [_pasted(block) for block in audio_blocks(message)]
    return [*images, *(replace(each, is_audio=True) for each in recordings)]


def image_blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    """Give the content blocks of a message that hold an image, in any form."""
    for block in message.content_blocks:
        found: Mapping[str, Any] = block
        if found.get("type") == "non_standard":
            found = found["value"]
        mime_type = str(found.get("mime_type") or found.get("media_type") or "")
        # `media` is how Gemini's package writes an image; it is no standard block.
        if found.get("type") in {"image", "image_url", "input_image"} or (
            found.get("type") in {"media", "file"} and mime_type.startswith("image/")
        ):
            yield found


def is_audio_block(value: object) -> bool:
    """Tell whether a value is a content block that holds audio, in any form."""
    if not isinstance(value, Mapping):
        return False
    mime_type = str(value.get("mime_type") or value.get("media_type") or "")
    return value.get("type") in {"audio", "audio_url", "input_audio"} or (
        value.get("type") in {"media", "file"} and mime_type.startswith("audio/")
    )


def audio_blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    """Give the content blocks of a message that hold audio, in any form."""
    for block in message.content_blocks:
        found: Mapping[str, Any] = block
        if found.get("type") == "non_standard":
            found = found["value"]
        if is_audio_block(found):
            yield found


def _pasted(block: Mapping[str, Any]) -> Pasted:
    named = ("image_url", "source", "audio_url", "input_audio")
    source: Any = next((block[name] for name in named if name in block), block)
    if isinstance(source, str):
        source = {"url": source}
    url = source.get("url") or source.get("file_uri")
    data = source.get("base64") or source.get("data")
    if isinstance(url, str) and url[:5].lower() != "data:":
        return Pasted(url, url=url)
    if isinstance(data, bytes):
        return Pasted(hashlib.sha256(data).hexdigest(), content=data)
    text = url or data or ""
    try:
        uri = text if text[:5].lower() == "data:" else f"data:;base64,{text}"
        content, _ = decode_data_uri(uri)
    except ValueError:
        content = b""
    if not content:
        return Pasted(f"file:{block.get('file_id') or block.get('id')}")
    return Pasted(hashlib.sha256(content).hexdigest(), content=content)
