"""Files that a request names in its payload, as drawing and voice read them."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["InputFile", "PayloadPath", "UnreadableInputError"]

PayloadPath = list[str | int]


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a request names.

    Attributes:
        path: Where in the payload.
        url: Its URL, or a data URI.
        content: Its bytes; None if it is elsewhere, because the sandbox is offline.
    """

    path: PayloadPath
    url: str = field(repr=False)
    content: bytes | None = field(repr=False)


class UnreadableInputError(Exception):
    """An input file that cannot be fetched or decoded.

    Attributes:
        path: Where in the payload the file is named.
        error_type: The `type` of fal's error entry, such as `image_load_error`.
    """

    def __init__(self, message: str, *, path: PayloadPath, error_type: str) -> None:
        super().__init__(message)
        self.path = path
        self.error_type = error_type
