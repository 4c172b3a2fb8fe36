"""Text and bytes whose repr hides them, also where a traceback shows variables."""

from __future__ import annotations

from typing import Any

from langchain_fal_image._formats.safe_repr import redact_base64

__all__ = ["HiddenBytes", "HiddenText", "hide_base64"]

_MIN_LENGTH = 256
_READ_LENGTH = 1024
_MAX_DEPTH = 100


class HiddenText(str):
    """Text whose repr hides it, such as a key or a data URI."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return a placeholder."""
        return "<hidden>"


class HiddenBytes(bytes):
    """Bytes whose repr hides them, such as a body with data URIs."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return a placeholder."""
        return f"<{len(self)} bytes>"


def hide_base64(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Return a value whose repr hides the data URIs and the base64 in it."""
    if isinstance(value, str):
        start = value[:_READ_LENGTH]
        is_base64 = len(value) >= _MIN_LENGTH and redact_base64(start) != start
        return HiddenText(value) if is_base64 else value
    if type(value) is dict and depth:
        return {key: hide_base64(item, depth - 1) for key, item in value.items()}
    if type(value) is list and depth:
        return [hide_base64(item, depth - 1) for item in value]
    return value
