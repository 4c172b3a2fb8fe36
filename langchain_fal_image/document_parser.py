"""Recordings as documents, for LangChain's loaders."""

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
    """Turns recordings into documents, so that what was said can be retrieved.

    Each segment becomes a document, with `start` and `end` in seconds in its metadata
    beside `source`, `segment`, `speaker`, `language`, `model` and `request_id`.

    A blob with a path is read only below one of the provider's `allowed_dirs`, as
    everywhere in this package; the file is sent as it is read, never held whole.

    Args:
        model: An endpoint id or a `FalTranscription` with bound options; by default
            `FalTranscription()`.
        fal: The provider; by default the model's own.

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
            message = f"A {type(model).__name__} writes down no recording."
            step = "Give an endpoint id or a FalTranscription, its options bound in it."
            raise FalConfigurationError(message, next_step=step)
        if not isinstance(model, FalTranscription):
            model = FalTranscription(model) if model else FalTranscription()
        self.model = model.model_copy(update={"fal": fal}) if fal else model

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """Write a recording down, and give its segments.

        Args:
            blob: The recording: its bytes, or a path that is allowed.

        Raises:
            FalError: As for `FalTranscription.invoke`.
        """
        yield from _documents(self.model.invoke(blob), blob)

    async def alazy_parse(self, blob: Blob) -> AsyncIterator[Document]:
        """Write a recording down, and give its segments; see `lazy_parse`."""
        for document in _documents(await self.model.ainvoke(blob), blob):
            yield document


def _documents(result: TranscriptionResult, blob: Blob) -> list[Document]:
    known: dict[str, Any] = dict(blob.metadata)
    if blob.source:
        known["source"] = blob.source
    return result.to_documents(**known)
