"""Paths to the values of a payload: `("image_urls", 0)` is its first image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Path", "copy", "find_texts", "format_path", "get", "put"]

Path = tuple[str | int, ...]


def get(payload: Any, path: Path) -> Any:
    """Return the value at a path."""
    for step in path:
        payload = payload[step]
    return payload


def put(payload: Any, path: Path, value: Any) -> None:
    """Set the value at a path that exists."""
    get(payload, path[:-1])[path[-1]] = value


def copy(payload: Any) -> Any:
    """Copy the dicts and lists of a payload; the values in them are shared."""
    if isinstance(payload, dict):
        return {key: copy(value) for key, value in payload.items()}
    if isinstance(payload, list):
        return [copy(value) for value in payload]
    return payload


def format_path(path: Path) -> str:
    """Format a path for messages: `image_urls[0]`, `loras[1].path`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def find_texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Find the strings of a payload, with their paths."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find_texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_texts(item, (*path, index))
