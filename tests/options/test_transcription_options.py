"""The transcription options of @ai-sdk/fal's page: values, defaults, faults."""

from __future__ import annotations

from typing import Any

import pytest
from payloads import make_payload

from langchain_fal_image import FalProvider, FalTranscription
from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.shape import Field
from langchain_fal_image.sandbox import Sandbox

MODELS = ("fal-ai/whisper", "fal-ai/wizper")

URL = "https://v3.fal.media/files/a.mp3"


def get_field(endpoint_id: str, name: str) -> Field:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    found = schema.fields.get(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("camel", "snake", "value"),
    [
        ("language", "language", "fr"),
        ("language", "language", "zh"),
        ("language", "language", None),
        ("diarize", "diarize", False),
        ("chunkLevel", "chunk_level", "segment"),
        ("chunkLevel", "chunk_level", "word"),
        ("version", "version", "3"),
        ("batchSize", "batch_size", 10),
        ("numSpeakers", "num_speakers", 2),
    ],
)
def test_each_transcription_option_is_sent(
    name: str, camel: str, snake: str, value: Any
) -> None:
    model = FalTranscription(name, strict=True)
    for option in (camel, snake):
        assert make_payload(model, URL, **{option: value})[snake] == value
    in_providers = {"audio": URL, "providerOptions": {"fal": {camel: value}}}
    assert make_payload(model, in_providers)[snake] == value


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("snake", "default"),
    [
        ("diarize", True),
        ("chunk_level", "segment"),
        ("version", "3"),
        ("batch_size", 64),
        ("num_speakers", None),
    ],
)
def test_the_defaults_are_those_of_the_page(
    name: str, snake: str, default: Any
) -> None:
    assert get_field(name, snake).default == default


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunkLevel": "sentence"}, "chunk_level='sentence' is not a choice"),
        ({"language": "english"}, "language='english' is not a choice"),
        ({"batchSize": 0}, "batch_size=0 is too small"),
        ({"batchSize": 1.5}, "not a whole number"),
        ({"numSpeakers": 0}, "num_speakers=0 is too small"),
        ({"diarize": "both"}, "diarize='both' is text, not true or false"),
        ({"version": 3.5}, "version=3.5"),
    ],
)
async def test_invalid_transcription_options_raise_before_any_request(
    name: str,
    options: dict[str, Any],
    message: str,
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    # The contract of fal-ai/whisper comes from types, so only strict refuses.
    model = fal.transcription(name, strict=True, **options)
    with pytest.raises(FalOptionError, match=message):
        model.invoke(URL)
    with pytest.raises(FalOptionError, match=message):
        await model.ainvoke(URL)
    with pytest.raises(FalOptionError, match=message):
        model.submit(URL)
    assert fal_sandbox.requests == []


@pytest.mark.parametrize("name", ["whisper", "wizper"])
def test_the_prefix_fal_ai_is_optional(name: str) -> None:
    assert FalTranscription(name).model == f"fal-ai/{name}"
    assert FalTranscription(f"fal-ai/{name}").model == f"fal-ai/{name}"
    assert FalTranscription(model=name).endpoint is not None
    scribe = FalTranscription("elevenlabs/speech-to-text")
    assert scribe.model == "fal-ai/elevenlabs/speech-to-text"
    assert FalTranscription("somebody/else").model == "somebody/else"


@pytest.mark.parametrize("name", MODELS)
def test_diarize_is_on_by_default(
    name: str,
) -> None:
    # On the page it is on by default, at fal it is off.
    assert make_payload(FalTranscription(name), URL) == {
        "diarize": True,
        "audio_url": URL,
    }
    off = FalTranscription(name, diarize=False)
    assert make_payload(off, URL) == {"diarize": False, "audio_url": URL}


@pytest.mark.parametrize("name", MODELS)
def test_no_chunks_can_be_requested(name: str) -> None:
    assert make_payload(FalTranscription(name), URL, chunk_level="none")


def test_an_unknown_option_is_reported_with_the_nearest_one() -> None:
    with pytest.raises(FalOptionError, match="did you mean 'diarize'"):
        FalTranscription().payload(URL, diarise=True)
    whisper = FalTranscription(options={"diarise": True})
    assert any(
        "did you mean 'diarize'" in each for each in whisper.payload(URL).warnings
    )
