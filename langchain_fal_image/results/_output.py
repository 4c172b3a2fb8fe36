"""fal's output JSON: its images found, its bytes taken out, packed for a checkpoint."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_fal_image._formats.data_uri import decode_data_uri
from langchain_fal_image._formats.image import sniff_image

__all__ = ["fitted", "image_entries", "typed", "without_bytes"]

_SHORTEST = 64


def image_entries(output: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Find the images in fal's output, whatever its form.

    Most endpoints answer `images`, some a single `image`; an entry is an object
    with a `url`, or the URL itself. Entries that hold no image are passed over.
    """
    found = output.get("images")
    if not found:
        found = output.get("image")
    if isinstance(found, str | Mapping):
        found = [found]
    if not isinstance(found, list | tuple):
        return []
    return [entry for entry in map(_entry, found) if entry]


def _entry(found: Any) -> Mapping[str, Any]:
    if isinstance(found, str) and found:
        return {"url": found}
    if isinstance(found, Mapping) and any(
        isinstance(found.get(name), str) for name in ("url", "sha256")
    ):
        return found
    return {}


def typed(entry: Mapping[str, Any], name: str, kind: type) -> Any:
    """Give a field of an entry where it has the type it should have, else None.

    Args:
        entry: Of fal's output.
        name: The field's.
        kind: Its type; 7.0 is a whole number too.
    """
    value = entry.get(name)
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def without_bytes(output: Any) -> tuple[Any, dict[str, bytes]]:
    """Take image bytes out of JSON.

    Args:
        output: JSON as fal sent it.

    Returns:
        The same JSON with every `data:` URI and `file_data` replaced (in an image
        entry by `url: None` and the `sha256` of the bytes, elsewhere by the text
        `sha256:…`), and the bytes by their SHA-256 in hex.
    """
    taken: dict[str, bytes] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return _replaced(value, taken)
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        cleaned = {key: walk(item) for key, item in value.items()}
        url = cleaned.get("url")
        if isinstance(url, str) and url.startswith("sha256:"):
            cleaned |= {"url": None, "sha256": url.removeprefix("sha256:")}
        for name in ("file_data", "content"):
            data = value.get(name)
            if isinstance(data, str) and (name == "file_data" or _is_image(data)):
                reference = _replaced(f"data:;base64,{data}", taken)
                cleaned[name] = reference
                if not url:
                    # A realtime endpoint sends the image itself and no URL.
                    cleaned["sha256"] = reference.removeprefix("sha256:")
        return cleaned

    return walk(output), taken


def _is_image(text: str) -> bool:
    """Tell whether a text is an image in base64, by its first bytes."""
    try:
        return sniff_image(base64.b64decode(text[:64], validate=True)) is not None
    except ValueError:  # not base64, or not even ASCII
        return False


def _replaced(text: str, taken: dict[str, bytes]) -> str:
    if text[:5].lower() != "data:":
        return text
    try:
        content, _ = decode_data_uri(text)
    except ValueError as error:
        return f"unreadable data URI ({error})"
    digest = hashlib.sha256(content).hexdigest()
    taken[digest] = content
    return f"sha256:{digest}"


def fitted(
    artifact: dict[str, Any], limit: int, *, spare: tuple[str, ...] = ("raw",)
) -> dict[str, Any]:
    """Shorten an artifact's longest texts until it takes at most `limit` bytes.

    URLs, ids and handles are never touched; where they alone take more, the
    artifact stays larger.

    Args:
        artifact: Plain JSON; changed in place.
        limit: In bytes of UTF-8 JSON.
        spare: What may lose small parts where no text is left to shorten.

    Returns:
        The artifact, with `shortened: True` where something was cut.
    """
    while (excess := _size(artifact) - limit) > 0:
        texts = sorted(_texts(artifact), key=lambda found: -len(found[2]))
        if not texts or len(texts[0][2]) <= _SHORTEST:
            # What is left is many small things: fal's extra fields go first.
            if not any(_dropped(artifact.get(name)) for name in spare):
                break
        else:
            holder, key, text = texts[0]
            # A character outside ASCII takes up to 6 bytes in JSON, as … does.
            cut = max(7, min(excess, len(text) // 2))
            holder[key] = f"{text[: max(_SHORTEST, len(text) - cut) - 1]}…"
        artifact["shortened"] = True
    return artifact


_KEPT = frozenset(
    {
        *("images", "image", "seed", "prompt", "text", "chunks", "words"),
        *("audio", "audios", "audio_file", "audio_url", "custom_voice_id"),
        *("preview_text", "gen_text", "script"),
    }
)


def _dropped(part: Any) -> bool:
    """Drop the largest thing that can be spared; tell whether there was any."""
    if isinstance(part, list) and part:
        part.pop()
        return True
    extra = [key for key in part if key not in _KEPT] if isinstance(part, dict) else []
    if extra:
        del part[max(extra, key=lambda key: _size(part[key]))]
    return bool(extra)


_UNTOUCHED = frozenset({"url", "sha256", "request_id", "handle", "model", "type"})


def _size(value: Any) -> int:
    return len(json.dumps(value))


def _texts(value: Any) -> Iterator[tuple[Any, Any, str]]:
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        if key in _UNTOUCHED or key == "handles":
            continue
        if isinstance(item, str):
            if not item.startswith(("http://", "https://")):
                yield value, key, item
        else:
            yield from _texts(item)
