"""Transcription: the real words of the sandbox's own speech, else invented ones.

The invented words for a recording depend only on its bytes, and begin with a sentence
that says that the sandbox cannot hear it.
"""

from __future__ import annotations

import hashlib
import io
import random
import wave
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_fal_image.sandbox.input_file import InputFile, UnreadableInputError
from langchain_fal_image.sandbox.voice.speech import Word, read_words

__all__ = ["build_transcript", "transcribe"]

_SIGNATURES = (b"ID3", b"fLaC", b"OggS", b"\x1a\x45\xdf\xa3", b"FORM", b"#!AMR")
_BYTES_PER_SECOND = 16_000
_MIN_SECONDS, _MAX_SECONDS = 3.0, 600.0
_WORD_SECONDS = 0.4
_PREFACE = "The sandbox cannot hear this."
_COLOURS = ("red", "white", "golden", "blue", "green", "silver", "black", "orange")
_THINGS = (
    *("kite", "cat", "boat", "lantern", "tent", "tree", "horse", "umbrella", "castle"),
    *("bicycle", "lighthouse", "balloon"),
)
_PLACES = (
    *("over a small harbour", "beside the old stone bridge", "on a quiet mountain"),
    *("by the warm window", "under a sky full of stars", "in the morning sun"),
    *("along the wide river", "in deep snow", "at the edge of the forest"),
)


def transcribe(file: InputFile) -> list[Word]:
    """Return the words of a recording, invented unless the sandbox made it.

    Raises:
        UnreadableInputError: The file is not audio.
    """
    words = None if file.content is None else read_words(file.content)
    if words is not None:
        return words
    seconds = _MIN_SECONDS if file.content is None else _measure(file.content)
    if seconds is None:
        error_type = "unsupported_audio_format"
        message = "Unsupported audio format"
        raise UnreadableInputError(message, path=file.path, error_type=error_type)
    content = file.url.encode() if file.content is None else file.content
    rng = random.Random(hashlib.sha256(content).digest())  # noqa: S311 - not a secret
    return list(_invent_words(rng, seconds))


def _measure(content: bytes) -> float | None:
    """Return a recording's length in seconds; None if the bytes are not audio."""
    if content[:4] == b"RIFF":
        try:
            with wave.open(io.BytesIO(content)) as file:
                seconds = file.getnframes() / file.getframerate()
                return float(min(_MAX_SECONDS, seconds))
        except (wave.Error, EOFError, ZeroDivisionError):
            return None
    is_frame = content[:1] == b"\xff" and content[1:2] >= b"\xe0"
    is_known = content[4:8] == b"ftyp" or content.startswith(_SIGNATURES)
    if not (is_frame or is_known):
        return None
    return min(_MAX_SECONDS, max(_MIN_SECONDS, len(content) / _BYTES_PER_SECOND))


def _invent_words(rng: random.Random, seconds: float) -> Iterator[Word]:
    sentences = [_PREFACE]
    while sum(len(each.split()) for each in sentences) * _WORD_SECONDS < seconds:
        colour, thing, where = map(rng.choice, (_COLOURS, _THINGS, _PLACES))
        sentences.append(f"There is a {colour} {thing} {where}.")
    words = " ".join(sentences).split()
    step = seconds / len(words)
    for index, word in enumerate(words):
        start = index * step
        yield Word(word, round(start, 3), round(start + step * 0.9, 3))


def build_transcript(
    words: Sequence[Word], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the output for words, with the fields of all transcribing endpoints."""
    has_speakers = bool(options.get("diarize"))
    chunks = [
        _make_span(chunk, has_speaker=has_speakers)
        | {"text": f" {' '.join(each.text for each in chunk)}"}
        for chunk in _split(words, str(options.get("chunk_level") or "segment"))
    ]
    turns = _split(words, "turn") if has_speakers else []
    language = options.get("language") or options.get("language_code")
    if not isinstance(language, str) or language == "auto":
        language = "en"
    return {
        "text": " ".join(each.text for each in words),
        "chunks": chunks,
        "inferred_languages": [language],
        "languages": [language],
        "diarization_segments": [_make_span(turn, has_speaker=True) for turn in turns],
        "language_code": language,
        "language_probability": 1.0,
        "words": [
            {
                "text": each.text,
                "type": "word",
                "start": each.start,
                "end": each.end,
                "speaker_id": f"speaker_{each.speaker}",
            }
            for each in words
        ],
    }


def _make_span(words: Sequence[Word], *, has_speaker: bool) -> dict[str, Any]:
    span: dict[str, Any] = {"timestamp": [words[0].start, words[-1].end]}
    if has_speaker:
        span["speaker"] = f"SPEAKER_{words[0].speaker:02d}"
    return span


def _split(words: Sequence[Word], level: str) -> list[list[Word]]:
    """Split at a level: `word`, `turn` (of a speaker), `none`, or else sentences."""
    parts: list[list[Word]] = []
    for word in words:
        if not parts or _is_break(parts[-1][-1], word, level):
            parts.append([])
        parts[-1].append(word)
    return parts


def _is_break(before: Word, word: Word, level: str) -> bool:
    if level in {"word", "none"}:
        return level == "word"
    is_end = level != "turn" and before.text[-1] in ".!?"
    return is_end or word.speaker != before.speaker
