"""The files and requests of one conversation, read from its messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_fal_image.errors import FalError
from langchain_fal_image.inputs.content_blocks import Pasted, pasted_files
from langchain_fal_image.library.handles import Shelf, number_of
from langchain_fal_image.results._generated_image import GeneratedImage
from langchain_fal_image.results.file import InputReference
from langchain_fal_image.results.image import ImageResult, is_artifact
from langchain_fal_image.results.request import FalRequest, is_request_artifact
from langchain_fal_image.results.speech import GeneratedAudio, SpeechResult
from langchain_fal_image.results.transcription import TranscriptionResult

__all__ = ["Album"]

_log = logging.getLogger("langchain_fal_image")


@dataclass(slots=True)
class Album:
    """What one conversation has made, was given, and waits for.

    Attributes:
        images: Under `img_1`, `img_2`, …
        audio: Under `audio_1`, `audio_2`, …
        results: Those with images, in the order they were made.
        requests: Requests that were not waited for to their end, by handle.
        calls: What failed calls have left at fal: a request, or an error where nobody
            knows whether there is one.
        is_stored: Whether what a store has of the thread was read.
    """

    images: Shelf[GeneratedImage] = field(default_factory=lambda: Shelf("img"))
    audio: Shelf[GeneratedAudio] = field(default_factory=lambda: Shelf("audio"))
    results: list[ImageResult] = field(default_factory=list)
    requests: dict[str, FalRequest[Any]] = field(default_factory=dict)
    calls: dict[str, FalRequest[Any] | FalError] = field(default_factory=dict)
    is_stored: bool = False
    _read: set[str] = field(default_factory=set)
    _unkept: dict[str, bytes] = field(default_factory=dict)
    _last_request: int = 0

    @property
    def last(self) -> tuple[int, int]:
        """The highest numbers given: to an image, to audio."""
        return self.images.last, self.audio.last

    def add(self, result: ImageResult | SpeechResult) -> None:
        """Take in a result whose files have handles."""
        if isinstance(result, ImageResult):
            self.results.append(result)
            self.images.put(result.images)
        else:
            self.audio.put(result.audios)
        self._remember(result.inputs)

    def add_request(self, request: FalRequest[Any]) -> str:
        """Take in a request that is not done, and name it."""
        for handle, known in self.requests.items():
            if known.request_id == request.request_id:
                return handle
        self._last_request += 1
        handle = f"req_{self._last_request}"
        self._note_request(handle, request)
        return handle

    def counted(self) -> dict[str, Any]:
        """Give the numbers given so far, for a store."""
        return {
            "last": self.images.last,
            "last_audio": self.audio.last,
            "last_request": self._last_request,
        }

    def take_pasted(self) -> dict[str, bytes]:
        """Give the bytes of pasted files that were not kept yet, by SHA-256."""
        unkept, self._unkept = self._unkept, {}
        return unkept

    # --- What tells of earlier images ---

    def read(self, messages: Sequence[Any]) -> None:
        """Learn what messages tell that is not known yet.

        Args:
            messages: The conversation's, or those that are left of it.
        """
        is_fresh = not (self._read or self.images.files or self.audio.files)
        prompts: dict[str, str] = {}
        artifacts = []
        for message in messages:
            if isinstance(message, AIMessage):
                for call in message.tool_calls:
                    prompts[str(call["id"])] = str(call["args"].get("prompt", ""))
            artifact = getattr(message, "artifact", None)
            if artifact is not None and self._is_new(artifact):
                artifacts.append((message, artifact))
        # The names of pasted files first: a later step may tell them.
        for _, artifact in artifacts:
            self._remember(_references(artifact))
        new = {id(message) for message, _ in artifacts}
        for message in messages:
            if id(message) in new:
                self._restore(message, prompts.get(message.tool_call_id, ""))
            else:
                self._read_pasted(message)
        if is_fresh and messages:
            # Summaries speak of files whose own messages are gone.
            texts = _texts(messages)
            self.images.skip_told(texts)
            self.audio.skip_told(texts)

    def restore(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Learn what a store has of the conversation.

        Args:
            entries: As they were put there.
        """
        self.is_stored = True
        for entry in entries:
            self.images.last = max(self.images.last, entry["last"])
            self.audio.last = max(self.audio.last, entry.get("last_audio", 0))
            self._last_request = max(self._last_request, entry["last_request"])
        for entry in sorted(entries, key=lambda each: each["last"]):
            if self._is_new(entry["artifact"]):
                self._take_artifact(entry["artifact"])

    def _is_new(self, artifact: Any) -> bool:
        if is_artifact(artifact):
            handles = artifact.get("handles", ())
            return not all(handle in self.images.files for handle in handles)
        if SpeechResult.is_artifact(artifact):
            handles = artifact.get("handles", ())
            return not all(handle in self.audio.files for handle in handles)
        if is_request_artifact(artifact):
            return artifact["handle"] not in self.requests
        return TranscriptionResult.is_artifact(artifact)

    def _take_artifact(self, artifact: Mapping[str, Any], prompt: str = "") -> None:
        self.images.skip_told(map(str, artifact.get("handles", ())))
        self.audio.skip_told(map(str, artifact.get("handles", ())))
        try:
            self._take(artifact, prompt)
        except (FalError, KeyError, TypeError, ValueError) as error:
            # One that somebody else changed or cut must not stop the conversation.
            _log.warning("an artifact in the messages cannot be restored: %s", error)

    def _take(self, artifact: Mapping[str, Any], prompt: str) -> None:
        if is_artifact(artifact):
            self.add(ImageResult.from_artifact(artifact).with_whole_prompt(prompt))
        elif SpeechResult.is_artifact(artifact):
            self.add(SpeechResult.from_artifact(artifact))
        elif is_request_artifact(artifact):
            self._note_request(artifact["handle"], FalRequest.from_dict(artifact))
        else:
            self._remember(_references(artifact))

    def _remember(self, references: Iterable[InputReference]) -> None:
        self.images.remember(references)
        self.audio.remember(references)

    def _restore(self, message: ToolMessage, prompt: str) -> None:
        if self._is_new(message.artifact):
            self._take_artifact(message.artifact, prompt)

    def _note_request(self, handle: str, request: FalRequest[Any]) -> None:
        self.requests[handle] = request
        self._last_request = max(self._last_request, number_of(handle))

    def _read_pasted(self, message: Any) -> None:
        if not isinstance(message, HumanMessage) or message.id in self._read:
            return
        for each in pasted_files(message):
            self._name_pasted(each)
        if message.id is not None:
            self._read.add(message.id)

    def _name_pasted(self, pasted: Pasted) -> None:
        shelf: Shelf[Any] = self.audio if pasted.is_audio else self.images
        handle = shelf.handle_for(pasted.key)
        if handle in shelf.files:
            return
        digest = pasted.key if pasted.content is not None else None
        kind = GeneratedAudio if pasted.is_audio else GeneratedImage
        shelf.files[handle] = kind(url=pasted.url, sha256=digest, handle=handle)
        if pasted.content is not None:
            self._unkept[pasted.key] = pasted.content


def _references(artifact: Mapping[str, Any]) -> list[InputReference]:
    return [
        InputReference(
            handle=entry.get("handle"),
            url=entry.get("url"),
            sha256=entry.get("sha256"),
            request_id=entry.get("request_id"),
        )
        for entry in artifact.get("inputs", ())
        if isinstance(entry, Mapping)
    ]


def _texts(messages: Sequence[Any]) -> list[str]:
    return [
        str(getattr(message, "text", ""))
        for message in messages
        if getattr(message, "status", None) != "error"
    ]
