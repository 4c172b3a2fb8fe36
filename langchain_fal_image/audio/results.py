"""The class of a result by what its endpoint makes."""

from __future__ import annotations

from langchain_fal_image.audio.heard import TranscriptionResult
from langchain_fal_image.audio.result_base import AudioResult
from langchain_fal_image.audio.spoken import SpeechResult, plain

__all__ = ["RESULTS", "plain"]

RESULTS: dict[str, type[AudioResult]] = {
    "audio": SpeechResult,
    "text": TranscriptionResult,
}
