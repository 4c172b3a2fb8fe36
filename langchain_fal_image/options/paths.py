"""Places inside a payload: `("image_urls", 0)` names its first image."""

from __future__ import annotations

from typing import Any

__all__ = ["at", "copied", "dotted", "put"]


def at(payload: Any, path: tuple[str | int, ...]) -> Any:
    """Give the value at a place."""
    for step in path:
        payload = payload[step]
    return payload


def put(payload: Any, path: tuple[str | int, ...], value: Any) -> None:
    """Set the value at a place that exists."""
    at(payload, path[:-1])[path[-1]] = value


def copied(payload: Any) -> Any:
    """Copy the dicts and lists of a payload; the values in them are shared."""
    if isinstance(payload, dict):
        return {key: copied(value) for key, value in payload.items()}
    if isinstance(payload, list):
        return [copied(value) for value in payload]
    return payload


def dotted(path: tuple[str | int, ...]) -> str:
    """Write a place as messages name it: `image_urls[0]`, `loras[1].path`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")
