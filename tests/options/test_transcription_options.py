"""Each option and default of a transcription on the AI SDK's page; refusals."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_fal_image import FalProvider, FalSpeech, FalTranscription
from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.shape import Field
from langchain_fal_image.sandbox import Sandbox

LISTENS = ("fal-ai/whisper", "fal-ai/wizper")

URL = "https://v3.fal.media/files/a.mp3"


def option(endpoint_id: str, name: str) -> Field:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    found = schema.get_field(name)
    assert found is not None
    return found


def sent(model: FalSpeech | FalTranscription, given: Any, **options: Any) -> Any:
    """Give what would be sent, without a warning."""
    resolved = model.payload(given, **options)
    assert resolved.warnings == ()
    return resolved.payload


@pytest.mark.parametrize("name", LISTENS)
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
def test_each_option_of_a_transcription(
    name: str, camel: str, snake: str, value: Any
) -> None:
    model = FalTranscription(name, strict=True)
    for spelled in (camel, snake):
        assert sent(model, URL, **{spelled: value})[snake] == value
    in_providers = {"audio": URL, "providerOptions": {"fal": {camel: value}}}
    assert sent(model, in_providers)[snake] == value


@pytest.mark.parametrize("name", LISTENS)
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
def test_each_default_of_a_transcription(name: str, snake: str, default: Any) -> None:
    assert option(name, snake).default == default


@pytest.mark.parametrize("name", LISTENS)
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"chunkLevel": "sentence"}, "chunk_level='sentence' is not a choice"),
        ({"language": "english"}, "language='english' is not a choice"),
        ({"batchSize": 0}, "batch_size=0 is too small"),
        ({"batchSize": 1.5}, "not a whole number"),
        ({"numSpeakers": 0}, "num_speakers=0 is too small"),
        ({"diarize": "yes"}, "diarize='yes' is text, not true or false"),
        ({"version": 3.5}, "version=3.5"),
    ],
)
async def test_wrong_values_of_a_transcription_are_refused_before_any_request(
    name: str,
    options: dict[str, Any],
    told: str,
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    model = fal.transcription(name, **options)
    with pytest.raises(FalOptionError, match=told):
        model.invoke(URL)
    with pytest.raises(FalOptionError, match=told):
        await model.ainvoke(URL)
    with pytest.raises(FalOptionError, match=told):
        model.submit(URL)
    assert fal_sandbox.requests == []


@pytest.mark.parametrize("name", ["whisper", "wizper"])
def test_the_prefix_may_be_left_out(name: str) -> None:
    assert FalTranscription(name).model == f"fal-ai/{name}"
    assert FalTranscription(f"fal-ai/{name}").model == f"fal-ai/{name}"
    assert FalTranscription(model=name).endpoint is not None
    scribe = FalTranscription("elevenlabs/speech-to-text")
    assert scribe.model == "fal-ai/elevenlabs/speech-to-text"
    assert FalTranscription("somebody/else").model == "somebody/else"


@pytest.mark.parametrize("name", LISTENS)
def test_a_recording_is_sent_with_what_differs_from_fals_own_defaults(
    name: str,
) -> None:
    # fal tells speakers apart only when asked; the page says it is on by default.
    assert sent(FalTranscription(name), URL) == {"diarize": True, "audio_url": URL}
    off = FalTranscription(name, diarize=False)
    assert sent(off, URL) == {"diarize": False, "audio_url": URL}


def test_only_whisper_gives_the_whole_as_one_chunk() -> None:
    assert sent(FalTranscription("whisper"), URL, chunk_level="none")
    with pytest.raises(FalOptionError, match="allowed: segment, word"):
        FalTranscription("wizper").payload(URL, chunk_level="none")


def test_an_unknown_option_is_told_with_the_likely_one() -> None:
    warned = FalTranscription().payload(URL, diarise=True).warnings
    assert any("did you mean 'diarize'" in each for each in warned)
    with pytest.raises(FalOptionError, match="diarize"):
        FalTranscription(strict=True).payload(URL, diarise=True)
