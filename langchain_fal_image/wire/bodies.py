"""Request bodies that are read while they are sent, so that no file is held whole."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

__all__ = ["Body", "BytesSource", "FileSource", "Source"]

_PIECE = 256 * 1024


class Source(Protocol):
    """Something whose bytes can be read at any place, by several threads at once."""

    @property
    def size(self) -> int:
        """In bytes."""

    def read(self, start: int, size: int) -> bytes:
        """Read at a place; fewer bytes than asked for only at the end."""


class BytesSource:
    """Bytes in memory.

    Args:
        content: They are not copied as a whole.
    """

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._content)

    def read(self, start: int, size: int) -> bytes:
        """Read at a place."""
        return bytes(self._content[start : start + size])


class FileSource:
    """A file that stays open while it is sent.

    Args:
        file: Open for reading; closed by whoever opened it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """In bytes."""
        return os.fstat(self._file.fileno()).st_size

    def read(self, start: int, size: int) -> bytes:
        """Read at a place."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(size)


@dataclass(frozen=True, slots=True)
class Body:
    """A part of a source, as a request's body; may be sent again.

    Attributes:
        source: Where its bytes are.
        start: Where it begins there.
        size: In bytes.
    """

    source: Source = field(repr=False)
    start: int
    size: int

    def pieces(self) -> Iterator[bytes]:
        """Read it piece by piece."""
        for start, size in self._places():
            yield self._whole(self.source.read(start, size), size)

    async def apieces(self) -> AsyncIterator[bytes]:
        """Read it piece by piece without blocking the event loop."""
        for start, size in self._places():
            yield self._whole(
                await asyncio.to_thread(self.source.read, start, size), size
            )

    def _places(self) -> Iterator[tuple[int, int]]:
        end = self.start + self.size
        for start in range(self.start, end, _PIECE):
            yield start, min(_PIECE, end - start)

    def _whole(self, piece: bytes, size: int) -> bytes:
        if len(piece) < size:
            message = "the file became shorter while it was sent"
            raise OSError(message)
        return piece
