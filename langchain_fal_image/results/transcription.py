"""A transcription: the text, and its segments with their times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.documents import Document

from langchain_fal_image.options.kind import AUDIO_OUTPUTS
from langchain_fal_image.results._artifact import (
    measure,
    reduce_raw,
    shorten_artifact,
    take_first,
)
from langchain_fal_image.results.base import FalResult

if TYPE_CHECKING:
    from langchain_fal_image.inputs.reference import MediaType
    from langchain_fal_image.options.kind import Kind

__all__ = ["Segment", "TranscriptionResult"]

_LANGUAGES = ("inferred_languages", "languages", "language_code", "language")
_ARTIFACT_BYTES = 64 * 1024
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a transcription.

    Attributes:
        text: The words.
        start: When it begins, in seconds; None if fal does not report it.
        end: When it ends, in seconds; None if fal does not report it.
        speaker: Who speaks, such as `SPEAKER_00`, if fal separated the speakers.
    """

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, repr=False, kw_only=True)
class TranscriptionResult(FalResult):
    """The transcription that one request to fal made.

    Attributes:
        text: The whole text.
        segments: Its parts with their times. The option `chunk_level` decides whether
            they are sentences or words; with `none` there is one segment.
    """

    text: str = ""
    segments: tuple[Segment, ...] = ()

    kind: ClassVar[Kind] = "transcription"
    media_type: ClassVar[MediaType | None] = None
    artifact_type: ClassVar[str] = "fal_transcription_result"
    _output_noun: ClassVar[str] = "text"
    _not_metadata: ClassVar[frozenset[str]] = frozenset(
        {*AUDIO_OUTPUTS, "text", "output", "chunks", "words"}
    )

    @property
    def language(self) -> str | None:
        """The detected language, such as `en`; None if fal does not report it."""
        return _find_language(self.raw)

    @property
    def duration(self) -> float | None:
        """When the last segment ends, in seconds; None if fal reports no times."""
        return max((each.end for each in self.segments if each.end), default=None)

    @property
    def speakers(self) -> tuple[str, ...]:
        """The separated speakers, in the order in which they speak."""
        found = (each.speaker for each in self.segments if each.speaker)
        return tuple(dict.fromkeys(found))

    def to_documents(self, /, **metadata: Any) -> list[Document]:
        """Return the segments as documents, for retrieval.

        Args:
            **metadata: Added to each document, such as `source`.

        Returns:
            One document for each segment. Its metadata has `start` and `end` in
            seconds, `segment` (its number from 0), `speaker` and `language` if known,
            `model` and `request_id`. Without segments, one document has the whole text.
        """
        shared = {
            **metadata,
            "model": self.model,
            "request_id": self.request_id,
            "language": self.language,
        }
        segments = self.segments or (Segment(self.text, 0.0, self.duration),)
        found = [
            {
                **shared,
                "segment": number,
                "start": each.start,
                "end": each.end,
                "speaker": each.speaker,
            }
            for number, each in enumerate(segments)
        ]
        return [
            Document(
                page_content=each.text.strip(),
                metadata={k: v for k, v in fields.items() if v is not None},
            )
            for each, fields in zip(segments, found, strict=True)
            if each.text.strip()
        ]

    def to_html(self) -> str:
        """Return the text as HTML, with the start time of each segment."""
        # Imported when HTML is needed, to save start-up time.
        from langchain_fal_image.results._html import render_transcript  # noqa: PLC0415

        segments = self.segments or (Segment(self.text),)
        lines = [(each.start, each.speaker or "", each.text) for each in segments]
        caption = f"{self.model}, language {self.language or 'unknown'}"
        return render_transcript(lines, caption)

    def __str__(self) -> str:
        """Return the text, so that `transcription | prompt | llm` works."""
        return self.text

    def __repr__(self) -> str:
        """Return the request and the size of the text."""
        return (
            f"TranscriptionResult(model={self.model!r}, "
            f"request_id={self.request_id!r}, language={self.language!r}, "
            f"duration={self.duration}, segments={len(self.segments)}, "
            f"characters={len(self.text)})"
        )

    def _reduce(self) -> dict[str, Any]:
        lists = [
            name for name in ("chunks", "words") if isinstance(self.raw.get(name), list)
        ]
        # The text and each list of its parts get an equal share of the bytes.
        share = _ARTIFACT_BYTES * 7 // 8 // (len(lists) + 1)
        raw = {name: take_first(self.raw[name], share) for name in lists}
        return {**raw, "text": "".join(take_first(self.text, share))}

    def _shorten(
        self, artifact: dict[str, Any], essential: Mapping[str, Any]
    ) -> dict[str, Any]:
        if measure(artifact) > _ARTIFACT_BYTES:
            artifact["shortened"] = True
            reduce_raw(artifact, essential, _ARTIFACT_BYTES // 16)
        return shorten_artifact(
            artifact,
            _ARTIFACT_BYTES,
            essential=essential,
            droppable=("warnings", "options"),
        )

    @classmethod
    def _parse(
        cls,
        body: Mapping[str, Any],
        request_id: str | None,  # noqa: ARG003 - for classes that have files
    ) -> dict[str, Any] | None:
        # Some endpoints, such as fal-ai/speech-to-text, return the text as `output`.
        text = body.get("text", body.get("output"))
        segments = _find_segments(body)
        if not isinstance(text, str) and segments:
            text = "".join(each.text for each in segments)
        if not isinstance(text, str):
            return None
        return {"text": text.strip(), "segments": segments}


def _find_segments(output: Mapping[str, Any]) -> tuple[Segment, ...]:
    """Return the segments in fal's output: Whisper's `chunks`, else `words`."""
    found = output.get("chunks")
    if not isinstance(found, list):
        words = output.get("words")
        found = [
            each
            for each in (words if isinstance(words, list) else ())
            if isinstance(each, Mapping) and each.get("type", "word") != "spacing"
        ]
    return tuple(
        _read_segment(each)
        for each in found
        if isinstance(each, Mapping) and isinstance(each.get("text"), str)
    )


def _read_segment(entry: Mapping[str, Any]) -> Segment:
    times = entry.get("timestamp")
    if not isinstance(times, list | tuple):
        times = (entry.get("start"), entry.get("end"))
    start, end = [*map(_read_time, times), None, None][:2]
    speaker = entry.get("speaker", entry.get("speaker_id"))
    return Segment(
        entry["text"], start, end, speaker if isinstance(speaker, str) else None
    )


def _read_time(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _find_language(output: Mapping[str, Any]) -> str | None:
    """Return the detected language; the first of several."""
    for name in _LANGUAGES:
        found = output.get(name)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, str) and found:
            return found[:_MAX_NAME]
    return None
