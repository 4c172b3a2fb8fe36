"""A RAG chain that illustrates the retrieved text and names its sources.

The retriever is LangChain's in-memory vector store over word counts, so the example
needs no embedding service. Replace it with your own.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from services import OUT, provider

from langchain_fal_image import FalTextToImage, ImageResult

NOTES = {
    "alps.md": "The Matterhorn is a steep mountain of rock and snow in the Alps.",
    "fuji.md": "Mount Fuji is a volcano in Japan, with cherry blossoms in spring.",
    "sea.md": "A lighthouse on a cliff warns the ships on the sea at night.",
}


class WordCounts(Embeddings):
    """Embeddings that count words, which is enough for these notes."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Count the words of each text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Count the words of a text; each word's hash determines its index."""
        counts = [0.0] * 256
        for word in text.lower().replace(".", " ").replace(",", " ").split():
            counts[hashlib.sha256(word.encode()).digest()[0]] += 1
        return counts


def add_sources(state: dict[str, Any]) -> ImageResult:
    """Add the question and the sources to the image's metadata."""
    image: ImageResult = state["image"]
    found: list[Document] = state["found"]
    return image.with_metadata(
        question=state["question"], sources=[each.metadata["source"] for each in found]
    )


def main() -> int:
    """Answer a question with an image."""
    store = InMemoryVectorStore(WordCounts())
    store.add_texts(list(NOTES.values()), [{"source": name} for name in NOTES])
    retriever = store.as_retriever(search_kwargs={"k": 1})
    prompt = ChatPromptTemplate.from_template("An illustration, flat colours: {notes}")
    with provider() as (fal, served_by):
        chain = (
            RunnablePassthrough.assign(
                found=RunnableLambda(lambda state: state["question"]) | retriever
            )
            | RunnablePassthrough.assign(
                notes=lambda state: " ".join(
                    each.page_content for each in state["found"]
                )
            )
            | RunnablePassthrough.assign(image=prompt | FalTextToImage(fal=fal))
            | RunnableLambda(add_sources)
        )
        result = chain.invoke({"question": "Which volcano has cherry blossoms?"})
        path = result.images[0].save(OUT / "illustrated" / "answer", overwrite=True)
    print(f"{result.prompt}\nsources: {result.metadata['sources']}, file: {path.name}")
    print(f"images by: {served_by}")
    return 0 if result.metadata["sources"] == ["fuji.md"] else 1


if __name__ == "__main__":
    sys.exit(main())
