"""The tools that let an agent speak and listen."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from pydantic import Field

from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.library.library import ImageLibrary
from langchain_fal_image.models.speech import FalSpeech
from langchain_fal_image.models.transcription import FalTranscription
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.tools._args_schema import wrong_arguments
from langchain_fal_image.tools._model_tool import FalModelTool
from langchain_fal_image.tools.base import LONGEST_TEXT

__all__ = ["FalSpeechTool", "FalTranscriptionTool"]


class FalAudioTool(FalModelTool):
    """What the two tools share."""

    _input_kind = "audio"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)


class FalSpeechTool(FalAudioTool):
    """Lets a model speak a text. The audio comes as the artifact, never as content.

    Args:
        model: An endpoint id or a `FalSpeech` with bound options; by default
            `FalSpeech()`.
        fal: The provider; by default the model's own.
        library: Gives audio its handles (`audio_1`); share it between tools.
        budget: Refuses what would go over it.
        expose: Further options that the model may fill in, words for the voice such as
            `pitch` too.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: An exposed option does not exist or has no plain type,
            or one that must be given has none and is not bound.
    """

    name: str = "fal_speech"
    handle_validation_error: Any = partial(wrong_arguments, kind="speech")
    model: FalSpeech
    _runnable = FalSpeech
    _purpose = (
        "Speak a text. Every call costs money: call it once for each text the user "
        "wants to hear. The answer names the audio by a handle such as audio_1; the "
        "user can play it."
    )
    _arguments = ("text", "voice", "speed", "emotion")

    def __init__(
        self,
        *,
        model: str | FalSpeech | None = None,
        fal: FalProvider | None = None,
        library: ImageLibrary | None = None,
        budget: Budget | None = None,
        expose: Iterable[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(
            model=model,
            fal=fal,
            library=library,
            budget=budget,
            expose=tuple(expose),
            **settings,
        )


class FalTranscriptionTool(FalAudioTool):
    """Lets a model read what is said in a recording, by handle or URL.

    Args:
        model: An endpoint id or a `FalTranscription` with bound options; by default
            `FalTranscription()`.
        fal: The provider; by default the model's own.
        library: Knows the handles; share it between tools.
        budget: Refuses what would go over it.
        expose: Further options that the model may fill in.
        longest: How many characters of a text the model is shown; the artifact has
            the rest, and the times.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: As for `FalSpeechTool`.
    """

    name: str = "fal_transcription"
    handle_validation_error: Any = partial(wrong_arguments, kind="transcription")
    model: FalTranscription
    longest: int = Field(default=LONGEST_TEXT, gt=0)
    """How many characters of a text the model is shown."""
    _runnable = FalTranscription
    _purpose = (
        "Write down what is said in a recording. Name it by handle: audio_1, audio_2, "
        "… in the order they came up in the conversation, those the user pasted "
        "included; or by URL. Every call costs money: call it once for each recording."
    )
    _arguments = ("audio", "language")

    def __init__(
        self,
        *,
        model: str | FalTranscription | None = None,
        fal: FalProvider | None = None,
        library: ImageLibrary | None = None,
        budget: Budget | None = None,
        expose: Iterable[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(
            model=model,
            fal=fal,
            library=library,
            budget=budget,
            expose=tuple(expose),
            **settings,
        )

    @property
    def _longest_text(self) -> int:
        return self.longest
