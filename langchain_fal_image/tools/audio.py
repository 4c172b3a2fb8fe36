"""Tools that speak and transcribe."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import Field

from langchain_fal_image.models.speech import FalSpeech
from langchain_fal_image.models.transcription import FalTranscription
from langchain_fal_image.tools._messages import (
    MAX_CHARACTERS,
    describe_result,
    describe_wrong_arguments,
)
from langchain_fal_image.tools.base import FalModelTool

__all__ = ["FalSpeechTool", "FalTranscriptionTool"]


class FalSpeechTool(FalModelTool):
    """A tool with which a chat model turns text into speech.

    Args:
        model: An endpoint id or a `FalSpeech` with bound options; by default
            `FalSpeech()`.
        fal: The provider; by default that of the model.
        library: Assigns handles to the audio (`audio_1`); share it between tools.
        budget: Refuses requests that would exceed it.
        expose: Further options that the chat model may fill in, including voice
            options such as `pitch`.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: An exposed option does not exist, or the type of an
            exposed or required option is too complex for a tool argument.
    """

    name: str = "fal_speech"
    handle_validation_error: Any = partial(describe_wrong_arguments, kind="speech")
    model: str | FalSpeech | None = None
    """The runnable that makes the requests, or an endpoint id."""

    _input_kind = "audio"
    _runnable = FalSpeech
    _purpose = (
        "Speak a text. Every call costs money: call it once for each text that the "
        "user wants to hear. The result names the audio by a handle such as audio_1; "
        "the user can play it."
    )
    _arguments = ("text", "voice", "speed", "emotion")


class FalTranscriptionTool(FalModelTool):
    """A tool with which a chat model transcribes audio, by handle or URL.

    Args:
        model: An endpoint id or a `FalTranscription` with bound options; by default
            `FalTranscription()`.
        fal: The provider; by default that of the model.
        library: Finds audio by handle; share it between tools.
        budget: Refuses requests that would exceed it.
        expose: Further options that the chat model may fill in.
        max_characters: How many characters of a transcription the chat model reads;
            the artifact contains up to 64 KB, with the times.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: See `FalSpeechTool`.
    """

    name: str = "fal_transcription"
    handle_validation_error: Any = partial(
        describe_wrong_arguments, kind="transcription"
    )
    model: str | FalTranscription | None = None
    """The runnable that makes the requests, or an endpoint id."""
    max_characters: int = Field(default=MAX_CHARACTERS, gt=0)
    """How many characters of a transcription the chat model reads."""

    _input_kind = "audio"
    _runnable = FalTranscription
    _purpose = (
        "Transcribe the speech in an audio file. Name the file by handle (audio_1, "
        "audio_2, … in the order of the conversation, audio that the user pasted "
        "included) or by URL. Every call costs money: call it once for each file."
    )
    _arguments = ("audio", "language")

    def _describe(self, result: Any) -> Any:
        return describe_result(result, max_characters=self.max_characters)
