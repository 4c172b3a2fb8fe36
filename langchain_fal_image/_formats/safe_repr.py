"""Short representations of values for messages, without bytes or base64."""

from __future__ import annotations

import itertools
import re

__all__ = ["redact", "redact_base64", "safe_repr"]

_MAX_LENGTH = 120
_MAX_READ = 10_000
# As many items as fit: an item takes three characters with its comma.
_MAX_ITEMS = _MAX_LENGTH // 3 + 1
_MAX_DEPTH = 8
# Python writes no integer of more than 4300 digits as text.
_MAX_BITS = 14_000
_DATA_URI = re.compile(r"data:[\w/+.-]*(?:;[\w=-]*)*,[\w+/=%-]*", re.IGNORECASE)
# Words of base64, with line breaks or the characters of the form for URLs.
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}+(?:=|%3[Dd]){0,2}\s*+)++"
)
_MIN_BASE64 = 256


def redact(text: str) -> str:
    """Replace data URIs in a text with a placeholder."""
    return _DATA_URI.sub("<data URI>", text)


def redact_base64(text: str) -> str:
    """Replace data URIs and long base64 in a text with placeholders."""
    return _BASE64.sub(_describe_base64, redact(text))


def _describe_base64(found: re.Match[str]) -> str:
    size = len(found[0])
    return found[0] if size < _MIN_BASE64 else f"<{size} characters of base64>"


def safe_repr(value: object, depth: int = _MAX_DEPTH) -> str:
    """Represent a value in about 120 characters, without bytes or base64.

    Only the first `_MAX_ITEMS` of many items are read, and `depth` levels.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, str):
        if value[:5].lower() == "data:":
            return f"<data URI of {len(value)} characters>"
        shown = redact(value[:_MAX_READ])
        if len(value) > _MAX_READ or len(shown) > _MAX_LENGTH:
            return f"{shown[: _MAX_LENGTH - 40]!r}… ({len(value)} characters)"
        return repr(shown)
    if isinstance(value, dict | list | tuple) and value and not depth:
        return "…"
    if isinstance(value, dict):
        items = itertools.islice(value.items(), _MAX_ITEMS)
        pairs = (f"{safe_repr(k, 0)}: {safe_repr(v, depth - 1)}" for k, v in items)
        text = f"{{{', '.join(pairs)}}}"
    elif isinstance(value, list | tuple):
        first = (safe_repr(item, depth - 1) for item in value[:_MAX_ITEMS])
        text = f"[{', '.join(first)}]"
    elif isinstance(value, int) and value.bit_length() > _MAX_BITS:
        text = f"<integer of {value.bit_length()} bits>"
    elif value is None or isinstance(value, bool | int | float):
        text = repr(value)
    else:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
