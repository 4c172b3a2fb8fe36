"""Transcriptions as documents for retrieval."""

from __future__ import annotations

from pathlib import Path

import pytest
from audio_files import MP3
from langchain_core.document_loaders import BaseBlobParser
from langchain_core.documents.base import Blob
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore

from langchain_fal_image import FalProvider, FalTranscriptionParser
from langchain_fal_image.errors import FalInputAudioError
from langchain_fal_image.sandbox import Sandbox

SAID = "[S1] The kite is red. [S2] The harbour is small. [S1] The sea is dark."


def test_each_segment_is_a_document_with_its_times(
    fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    fal = fal_sandbox.provider(allowed_dirs=[tmp_path])
    file = fal.speech("fal-ai/dia-tts").invoke(SAID).save(tmp_path / "meeting")
    parser = FalTranscriptionParser("whisper", fal=fal)
    assert isinstance(parser, BaseBlobParser)
    documents = parser.parse(Blob.from_path(file, metadata={"team": "kites"}))
    assert [each.page_content for each in documents] == [
        "The kite is red.",
        "The harbour is small.",
        "The sea is dark.",
    ]
    first, second, third = (each.metadata for each in documents)
    assert first["source"] == str(file)
    assert first["team"] == "kites"
    assert (first["segment"], third["segment"]) == (0, 2)
    assert 0 == first["start"] < first["end"] <= second["start"] < second["end"]
    assert (first["speaker"], second["speaker"]) == ("SPEAKER_00", "SPEAKER_01")
    assert first["language"] == "en"
    assert first["model"] == "fal-ai/whisper"
    assert first["request_id"] == third["request_id"]
    assert fal_sandbox.submits == 2


async def test_parsing_async_returns_the_same(fal: FalProvider) -> None:
    blob = Blob.from_data(MP3, path="https://x.example/a.mp3")
    parser = FalTranscriptionParser(fal=fal)
    documents = [each async for each in parser.alazy_parse(blob)]
    again = parser.parse(blob)
    texts = [each.page_content for each in documents]
    assert texts == [each.page_content for each in again]
    assert documents[0].metadata["source"] == "https://x.example/a.mp3"


def test_bound_options_apply(fal: FalProvider) -> None:
    words = FalTranscriptionParser(fal.transcription("whisper", chunkLevel="word"))
    documents = words.parse(Blob.from_data(MP3))
    assert documents[0].page_content == "The"
    assert all(" " not in each.page_content for each in documents)


def test_a_path_that_is_not_allowed_raises(
    fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "a.mp3"
    file.write_bytes(MP3)
    parser = FalTranscriptionParser(fal=fal)
    with pytest.raises(FalInputAudioError, match=r"create_fal\(allowed_dirs"):
        parser.parse(Blob.from_path(file))
    assert fal_sandbox.requests == []


@pytest.mark.standard
def test_documents_are_found_in_a_vector_store(fal: FalProvider) -> None:
    pytest.importorskip("numpy")  # langchain-core's vector store needs it
    speech = fal.speech("fal-ai/dia-tts").invoke(SAID)
    documents = fal.transcription().invoke(speech).to_documents(source=speech.url)
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=64))
    store.add_documents(documents)
    [found] = store.similarity_search("The harbour is small.", k=1)
    assert found.page_content == "The harbour is small."
    assert found.metadata["start"] > 0
