"""Short names for the files of a thread, such as `img_1`.

A chat model cannot be trusted to repeat a long URL, so it gets a handle instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import (
    FalInputAudioError,
    FalInputError,
    FalInputImageError,
)
from langchain_fal_image.inputs.reference import MediaType
from langchain_fal_image.library._threads import Threads
from langchain_fal_image.library.handles import normalize_handle
from langchain_fal_image.library.thread import Thread
from langchain_fal_image.library.url_match import match_url
from langchain_fal_image.results.base import FalResult
from langchain_fal_image.results.file import GeneratedFile
from langchain_fal_image.results.image import GeneratedImage, ImageResult
from langchain_fal_image.results.speech import GeneratedAudio

if TYPE_CHECKING:
    from langchain_fal_image.results.request import FalRequest

__all__ = ["ImageLibrary", "LibraryFiles"]

F = TypeVar("F", bound=GeneratedFile)
R = TypeVar("R", bound=FalResult)

_MAX_LISTED = 20
_ERRORS: dict[MediaType, type[FalInputError]] = {
    "image": FalInputImageError,
    "audio": FalInputAudioError,
}


class LibraryFiles(Generic[F]):
    """The files of one kind in a library: `library.images`, `library.audio`."""

    def __init__(self, threads: Threads, kind: MediaType) -> None:
        self._threads = threads
        self._kind = kind

    def get(self, handle: str, *, thread: Thread | str | None = None) -> F:
        """Return the file with a handle.

        Args:
            handle: Such as `img_1` or `audio_1`; `IMG_1` and `img 1` also work.
            thread: A LangGraph thread id; None outside graphs.

        Raises:
            FalInputError: The thread has no such file; the message lists its handles.
                For images a `FalInputImageError`, for audio a `FalInputAudioError`.
        """
        with self._threads.open(thread) as files:
            handles = files.handles[self._kind]
            found: F | None = handles.find(handle)
            known = ", ".join(handles.describe()[-_MAX_LISTED:])
        if found is not None:
            return found
        message = f"Unknown {self._kind} {safe_repr(handle)}"
        if known:
            message += f". This conversation has {known}."
            step = "Use one of these handles, or the URL of another file."
        else:
            message += "; this conversation has none."
            step = f"Generate the {self._kind} first, or use a URL."
        raise _ERRORS[self._kind](message, next_step=step)

    def find_url(self, url: str, *, thread: Thread | str | None = None) -> F | None:
        """Return the file with a URL; None if the thread has no such file.

        Args:
            url: The URL as a chat model writes it: it can be in quotes, in angle
                brackets or a Markdown link, or end with a full stop.
            thread: A LangGraph thread id; None outside graphs.

        Raises:
            FalInputError: The thread has no such file, but the URL looks like a known
                one with a typo; the message contains that file's handle.
        """
        with self._threads.open(thread) as files:
            known = list(files.handles[self._kind].files.values())
        found, is_exact = match_url(url, known)
        if found is None or is_exact:
            return found
        message = f"Unknown URL {safe_repr(url)}. Did you mean {found.handle}?"
        step = f"Use the handle of the {self._kind}: {found.handle}."
        raise _ERRORS[self._kind](message, next_step=step)

    def handles(self, *, thread: Thread | str | None = None) -> tuple[str, ...]:
        """Return the thread's handles of this kind, in the order of their numbers.

        Args:
            thread: A LangGraph thread id; None outside graphs.
        """
        with self._threads.open(thread) as files:
            return files.handles[self._kind].names()


class ImageLibrary:
    """The files of each thread, under handles that are never issued twice.

    Each LangGraph thread has its own handles. Files that the user pasted into the chat
    get handles like generated files, in the order of the messages. A library is safe
    to share between OS threads and tasks. It is kept in memory; after a restart, it is
    restored from the artifacts in a thread's messages, or from the graph's store if
    there is one.

    Args:
        max_threads: The maximum number of threads; the least recently used one is
            dropped first.

    Attributes:
        images: The images, `img_1` and so on.
        audio: The audio, `audio_1` and so on.
    """

    def __init__(self, *, max_threads: int = 1000) -> None:
        self._threads = Threads(max_threads)
        self.images: LibraryFiles[GeneratedImage] = LibraryFiles(self._threads, "image")
        self.audio: LibraryFiles[GeneratedAudio] = LibraryFiles(self._threads, "audio")

    def add(self, result: R, *, thread: Thread | str | None = None) -> R:
        """Add a result and assign handles to its files.

        Args:
            result: A new result, as a runnable returned it.
            thread: A LangGraph thread id; None outside graphs.

        Returns:
            The result; each of its files has a handle.
        """
        with self._threads.open(thread) as files:
            return files.add(result)

    def results(self, *, thread: Thread | str | None = None) -> tuple[ImageResult, ...]:
        """Return the thread's results with images, in the order they were made.

        Args:
            thread: A LangGraph thread id; None outside graphs.
        """
        with self._threads.open(thread) as files:
            return tuple(files.results)

    def result_of(self, request_id: str) -> ImageResult | None:
        """Return the result of a request in any thread; None if it is unknown.

        Args:
            request_id: fal's id of the request.
        """
        return self._threads.find_result(request_id)

    def request(
        self, handle: str, *, thread: Thread | str | None = None
    ) -> FalRequest[Any]:
        """Return a request whose result is pending.

        Args:
            handle: Such as `req_1`; `REQ 1` also works.
            thread: A LangGraph thread id; None outside graphs.

        Raises:
            FalInputError: The thread has no such request; the message lists its
                requests.
        """
        with self._threads.open(thread) as files:
            found = files.requests.get(normalize_handle(handle))
            known = ", ".join(files.requests) or "none"
        if found is not None:
            return found
        message = f"Unknown request {safe_repr(handle)}. Known requests: {known}."
        raise FalInputError(message, next_step="Use the handle of a known request.")

    def __repr__(self) -> str:
        return f"ImageLibrary(threads={len(self._threads)})"
