"""The sandbox's voice: tones made from a text, the same every time.

Each letter is a note, each space a pause. The file is a WAV; beside its samples it
holds what it says, so that the sandbox can write down what it spoke.
"""

from __future__ import annotations

import array
import hashlib
import io
import json
import math
import re
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Voice", "Word", "said", "speak"]

_LETTER_SECONDS = 0.055
_PAUSE_SECONDS = 0.07
_STOP_SECONDS = 0.25
_LOUDNESS = 9000
_SCALE = (0, 2, 4, 7, 9, 12, 14, 16)
_CREATOR = b"langchain-fal-image sandbox: not a voice, and not fal's"
_TURN = re.compile(r"\[S(\d)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How a text is spoken.

    Attributes:
        name: Other names give other pitches.
        speed: 1 is usual.
        volume: 1 is usual, 0 is silence.
        pitch: In semitones up or down.
        rate: Samples in a second.
        channels: 1 or 2.
    """

    name: str
    speed: float = 1.0
    volume: float = 1.0
    pitch: float = 0.0
    rate: int = 16000
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a recording.

    Attributes:
        text: The word, with its punctuation.
        start: In seconds.
        end: In seconds.
        speaker: Counted from 0.
    """

    text: str
    start: float
    end: float
    speaker: int = 0


def speak(text: str, voice: Voice) -> tuple[bytes, float]:
    """Give a text as a WAV file of tones.

    Args:
        text: What is said; `[S1]` and `[S2]` change the speaker.
        voice: Who says it.

    Returns:
        The file, and how long it is in seconds.
    """
    notes: dict[tuple[int, str], array.array[int]] = {}
    samples = array.array("h")
    words = []

    def silence(seconds: float) -> None:
        count = round(seconds / voice.speed * voice.rate) * voice.channels
        samples.frombytes(bytes(2 * count))

    def now() -> float:
        return len(samples) / voice.channels / voice.rate

    for word, speaker in _words(text):
        start = now()
        for letter in word.lower():
            if not letter.isalnum():
                continue
            if (speaker, letter) not in notes:
                notes[speaker, letter] = _note(letter, speaker, voice)
            samples.extend(notes[speaker, letter])
        words.append([word, round(start, 3), round(now(), 3), speaker])
        silence(_STOP_SECONDS if word[-1] in ".!?;:" else _PAUSE_SECONDS)
    seconds = now()
    if sys.byteorder == "big":
        samples.byteswap()
    return _file(samples.tobytes(), words, voice), seconds


def _words(text: str) -> Iterator[tuple[str, int]]:
    speaker = 0
    for place, part in enumerate(_TURN.split(text)):
        if place % 2:
            speaker = max(0, int(part) - 1)
        else:
            for word in part.split():
                yield word, speaker


def _note(letter: str, speaker: int, voice: Voice) -> array.array[int]:
    digest = hashlib.sha256(f"{voice.name} {speaker}".encode()).digest()
    base = 150 + digest[0] % 150
    step = _SCALE[ord(letter) % len(_SCALE)] + voice.pitch
    turn = 2 * math.pi * base * 2 ** (step / 12) / voice.rate
    count = round(_LETTER_SECONDS / voice.speed * voice.rate)
    loud = min(32000.0, _LOUDNESS * voice.volume)
    note = array.array("h")
    for at in range(count):
        swell = math.sin(math.pi * at / count)
        wave_ = math.sin(turn * at) + 0.4 * math.sin(2 * turn * at)
        note.extend([round(loud * swell * wave_ / 1.4)] * voice.channels)
    return note


def _file(samples: bytes, words: list[list[object]], voice: Voice) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(voice.channels)
        out.setsampwidth(2)
        out.setframerate(voice.rate)
        out.writeframes(samples)
    written = file.getvalue()
    spoken = json.dumps(words, separators=(",", ":")).encode()
    about = b"INFO" + _chunk(b"ISFT", _CREATOR) + _chunk(b"ICMT", spoken)
    # The notes stand before the samples, so that a file's beginning tells its words.
    body = written[12:36] + _chunk(b"LIST", about) + written[36:]
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WAVE" + body


def _chunk(name: bytes, content: bytes) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return name + len(content).to_bytes(4, "little") + content + padding


def said(content: bytes) -> list[Word] | None:
    """Read what a recording of the sandbox says; None for any other.

    Args:
        content: A file.
    """
    at = content.find(_CREATOR, 0, 256)
    begin = content.find(b"ICMT", at, at + 256) if at >= 0 else -1
    if begin < 0:
        return None
    size = int.from_bytes(content[begin + 4 : begin + 8], "little")
    try:
        words = json.loads(content[begin + 8 : begin + 8 + size])
        return [Word(*each) for each in words]
    except (ValueError, TypeError):
        return None
