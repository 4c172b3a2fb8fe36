"""References to input files, and the interface of files from earlier results."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

__all__ = [
    "InputReference",
    "MediaType",
    "OutputFile",
    "OutputFiles",
    "read_references",
]

MediaType = Literal["image", "audio"]


@dataclass(frozen=True)
class InputReference:
    """A reference to an input file, without its bytes.

    Attributes:
        handle: Its handle in the thread, such as `img_1`.
        url: Its URL, if it was passed by URL.
        sha256: The digest of its bytes, if it was passed as bytes or by path.
        request_id: The request that made it, if fal made it.
    """

    handle: str | None = None
    url: str | None = None
    sha256: str | None = None
    request_id: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return the fields that are set."""
        return {name: value for name, value in vars(self).items() if value is not None}


def read_references(entries: Any) -> tuple[InputReference, ...]:
    """Read references from stored JSON; skip entries that are not objects."""
    return tuple(
        InputReference(
            handle=entry.get("handle"),
            url=entry.get("url"),
            sha256=entry.get("sha256"),
            request_id=entry.get("request_id"),
        )
        for entry in (entries if isinstance(entries, Iterable) else ())
        if isinstance(entry, Mapping)
    )


class OutputFile(abc.ABC):
    """Interface of a file from an earlier result.

    Attributes:
        url: Its URL; None if fal sent the bytes inside its response.
        sha256: The digest under which the session's store has the bytes.
        request_id: The request that made it; None if unknown.
    """

    media_type: ClassVar[MediaType]
    url: str | None
    sha256: str | None
    request_id: str | None

    @abc.abstractmethod
    def reference(self) -> InputReference:
        """Return the reference to this file, for requests that use it as input."""


class OutputFiles(abc.ABC):
    """Interface of a result with files.

    If it has exactly one file, the result can be passed in place of the file.
    """

    media_type: ClassVar[MediaType | None]

    @property
    @abc.abstractmethod
    def files(self) -> Sequence[OutputFile]:
        """The files, in fal's order."""
