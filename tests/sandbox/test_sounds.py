"""The sandbox's voice and ear: the same every time, audible, and honest."""

from __future__ import annotations

import array
import io
import itertools
import math
import re
import struct
import wave
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_fal_image import FalProvider
from langchain_fal_image.errors import FalInvalidInputError
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.sandbox.voice.speech import Voice, said, speak
from langchain_fal_image.sandbox.voice.transcription import heard, transcription

TEXT = "A red kite flies. The harbour is small."


def samples(content: bytes) -> tuple[Any, array.array[int]]:
    """Give the header's parameters and the samples."""
    with wave.open(io.BytesIO(content)) as file:
        found = array.array("h")
        found.frombytes(file.readframes(file.getnframes()))
        return file.getparams(), found


def loudness(content: bytes) -> float:
    _, found = samples(content)
    return math.sqrt(sum(each * each for each in found) / max(1, len(found)))


def crossings(content: bytes) -> float:
    """Count how often the tone crosses zero in a second: its pitch, roughly."""
    header, found = samples(content)
    signs = [each > 0 for each in found if abs(each) > 50]
    changes = sum(a != b for a, b in itertools.pairwise(signs))
    return changes * float(header.framerate) / len(found)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_text_can_be_heard(rate: int, channels: int) -> None:
    content, seconds = speak(TEXT, Voice(name="a", rate=rate, channels=channels))
    header, _ = samples(content)
    assert header.framerate == rate
    assert header.nchannels == channels
    assert header.nframes / rate == pytest.approx(seconds, abs=0.001)
    assert 1 < seconds < 4
    assert loudness(content) > 1000


def test_the_same_text_is_the_same_bytes_another_is_not() -> None:
    voice = Voice(name="a")
    assert speak(TEXT, voice) == speak(TEXT, voice)
    others = [speak(TEXT + "!", voice), speak(TEXT, Voice(name="b"))]
    assert speak(TEXT, voice) not in others


def test_what_is_asked_of_a_voice_is_heard() -> None:
    usual, seconds = speak(TEXT, Voice(name="a"))
    fast, less = speak(TEXT, Voice(name="a", speed=2.0))
    assert less == pytest.approx(seconds / 2, rel=0.02)
    loud, _ = speak(TEXT, Voice(name="a", volume=2.0))
    assert loudness(loud) == pytest.approx(2 * loudness(usual), rel=0.02)
    silent, _ = speak(TEXT, Voice(name="a", volume=0))
    assert loudness(silent) == 0
    high, _ = speak(TEXT, Voice(name="a", pitch=12))
    assert crossings(high) > 1.5 * crossings(usual)
    assert loudness(fast) > 1000


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_what_was_spoken_is_written_down_again(text: str) -> None:
    content, seconds = speak(text, Voice(name="a", rate=8000))
    words = said(content)
    assert words is not None
    assert [each.text for each in words] == " ".join(
        part for place, part in enumerate(_turns(text)) if place % 2 == 0
    ).split()
    ends = [0.0, *(time for each in words for time in (each.start, each.end))]
    assert ends == sorted(ends)
    assert ends[-1] <= seconds + 0.001
    assert heard(content, "x") == words


def _turns(text: str) -> list[str]:
    return re.split(r"\[S(\d)\]", text)


def test_another_recording_is_the_same_text_every_time() -> None:
    one, two = b"ID3" + b"\1" * 50_000, b"ID3" + b"\2" * 50_000
    assert heard(one, "a") == heard(one, "b")
    assert heard(one, "a") != heard(two, "a")
    words = heard(one, "a")
    assert words is not None
    text = " ".join(each.text for each in words)
    assert text.startswith("The sandbox cannot hear this.")


def test_what_is_no_audio_is_not_heard() -> None:
    for content in (b"", b"<html>", b"RIFF\0\0\0\0WAVEnonsense", b"\x89PNG\r\n\x1a\n"):
        assert heard(content, "x") is None


def test_broken_notes_are_no_error() -> None:
    content, _ = speak(TEXT, Voice(name="a"))
    at = content.find(b"ICMT")
    broken = content[: at + 8] + b"{" + content[at + 9 :]
    assert said(broken) is None
    assert heard(broken, "x") is not None
    assert said(struct.pack("<4sI4s", b"RIFF", 4, b"WAVE")) is None


def test_a_transcription_of_nothing() -> None:
    whole = transcription([], {"chunk_level": "none", "diarize": True})
    assert (whole["text"], whole["chunks"]) == ("", [])


def test_a_url_elsewhere_is_made_up_and_says_so(fal: FalProvider) -> None:
    url = "https://v3.fal.media/files/a.mp3"
    first = fal.transcription().invoke(url)
    assert first.text.startswith("The sandbox cannot hear this.")
    assert fal.transcription().invoke(url).text == first.text
    assert fal.transcription().invoke(url + "x").text != first.text


def test_a_recording_that_cannot_be_read_is_refused_as_fal_does(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    image = fal.text_to_image(size="64x64").invoke("a hill").images[0]
    with pytest.raises(FalInvalidInputError, match="Unsupported audio format") as no:
        fal.transcription().invoke(str(image.url))
    assert no.value.error_type == "unsupported_audio_format"
    gone = f"{fal_sandbox.url}/files/gone.mp3"
    with pytest.raises(FalInvalidInputError, match="404 Not Found"):
        fal.transcription().invoke(gone)


@pytest.mark.parametrize(
    ("name", "level"),
    [
        *(("whisper", "word"), ("whisper", "segment"), ("whisper", "none")),
        *(("wizper", "word"), ("wizper", "segment")),
    ],
)
def test_the_answer_has_what_fals_types_say(
    name: str, level: str, fal: FalProvider
) -> None:
    model = fal.transcription(name, chunk_level=level)
    raw = model.invoke(fal.speech().invoke(TEXT)).raw
    language = "inferred_languages" if name == "whisper" else "languages"
    assert raw[language] == ["en"]
    assert raw["text"] == TEXT
    assert [set(each) for each in raw["chunks"]] == [
        {"timestamp", "text", "speaker"}
    ] * {"word": 8, "segment": 2, "none": 1}[level]
    assert ("diarization_segments" in raw) == (name == "whisper")
    off = fal.transcription(name, diarize=False).invoke(fal.speech().invoke(TEXT)).raw
    assert all("speaker" not in each for each in off["chunks"])


def test_the_logs_say_what_was_done(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    for request in (
        fal.speech().submit("Hi"),
        fal.transcription().submit("https://x.example/a.mp3"),
    ):
        request.result()
        lines = [line for each in request.events() for line in map(str, each.logs)]
        word = "speaking" if "speech" in request.endpoint_id else "listening"
        assert any(f"sandbox: {word} for" in line for line in lines)
    assert fal_sandbox.submits == 2
