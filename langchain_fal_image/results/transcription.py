"""What one request to fal wrote down."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langchain_core.documents import Document

from langchain_fal_image.results._audio_base import AudioResult
from langchain_fal_image.results._output import fitted

__all__ = ["Segment", "TranscriptionResult"]

_LANGUAGES = ("inferred_languages", "languages", "language_code", "language")
_ARTIFACT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of what was said.

    Attributes:
        text: The words.
        start: When it begins, in seconds; None where that is not known.
        end: When it ends, in seconds; likewise.
        speaker: Who says it, such as `SPEAKER_00`, where speakers were told apart.
    """

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, repr=False, kw_only=True)
class TranscriptionResult(AudioResult):
    """What one request to fal wrote down.

    Attributes:
        text: All that was said.
        segments: Its parts with their times: sentences or words, as `chunk_level`
            asked; one that spans all where it was `none`.
    """

    text: str = ""
    segments: tuple[Segment, ...] = ()

    artifact_type: ClassVar[str] = "fal_transcription_result"

    @property
    def language(self) -> str | None:
        """The language that was heard, such as `en`; None where fal does not say."""
        return _language(self.raw)

    @property
    def duration(self) -> float | None:
        """When the last word ends, in seconds; None where no times were given."""
        return max((each.end for each in self.segments if each.end), default=None)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Those that were told apart, in the order they speak."""
        found = (each.speaker for each in self.segments if each.speaker)
        return tuple(dict.fromkeys(found))

    def to_documents(self, /, **metadata: Any) -> list[Document]:
        """Give the segments as documents, to be retrieved by what is said in them.

        Args:
            **metadata: Added to each, such as `source`.

        Returns:
            One for each segment, its metadata with `start` and `end` in seconds,
            `segment` (its number from 0), `speaker` and `language` where they are
            known, `model` and `request_id`. One for all where there are no segments.
        """
        known = {
            **metadata,
            "model": self.model,
            "request_id": self.request_id,
            "language": self.language,
        }
        segments = self.segments or (Segment(self.text, 0.0, self.duration),)
        found = [
            {
                **known,
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
                metadata={k: v for k, v in about.items() if v is not None},
            )
            for each, about in zip(segments, found, strict=True)
            if each.text.strip()
        ]

    def to_html(self) -> str:
        """Give the text as HTML, each segment after its time."""
        from langchain_fal_image.results._html import transcript  # noqa: PLC0415 - needed late

        parts = self.segments or (Segment(self.text),)
        lines = [(each.start, each.speaker or "", each.text) for each in parts]
        return transcript(lines, f"{self.model}, language {self.language or 'unknown'}")

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        """Give the text, so that `transcription | prompt | llm` reads it."""
        return self.text

    def __repr__(self) -> str:
        """Name the request and how much was said."""
        return (
            f"TranscriptionResult(model={self.model!r}, "
            f"request_id={self.request_id!r}, language={self.language!r}, "
            f"duration={self.duration}, segments={len(self.segments)}, "
            f"characters={len(self.text)})"
        )

    def _fitted(self, artifact: dict[str, Any]) -> dict[str, Any]:
        raw = artifact.get("raw", {})
        whole = len(json.dumps(artifact))
        if whole <= _ARTIFACT_BYTES:
            return artifact
        artifact["shortened"] = True
        raw.pop("diarization_segments", None)
        parts = ("chunks", "words")
        lists = [each for each in parts if isinstance(raw.get(each), list)]
        emptied: dict[str, Any] = {**raw, **{each: [] for each in lists}, "text": ""}
        bare = len(json.dumps({**artifact, "raw": emptied}))
        # The text and each list of its parts get the same share.
        share = max(0, _ARTIFACT_BYTES - bare) // (len(lists) + 1)
        for name in lists:
            raw[name] = _first(raw[name], share)
        if isinstance(raw.get("text"), str):
            raw["text"] = "".join(_first(raw["text"], share))
        return fitted(artifact, _ARTIFACT_BYTES, spare=("raw", "options", "warnings"))

    @classmethod
    def _read(
        cls,
        body: Mapping[str, Any],
        request_id: str | None,  # noqa: ARG003 - as the base says
    ) -> tuple[dict[str, Any], str | None]:
        text = body.get("text")
        segments = _segments(body)
        if not isinstance(text, str) and segments:
            text = "".join(each.text for each in segments)
        if not isinstance(text, str):
            return {}, "text"
        return {"text": text.strip(), "segments": segments}, None


# --- fal's output JSON ---


def _first(parts: Sequence[Any], size: int) -> list[Any]:
    """Give as many of the first parts as take at most `size` bytes of JSON."""
    kept = []
    for part in parts:
        # A letter of a text stands within its quotes, another part has a comma.
        size -= len(json.dumps(part)) + (-2 if isinstance(part, str) else 2)
        if size < 0:
            break
        kept.append(part)
    return kept


def _segments(output: Mapping[str, Any]) -> tuple[Segment, ...]:
    """Find the segments in fal's output: Whisper's `chunks`, else `words`."""
    found = output.get("chunks")
    if not isinstance(found, list):
        words = output.get("words")
        found = [
            each
            for each in (words if isinstance(words, list) else ())
            if isinstance(each, Mapping) and each.get("type", "word") != "spacing"
        ]
    return tuple(
        _segment(each)
        for each in found
        if isinstance(each, Mapping) and isinstance(each.get("text"), str)
    )


def _segment(entry: Mapping[str, Any]) -> Segment:
    times = entry.get("timestamp")
    if not isinstance(times, list | tuple):
        times = (entry.get("start"), entry.get("end"))
    start, end = [*map(_seconds, times), None, None][:2]
    speaker = entry.get("speaker", entry.get("speaker_id"))
    return Segment(
        entry["text"], start, end, speaker if isinstance(speaker, str) else None
    )


def _seconds(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _language(output: Mapping[str, Any]) -> str | None:
    """Find the language that was heard; of several the first."""
    for name in _LANGUAGES:
        found = output.get(name)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, str) and found:
            return found
    return None
