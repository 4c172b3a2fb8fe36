"""Images that a user put into the chat, in any of LangChain's block forms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from langchain_fal_image.images import GeneratedImage
from langchain_fal_image.outputs import decode_data_uri

__all__ = ["Pasted", "image_blocks", "pasted_images"]


@dataclass(frozen=True, slots=True)
class Pasted:
    """One image of a user's message.

    Attributes:
        key: What tells it from other images: its URL, or the digest of its bytes.
        url: Where it lies, for an image by URL.
        content: Its bytes, for an image in base64.
    """

    key: str
    url: str | None = None
    content: bytes | None = field(default=None, repr=False)

    def named(self, handle: str) -> GeneratedImage:
        """Give it as an image of the conversation.

        Args:
            handle: Its short name.
        """
        digest = self.key if self.content is not None else None
        return GeneratedImage(url=self.url, sha256=digest, handle=handle)


def pasted_images(message: BaseMessage) -> list[Pasted]:
    """Find the images of a user's message.

    Args:
        message: One of any kind; only a human's holds pasted images.

    Returns:
        The images in order. One that is only a file id at the chat's provider is
        counted too, so that the numbers fit what a model sees; it has neither URL
        nor bytes.
    """
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return []
    return [_pasted(block) for block in image_blocks(message)]


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


def _pasted(block: Mapping[str, Any]) -> Pasted:
    source: Any = block.get("image_url", block.get("source", block))
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
