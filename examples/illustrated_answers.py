"""A RAG chain that illustrates what it found, and says from which sources.

The retriever is LangChain's in-memory vector store over word counts, so that the
example needs no embedding service; put your own in its place.
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
from stage import OUT, provider

from langchain_fal_image import FalTextToImage, ImageResult

NOTES = {
    "alps.md": "The Matterhorn is a steep mountain of rock and snow in the Alps.",
    "fuji.md": "Mount Fuji is a volcano in Japan, with cherry blossoms in spring.",
    "sea.md": "A lighthouse on a cliff warns the ships on the sea at night.",
}


class WordCounts(Embeddings):
    """Counts words: enough to find a note by what it speaks of."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Count the words of each text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Count the words of a text, each in the place its digest gives it."""
        counts = [0.0] * 256
        for word in text.lower().replace(".", " ").replace(",", " ").split():
            counts[hashlib.sha256(word.encode()).digest()[0]] += 1
        return counts


def noted(made: dict[str, Any]) -> ImageResult:
    """Put the sources beside the picture."""
    image: ImageResult = made["image"]
    found: list[Document] = made["found"]
    return image.with_metadata(
        question=made["question"], sources=[each.metadata["source"] for each in found]
    )


def main() -> int:
    """Answer a question with a picture."""
    store = InMemoryVectorStore(WordCounts())
    store.add_texts(list(NOTES.values()), [{"source": name} for name in NOTES])
    retriever = store.as_retriever(search_kwargs={"k": 1})
    prompt = ChatPromptTemplate.from_template("An illustration, flat colours: {notes}")
    with provider() as (fal, served_by):
        chain = (
            RunnablePassthrough.assign(
                found=RunnableLambda(lambda given: given["question"]) | retriever
            )
            | RunnablePassthrough.assign(
                notes=lambda given: " ".join(
                    each.page_content for each in given["found"]
                )
            )
            | RunnablePassthrough.assign(image=prompt | FalTextToImage(fal=fal))
            | RunnableLambda(noted)
        )
        result = chain.invoke({"question": "Which volcano has cherry blossoms?"})
        path = result.images[0].save(OUT / "illustrated" / "answer")
    print(f"{result.prompt}\nsources: {result.metadata['sources']}, file: {path.name}")
    print(f"images by: {served_by}")
    return 0 if result.metadata["sources"] == ["fuji.md"] else 1


if __name__ == "__main__":
    sys.exit(main())
