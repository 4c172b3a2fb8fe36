"""Where image bytes lie that came without a URL."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from langchain_core.stores import BaseStore

__all__ = ["RecentBytes"]


class RecentBytes(BaseStore[str, bytes]):
    """Keeps the newest bytes in memory, up to a size.

    Args:
        max_bytes: How many bytes are kept; the least recently used go first.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Give the bytes under each key, None where they are gone."""
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
            return [self._kept.get(key) for key in keys]

    async def amget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Give the bytes under each key; memory needs no waiting."""
        return self.mget(keys)

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Keep bytes."""
        with self._lock:
            for key, value in key_value_pairs:
                self._size += len(value) - len(self._kept.pop(key, b""))
                self._kept[key] = value
            while self._size > self._max_bytes and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1])

    async def amset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Keep bytes; memory needs no waiting."""
        self.mset(key_value_pairs)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Let bytes go."""
        with self._lock:
            for key in keys:
                self._size -= len(self._kept.pop(key, b""))

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Name what is kept."""
        with self._lock:
            keys = list(self._kept)
        yield from (key for key in keys if key.startswith(prefix or ""))
