"""Speech: a text as a sequence of tones, the same every time.

Each letter is a note, each space a pause. The WAV file also stores the words as
metadata, so that the sandbox can transcribe its own speech.
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
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field

__all__ = ["Speech", "Voice", "Word", "read_words", "synthesize"]

_LETTER_SECONDS = 0.055
_PAUSE_SECONDS = 0.07
_STOP_SECONDS = 0.25
_AMPLITUDE = 9000
_SCALE = (0, 2, 4, 7, 9, 12, 14, 16)
_CREATOR = b"langchain-fal-image sandbox: not a voice, and not fal's"
_TURN = re.compile(r"\[S(\d)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The voice that speaks a text.

    Attributes:
        name: Determines the base pitch.
        speed: 1 is normal.
        volume: 1 is normal, 0 is silence.
        pitch: In semitones above the base pitch; negative for below.
        rate: Samples per second.
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


@dataclass(frozen=True, slots=True)
class Speech:
    """A WAV file and its length in seconds."""

    content: bytes = field(repr=False)
    seconds: float


def synthesize(text: str, voice: Voice) -> Speech:
    """Turn a text into a WAV file; `[S1]` and `[S2]` in it change the speaker."""
    notes: dict[tuple[int, str], array.array[int]] = {}
    samples = array.array("h")
    words = []

    def now() -> float:
        return len(samples) / voice.channels / voice.rate

    for word, speaker in _split(text):
        start = now()
        for letter in filter(str.isalnum, word.lower()):
            if (speaker, letter) not in notes:
                notes[speaker, letter] = _make_note(letter, speaker, voice)
            samples.extend(notes[speaker, letter])
        words.append(Word(word, round(start, 3), round(now(), 3), speaker))
        pause = _STOP_SECONDS if word[-1] in ".!?;:" else _PAUSE_SECONDS
        count = round(pause / voice.speed * voice.rate) * voice.channels
        samples.frombytes(bytes(2 * count))
    seconds = round(now(), 3)
    if sys.byteorder == "big":
        samples.byteswap()
    return Speech(_make_file(samples.tobytes(), words, voice), seconds)


def _split(text: str) -> Iterator[tuple[str, int]]:
    """Yield each word and its speaker."""
    speaker = 0
    for index, part in enumerate(_TURN.split(text)):
        if index % 2:
            speaker = max(0, int(part) - 1)
        else:
            for word in part.split():
                yield word, speaker


def _make_note(letter: str, speaker: int, voice: Voice) -> array.array[int]:
    digest = hashlib.sha256(f"{voice.name} {speaker}".encode()).digest()
    base = 150 + digest[0] % 150
    step = _SCALE[ord(letter) % len(_SCALE)] + voice.pitch
    radians = 2 * math.pi * base * 2 ** (step / 12) / voice.rate
    count = round(_LETTER_SECONDS / voice.speed * voice.rate)
    amplitude = min(32000.0, _AMPLITUDE * voice.volume)
    note = array.array("h")
    for at in range(count):
        envelope = math.sin(math.pi * at / count)
        tone = math.sin(radians * at) + 0.4 * math.sin(2 * radians * at)
        note.extend([round(amplitude * envelope * tone / 1.4)] * voice.channels)
    return note


def _make_file(samples: bytes, words: Sequence[Word], voice: Voice) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(voice.channels)
        out.setsampwidth(2)
        out.setframerate(voice.rate)
        out.writeframes(samples)
    content = file.getvalue()
    spoken = json.dumps([astuple(each) for each in words], separators=(",", ":"))
    info = (
        b"INFO" + _make_chunk(b"ISFT", _CREATOR) + _make_chunk(b"ICMT", spoken.encode())
    )
    # Before the samples, so that the words can be read from the beginning of the file.
    body = content[12:36] + _make_chunk(b"LIST", info) + content[36:]
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WAVE" + body


def _make_chunk(name: bytes, content: bytes) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return name + len(content).to_bytes(4, "little") + content + padding


def read_words(content: bytes) -> list[Word] | None:
    """Return the words of the sandbox's own recording; None for any other file."""
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
