"""Short representations of values for messages, without bytes or base64."""

from __future__ import annotations

import re

__all__ = ["redact", "redact_base64", "safe_repr"]

_MAX_LENGTH = 120
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


def safe_repr(value: object) -> str:
    """Represent a value in about 120 characters, without bytes or base64."""
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, str):
        if value[:5].lower() == "data:":
            return f"<data URI of {len(value)} characters>"
        value = redact(value)
        if len(value) > _MAX_LENGTH:
            return f"{value[: _MAX_LENGTH - 40]!r}… ({len(value)} characters)"
        return repr(value)
    if isinstance(value, dict):
        items = (f"{safe_repr(key)}: {safe_repr(item)}" for key, item in value.items())
        text = f"{{{', '.join(items)}}}"
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(map(safe_repr, value))}]"
    elif isinstance(value, int) and value.bit_length() > _MAX_BITS:
        text = f"<integer of {value.bit_length()} bits>"
    elif value is None or isinstance(value, bool | int | float):
        text = repr(value)
    else:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
