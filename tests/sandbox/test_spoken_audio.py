"""The sandbox's speech and transcription: reproducible, audible, clearly made up."""

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
from langchain_fal_image.sandbox.input_file import InputFile, UnreadableInputError
from langchain_fal_image.sandbox.voice.speech import (
    Voice,
    Word,
    read_words,
    synthesize,
)
from langchain_fal_image.sandbox.voice.transcription import build_transcript, transcribe

TEXT = "A red kite flies. The harbour is small."


def transcribe_bytes(content: bytes | None, url: str = "x") -> list[Word]:
    return transcribe(InputFile(["audio_url"], url, content))


def read_samples(content: bytes) -> tuple[Any, array.array[int]]:
    """Return the header's parameters and the samples."""
    with wave.open(io.BytesIO(content)) as file:
        found = array.array("h")
        found.frombytes(file.readframes(file.getnframes()))
        return file.getparams(), found


def measure_loudness(content: bytes) -> float:
    _, found = read_samples(content)
    return math.sqrt(sum(each * each for each in found) / max(1, len(found)))


def measure_pitch(content: bytes) -> float:
    """Return how often the tone crosses zero per second."""
    header, found = read_samples(content)
    signs = [each > 0 for each in found if abs(each) > 50]
    changes = sum(a != b for a, b in itertools.pairwise(signs))
    return changes * float(header.framerate) / len(found)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_speech_has_the_requested_rate_and_channels(rate: int, channels: int) -> None:
    speech = synthesize(TEXT, Voice(name="a", rate=rate, channels=channels))
    header, _ = read_samples(speech.content)
    assert header.framerate == rate
    assert header.nchannels == channels
    assert header.nframes / rate == pytest.approx(speech.seconds, abs=0.001)
    assert 1 < speech.seconds < 4
    assert measure_loudness(speech.content) > 1000


def test_another_text_or_voice_is_other_speech() -> None:
    voice = Voice(name="a")
    assert synthesize(TEXT, voice) == synthesize(TEXT, voice)
    others = [synthesize(TEXT + "!", voice), synthesize(TEXT, Voice(name="b"))]
    assert synthesize(TEXT, voice) not in others


def test_speed_volume_and_pitch_change_the_speech() -> None:
    usual = synthesize(TEXT, Voice(name="a"))
    fast = synthesize(TEXT, Voice(name="a", speed=2.0))
    assert fast.seconds == pytest.approx(usual.seconds / 2, rel=0.02)
    assert measure_loudness(fast.content) > 1000
    loudness = measure_loudness(usual.content)
    loud = synthesize(TEXT, Voice(name="a", volume=2.0)).content
    assert measure_loudness(loud) == pytest.approx(2 * loudness, rel=0.02)
    assert measure_loudness(synthesize(TEXT, Voice(name="a", volume=0)).content) == 0
    high = synthesize(TEXT, Voice(name="a", pitch=12)).content
    assert measure_pitch(high) > 1.5 * measure_pitch(usual.content)


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_the_sandbox_transcribes_its_own_speech(text: str) -> None:
    speech = synthesize(text, Voice(name="a", rate=8000))
    words = read_words(speech.content)
    assert words is not None
    # Every second part is the number of a speaker.
    spoken = " ".join(re.split(r"\[S(\d)\]", text)[::2])
    assert [each.text for each in words] == spoken.split()
    ends = [0.0, *(time for each in words for time in (each.start, each.end))]
    assert ends == sorted(ends)
    assert ends[-1] <= speech.seconds + 0.001
    assert transcribe_bytes(speech.content) == words


def test_a_transcription_of_another_recording_depends_on_its_bytes() -> None:
    one, two = b"ID3" + b"\1" * 50_000, b"ID3" + b"\2" * 50_000
    words = transcribe_bytes(one, "a")
    assert words == transcribe_bytes(one, "b")
    assert words != transcribe_bytes(two, "a")
    text = " ".join(each.text for each in words)
    assert text.startswith("The sandbox cannot hear this.")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"RIFF\0\0\0\0WAVEnonsense", b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_that_is_not_audio_is_rejected(content: bytes) -> None:
    with pytest.raises(UnreadableInputError, match="Unsupported audio format"):
        transcribe_bytes(content)


def test_speech_with_broken_words_counts_as_another_recording() -> None:
    content = synthesize(TEXT, Voice(name="a")).content
    at = content.find(b"ICMT")
    broken = content[: at + 8] + b"{" + content[at + 9 :]
    assert read_words(broken) is None
    assert transcribe_bytes(broken)
    assert read_words(struct.pack("<4sI4s", b"RIFF", 4, b"WAVE")) is None


def test_the_output_for_an_empty_recording_has_no_chunks() -> None:
    output = build_transcript([], {"chunk_level": "none", "diarize": True})
    assert (output["text"], output["chunks"]) == ("", [])


def test_the_transcription_of_a_url_elsewhere_says_that_it_is_made_up(
    fal: FalProvider,
) -> None:
    url = "https://v3.fal.media/files/a.mp3"
    first = fal.transcription().invoke(url)
    assert first.text.startswith("The sandbox cannot hear this.")
    assert fal.transcription().invoke(url).text == first.text
    assert fal.transcription().invoke(url + "x").text != first.text


def test_an_unreadable_recording_fails_with_the_error_of_fal(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    image = fal.text_to_image(size="64x64").invoke("a hill").images[0]
    with pytest.raises(
        FalInvalidInputError, match="Unsupported audio format"
    ) as caught:
        fal.transcription().invoke(str(image.url))
    assert caught.value.error_type == "unsupported_audio_format"
    missing = f"{fal_sandbox.url}/files/gone.mp3"
    with pytest.raises(FalInvalidInputError, match="404 Not Found"):
        fal.transcription().invoke(missing)


@pytest.mark.parametrize(
    ("name", "level"),
    [
        *(("whisper", "word"), ("whisper", "segment"), ("whisper", "none")),
        ("wizper", "segment"),
    ],
)
def test_a_transcription_has_the_fields_of_fals_contract(
    name: str, level: str, fal: FalProvider
) -> None:
    model = fal.transcription(name, chunk_level=level)
    raw = model.invoke(fal.speech().invoke(TEXT)).raw
    language = "inferred_languages" if name == "whisper" else "languages"
    assert raw[language] == ["en"]
    assert raw["text"] == TEXT
    speaker = {"speaker"} if name == "whisper" else set()
    assert [set(each) for each in raw["chunks"]] == [
        {"timestamp", "text", *speaker}
    ] * {"word": 8, "segment": 2, "none": 1}[level]
    assert ("diarization_segments" in raw) == (name == "whisper")
    plain = fal.transcription(name, diarize=False).invoke(fal.speech().invoke(TEXT)).raw
    assert all("speaker" not in each for each in plain["chunks"])


def test_the_logs_say_what_the_endpoint_does(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    for request in (
        fal.speech().submit("Hi"),
        fal.transcription().submit("https://x.example/a.mp3"),
    ):
        request.result()
        lines = [line for each in request.events() for line in map(str, each.logs)]
        work = "speaking" if "speech" in request.endpoint_id else "listening"
        assert any(f"sandbox: {work} for" in line for line in lines)
    assert fal_sandbox.submits == 2
