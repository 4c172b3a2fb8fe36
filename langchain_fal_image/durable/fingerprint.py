"""Fingerprints of a batch's inputs, to detect a changed batch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.models._trace import trace_input

__all__ = ["compute_digest", "summarize", "to_canonical_json"]

_SUMMARY_LENGTH = 80


def compute_digest(value: Any) -> str:
    """Return the SHA-256 of an input, in hex; equal inputs have equal digests."""
    text = json.dumps(to_canonical_json(value), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def summarize(value: Any) -> str:
    """Return a short description of an input: its prompt, if it has one."""
    if isinstance(value, Mapping) and isinstance(value.get("prompt"), str):
        value = value["prompt"]
    text = value if isinstance(value, str) else safe_repr(trace_input(value))
    # SQLite does not accept lone surrogates.
    return text[:_SUMMARY_LENGTH].encode("utf-8", "replace").decode()


def to_canonical_json(value: Any) -> Any:
    """Return JSON that identifies a value, with digests instead of bytes."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, os.PathLike):
        return {"path": os.fspath(value)}
    if isinstance(value, Mapping):
        return {str(name): to_canonical_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_canonical_json(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if callable(getattr(value, "tobytes", None)):
        return {"sha256": hashlib.sha256(value.tobytes()).hexdigest()}
    return trace_input(value)
