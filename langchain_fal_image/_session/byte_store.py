"""The in-memory store of bytes that have no URL."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from langchain_core.stores import BaseStore

__all__ = ["RecentBytes"]


class RecentBytes(BaseStore[str, bytes]):
    """Keeps the most recently used bytes in memory, up to a total size."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the bytes of each key; None for a key that is not kept."""
        with self._lock:
            for key in keys:
                if key in self._contents:
                    self._contents.move_to_end(key)
            return [self._contents.get(key) for key in keys]

    async def amget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the bytes of each key, without a worker thread."""
        return self.mget(keys)

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Store bytes."""
        with self._lock:
            for key, value in key_value_pairs:
                self._size += len(value) - len(self._contents.pop(key, b""))
                self._contents[key] = value
            while self._size > self._max_bytes and len(self._contents) > 1:
                self._size -= len(self._contents.popitem(last=False)[1])

    async def amset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Store bytes, without a worker thread."""
        self.mset(key_value_pairs)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Delete bytes."""
        with self._lock:
            for key in keys:
                self._size -= len(self._contents.pop(key, b""))

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Yield the keys of the stored bytes."""
        with self._lock:
            keys = list(self._contents)
        yield from (key for key in keys if key.startswith(prefix or ""))
