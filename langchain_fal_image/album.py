"""The images and requests of one conversation, read from its messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_fal_image.errors import FalError
from langchain_fal_image.images import GeneratedImage
from langchain_fal_image.pasted import Pasted, pasted_images
from langchain_fal_image.request import FalRequest, is_request_artifact
from langchain_fal_image.results import ImageResult, is_artifact

__all__ = ["Album", "number_of"]

_NUMBER = re.compile(r"\bimg_(\d{1,6})\b")


def number_of(handle: str) -> int:
    """Give the number in a handle: 2 for `img_2`."""
    return int(handle.rpartition("_")[2])


@dataclass(slots=True)
class Album:
    """What one conversation has made, was given, and waits for.

    Attributes:
        last: The highest number given to an image.
        results: In the order they were made.
        images: By handle; those that the user pasted too.
        requests: Requests that were not waited for to their end, by handle.
        calls: What failed calls have left at fal: a request, or an error where nobody
            knows whether there is one.
        is_stored: Whether what a store has of the thread was read.
    """

    last: int = 0
    results: list[ImageResult] = field(default_factory=list)
    images: dict[str, GeneratedImage] = field(default_factory=dict)
    requests: dict[str, FalRequest] = field(default_factory=dict)
    calls: dict[str, FalRequest | FalError] = field(default_factory=dict)
    is_stored: bool = False
    _pasted: dict[str, str] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)
    _unkept: dict[str, bytes] = field(default_factory=dict)
    _last_request: int = 0

    def next_handles(self, number: int) -> list[str]:
        """Give new handles."""
        first = self.last + 1
        self.last += number
        return [f"img_{first + place}" for place in range(number)]

    def add(self, result: ImageResult) -> None:
        """Take in a result whose images have handles."""
        self.results.append(result)
        for image in result.images:
            if image.handle:
                self.images[image.handle] = image
                self.last = max(self.last, number_of(image.handle))
        for reference in result.inputs:
            # A pasted image keeps the name under which it was used before.
            if reference.handle and reference.request_id is None:
                for key in filter(None, (reference.url, reference.sha256)):
                    self._pasted.setdefault(key, reference.handle)

    def add_request(self, request: FalRequest) -> str:
        """Take in a request that is not done, and name it."""
        for handle, known in self.requests.items():
            if known.request_id == request.request_id:
                return handle
        self._last_request += 1
        handle = f"req_{self._last_request}"
        self._note_request(handle, request)
        return handle

    def told(self) -> list[str]:
        """Name the images for a model, telling which the user pasted."""
        pasted = set(self._pasted.values())
        return [
            f"{handle} (pasted by the user)" if handle in pasted else handle
            for handle in sorted(self.images, key=number_of)
        ]

    def counted(self) -> dict[str, Any]:
        """Give the numbers given so far, for a store."""
        return {"last": self.last, "last_request": self._last_request}

    def take_pasted(self) -> dict[str, bytes]:
        """Give the bytes of pasted images that were not kept yet, by SHA-256."""
        unkept, self._unkept = self._unkept, {}
        return unkept

    # --- What tells of earlier images ---

    def read(self, messages: Sequence[Any]) -> None:
        """Learn what messages tell that is not known yet.

        Args:
            messages: The conversation's, or those that are left of it.
        """
        is_fresh = not self._read and not self.images
        prompts: dict[str, str] = {}
        artifacts = []
        for message in messages:
            if isinstance(message, AIMessage):
                for call in message.tool_calls:
                    prompts[str(call["id"])] = str(call["args"].get("prompt", ""))
            artifact = getattr(message, "artifact", None)
            if artifact is not None and self._is_new(artifact):
                artifacts.append((message, artifact))
        # The names of pasted images first: a later step may tell them.
        told = {
            str(entry[key]): str(entry["handle"])
            for _, artifact in artifacts
            for entry in artifact.get("inputs", ())
            for key in ("url", "sha256")
            if entry.get("handle") and not entry.get("request_id") and entry.get(key)
        }
        self._pasted |= {key: told[key] for key in told if key not in self._pasted}
        new = {id(message) for message, _ in artifacts}
        for message in messages:
            if id(message) in new:
                self._restore(message, prompts.get(message.tool_call_id, ""))
            else:
                self._read_pasted(message)
        if is_fresh and messages:
            # Summaries speak of images whose own messages are gone.
            self.last = max([self.last, *_numbers(messages)])

    def restore(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Learn what a store has of the conversation.

        Args:
            entries: As they were put there.
        """
        self.is_stored = True
        for entry in entries:
            self.last = max(self.last, entry["last"])
            self._last_request = max(self._last_request, entry["last_request"])
        for entry in sorted(entries, key=lambda each: each["last"]):
            artifact = entry["artifact"]
            if is_artifact(artifact) and self._is_new(artifact):
                self.add(ImageResult.from_artifact(artifact))
            elif is_request_artifact(artifact) and self._is_new(artifact):
                handle = artifact["handle"]
                self._note_request(handle, FalRequest.from_dict(artifact))

    def _is_new(self, artifact: Any) -> bool:
        if is_artifact(artifact):
            handles = artifact.get("handles", ())
            return not all(handle in self.images for handle in handles)
        return is_request_artifact(artifact) and artifact["handle"] not in self.requests

    def _restore(self, message: ToolMessage, prompt: str) -> None:
        artifact = message.artifact
        if not self._is_new(artifact):
            return
        if is_artifact(artifact):
            self.add(ImageResult.from_artifact(artifact).with_whole_prompt(prompt))
        else:
            request = FalRequest.from_dict(artifact)
            self._note_request(artifact["handle"], request)

    def _note_request(self, handle: str, request: FalRequest) -> None:
        self.requests[handle] = request
        self._last_request = max(self._last_request, number_of(handle))

    def _read_pasted(self, message: Any) -> None:
        if not isinstance(message, HumanMessage) or message.id in self._read:
            return
        for each in pasted_images(message):
            self._name_pasted(each)
        if message.id is not None:
            self._read.add(message.id)

    def _name_pasted(self, pasted: Pasted) -> None:
        handle = self._pasted.get(pasted.key)
        if handle is None:
            [handle] = self.next_handles(1)
            self._pasted[pasted.key] = handle
        self.last = max(self.last, number_of(handle))
        if handle not in self.images:
            self.images[handle] = pasted.named(handle)
            if pasted.content is not None:
                self._unkept[pasted.key] = pasted.content


def _numbers(messages: Sequence[Any]) -> list[int]:
    texts = [
        str(getattr(message, "text", ""))
        for message in messages
        if getattr(message, "status", None) != "error"
    ]
    return [int(number) for text in texts for number in _NUMBER.findall(text)]
