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
    """Lets a chat model speak a text; the audio is in the artifact, not the content.

    Args:
        model: An endpoint id or a `FalSpeech` with bound options; by default
            `FalSpeech()`.
        fal: The provider; by default that of the model.
        library: Gives the audio its handles (`audio_1`); share it between tools.
        budget: Refuses requests that would exceed it.
        expose: Further options that the chat model may fill in, voice options such as
            `pitch` included.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: An exposed option does not exist or has no plain type,
            or a required option has no plain type and is not bound.
    """

    name: str = "fal_speech"
    handle_validation_error: Any = partial(describe_wrong_arguments, kind="speech")
    model: str | FalSpeech | None = None
    """The runnable that makes the requests, or an endpoint id."""

    _input_kind = "audio"
    _runnable = FalSpeech
    _purpose = (
        "Speak a text. Every call costs money: call it once for each text that the "
        "user wants to hear. The answer names the audio by a handle such as audio_1; "
        "the user can play it."
    )
    _arguments = ("text", "voice", "speed", "emotion")


class FalTranscriptionTool(FalModelTool):
    """Lets a chat model read the speech in audio, by handle or URL.

    Args:
        model: An endpoint id or a `FalTranscription` with bound options; by default
            `FalTranscription()`.
        fal: The provider; by default that of the model.
        library: Knows the handles; share it between tools.
        budget: Refuses requests that would exceed it.
        expose: Further options that the chat model may fill in.
        max_characters: How much of a text the chat model reads; the artifact holds
            the rest, and the times.
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
    """How many characters of a text the chat model reads."""

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
