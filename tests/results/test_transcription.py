"""Transcriptions: text, segments, documents and artifacts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate

from langchain_fal_image import (
    FalProvider,
    TranscriptionResult,
)
from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.results.transcription import Segment

CHUNKS = [
    {"timestamp": [0.0, 2.5], "text": " Hello there.", "speaker": "SPEAKER_00"},
    {"timestamp": [2.5, None], "text": " And you?", "speaker": "SPEAKER_01"},
]


def text(output: Any) -> TranscriptionResult:
    return TranscriptionResult.from_output(output, model="fal-ai/y", request_id="r")


def test_segments_language_speakers_and_duration_are_parsed() -> None:
    result = text(
        {
            "text": " Hello there. And you?",
            "chunks": CHUNKS,
            "inferred_languages": ["en", "de"],
            "diarization_segments": [],
        }
    )
    assert result.text == "Hello there. And you?"
    assert result.segments == (
        Segment(" Hello there.", 0.0, 2.5, "SPEAKER_00"),
        Segment(" And you?", 2.5, None, "SPEAKER_01"),
    )
    assert result.language == "en"
    assert result.duration == 2.5
    assert result.speakers == ("SPEAKER_00", "SPEAKER_01")
    assert result.provider_metadata == {
        "fal": {"inferred_languages": ["en", "de"], "diarization_segments": []}
    }


@pytest.mark.parametrize(
    ("output", "language"),
    [
        ({"languages": ["fr"]}, "fr"),
        ({"language_code": "eng"}, "eng"),
        ({"inferred_languages": []}, None),
        ({"inferred_languages": [7]}, None),
        ({}, None),
    ],
)
def test_the_language_is_parsed(output: dict[str, Any], language: str | None) -> None:
    assert text({"text": "x", **output}).language == language


def test_words_become_segments_without_chunks() -> None:
    words = [
        {"text": "Hi", "type": "word", "start": 0, "end": 0.5, "speaker_id": "s0"},
        {"text": " ", "type": "spacing", "start": 0.5, "end": 0.6},
        {"text": "(laughs)", "type": "audio_event", "start": 0.6, "end": 1},
    ]
    result = text({"text": "Hi (laughs)", "words": words})
    assert [each.text for each in result.segments] == ["Hi", "(laughs)"]
    assert result.segments[0].speaker == "s0"
    assert result.duration == 1


def test_a_missing_text_is_joined_from_the_chunks() -> None:
    assert text({"chunks": CHUNKS}).text == "Hello there. And you?"


@pytest.mark.parametrize("output", [{}, None, [], {"chunks": []}, {"text": 7}])
def test_an_output_without_text_raises(output: Any) -> None:
    with pytest.raises(FalResponseError, match="has no text"):
        text(output)


def test_silence_is_a_result() -> None:
    result = text({"text": "", "chunks": []})
    assert result.text == ""
    assert result.segments == ()
    assert result.duration is None
    assert result.to_documents() == []


def test_documents_have_their_times() -> None:
    result = text({"text": "x", "chunks": CHUNKS, "inferred_languages": ["en"]})
    first, second = result.to_documents(source="a.mp3")
    assert first == Document(
        page_content="Hello there.",
        metadata={
            "source": "a.mp3",
            "model": "fal-ai/y",
            "request_id": "r",
            "language": "en",
            "segment": 0,
            "start": 0.0,
            "end": 2.5,
            "speaker": "SPEAKER_00",
        },
    )
    assert "end" not in second.metadata
    [whole] = text({"text": "All of it."}).to_documents()
    assert whole.page_content == "All of it."
    assert whole.metadata["start"] == 0.0


def test_an_artifact_restores_a_transcription() -> None:
    result = text({"text": "x", "chunks": CHUNKS, "inferred_languages": ["en"]})
    restored = TranscriptionResult.from_artifact(
        json.loads(json.dumps(result.to_artifact()))
    )
    assert restored == result


def test_an_artifact_of_a_long_transcription_keeps_to_its_limit() -> None:
    chunks: list[dict[str, Any]] = [
        {"timestamp": [n, n + 1], "text": f" Sentence number {n} of a long day."}
        for n in range(5000)
    ]
    whole = "".join(each["text"] for each in chunks)
    result = text({"text": whole, "chunks": chunks})
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= 64 * 1024
    assert artifact["shortened"] is True
    restored = TranscriptionResult.from_artifact(artifact)
    assert restored.is_shortened
    assert 100 < len(restored.segments) < 5000
    assert result.text.startswith(restored.text[:1000])
    assert len(result.segments) == 5000


@pytest.mark.parametrize("sentence", [" Предложение номер {} дня.", " Sentence {}."])
def test_an_artifact_keeps_as_much_as_it_can(sentence: str) -> None:
    chunks: list[dict[str, Any]] = [
        {"timestamp": [n, n + 1], "text": sentence.format(n)} for n in range(4000)
    ]
    whole = "".join(each["text"] for each in chunks)
    output = {"text": whole, "chunks": chunks, "diarization_segments": chunks}
    artifact = text(output).to_artifact()
    assert 50_000 < len(json.dumps(artifact)) <= 64 * 1024
    restored = TranscriptionResult.from_artifact(artifact)
    assert len(restored.segments) > 100
    assert len(restored.text) > 4000
    assert whole.strip().startswith(restored.text)


def test_document_metadata_may_have_any_name() -> None:
    metadata: dict[str, Any] = {"self": 1, "start": "never"}
    [document] = text({"text": "All of it."}).to_documents(**metadata)
    assert document.metadata["self"] == 1
    assert document.metadata["start"] == 0.0


def test_a_transcription_is_its_text_in_a_prompt(fal: FalProvider) -> None:
    prompt = ChatPromptTemplate([("human", "Sum up: {text}")])
    transcription: Any = (fal.speech() | fal.transcription()).invoke("Hello there.")
    assert prompt.invoke(transcription).to_string() == "Human: Sum up: Hello there."


def test_a_notebook_shows_the_text_with_its_times() -> None:
    shown = text({"text": "x", "chunks": [*CHUNKS, {"text": "<b>"}]})._repr_html_()
    assert "0:02.5 SPEAKER_01" in shown
    assert "&lt;b&gt;" in shown


def test_times_beyond_an_hour_are_in_minutes() -> None:
    late = [{"timestamp": [3725.04, 3726], "text": "Late."}]
    assert "62:05.0" in text({"text": "x", "chunks": late})._repr_html_()


@pytest.mark.parametrize(
    ("level", "number"), [("none", 1), ("segment", 2), ("word", 4)]
)
def test_each_chunk_level(level: str, number: int, fal: FalProvider) -> None:
    speech = fal.speech().invoke("Hello there. And you?")
    result = fal.transcription(chunk_level=level).invoke(speech)
    assert len(result.segments) == number
