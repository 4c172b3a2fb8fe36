"""JSON from elsewhere, in a form that the rest of the package can handle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr

__all__ = ["clean_json"]

_MAX_DEPTH = 32
# Python writes no integer of more than 4300 digits as text.
_MAX_BITS = 14_000


def clean_json(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Return a copy of a value as plain JSON of a limited depth.

    Objects and lists below that depth become empty. None replaces infinite numbers and
    integers that Python cannot write as text, `?` characters that UTF-8 cannot write.
    Other objects become text.
    """
    if isinstance(value, str):
        # Whether a text is ASCII is known without reading it.
        return value if value.isascii() else value.encode(errors="replace").decode()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_BITS else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        items = value.items() if depth else ()
        return {clean_json(str(k)): clean_json(v, depth - 1) for k, v in items}
    if isinstance(value, list | tuple):
        return [clean_json(item, depth - 1) for item in value] if depth else []
    return safe_repr(value)
