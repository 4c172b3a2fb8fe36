"""A LangGraph thread: its files and requests, restored from its messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, HumanMessage

from langchain_fal_image.errors import FalError
from langchain_fal_image.inputs.content_blocks import PastedFile, find_pasted_files
from langchain_fal_image.inputs.reference import (
    InputReference,
    MediaType,
    read_references,
)
from langchain_fal_image.library.handles import Handles, parse_number
from langchain_fal_image.results._parse import RESULTS, read_artifact
from langchain_fal_image.results.base import FalResult
from langchain_fal_image.results.image import GeneratedImage, ImageResult
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.results.speech import GeneratedAudio

__all__ = ["Thread", "ThreadFiles"]

R = TypeVar("R", bound=FalResult)

_log = logging.getLogger("langchain_fal_image")
_FILES: Mapping[MediaType, type[Any]] = {
    "image": GeneratedImage,
    "audio": GeneratedAudio,
}


@dataclass(frozen=True, slots=True)
class Thread:
    """The LangGraph thread that handles belong to.

    Attributes:
        id: LangGraph's thread id; None outside graphs.
        run: An id that replaces the thread id in a graph without one.
        messages: The thread's messages, with pasted files and the artifacts of
            earlier results.
        store: LangGraph's store, if the graph has one. It keeps the thread's results
            after messages with their artifacts were removed.
    """

    id: str | None = None
    run: str | None = None
    messages: Sequence[Any] = field(default=(), repr=False)
    store: Any = field(default=None, repr=False)


@dataclass(slots=True)
class ThreadFiles:
    """The files of one thread, its results and its open requests.

    Attributes:
        handles: The handles of images and of audio: `img_1`, `audio_1`.
        results: The results with images, in the order they were made.
        requests: Requests whose result is pending, by handle.
        calls: Failed tool calls by key: the request that fal accepted, or the error if
            it is unknown whether fal accepted one.
        is_loaded: Whether the entries of the graph's store were read.
    """

    handles: Mapping[MediaType, Handles[Any]] = field(
        default_factory=lambda: {"image": Handles("img"), "audio": Handles("audio")}
    )
    results: list[ImageResult] = field(default_factory=list)
    requests: dict[str, FalRequest[Any]] = field(default_factory=dict)
    calls: dict[str, FalRequest[Any] | FalError] = field(default_factory=dict)
    is_loaded: bool = False
    _read: set[str] = field(default_factory=set)
    _unsaved: dict[str, bytes] = field(default_factory=dict)
    _last_request: int = 0

    @property
    def last(self) -> dict[str, int]:
        """The highest numbers in use, by kind of file."""
        return {kind: handles.last for kind, handles in self.handles.items()}

    def reserve(self, last: Mapping[str, int]) -> None:
        """Issue only handles with higher numbers than these; see `last`."""
        for kind, handles in self.handles.items():
            handles.last = max(handles.last, last.get(kind, 0))

    def add(self, result: R) -> R:
        """Add a new result and return it with handles."""
        files = [self.handles[file.media_type].add_new(file) for file in result.files]
        named = result._with_files(files)
        self._note_result(named)
        return named

    def add_request(self, request: FalRequest[Any]) -> str:
        """Add a request whose result is pending, and return its handle."""
        for handle, known in self.requests.items():
            if known.request_id == request.request_id:
                return handle
        handle = f"req_{self._last_request + 1}"
        self._add_request(handle, request)
        return handle

    def take_pasted(self) -> dict[str, bytes]:
        """Return the bytes of newly pasted files, by SHA-256."""
        unsaved, self._unsaved = self._unsaved, {}
        return unsaved

    # --- The graph's store ---

    def to_entry(self, artifact: Mapping[str, Any]) -> dict[str, Any]:
        """Return the entry of one tool call for the graph's store."""
        last = {**self.last, "request": self._last_request}
        return {"artifact": dict(artifact), "last": last}

    def load(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Restore the thread from the entries of the graph's store.

        Args:
            entries: As `to_entry` returned them.
        """
        self.is_loaded = True
        for entry in entries:
            last = _read_last(entry)
            self.reserve(last)
            self._last_request = max(self._last_request, last.get("request", 0))
        for entry in sorted(entries, key=lambda each: _read_last(each).get("image", 0)):
            self._restore(entry.get("artifact"))

    # --- Messages ---

    def read(self, messages: Sequence[Any]) -> None:
        """Restore files and requests from messages, unless they are known.

        Args:
            messages: The messages of the thread. A summary may have replaced some.
        """
        is_new = not self._read and not any(
            handles.files for handles in self.handles.values()
        )
        prompts: dict[str, str] = {}
        artifacts: dict[int, Mapping[str, Any]] = {}
        for index, message in enumerate(messages):
            for call in message.tool_calls if isinstance(message, AIMessage) else ():
                prompts[str(call["id"])] = str(call["args"].get("prompt", ""))
            artifact = getattr(message, "artifact", None)
            if artifact is not None and self._is_new(artifact):
                artifacts[index] = artifact
        # References first: they may contain the handles of files pasted earlier.
        for artifact in artifacts.values():
            self._restore_handles(read_references(artifact.get("inputs")))
        for index, message in enumerate(messages):
            if index in artifacts:
                call_id = getattr(message, "tool_call_id", None)
                self._restore(artifacts[index], prompts.get(str(call_id), ""))
            else:
                self._read_pasted(message)
        if is_new and messages:
            # A summary mentions files whose messages were removed.
            self._reserve_mentioned(_list_texts(messages))

    def _is_new(self, artifact: Any) -> bool:
        if FalRequest.is_artifact(artifact):
            return artifact.get("handle") not in self.requests
        if not any(each.is_artifact(artifact) for each in RESULTS.values()):
            return False
        known = {name for each in self.handles.values() for name in each.files}
        names = _list_handles(artifact)
        return not names or not known.issuperset(names)

    def _restore(self, artifact: Any, prompt: str = "") -> None:
        if not self._is_new(artifact):
            return
        self._reserve_mentioned(_list_handles(artifact))
        try:
            self._add_artifact(artifact, prompt)
        except (FalError, KeyError, TypeError, ValueError) as error:
            # A changed or truncated artifact must not make the whole thread fail.
            _log.warning("cannot restore an artifact from the messages: %s", error)

    def _add_artifact(self, artifact: Mapping[str, Any], prompt: str) -> None:
        self._restore_handles(read_references(artifact.get("inputs")))
        if FalRequest.is_artifact(artifact):
            self._add_request(artifact["handle"], FalRequest.from_dict(artifact))
        elif artifact.get("handles"):
            result = read_artifact(artifact)
            if isinstance(result, ImageResult):
                result = result._with_prompt(prompt)
            if result is not None:
                self._restore_result(result)

    def _restore_result(self, result: FalResult) -> None:
        for file in result.files:
            self.handles[file.media_type].add(file)
        self._note_result(result)

    def _note_result(self, result: FalResult) -> None:
        if isinstance(result, ImageResult):
            self.results.append(result)
        if result.inputs:
            self._restore_handles(result.inputs)

    def _add_request(self, handle: str, request: FalRequest[Any]) -> None:
        self._last_request = max(self._last_request, parse_number(handle))
        self.requests[handle] = request

    def _restore_handles(self, references: Iterable[InputReference]) -> None:
        for handles in self.handles.values():
            handles.restore(references)

    def _reserve_mentioned(self, texts: Iterable[str]) -> None:
        texts = tuple(texts)
        for handles in self.handles.values():
            handles.reserve_mentioned(texts)

    def _read_pasted(self, message: Any) -> None:
        if not isinstance(message, HumanMessage) or message.id in self._read:
            return
        for each in find_pasted_files(message):
            self._name_pasted(each)
        if message.id is not None:
            self._read.add(message.id)

    def _name_pasted(self, pasted: PastedFile) -> None:
        kind = pasted.media_type
        handles = self.handles[kind]
        handle = handles.name_pasted(pasted.key)
        if handle in handles.files:
            return
        digest = pasted.key if pasted.content is not None else None
        handles.add(_FILES[kind](url=pasted.url, sha256=digest, handle=handle))
        if pasted.content is not None:
            self._unsaved[pasted.key] = pasted.content


def _read_last(entry: Mapping[str, Any]) -> dict[str, int]:
    last = entry.get("last")
    items = last.items() if isinstance(last, Mapping) else ()
    return {name: value for name, value in items if isinstance(value, int)}


def _list_handles(artifact: Mapping[str, Any]) -> list[str]:
    handles = artifact.get("handles")
    return [str(each) for each in handles] if isinstance(handles, list) else []


def _list_texts(messages: Sequence[Any]) -> list[str]:
    return [
        str(getattr(message, "text", ""))
        for message in messages
        if getattr(message, "status", None) != "error"
    ]
