"""Short names for the images of a conversation, such as `img_1`.

A model cannot be trusted to repeat a long URL, so it is given a handle instead.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalError, FalInputAudioError, FalInputImageError
from langchain_fal_image.library.handles import Shelf
from langchain_fal_image.library.thread import Album
from langchain_fal_image.library.url_match import lying_at
from langchain_fal_image.results._generated_image import GeneratedImage
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.results.speech import GeneratedAudio, SpeechResult
from langchain_fal_image.wire.effects import Call

if TYPE_CHECKING:
    from langchain_fal_image.results.request import FalRequest
    from langchain_fal_image.wire.effects import Flow

__all__ = ["Conversation", "ImageLibrary", "is_handle"]

AnyResult = TypeVar("AnyResult", ImageResult, SpeechResult)

_MOST_TOLD = 20
_NAMESPACE = "langchain_fal_image"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Conversation:
    """Whose images are meant.

    Attributes:
        thread_id: LangGraph's thread.
        run: Where a graph runs without a thread id, what its calls have in common.
        messages: The conversation's messages: what the user pasted, and artifacts
            that tell of images made in another process or before this library
            existed.
        store: LangGraph's store, where the graph has one: a thread's images are kept
            there too, for when the messages that told of them are gone.
    """

    thread_id: str | None = None
    run: str | None = None
    messages: Sequence[Any] = field(default=(), repr=False)
    store: Any = field(default=None, repr=False)


class ImageLibrary:
    """The images of each conversation, under handles that are never given twice.

    Conversations are kept apart: a handle means nothing in another one. Images that
    the user pasted into the chat are counted like those that were made, in the order
    of the conversation. Shared safely between threads and tasks. What it holds is in
    memory; after a restart, the artifacts in a thread's messages bring it back, or
    the graph's store where it has one.

    Args:
        max_conversations: How many conversations are kept; the one not used for
            longest is forgotten first.
    """

    def __init__(self, *, max_conversations: int = 1000) -> None:
        self._max_conversations = max_conversations
        self._albums: OrderedDict[tuple[str | None, str | None], Album] = OrderedDict()
        # Outlives a forgotten album, so that a thread's handles stay unique.
        self._last: dict[str | None, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def add(
        self, result: AnyResult, *, conversation: Conversation | str | None = None
    ) -> AnyResult:
        """Take a result in and name its images, or its audio.

        Args:
            result: Fresh from a model.
            conversation: Whose it is: a LangGraph thread id, or None outside graphs.

        Returns:
            The same result, each image with its handle; audio is `audio_1` and so on.
        """
        with self._open(conversation) as album:
            shelf: Shelf[Any]
            if isinstance(result, ImageResult):
                shelf, number = album.images, len(result.images)
            else:
                shelf, number = album.audio, len(result.audios)
            named = result.with_handles(shelf.next_handles(number))
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
        with self._open(conversation) as album:
            if (image := album.images.found(handle)) is not None:
                return image
            known = album.images.told()
        if known:
            message = (
                f"There is no image {safe_repr(handle)}. Known images: "
                f"{', '.join(known[-_MOST_TOLD:])}."
            )
            next_step = "Use one of the known images, or make a new one first."
        else:
            message = (
                f"There is no image {safe_repr(handle)}; this conversation has none."
            )
            next_step = "Make an image first, or give the URL of one."
        raise FalInputImageError(message, next_step=next_step)

    def recording(
        self, handle: str, *, conversation: Conversation | str | None = None
    ) -> GeneratedAudio:
        """Find audio by its handle.

        Args:
            handle: Such as `audio_1`.
            conversation: As for `add`.

        Raises:
            FalInputAudioError: The conversation has no such audio; the message names
                what it has.
        """
        with self._open(conversation) as album:
            if (audio := album.audio.found(handle)) is not None:
                return audio
            known = album.audio.told()[-_MOST_TOLD:]
        named = f"Known recordings: {', '.join(known)}." if known else "There is none."
        message = f"There is no recording {safe_repr(handle)}. {named}"
        raise FalInputAudioError(
            message, next_step="Use a known recording, or give the URL of one."
        )

    def find_url(
        self, url: str, *, conversation: Conversation | str | None = None
    ) -> GeneratedImage | None:
        """Find the image that lies at a URL, if this conversation has it.

        Args:
            url: Also as a model writes it: in quotes, in angle brackets, as a
                Markdown link, with a full stop at its end.
            conversation: As for `add`.

        Raises:
            FalInputImageError: No image lies there, but the URL looks like a known
                one with a slip in it; the message names the handle.
        """
        with self._open(conversation) as album:
            images = list(album.images.files.values())
        return lying_at(url, images, "image", FalInputImageError)

    def find_recording(
        self, url: str, *, conversation: Conversation | str | None = None
    ) -> GeneratedAudio | None:
        """Find the audio that lies at a URL, if this conversation has it.

        Args:
            url: As for `find_url`.
            conversation: As for `add`.

        Raises:
            FalInputAudioError: As for `find_url`.
        """
        with self._open(conversation) as album:
            audios = list(album.audio.files.values())
        return lying_at(url, audios, "recording", FalInputAudioError)

    def handles(
        self, *, conversation: Conversation | str | None = None
    ) -> tuple[str, ...]:
        """Name the conversation's images, in the order of their numbers."""
        with self._open(conversation) as album:
            return album.images.handles()

    def recordings(
        self, *, conversation: Conversation | str | None = None
    ) -> tuple[str, ...]:
        """Name the conversation's audio, in the order of their numbers."""
        with self._open(conversation) as album:
            return album.audio.handles()

    def results(
        self, *, conversation: Conversation | str | None = None
    ) -> tuple[ImageResult, ...]:
        """Give the conversation's results, in the order they were made."""
        with self._open(conversation) as album:
            return tuple(album.results)

    def result_of(self, request_id: str) -> ImageResult | None:
        """Find the result of a request, in whatever conversation it was made."""
        with self._lock:
            for album in self._albums.values():
                for result in album.results:
                    if result.request_id == request_id:
                        return result
        return None

    # --- Requests that are not done ---

    def add_request(
        self,
        request: FalRequest[Any],
        *,
        conversation: Conversation | str | None = None,
    ) -> str:
        """Take in a request whose result was not waited for, and name it.

        Args:
            request: One that fal accepted.
            conversation: As for `add`.

        Returns:
            Its handle, such as `req_1`.
        """
        with self._open(conversation) as album:
            return album.add_request(request)

    def request(
        self, handle: str, *, conversation: Conversation | str | None = None
    ) -> FalRequest[Any]:
        """Find a request by its handle.

        Raises:
            FalInputImageError: The conversation has no such request.
        """
        name = handle.strip().lower().replace(" ", "_").replace("-", "_")
        with self._open(conversation) as album:
            if name in album.requests:
                return album.requests[name]
            known = ", ".join(album.requests) or "none"
        message = f"There is no request {safe_repr(handle)}. Known requests: {known}."
        raise FalInputImageError(
            message, next_step="Use one of the known requests, or draw anew."
        )

    def note_failure(
        self,
        error: FalError,
        *,
        call: str | None,
        conversation: Conversation | str | None = None,
    ) -> None:
        """Remember a call that failed after fal took, or may have taken, its request.

        Whoever makes the very same call again, as retry middleware does, is then not
        led to a second submit: see `earlier`.

        Args:
            error: How it failed.
            call: What tells this call from others; None where nothing does.
            conversation: As for `add`.
        """
        if call is None or error.is_retryable:
            return
        found = error.request or (error if error.charged != "no" else None)
        if found is not None:
            with self._open(conversation) as album:
                album.calls[call] = found

    def earlier(
        self, call: str | None, *, conversation: Conversation | str | None = None
    ) -> FalRequest[Any] | None:
        """Find the request that an earlier try of the very same call has made.

        Raises:
            FalError: That of the earlier try, where nobody knows whether fal took its
                request.
        """
        with self._open(conversation) as album:
            found = album.calls.get(call) if call else None
        if isinstance(found, FalError):
            raise found
        return found

    # --- Bytes and stores: the only parts that wait ---

    def opened(self, conversation: Conversation) -> Flow[dict[str, bytes]]:
        """Bring a conversation up to date before its images are named.

        Args:
            conversation: With its messages and its store.

        Returns:
            The bytes of images that the user pasted, by SHA-256, to be kept where
            bytes are kept.
        """
        with self._open(conversation) as album:
            pasted = album.take_pasted()
            stored = album.is_stored or conversation.store is None
        if not stored and conversation.thread_id is not None:
            entries = yield from _stored(conversation)
            with self._open(conversation) as album:
                album.restore(entries)
                pasted |= album.take_pasted()
        return pasted

    def saved(
        self, artifact: Mapping[str, Any], conversation: Conversation
    ) -> Flow[None]:
        """Put what a tool call gave into the graph's store, where there is one.

        Args:
            artifact: Of a result or a request.
            conversation: With its store.
        """
        store, thread = conversation.store, conversation.thread_id
        if store is None or thread is None:
            return
        with self._open(conversation) as album:
            value = {"artifact": dict(artifact), **album.counted()}
        key = str(artifact.get("request_id") or ",".join(artifact.get("handles", ())))
        namespace = (_NAMESPACE, thread)
        yield Call(
            lambda: store.put(namespace, key, value),
            lambda: store.aput(namespace, key, value),
        )

    def __repr__(self) -> str:
        return f"ImageLibrary(conversations={len(self._albums)})"

    @contextlib.contextmanager
    def _open(self, conversation: Conversation | str | None) -> Iterator[Album]:
        where = (
            conversation
            if isinstance(conversation, Conversation)
            else Conversation(thread_id=conversation)
        )
        with self._lock:
            album = self._album(where)
            album.read(where.messages)
            try:
                yield album
            finally:
                if where.run is None:
                    self._last[where.thread_id] = album.last

    def _album(self, where: Conversation) -> Album:
        key = (where.thread_id, where.run)
        if key not in self._albums:
            album = self._albums[key] = Album()
            if where.run is None:
                images, audio = self._last.get(where.thread_id, (0, 0))
                album.images.last, album.audio.last = images, audio
        album = self._albums[key]
        self._albums.move_to_end(key)
        while len(self._albums) > self._max_conversations:
            self._albums.popitem(last=False)
        return album


def _stored(conversation: Conversation) -> Flow[list[Mapping[str, Any]]]:
    store, namespace = conversation.store, (_NAMESPACE, str(conversation.thread_id))
    found: list[Mapping[str, Any]] = []
    while True:
        page = yield _page(store, namespace, len(found))
        found += [item.value for item in page]
        if len(page) < _PAGE:
            return found


def _page(store: Any, namespace: tuple[str, str], offset: int) -> Call:
    return Call(
        lambda: store.search(namespace, limit=_PAGE, offset=offset),
        lambda: store.asearch(namespace, limit=_PAGE, offset=offset),
    )


def is_handle(text: str) -> bool:
    """Tell whether a text looks like a handle and not like a URL."""
    return "/" not in text and ":" not in text and "." not in text
