"""What may be given as input audio, and what the audio runnables were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.documents.base import Blob
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue

from langchain_fal_image._formats.audio import EXTENSIONS, sniff_audio
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalInputAudioError, FalOptionError, OptionFault
from langchain_fal_image.inputs.content_blocks import audio_blocks, is_audio_block
from langchain_fal_image.inputs.file import Medium
from langchain_fal_image.results.file import GeneratedFile
from langchain_fal_image.results.speech import GeneratedAudio, SpeechResult
from langchain_fal_image.results.transcription import TranscriptionResult

__all__ = ["AUDIO", "as_audio", "as_text"]


def _audios_of(value: Any) -> Sequence[GeneratedFile] | None:
    return value.audios if isinstance(value, SpeechResult) else None


AUDIO = Medium(
    word="recording",
    accepted="a GeneratedAudio, a SpeechResult, an audio content block",
    formats="MP3, WAV, FLAC, Ogg, M4A, MP4, WebM, AAC, AIFF or AMR",
    extensions=EXTENSIONS,
    sniff=sniff_audio,
    made=GeneratedAudio,
    of_result=_audios_of,
    error=FalInputAudioError,
)


def as_text(given: Any, *, model: str) -> Mapping[str, Any]:
    """Read what `FalSpeech` was given as options.

    Args:
        given: A text, a prompt value, a message, messages (the last one is spoken), a
            transcription, or a dict of options.
        model: The endpoint id, for the error.

    Raises:
        FalOptionError: It is none of these.
    """
    if isinstance(given, str):
        return {"text": given}
    if isinstance(given, TranscriptionResult):
        return {"text": given.text}
    if isinstance(given, Mapping):
        said = (PromptValue, BaseMessage, TranscriptionResult)
        return {
            name: as_text(value, model=model)["text"]
            if isinstance(value, said)
            else value
            for name, value in given.items()
        }
    if messages := _messages(given):
        return {"text": str(messages[-1].text)}
    raise _unreadable(given, "a text, messages or a dict of options", model)


def as_audio(given: Any, *, model: str) -> Mapping[str, Any]:
    """Read what `FalTranscription` was given as options.

    Args:
        given: A path, bytes, a URL, a data URI, an audio content block, audio that fal
            made, a blob, a message or messages with audio, or a dict of options.
        model: The endpoint id, for the error.

    Raises:
        FalOptionError: It is none of these.
        FalInputAudioError: The messages hold no audio.
    """
    if isinstance(given, Mapping) and not is_audio_block(given):
        audio = given.get("audio")
        if isinstance(audio, Blob):
            return {**given, "audio": _opened(audio)}
        messages = _messages(audio)
        return {**given, "audio": _last_audio(messages)} if messages else given
    if isinstance(given, Blob):
        return {"audio": _opened(given)}
    if messages := _messages(given):
        return {"audio": _last_audio(messages)}
    if (
        isinstance(given, list)
        or given is None
        or isinstance(given, bool | int | float)
    ):
        expected = "a recording, messages with one, or a dict of options"
        raise _unreadable(given, expected, model)
    return {"audio": given}


def _messages(given: Any) -> list[BaseMessage]:
    if isinstance(given, PromptValue):
        return given.to_messages()
    if isinstance(given, BaseMessage):
        return [given]
    is_messages = isinstance(given, list) and all(
        isinstance(each, BaseMessage) for each in given
    )
    return given if is_messages else []


def _last_audio(messages: Sequence[BaseMessage]) -> Any:
    humans = [each for each in messages if isinstance(each, HumanMessage)]
    for message in [*reversed(humans), *reversed(messages)]:
        blocks = list(audio_blocks(message))
        if len(blocks) > 1:
            message_ = f"The message holds {len(blocks)} recordings; give one of them."
            raise FalInputAudioError(message_, next_step="Nothing was sent to fal.")
        if blocks:
            return blocks[0]
    text = "The messages hold no recording: no audio content block is among them."
    raise FalInputAudioError(text)


def _opened(blob: Blob) -> Any:
    """Give what a blob holds: its path, so that the guard sees it, or its bytes."""
    return blob.path if blob.data is None else blob.as_bytes()


def _unreadable(given: Any, expected: str, model: str) -> FalOptionError:
    fault = OptionFault("input", safe_repr(given), "cannot be read", expected)
    return FalOptionError.from_faults((fault,), model=model)
