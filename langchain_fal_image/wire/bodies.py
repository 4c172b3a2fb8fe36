"""Request bodies that are read while they are sent, instead of being held in memory."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

__all__ = ["Body", "BytesSource", "FileSource", "Source"]

_CHUNK_BYTES = 256 * 1024


class Source(Protocol):
    """Bytes that can be read at any position, by several threads at once."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def read(self, start: int, size: int) -> bytes:
        """Read from a position; returns fewer bytes only at the end."""


class BytesSource:
    """Bytes in memory.

    Args:
        content: The bytes; only the parts that are read are copied.
    """

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self._content)

    def read(self, start: int, size: int) -> bytes:
        """Read from a position."""
        return bytes(self._content[start : start + size])


class FileSource:
    """A file that stays open while it is sent.

    Args:
        file: Open for reading; the caller closes it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Size in bytes."""
        return os.fstat(self._file.fileno()).st_size

    def read(self, start: int, size: int) -> bytes:
        """Read from a position."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(size)


@dataclass(frozen=True, slots=True)
class Body:
    """A range of a source as a request body, which can be sent more than once.

    Attributes:
        source: The bytes.
        start: The position of the first byte.
        size: Size in bytes.
    """

    source: Source = field(repr=False)
    start: int
    size: int

    def iter_bytes(self) -> Iterator[bytes]:
        """Read the body in chunks."""
        for start, size in self._ranges():
            yield self._check_size(self.source.read(start, size), size)

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Read the body in chunks without blocking the event loop."""
        for start, size in self._ranges():
            yield self._check_size(
                await asyncio.to_thread(self.source.read, start, size), size
            )

    def _ranges(self) -> Iterator[tuple[int, int]]:
        end = self.start + self.size
        for start in range(self.start, end, _CHUNK_BYTES):
            yield start, min(_CHUNK_BYTES, end - start)

    def _check_size(self, chunk: bytes, size: int) -> bytes:
        if len(chunk) < size:
            message = "the file became shorter while it was sent"
            raise OSError(message)
        return chunk
