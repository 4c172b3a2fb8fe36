"""LangChain runnables and tools for fal.ai's image and speech models.

Each public name is imported when it is first used, so importing the package is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from langchain_fal_image._session.default import set_default_session

if TYPE_CHECKING:
    from langchain_fal_image._session.prices import Price
    from langchain_fal_image.budget.budget import Budget
    from langchain_fal_image.document_parser import FalTranscriptionParser
    from langchain_fal_image.library.library import ImageLibrary
    from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
    from langchain_fal_image.models.speech import FalSpeech
    from langchain_fal_image.models.transcription import FalTranscription
    from langchain_fal_image.provider import FalProvider, create_fal, fal
    from langchain_fal_image.recipes import areplay, replay
    from langchain_fal_image.results.image import GeneratedImage, ImageResult
    from langchain_fal_image.results.request import FalRequest
    from langchain_fal_image.results.speech import GeneratedAudio, SpeechResult
    from langchain_fal_image.results.transcription import TranscriptionResult
    from langchain_fal_image.tools.audio import FalSpeechTool, FalTranscriptionTool
    from langchain_fal_image.tools.image import FalImageEditTool, FalTextToImageTool
    from langchain_fal_image.tools.toolkit import FalImageToolkit
    from langchain_fal_image.tools.wait import FalWaitTool
    from langchain_fal_image.wire.config import Limits, Polling, Retry, Timeouts

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
    "Limits",
    "Polling",
    "Price",
    "Retry",
    "SpeechResult",
    "Timeouts",
    "TranscriptionResult",
    "areplay",
    "create_fal",
    "fal",
    "replay",
]

# The module of each public name.
_MODULES = {
    "Budget": "budget.budget",
    "FalImageEdit": "models.image",
    "FalImageEditTool": "tools.image",
    "FalImageToolkit": "tools.toolkit",
    "FalProvider": "provider",
    "FalRequest": "results.request",
    "FalSpeech": "models.speech",
    "FalSpeechTool": "tools.audio",
    "FalTextToImage": "models.image",
    "FalTextToImageTool": "tools.image",
    "FalTranscription": "models.transcription",
    "FalTranscriptionParser": "document_parser",
    "FalTranscriptionTool": "tools.audio",
    "FalWaitTool": "tools.wait",
    "GeneratedAudio": "results.speech",
    "GeneratedImage": "results.image",
    "ImageLibrary": "library.library",
    "ImageResult": "results.image",
    "Limits": "wire.config",
    "Polling": "wire.config",
    "Price": "_session.prices",
    "Retry": "wire.config",
    "SpeechResult": "results.speech",
    "Timeouts": "wire.config",
    "TranscriptionResult": "results.transcription",
    "areplay": "recipes",
    "create_fal": "provider",
    "fal": "provider",
    "replay": "recipes",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


set_default_session(lambda: __getattr__("fal"))
