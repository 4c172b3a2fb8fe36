"""Shorten an artifact to its limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["shorten_artifact"]

_MIN_CHARACTERS = 64
# The fields of fal's output that results read.
_REQUIRED = frozenset(
    {
        *("images", "image", "seed", "prompt", "text", "chunks", "words"),
        *("audio", "audios", "audio_file", "audio_url", "custom_voice_id"),
        *("preview_text", "gen_text", "script"),
    }
)
_NEVER_SHORTENED = frozenset(
    {"url", "sha256", "request_id", "handle", "handles", "model", "type"}
)


def shorten_artifact(
    artifact: dict[str, Any], limit: int, *, droppable: tuple[str, ...]
) -> dict[str, Any]:
    """Shorten an artifact's longest texts until it takes at most `limit` bytes.

    URLs, ids and handles are kept, even if they alone take more.

    Args:
        artifact: Plain JSON; changed in place.
        limit: In bytes of UTF-8 JSON.
        droppable: The parts from which entries are removed if shortening the texts is
            not enough.

    Returns:
        The artifact, with `shortened: True` if something was shortened or removed.
    """
    while (excess := _measure(artifact) - limit) > 0:
        texts = sorted(_find_texts(artifact), key=lambda found: -len(found[2]))
        if not texts or len(texts[0][2]) <= _MIN_CHARACTERS:
            if not any(_drop_entry(artifact.get(name)) for name in droppable):
                break
        else:
            holder, key, text = texts[0]
            # In JSON, `…` takes 6 bytes, like most characters outside ASCII.
            cut = max(7, min(excess, len(text) // 2))
            holder[key] = f"{text[: max(_MIN_CHARACTERS, len(text) - cut) - 1]}…"
        artifact["shortened"] = True
    return artifact


def _drop_entry(part: Any) -> bool:
    """Drop the last item, or the largest field that results do not read, if any."""
    if isinstance(part, list) and part:
        part.pop()
        return True
    extra = (
        [key for key in part if key not in _REQUIRED] if isinstance(part, dict) else []
    )
    if extra:
        del part[max(extra, key=lambda key: _measure(part[key]))]
    return bool(extra)


def _measure(value: Any) -> int:
    return len(json.dumps(value))


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
            if not item.startswith(("http://", "https://")):
                yield value, key, item
        else:
            yield from _find_texts(item)
