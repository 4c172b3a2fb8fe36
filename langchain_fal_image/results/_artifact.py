"""Shorten an artifact to its limit, in time proportional to its size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["keep_smallest", "measure", "reduce_raw", "shorten_artifact", "take_first"]

# The JSON of a text that is shortened as far as possible: 64 characters of ASCII.
_MIN_BYTES = 72
_MAX_URL = 8192
_NEVER_SHORTENED = frozenset(
    {"url", "sha256", "request_id", "handle", "handles", "model", "type"}
)


def shorten_artifact(
    artifact: dict[str, Any],
    limit: int,
    *,
    essential: Mapping[str, Any],
    droppable: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Shorten an artifact until it takes at most `limit` bytes.

    If shortening long texts to a quarter of the limit is not enough, the fields of
    fal's output that are not essential are removed, except for the smallest. Then the
    longest texts are shortened as much as needed. URLs, ids and handles are kept, even
    if they alone take more.

    Args:
        artifact: Plain JSON; changed in place.
        limit: In bytes of UTF-8 JSON.
        essential: The part of `raw` from which the result can be restored.
        droppable: The parts from which entries are removed if shortening the texts is
            not enough.

    Returns:
        The artifact, with `shortened: True` if something was shortened or removed.
    """
    excess = measure(artifact) - limit
    if excess <= 0:
        return artifact
    artifact["shortened"] = True
    texts = (measure(text) for _, _, text in _find_texts(artifact))
    if sum(max(0, size - limit // 4) for size in texts) < excess:
        reduce_raw(artifact, essential, limit // 8)
    _shorten_texts(artifact, limit)
    for name in droppable:
        if (excess := measure(artifact) - limit) > 0 and (part := artifact.get(name)):
            keep = keep_smallest if isinstance(part, dict) else take_first
            artifact[name] = keep(part, measure(part) - excess)
    return artifact


def reduce_raw(
    artifact: dict[str, Any], essential: Mapping[str, Any], size: int
) -> None:
    """Keep the essential fields of fal's output, and the smallest of the others.

    Args:
        artifact: Changed in place.
        essential: See `shorten_artifact`.
        size: How much the other fields may take, in bytes.
    """
    raw = artifact.get("raw", {})
    extras = {key: item for key, item in raw.items() if key not in essential}
    if kept := {**keep_smallest(extras, size), **essential}:
        artifact["raw"] = kept


def measure(value: Any) -> int:
    """Return the size of a value as JSON, in bytes."""
    return len(json.dumps(value))


def keep_smallest(fields: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return as many of the smallest fields as fit into `size` bytes of JSON."""
    # The braces take as much as the comma and the space between two fields.
    sizes = {key: measure({key: item}) for key, item in fields.items()}
    kept = set()
    for key in sorted(sizes, key=lambda key: sizes[key]):
        size -= sizes[key]
        if size < 0:
            break
        kept.add(key)
    return {key: item for key, item in fields.items() if key in kept}


def take_first(parts: str | list[Any], size: int) -> list[Any]:
    """Return as many of the first parts as fit into `size` bytes of JSON."""
    kept = []
    for part in parts:
        # Characters are counted without quotes, list items with a comma and a space.
        size -= measure(part) + (-2 if isinstance(parts, str) else 2)
        if size < 0:
            break
        kept.append(part)
    return kept


def _shorten_texts(artifact: dict[str, Any], limit: int) -> None:
    """Shorten the longest texts to the same size."""
    texts = [(*found, measure(found[2])) for found in _find_texts(artifact)]
    sizes = sorted(size for *_, size in texts)
    size = _find_size(sizes, sum(sizes) - measure(artifact) + limit)
    for holder, key, text, own_size in texts:
        if own_size > size:
            # In JSON, `…` takes 6 bytes and the quotes 2.
            holder[key] = f"{''.join(take_first(text, size - 8))}…"


def _find_size(sizes: list[int], total: int) -> int:
    """Return the size to which texts are shortened so that together they take `total`.

    Args:
        sizes: The sizes of the texts, in ascending order.
        total: In bytes; a text is never shortened below `_MIN_BYTES`.
    """
    for index, size in enumerate(sizes):
        share = total // (len(sizes) - index)
        if size > share:
            return max(share, _MIN_BYTES)
        total -= size
    return max(sizes, default=0)


def _find_texts(value: Any) -> Iterator[tuple[Any, Any, str]]:
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        if key in _NEVER_SHORTENED:
            continue
        if isinstance(item, str):
            is_url = item.startswith(("http://", "https://")) and len(item) <= _MAX_URL
            if not is_url:
                yield value, key, item
        else:
            yield from _find_texts(item)
