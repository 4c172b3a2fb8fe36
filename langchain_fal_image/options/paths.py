"""Paths to the values of a payload: `("image_urls", 0)` is its first image."""

from __future__ import annotations

from typing import Any

__all__ = ["Path", "copy", "format_path", "get", "put"]

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
