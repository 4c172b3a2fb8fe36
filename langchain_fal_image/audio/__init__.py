"""Speech and transcription: the runnables, their results, the tools and the parser.

A name is loaded when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_fal_image.audio.heard import Segment, TranscriptionResult
    from langchain_fal_image.audio.models import FalSpeech, FalTranscription
    from langchain_fal_image.audio.parser import FalTranscriptionParser
    from langchain_fal_image.audio.spoken import GeneratedAudio, SpeechResult
    from langchain_fal_image.audio.tools import FalSpeechTool, FalTranscriptionTool

__all__ = [
    "FalSpeech",
    "FalSpeechTool",
    "FalTranscription",
    "FalTranscriptionParser",
    "FalTranscriptionTool",
    "GeneratedAudio",
    "Segment",
    "SpeechResult",
    "TranscriptionResult",
]

_HOMES = {
    "FalSpeech": "models",
    "FalSpeechTool": "tools",
    "FalTranscription": "models",
    "FalTranscriptionParser": "parser",
    "FalTranscriptionTool": "tools",
    "GeneratedAudio": "spoken",
    "Segment": "heard",
    "SpeechResult": "spoken",
    "TranscriptionResult": "heard",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
