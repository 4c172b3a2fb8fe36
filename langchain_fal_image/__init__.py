"""fal.ai's image models, and its voices, as LangChain runnables and tools.

Importing the package loads none of its modules; a name is loaded when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_fal_image.audio import (
        FalSpeech,
        FalSpeechTool,
        FalTranscription,
        FalTranscriptionParser,
        FalTranscriptionTool,
        GeneratedAudio,
        SpeechResult,
        TranscriptionResult,
    )
    from langchain_fal_image.budget import Budget
    from langchain_fal_image.images import GeneratedImage
    from langchain_fal_image.library import ImageLibrary
    from langchain_fal_image.models import FalImageEdit, FalTextToImage
    from langchain_fal_image.prices import Price
    from langchain_fal_image.provider import FalProvider, create_fal, fal
    from langchain_fal_image.recipes import areplay, replay
    from langchain_fal_image.request import FalRequest
    from langchain_fal_image.results import ImageResult
    from langchain_fal_image.tools import (
        FalImageEditTool,
        FalImageToolkit,
        FalTextToImageTool,
        FalWaitTool,
    )

__all__ = [
    "Budget",
    "FalImageEdit",
    "FalImageEditTool",
    "FalImageToolkit",
    "FalProvider",
    "FalRequest",
    "FalSpeech",
    "FalSpeechTool",
    "FalTextToImage",
    "FalTextToImageTool",
    "FalTranscription",
    "FalTranscriptionParser",
    "FalTranscriptionTool",
    "FalWaitTool",
    "GeneratedAudio",
    "GeneratedImage",
    "ImageLibrary",
    "ImageResult",
    "Price",
    "SpeechResult",
    "TranscriptionResult",
    "areplay",
    "create_fal",
    "fal",
    "replay",
]

_HOMES = {
    "Budget": "budget",
    "FalImageEdit": "models",
    "FalImageEditTool": "tools",
    "FalImageToolkit": "tools",
    "FalProvider": "provider",
    "FalRequest": "request",
    "FalSpeech": "audio",
    "FalSpeechTool": "audio",
    "FalTextToImage": "models",
    "FalTextToImageTool": "tools",
    "FalTranscription": "audio",
    "FalTranscriptionParser": "audio",
    "FalTranscriptionTool": "audio",
    "FalWaitTool": "tools",
    "GeneratedAudio": "audio",
    "GeneratedImage": "images",
    "ImageLibrary": "library",
    "ImageResult": "results",
    "Price": "prices",
    "SpeechResult": "audio",
    "TranscriptionResult": "audio",
    "areplay": "recipes",
    "create_fal": "provider",
    "fal": "provider",
    "replay": "recipes",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
