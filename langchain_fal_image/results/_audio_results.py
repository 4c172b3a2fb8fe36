"""The class of a result by what its endpoint makes."""

from __future__ import annotations

from langchain_fal_image.results._audio_base import AudioResult
from langchain_fal_image.results.speech import SpeechResult, plain
from langchain_fal_image.results.transcription import TranscriptionResult

__all__ = ["RESULTS", "plain"]

RESULTS: dict[str, type[AudioResult]] = {
    "speech": SpeechResult,
    "transcription": TranscriptionResult,
}
