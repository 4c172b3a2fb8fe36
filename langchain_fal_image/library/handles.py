"""Short names for the files of a thread, such as `img_1`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from langchain_fal_image.inputs.reference import InputReference
from langchain_fal_image.results.file import GeneratedFile

__all__ = ["Handles", "is_handle", "normalize_handle", "parse_number"]

F = TypeVar("F", bound=GeneratedFile)


def parse_number(handle: str) -> int:
    """Parse the number in a handle: 2 for `img_2`.

    Raises:
        ValueError: The handle has no number.
    """
    return int(handle.rpartition("_")[2])


def normalize_handle(text: str) -> str:
    """Return a handle as it was issued: `img_1` for `IMG 1`."""
    return text.strip().lower().replace(" ", "_").replace("-", "_")


def is_handle(text: str) -> bool:
    """Return whether a text looks like a handle and not like a URL or a path."""
    return not any(mark in text for mark in "/:.")


@dataclass(slots=True)
class Handles(Generic[F]):
    """The files of one kind in a thread, under handles that count up.

    Attributes:
        prefix: The first part of each handle: `img`, `audio`.
        last: The highest number in use.
        files: The files by handle, including pasted ones.
        pasted: The handles of pasted files, by URL or SHA-256.
    """

    prefix: str
    last: int = 0
    files: dict[str, F] = field(default_factory=dict)
    pasted: dict[str, str] = field(default_factory=dict)

    def add_new(self, file: F) -> F:
        """Add a file under a new handle, and return it with that handle."""
        handle = self._issue()
        named = self.files[handle] = file._with(handle=handle)
        return named

    def add(self, file: F) -> None:
        """Add a file that has a handle."""
        if file.handle:
            self.files[file.handle] = file
            self.last = max(self.last, parse_number(file.handle))

    def restore(self, references: Iterable[InputReference]) -> None:
        """Restore the handles of pasted files from references to them."""
        for reference in references:
            handle = reference.handle or ""
            if not self._is_own(handle):
                continue
            self.last = max(self.last, parse_number(handle))
            if reference.request_id is None:
                for key in filter(None, (reference.url, reference.sha256)):
                    self.pasted.setdefault(key, handle)

    def name_pasted(self, key: str) -> str:
        """Return the handle of a pasted file; issue one on its first use."""
        if key not in self.pasted:
            self.pasted[key] = self._issue()
        return self.pasted[key]

    def reserve_mentioned(self, texts: Iterable[str]) -> None:
        """Do not issue the handles that texts, such as a summary, mention."""
        pattern = re.compile(rf"\b{self.prefix}_(\d{{1,6}})\b")
        for text in texts:
            self.last = max([self.last, *map(int, pattern.findall(text))])

    def names(self) -> tuple[str, ...]:
        """Return the handles, in the order of their numbers."""
        return tuple(sorted(self.files, key=parse_number))

    def describe(self) -> list[str]:
        """Return the handles for an error message; those of pasted files are marked."""
        pasted = set(self.pasted.values())
        return [
            f"{handle} (pasted by the user)" if handle in pasted else handle
            for handle in self.names()
        ]

    def find(self, handle: str) -> F | None:
        """Return the file with a handle; `IMG_1` and `img 1` also work."""
        return self.files.get(normalize_handle(handle))

    def _issue(self) -> str:
        self.last += 1
        return f"{self.prefix}_{self.last}"

    def _is_own(self, handle: str) -> bool:
        return re.fullmatch(rf"{self.prefix}_\d{{1,6}}", handle) is not None
