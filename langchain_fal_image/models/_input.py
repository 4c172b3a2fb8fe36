"""What a runnable was given, read as options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalOptionError, OptionFault
from langchain_fal_image.inputs.content_blocks import image_blocks
from langchain_fal_image.results._audio_base import AudioResult
from langchain_fal_image.results._generated_image import GeneratedImage
from langchain_fal_image.results.file import GeneratedFile
from langchain_fal_image.results.image import ImageResult

__all__ = ["as_options", "spread", "traced"]

# A content block's bytes stand under these names, without a data URI's head.
_BYTES = frozenset({"base64", "data", "file_data"})
_SHORT = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/]{400,}={0,2}")


def as_options(given: Any, *, model: str, takes_images: bool) -> Mapping[str, Any]:
    """Read a runnable's input as options.

    Args:
        given: A prompt, a prompt value, a message, messages, a dict of options; and
            where images are taken: a result, an image or a list of images.
        model: The endpoint id, for the error.
        takes_images: Whether images, and image blocks of a message, are inputs.

    Raises:
        FalOptionError: It is none of these.
    """
    if isinstance(given, PromptValue):
        given = given.to_messages()
    if isinstance(given, BaseMessage):
        given = [given]
    if isinstance(given, str):
        return {"prompt": given}
    if isinstance(given, Mapping):
        prompt = given.get("prompt")
        if isinstance(prompt, PromptValue | BaseMessage):
            read = as_options(prompt, model=model, takes_images=takes_images)
            return {**read, **given, "prompt": read["prompt"]}
        return given
    if (
        isinstance(given, list)
        and given
        and all(isinstance(each, BaseMessage) for each in given)
    ):
        return _from_messages(given, takes_images=takes_images)
    kinds = (ImageResult, GeneratedImage, list, tuple, bytes)
    if takes_images and isinstance(given, kinds):
        return {"images": given}
    expected = "a prompt, messages or a dict of options"
    if takes_images:
        expected += ", or images where the prompt is bound"
    fault = OptionFault("input", safe_repr(given), "cannot be read", expected)
    raise FalOptionError.from_faults((fault,), model=model)


def _from_messages(
    messages: list[BaseMessage], *, takes_images: bool
) -> Mapping[str, Any]:
    """Take the last human message, else the last one; the others are not sent."""
    message = next(
        (each for each in reversed(messages) if isinstance(each, HumanMessage)),
        messages[-1],
    )
    given: dict[str, Any] = {"prompt": str(message.text)}
    if takes_images:
        blocks = list(image_blocks(message))
        if blocks:
            given["images"] = blocks
    return given


def spread(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Spread results into their images where an option takes several."""
    spread = {}
    for name, value in layer.items():
        takes_several = (
            name.replace("_", "").lower().endswith(("images", "files", "urls"))
        )
        if isinstance(value, list | tuple) and any(
            isinstance(each, ImageResult) for each in value
        ):
            spread[name] = _flattened(value)
        elif isinstance(value, ImageResult) and takes_several:
            spread[name] = list(value.images)
        else:
            spread[name] = value
    return spread


def traced(given: Any) -> Any:
    """Write an input for a trace, without image bytes."""
    if isinstance(given, PromptValue):
        given = given.to_messages()
    if isinstance(given, BaseMessage):
        return {"type": given.type, "content": _traceable(given.content)}
    if isinstance(given, list):
        return [traced(each) for each in given]
    if isinstance(given, Mapping):
        return {
            str(name): _part(str(name), value)
            if isinstance(value, str)
            else traced(value)
            for name, value in given.items()
        }
    return _traceable(given)


def _traceable(value: Any) -> Any:
    """Write a call's input for a trace: JSON where it is JSON, never image bytes."""
    if isinstance(value, Mapping):
        return {str(key): _part(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_traceable(item) for item in value]
    if isinstance(value, GeneratedFile):
        return value.reference().to_dict()
    if isinstance(value, ImageResult):
        return [image.reference().to_dict() for image in value.images]
    if isinstance(value, bytes | bytearray | memoryview):
        return safe_repr(value)
    if isinstance(value, AudioResult):
        return {"model": value.model, "request_id": value.request_id}
    if isinstance(value, str):
        if _BASE64.fullmatch(value):
            return f"<{len(value)} characters of base64>"
        return safe_repr(value) if value[:5].lower() == "data:" else value
    if value is None or isinstance(value, bool | int | float):
        return value
    return safe_repr(value)


def _part(name: str, value: Any) -> Any:
    """Write what stands under a name for a trace; see `_traceable`."""
    if name in _BYTES and isinstance(value, str) and len(value) > _SHORT:
        return f"<{len(value)} characters of base64>"
    return _traceable(value)


def _flattened(value: Any) -> list[Any]:
    """Spread a value into single images: results and lists hold several."""
    if isinstance(value, ImageResult):
        return list(value.images)
    if isinstance(value, list | tuple):
        return [image for item in value for image in _flattened(item)]
    return [value]
