"""Find the files in a payload.

This module shares no code with `options`, so that tests find mistakes there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from langchain_fal_image.sandbox.input_file import PayloadPath

__all__ = ["find_files"]

_KINDS: Final = ("mask", "audio", "image")
# What fal's own interface shows for an option.
_SHOWN: Final = {"image": "image", "image_mask": "mask", "audio": "audio"}
_ENDS: Final = frozenset(
    {*_KINDS, "url", "urls", "images", "masks", "audios", "source"}
)
_OTHER: Final = frozenset({"video", "archive", "data"})


def find_files(
    node: Mapping[str, Any],
    value: Any,
    *,
    name: str = "",
    path: PayloadPath | None = None,
    shown: str | None = None,
) -> Iterator[tuple[PayloadPath, str, str]]:
    """Yield the path, the kind and the URL of each image, mask and recording.

    Args:
        node: The JSON Schema of the value; empty if it is unknown.
        value: The payload, or a part of it.
        name: The name of the option that holds the value.
        path: The path of the value in the payload.
        shown: What fal's interface shows for the option that holds the value.
    """
    path = path or []
    branches = [node, *node.get("anyOf", ()), *node.get("oneOf", ())]
    shown = next(filter(None, map(_get_shown, branches)), shown)
    if isinstance(value, str):
        kind = _detect_kind(name, shown)
        is_open = not any("enum" in each for each in branches)
        types = {each["type"] for each in branches if "type" in each} or {"string"}
        if value and kind and is_open and "string" in types:
            yield path, kind, value
    elif isinstance(value, list):
        items: Any = next((each["items"] for each in branches if "items" in each), {})
        for index, each in enumerate(value):
            inner: PayloadPath = [*path, index]
            yield from find_files(items, each, name=name, path=inner, shown=shown)
    elif isinstance(value, dict):
        fields = {n: f for b in branches for n, f in b.get("properties", {}).items()}
        for key, each in value.items():
            yield from find_files(
                fields.get(key, {}), each, name=key, path=[*path, key]
            )


def _get_shown(node: Mapping[str, Any]) -> str | None:
    shown: str | None = node.get("_fal_ui_field") or node.get("ui", {}).get("field")
    return shown


def _detect_kind(name: str, shown: str | None) -> str | None:
    if shown in _SHOWN:
        return _SHOWN[shown]
    words = name.split("_")
    if words[-1] not in _ENDS or _OTHER.intersection(words):
        return None
    return next((kind for kind in _KINDS if any(kind in each for each in words)), None)
