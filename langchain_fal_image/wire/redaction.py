"""Remove secrets that a request sent from the text that its response contains.

A gateway may quote the request's headers in an error.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from langchain_fal_image._formats.headers import is_secret_header

__all__ = ["Redactor", "find_secrets"]

_HIDDEN = b"<hidden>"
# Shorter texts are not secrets, but occur in ordinary responses.
_MIN_LENGTH = 8
_SEPARATORS = re.compile(r"[\s;,=]+")
_DIGIT = re.compile("[0-9]").search
_ESCAPE = re.compile(rb"\\{1,4}(?:u00([2-7][0-9a-f])|/)", re.IGNORECASE)


def find_secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of the headers that may hold a secret, such as the key."""
    return tuple(value for name, value in headers.items() if is_secret_header(name))


class Redactor:
    """Replaces secrets: plain, percent-encoded, in base64 and with JSON escapes.

    Args:
        secrets: Values of headers, such as `Key id:secret`. Each of their words is a
            secret, and of `id:secret` each part.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {part for text in secrets for part in _split(text)}
        forms = {form for part in parts for form in _encode(part)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._escaped = {part.encode(): _compile_escaped(part) for part in parts}

    def clean(self, text: bytes) -> bytes:
        """Return a text without the secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, _HIDDEN)
        if self._escaped and b"\\" in text:
            plain = _ESCAPE.sub(_unescape, text)
            for part, pattern in self._escaped.items():
                if part in plain:
                    text = pattern.sub(_HIDDEN, text)
        return text

    def clean_text(self, text: str) -> str:
        """Return a text without the secrets."""
        if not self._forms:
            return text
        encoded = text.encode("utf-8", "surrogatepass")
        return self.clean(encoded).decode("utf-8", "surrogatepass")


def _split(value: str) -> set[str]:
    """Return the secrets in a header's value; the parts of `id:secret` if possible."""
    found: set[str] = set()
    for word in _SEPARATORS.split(value):
        parts = word.split(":")
        # A part without a digit may be an ordinary word, such as a project's name.
        random = {part for part in parts if len(part) >= _MIN_LENGTH and _DIGIT(part)}
        found |= random if len(random) == len(parts) else {word, *random}
    return {each for each in found if len(each) >= _MIN_LENGTH}


def _encode(part: str) -> set[bytes]:
    """Return a secret as it may occur in a text."""
    plain = part.encode()
    quoted = quote(part, safe="").encode()
    lower = re.sub(rb"%..", lambda escape: escape[0].lower(), quoted)
    forms = {plain, quoted, lower}
    for before in range(3):
        # Base64 encodes three bytes at a time. These characters are the same whatever
        # stands before and after the secret.
        size = before + len(plain)
        text = base64.b64encode(bytes(before) + plain)
        text = text[(0, 2, 3)[before] : len(text) - (0, 3, 2)[size % 3]]
        forms |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


def _unescape(escape: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escape[1].decode()) if escape[1] else b"/"


def _compile_escaped(part: str) -> re.Pattern[bytes]:
    r"""Return the pattern of a secret in JSON, where `:` may be `\u003a`."""
    pattern = b"".join(
        rb"(?:\\{0,4}%s|\\{1,4}u%04x)" % (re.escape(each).encode(), ord(each))
        for each in part
    )
    return re.compile(pattern, re.IGNORECASE)
