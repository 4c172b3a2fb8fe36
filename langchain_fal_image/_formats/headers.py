"""HTTP headers: which are valid, and which may hold a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from langchain_fal_image._formats.hidden import HiddenText

__all__ = [
    "drop_secret_headers",
    "hide_secrets",
    "is_secret_header",
    "is_valid_header",
    "mask_headers",
]

_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")
_SECRET = re.compile(
    "auth|cookie|credential|jwt|key|passw|secret|session|signature|token", re.IGNORECASE
)


def is_valid_header(name: str, value: str) -> bool:
    """Return whether HTTP allows a header's name and value."""
    return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value))


def is_secret_header(name: str) -> bool:
    """Return whether a header's value may be a secret, by its name."""
    return _SECRET.search(name) is not None


def drop_secret_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that hold no secret."""
    return {k: v for k, v in headers.items() if not is_secret_header(k)}


def mask_headers(headers: Mapping[Any, Any]) -> dict[str, Any]:
    """Return headers for a trace, with a placeholder in place of each secret."""
    return {
        str(name): "<hidden>" if is_secret_header(str(name)) else value
        for name, value in headers.items()
    }


def hide_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with secrets whose repr hides them."""
    return {
        name: HiddenText(value) if is_secret_header(name) else value
        for name, value in headers.items()
    }
