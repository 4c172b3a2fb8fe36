"""The sandbox's ear: it writes down its own tones, and makes up the rest.

What it makes of another recording depends on the bytes alone, and begins by saying that
it was made up.
"""

from __future__ import annotations

import hashlib
import io
import random
import wave
from collections.abc import Iterator
from typing import Any

from langchain_fal_image.sandbox.voice.speech import Word, said

__all__ = ["heard", "transcription"]

_BEGINNINGS = (b"ID3", b"fLaC", b"OggS", b"\x1a\x45\xdf\xa3", b"FORM", b"#!AMR")
_BYTES_PER_SECOND = 16_000
_LEAST_SECONDS, _MOST_SECONDS = 3.0, 600.0
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


def heard(content: bytes | None, name: str) -> list[Word] | None:
    """Say which words a recording holds.

    Args:
        content: Its bytes; None for one that the sandbox, being offline, cannot fetch.
        name: Its URL.

    Returns:
        The words with their times; None where the bytes are no audio.
    """
    words = said(content) if content is not None else None
    if words is not None:
        return words
    seconds = _seconds(content) if content is not None else _LEAST_SECONDS
    if seconds is None:
        return None
    digest = hashlib.sha256(name.encode() if content is None else content).digest()
    return list(_made_up(random.Random(digest), seconds))  # noqa: S311 - no secret


def _seconds(content: bytes) -> float | None:
    """Say how long a recording is; None where the bytes are none."""
    if content[:4] == b"RIFF":
        try:
            with wave.open(io.BytesIO(content)) as file:
                seconds = file.getnframes() / file.getframerate()
                return float(min(_MOST_SECONDS, seconds))
        except (wave.Error, EOFError, ZeroDivisionError):
            return None
    is_frame = content[:1] == b"\xff" and content[1:2] >= b"\xe0"
    is_known = content[4:8] == b"ftyp" or content.startswith(_BEGINNINGS)
    if not (is_frame or is_known):
        return None
    return min(_MOST_SECONDS, max(_LEAST_SECONDS, len(content) / _BYTES_PER_SECOND))


def _made_up(chance: random.Random, seconds: float) -> Iterator[Word]:
    sentences = [_PREFACE]
    while sum(len(each.split()) for each in sentences) * _WORD_SECONDS < seconds:
        colour, thing, where = map(chance.choice, (_COLOURS, _THINGS, _PLACES))
        sentences.append(f"There is a {colour} {thing} {where}.")
    words = " ".join(sentences).split()
    step = seconds / len(words)
    for place, word in enumerate(words):
        start = place * step
        yield Word(word, round(start, 3), round(start + step * 0.9, 3))


def transcription(words: list[Word], given: dict[str, Any]) -> dict[str, Any]:
    """Give words as an endpoint's output.

    Args:
        words: What was heard.
        given: The input, its defaults included.

    Returns:
        All that any endpoint that listens answers.
    """
    level = given.get("chunk_level") or "segment"
    parts = {"word": [[each] for each in words], "none": [words] if words else []}
    told = parts.get(level, list(_sentences(words)))
    is_told_apart = bool(given.get("diarize"))
    chunks: list[dict[str, Any]] = []
    for part in told:
        chunk: dict[str, Any] = {
            "timestamp": [part[0].start, part[-1].end],
            "text": f" {' '.join(each.text for each in part)}",
        }
        if is_told_apart:
            chunk["speaker"] = _speaker(part[0])
        chunks.append(chunk)
    language = given.get("language") or given.get("language_code") or "en"
    return {
        "text": " ".join(each.text for each in words),
        "chunks": chunks,
        "inferred_languages": [language],
        "languages": [language],
        "diarization_segments": [
            {"timestamp": [turn[0].start, turn[-1].end], "speaker": _speaker(turn[0])}
            for turn in (_turns(words) if is_told_apart else ())
        ],
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


def _sentences(words: list[Word]) -> Iterator[list[Word]]:
    part: list[Word] = []
    for word in words:
        if part and word.speaker != part[-1].speaker:
            yield part
            part = []
        part.append(word)
        if word.text[-1] in ".!?":
            yield part
            part = []
    if part:
        yield part


def _turns(words: list[Word]) -> Iterator[list[Word]]:
    turn: list[Word] = []
    for word in words:
        if turn and word.speaker != turn[-1].speaker:
            yield turn
            turn = []
        turn.append(word)
    if turn:
        yield turn


def _speaker(word: Word) -> str:
    return f"SPEAKER_{word.speaker:02d}"
