"""Short names for the images of a conversation, such as `img_1`.

A model cannot be trusted to repeat a long URL, so it is given a handle instead.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image.errors import FalInputImageError, shown
from langchain_fal_image.images import GeneratedImage
from langchain_fal_image.results import ImageResult, is_artifact

__all__ = ["Conversation", "ImageLibrary", "is_handle"]

_HANDLE = re.compile(r"img_(\d+)")
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Conversation:
    """Whose images are meant.

    Attributes:
        thread_id: LangGraph's thread.
        run: Where a graph runs without a thread id, what its calls have in common.
        messages: The conversation's messages; the artifacts in them tell of images
            made in another process or before this library existed.
    """

    thread_id: str | None = None
    run: str | None = None
    messages: Sequence[Any] = field(default=(), repr=False)


@dataclass(slots=True)
class _Album:
    results: list[ImageResult] = field(default_factory=list)
    images: dict[str, GeneratedImage] = field(default_factory=dict)

    def add(self, result: ImageResult) -> None:
        self.results.append(result)
        for image in result.images:
            if image.handle:
                self.images[image.handle] = image


class ImageLibrary:
    """The images of each conversation, under handles that are never given twice.

    Conversations are kept apart: a handle means nothing in another one. Shared
    safely between threads and tasks. What it holds is in memory; the artifacts in a
    thread's messages bring it back after a restart.

    Args:
        max_conversations: How many conversations are kept; the one not used for
            longest is forgotten first.
    """

    def __init__(self, *, max_conversations: int = 1000) -> None:
        self._max_conversations = max_conversations
        self._albums: OrderedDict[tuple[str | None, str | None], _Album] = OrderedDict()
        # Outlives a forgotten album, so that a thread's handles stay unique.
        self._last: dict[str | None, int] = {}
        self._lock = threading.Lock()

    def add(
        self, result: ImageResult, *, conversation: Conversation | str | None = None
    ) -> ImageResult:
        """Take a result in and name its images.

        Args:
            result: Fresh from a model.
            conversation: Whose it is: a LangGraph thread id, or None outside graphs.

        Returns:
            The same result, each image with its handle.
        """
        where = _conversation(conversation)
        with self._lock:
            album = self._album(where)
            given = 0 if where.run is not None else self._last.get(where.thread_id, 0)
            last = max([given, *_numbers(album.images)])
            handles = [f"img_{last + 1 + index}" for index in range(len(result.images))]
            if where.run is None:
                self._last[where.thread_id] = last + len(handles)
            named = result.with_handles(handles)
            album.add(named)
            return named

    def get(
        self, handle: str, *, conversation: Conversation | str | None = None
    ) -> GeneratedImage:
        """Find an image by its handle.

        Args:
            handle: Such as `img_1`; `IMG_1` and `img 1` are understood.
            conversation: As for `add`.

        Raises:
            FalInputImageError: The conversation has no such image; the message names
                those it has.
        """
        where = _conversation(conversation)
        name = handle.strip().lower().replace(" ", "_").replace("-", "_")
        with self._lock:
            images = self._album(where).images
            if name in images:
                return images[name]
            known = sorted(images, key=lambda each: int(each.removeprefix("img_")))
        if known:
            told = ", ".join(known[-_MOST_TOLD:])
            message = f"There is no image {shown(handle)}. Known images: {told}."
            next_step = "Use one of the known images, or make a new one first."
        else:
            message = f"There is no image {shown(handle)}; this conversation has none."
            next_step = "Make an image first, or give the URL of one."
        raise FalInputImageError(message, next_step=next_step)

    def find_url(
        self, url: str, *, conversation: Conversation | str | None = None
    ) -> GeneratedImage | None:
        """Find the image that lies at a URL, if this conversation has it."""
        with self._lock:
            images = self._album(_conversation(conversation)).images.values()
            return next((image for image in images if image.url == url), None)

    def handles(
        self, *, conversation: Conversation | str | None = None
    ) -> tuple[str, ...]:
        """Name the conversation's images, in the order they were made."""
        with self._lock:
            return tuple(self._album(_conversation(conversation)).images)

    def results(
        self, *, conversation: Conversation | str | None = None
    ) -> tuple[ImageResult, ...]:
        """Give the conversation's results, in the order they were made."""
        with self._lock:
            return tuple(self._album(_conversation(conversation)).results)

    def __repr__(self) -> str:
        return f"ImageLibrary(conversations={len(self._albums)})"

    def _album(self, where: Conversation) -> _Album:
        key = (where.thread_id, where.run)
        album = self._albums.setdefault(key, _Album())
        self._albums.move_to_end(key)
        while len(self._albums) > self._max_conversations:
            self._albums.popitem(last=False)
        for message in where.messages:
            artifact = getattr(message, "artifact", None)
            if artifact and is_artifact(artifact) and not _has(album, artifact):
                album.add(ImageResult.from_artifact(artifact))
        return album


def is_handle(text: str) -> bool:
    """Tell whether a text looks like a handle and not like a URL."""
    return "/" not in text and ":" not in text and "." not in text


def _has(album: _Album, artifact: Any) -> bool:
    return all(handle in album.images for handle in artifact.get("handles", ()))


def _numbers(handles: Iterable[str]) -> list[int]:
    return [int(found[1]) for each in handles if (found := _HANDLE.fullmatch(each))]


def _conversation(given: Conversation | str | None) -> Conversation:
    return given if isinstance(given, Conversation) else Conversation(thread_id=given)
