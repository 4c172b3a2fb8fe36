"""The state of each thread, as tool calls read and write it."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from langchain_fal_image.errors import FalError
from langchain_fal_image.library.thread import Thread, ThreadFiles
from langchain_fal_image.wire.effects import Call

if TYPE_CHECKING:
    from langchain_fal_image.results.image import ImageResult
    from langchain_fal_image.results.request import FalRequest
    from langchain_fal_image.wire.effects import Flow

__all__ = ["Threads"]

_NAMESPACE = "langchain_fal_image"
_PAGE_SIZE = 100


class Threads:
    """The files of every thread; safe to share between OS threads and tasks.

    Args:
        max_threads: How many threads are kept; see `ImageLibrary`.
    """

    def __init__(self, max_threads: int) -> None:
        self._max_threads = max_threads
        self._files: OrderedDict[tuple[str | None, str | None], ThreadFiles] = (
            OrderedDict()
        )
        # The last handle numbers of dropped threads, so that none is issued again.
        self._last: dict[str | None, dict[str, int]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._files)

    @contextlib.contextmanager
    def open(self, thread: Thread | str | None) -> Iterator[ThreadFiles]:
        """Lock the files of a thread, after updating them from its messages.

        Args:
            thread: The thread, or its LangGraph id; None outside graphs.
        """
        if not isinstance(thread, Thread):
            thread = Thread(thread)
        with self._lock:
            files = self._find(thread)
            files.read(thread.messages)
            yield files

    def _find(self, thread: Thread) -> ThreadFiles:
        key = (thread.id, thread.run)
        if key not in self._files:
            self._files[key] = ThreadFiles()
            if thread.run is None:
                self._files[key].reserve(self._last.get(thread.id, {}))
        self._files.move_to_end(key)
        while len(self._files) > self._max_threads:
            (thread_id, run), dropped = self._files.popitem(last=False)
            if run is None:
                self._last[thread_id] = dropped.last
        return self._files[key]

    def find_result(self, request_id: str) -> ImageResult | None:
        """Find the result of a request in any thread."""
        with self._lock:
            for files in self._files.values():
                for result in files.results:
                    if result.request_id == request_id:
                        return result
        return None

    # --- Failed calls ---

    def note_failure(
        self, error: FalError, *, call: str | None, thread: Thread
    ) -> None:
        """Record a call that failed although fal accepted, or may have accepted, it.

        If retry middleware repeats the call, `find_request` then returns that request,
        so that the call does not submit a second one.

        Args:
            error: The failure.
            call: The key of the tool call; None if it has none.
            thread: The thread of the call.
        """
        if call is None or error.is_retryable:
            return
        found = error.request or (error if error.charged != "no" else None)
        if found is not None:
            with self.open(thread) as files:
                files.calls[call] = found

    def find_request(
        self, call: str | None, *, thread: Thread
    ) -> FalRequest[Any] | None:
        """Find the request that an earlier attempt of the same call submitted.

        Raises:
            FalError: The error of the earlier attempt, if it is unknown whether fal
                accepted the request.
        """
        if call is None:
            return None
        with self._lock:
            found = self._find(thread).calls.get(call)
        if isinstance(found, FalError):
            raise found
        return found

    # --- The graph's store ---

    def load(self, thread: Thread) -> Flow[dict[str, bytes]]:
        """Update the state of a thread from its messages and its store.

        Args:
            thread: The thread, with its messages and its store.

        Returns:
            The bytes of newly pasted files, by SHA-256, for the provider's store.
        """
        with self.open(thread) as files:
            pasted = files.take_pasted()
            is_loaded = files.is_loaded
        if thread.store is not None and thread.id is not None and not is_loaded:
            entries = yield from _read_entries(thread.store, thread.id)
            with self.open(thread) as files:
                files.load(entries)
                pasted |= files.take_pasted()
        return pasted

    def save(self, artifact: Mapping[str, Any], *, thread: Thread) -> Flow[None]:
        """Write the artifact of a tool call to the graph's store, if there is one.

        Args:
            artifact: The artifact of a result or a request.
            thread: The thread, with its store.
        """
        store = thread.store
        if store is None or thread.id is None:
            return
        with self.open(thread) as files:
            entry = files.to_entry(artifact)
        key = str(artifact.get("request_id") or ",".join(artifact.get("handles", ())))
        namespace = (_NAMESPACE, thread.id)
        yield Call(
            lambda: store.put(namespace, key, entry),
            lambda: store.aput(namespace, key, entry),
        )


def _read_entries(store: Any, thread_id: str) -> Flow[list[Mapping[str, Any]]]:
    entries: list[Mapping[str, Any]] = []
    while True:
        page = yield _read_page(store, (_NAMESPACE, thread_id), len(entries))
        entries += [item.value for item in page]
        if len(page) < _PAGE_SIZE:
            return entries


def _read_page(store: Any, namespace: tuple[str, str], offset: int) -> Call:
    return Call(
        lambda: store.search(namespace, limit=_PAGE_SIZE, offset=offset),
        lambda: store.asearch(namespace, limit=_PAGE_SIZE, offset=offset),
    )
