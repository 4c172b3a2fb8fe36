"""Files of one kind in a conversation, under handles that count up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from langchain_fal_image.results.file import GeneratedFile, InputReference

__all__ = ["Shelf", "number_of"]

F = TypeVar("F", bound=GeneratedFile)


def number_of(handle: str) -> int:
    """Give the number in a handle: 2 for `img_2`."""
    return int(handle.rpartition("_")[2])


@dataclass(slots=True)
class Shelf(Generic[F]):
    """The images of a conversation, or its audio.

    Attributes:
        word: What a handle begins with: `img`, `audio`.
        last: The highest number given.
        files: By handle; those that the user pasted too.
        pasted: Handles of pasted files, by URL or digest.
    """

    word: str
    last: int = 0
    files: dict[str, F] = field(default_factory=dict)
    pasted: dict[str, str] = field(default_factory=dict)

    def next_handles(self, number: int) -> list[str]:
        """Give new handles."""
        first = self.last + 1
        self.last += number
        return [f"{self.word}_{first + place}" for place in range(number)]

    def put(self, files: Iterable[F]) -> None:
        """Take in files that have handles."""
        for file in files:
            if file.handle:
                self.files[file.handle] = file
                self.last = max(self.last, number_of(file.handle))

    def remember(self, references: Iterable[InputReference]) -> None:
        """Learn the names under which pasted files were used before."""
        for reference in references:
            handle = reference.handle or ""
            if not handle.startswith(f"{self.word}_"):
                continue
            self.last = max(self.last, number_of(handle))
            if reference.request_id is None:
                for key in filter(None, (reference.url, reference.sha256)):
                    self.pasted.setdefault(key, handle)

    def handle_for(self, key: str) -> str:
        """Give the handle of a pasted file, a new one where it has none yet."""
        handle = self.pasted.get(key)
        if handle is None:
            [handle] = self.next_handles(1)
            self.pasted[key] = handle
        self.last = max(self.last, number_of(handle))
        return handle

    def skip_told(self, texts: Iterable[str]) -> None:
        """Never give the handles that texts, such as a summary, speak of."""
        pattern = re.compile(rf"\b{self.word}_(\d{{1,6}})\b")
        told = [int(found) for text in texts for found in pattern.findall(text)]
        self.last = max([self.last, *told])

    def handles(self) -> tuple[str, ...]:
        """Name the files, in the order of their numbers."""
        return tuple(sorted(self.files, key=number_of))

    def told(self) -> list[str]:
        """Name the files for a model, telling which the user pasted."""
        pasted = set(self.pasted.values())
        return [
            f"{handle} (pasted by the user)" if handle in pasted else handle
            for handle in self.handles()
        ]

    def found(self, handle: str) -> F | None:
        """Find a file by its handle; `IMG_1` and `img 1` are understood."""
        name = handle.strip().lower().replace(" ", "_").replace("-", "_")
        return self.files.get(name)
