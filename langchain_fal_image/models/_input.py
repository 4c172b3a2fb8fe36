"""Convert the input of a runnable to options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.documents.base import Blob
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalInputAudioError, FalOptionError, OptionFault
from langchain_fal_image.inputs.content_blocks import (
    find_audio_blocks,
    find_image_blocks,
    is_audio_block,
)
from langchain_fal_image.results.image import GeneratedImage, ImageResult
from langchain_fal_image.results.transcription import TranscriptionResult

__all__ = [
    "expand_results",
    "read_image_input",
    "read_speech_input",
    "read_transcription_input",
]


def read_image_input(
    value: Any, *, model: str, takes_images: bool
) -> Mapping[str, Any]:
    """Convert the input of an image runnable to options.

    Args:
        value: A prompt, a prompt value, a message, messages, or a dict of options;
            with `takes_images` also a result, an image or a list of images.
        model: The endpoint id, for the error.
        takes_images: Whether images, and a message's image blocks, are inputs.

    Raises:
        FalOptionError: The value is none of these.
    """
    if isinstance(value, str):
        return {"prompt": value}
    if isinstance(value, Mapping):
        prompt = value.get("prompt")
        if not isinstance(prompt, PromptValue | BaseMessage):
            return value
        options = read_image_input(prompt, model=model, takes_images=takes_images)
        return {**options, **value, "prompt": options.get("prompt")}
    if messages := _read_messages(value):
        message = _find_prompt_message(messages)
        blocks = list(find_image_blocks(message)) if takes_images else []
        text = str(message.text)
        if not blocks:
            return {"prompt": text}
        # A message of images alone leaves the prompt to the bound options.
        return {"images": blocks, **({"prompt": text} if text.strip() else {})}
    if takes_images and isinstance(
        value, ImageResult | GeneratedImage | list | tuple | bytes
    ):
        return {"images": value}
    expected = "a prompt, messages or a dict of options"
    if takes_images:
        expected += ", or images if the prompt is bound"
    raise _unreadable_input(value, expected, model)


def read_speech_input(value: Any, *, model: str) -> Mapping[str, Any]:
    """Convert the input of `FalSpeech` to options.

    Args:
        value: A text, a prompt value, a message, messages (the last one is spoken), a
            transcription, or a dict of options.
        model: The endpoint id, for the error.

    Raises:
        FalOptionError: The value is none of these.
    """
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, TranscriptionResult):
        return {"text": value.text}
    if isinstance(value, Mapping):
        texts = PromptValue | BaseMessage | TranscriptionResult
        return {
            name: read_speech_input(item, model=model)["text"]
            if isinstance(item, texts)
            else item
            for name, item in value.items()
        }
    if messages := _read_messages(value):
        return {"text": str(messages[-1].text)}
    raise _unreadable_input(value, "a text, messages or a dict of options", model)


def read_transcription_input(value: Any, *, model: str) -> Mapping[str, Any]:
    """Convert the input of `FalTranscription` to options.

    Args:
        value: A path, bytes, a URL, a data URI, an audio content block, audio that fal
            made, a blob, a message or messages with audio, or a dict of options.
        model: The endpoint id, for the error.

    Raises:
        FalOptionError: The value is none of these.
        FalInputAudioError: The messages have no recording, or one has several.
    """
    if isinstance(value, Mapping) and not is_audio_block(value):
        audio = value.get("audio")
        if isinstance(audio, Blob):
            return {**value, "audio": _read_blob(audio)}
        messages = _read_messages(audio)
        return {**value, "audio": _find_last_audio(messages)} if messages else value
    if isinstance(value, Blob):
        return {"audio": _read_blob(value)}
    if messages := _read_messages(value):
        return {"audio": _find_last_audio(messages)}
    if value is None or isinstance(value, list | bool | int | float):
        expected = "a recording, messages with one, or a dict of options"
        raise _unreadable_input(value, expected, model)
    return {"audio": value}


def expand_results(
    layers: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Replace results by their images in options that take several images."""
    return {
        layer: {name: _expand_option(name, value) for name, value in options.items()}
        for layer, options in layers.items()
    }


def _expand_option(name: str, value: Any) -> Any:
    if name == "prompt" and isinstance(value, Mapping):
        return {key: _expand_option(str(key), each) for key, each in value.items()}
    if isinstance(value, ImageResult):
        is_list = name.replace("_", "").lower().endswith(("images", "files", "urls"))
        return list(value.images) if is_list else value
    if isinstance(value, list | tuple) and any(
        isinstance(each, ImageResult) for each in value
    ):
        return _flatten(value)
    return value


def _flatten(value: Any) -> list[Any]:
    if isinstance(value, ImageResult):
        return list(value.images)
    if isinstance(value, list | tuple):
        return [image for item in value for image in _flatten(item)]
    return [value]


def _read_messages(value: Any) -> list[BaseMessage]:
    """Return the messages in a value; an empty list if it is not a message."""
    if isinstance(value, PromptValue):
        return value.to_messages()
    if isinstance(value, BaseMessage):
        return [value]
    is_messages = isinstance(value, list) and all(
        isinstance(each, BaseMessage) for each in value
    )
    return value if is_messages else []


def _find_prompt_message(messages: Sequence[BaseMessage]) -> BaseMessage:
    """Return the last human message, else the last message."""
    humans = (each for each in reversed(messages) if isinstance(each, HumanMessage))
    return next(humans, messages[-1])


def _find_last_audio(messages: Sequence[BaseMessage]) -> Any:
    humans = [each for each in messages if isinstance(each, HumanMessage)]
    for each in [*reversed(humans), *reversed(messages)]:
        blocks = list(find_audio_blocks(each))
        if len(blocks) > 1:
            message = f"The message has {len(blocks)} recordings. Pass one of them."
            raise FalInputAudioError(message, next_step="Nothing was sent to fal.")
        if blocks:
            return blocks[0]
    message = "The messages have no recording: none has an audio content block."
    raise FalInputAudioError(message)


def _read_blob(blob: Blob) -> Any:
    """Return the bytes of a blob, or its path, which is checked when it is read."""
    return blob.path if blob.data is None else blob.as_bytes()


def _unreadable_input(value: Any, expected: str, model: str) -> FalOptionError:
    fault = OptionFault("input", safe_repr(value), "cannot be read", expected)
    return FalOptionError.from_faults((fault,), model=model)
