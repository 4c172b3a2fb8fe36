"""Transcriptions of audio files as documents, for LangChain's loaders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.document_loaders import BaseBlobParser
from langchain_core.documents import Document
from langchain_core.documents.base import Blob

from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.models.transcription import FalTranscription
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.results.transcription import TranscriptionResult

__all__ = ["FalTranscriptionParser"]


class FalTranscriptionParser(BaseBlobParser):
    """Transcribes audio files into documents, so that speech can be retrieved.

    Each segment becomes a document. Its metadata has `start` and `end` in seconds,
    `source`, `segment`, `speaker`, `language`, `model` and `request_id`.

    The path of a blob must be below one of the provider's `allowed_dirs`. A large file
    is uploaded in chunks and never held in memory as a whole.

    Args:
        model: An endpoint id or a `FalTranscription` with bound options; by default
            `FalTranscription()`.
        fal: The provider; by default that of the model.

    Raises:
        FalConfigurationError: `model` is neither an endpoint id nor a
            `FalTranscription`.

    Example:
        ```python
        fal = create_fal(allowed_dirs=["meetings"])
        parser = FalTranscriptionParser("wizper", fal=fal)
        documents = parser.parse(Blob.from_path("meetings/monday.mp3"))
        ```
    """

    def __init__(
        self,
        model: str | FalTranscription | None = None,
        *,
        fal: FalProvider | None = None,
    ) -> None:
        if model is not None and not isinstance(model, str | FalTranscription):
            message = (
                "model must be an endpoint id or a FalTranscription, got "
                f"{type(model).__name__}."
            )
            step = "Pass FalTranscription(…) with bound options, or its endpoint id."
            raise FalConfigurationError(message, next_step=step)
        if not isinstance(model, FalTranscription):
            model = FalTranscription(model) if model else FalTranscription()
        self.model = model.model_copy(update={"fal": fal}) if fal else model

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """Transcribe an audio file and yield its segments.

        Args:
            blob: Its bytes, or an allowed path.

        Raises:
            FalError: See `FalTranscription.invoke`.
        """
        yield from _make_documents(self.model.invoke(blob), blob)

    async def alazy_parse(self, blob: Blob) -> AsyncIterator[Document]:
        """Transcribe an audio file and yield its segments; see `lazy_parse`."""
        for document in _make_documents(await self.model.ainvoke(blob), blob):
            yield document


def _make_documents(result: TranscriptionResult, blob: Blob) -> list[Document]:
    metadata: dict[str, Any] = dict(blob.metadata)
    if blob.source:
        metadata["source"] = blob.source
    return result.to_documents(**metadata)
