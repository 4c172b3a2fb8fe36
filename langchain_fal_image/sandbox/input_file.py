"""The input files of a request: their URLs and contents."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["InputFile", "PayloadPath", "UnreadableInputError"]

PayloadPath = list[str | int]


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input file of a request.

    Attributes:
        path: The path of its URL in the payload.
        url: Its URL, or a data URI.
        content: Its bytes; None if the file is on another host, because the sandbox
            downloads nothing.
    """

    path: PayloadPath
    url: str = field(repr=False)
    content: bytes | None = field(repr=False)


class UnreadableInputError(Exception):
    """An input file that cannot be fetched or decoded.

    Attributes:
        path: The path of the file's URL in the payload.
        error_type: The `type` of fal's error entry, such as `image_load_error`.
    """

    def __init__(self, message: str, *, path: PayloadPath, error_type: str) -> None:
        super().__init__(message)
        self.path = path
        self.error_type = error_type
