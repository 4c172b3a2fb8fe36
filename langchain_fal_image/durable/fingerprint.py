"""The inputs of a durable batch: what tells one from another."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.models._input import traced

__all__ = ["canonical", "digest"]

_SUMMARY = 80


def digest(given: Any) -> tuple[str, str]:
    """Give an input's digest, and a summary for people.

    Args:
        given: What a model's `invoke` takes.
    """
    written = json.dumps(canonical(given), sort_keys=True)
    summary = given if isinstance(given, str) else safe_repr(traced(given))
    if isinstance(given, Mapping) and isinstance(given.get("prompt"), str):
        summary = given["prompt"]
    digest = hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
    # SQLite holds no lone surrogates.
    text = summary[:_SUMMARY].encode("utf-8", "replace").decode()
    return digest, text


def canonical(given: Any) -> Any:
    """Write an input so that equal ones, and only those, are written the same."""
    if isinstance(given, bytes | bytearray | memoryview):
        return {"sha256": hashlib.sha256(given).hexdigest()}
    if isinstance(given, os.PathLike):
        return {"path": os.fspath(given)}
    if isinstance(given, Mapping):
        return {str(name): canonical(value) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return [canonical(each) for each in given]
    if given is None or isinstance(given, str | int | float | bool):
        return given
    if callable(getattr(given, "tobytes", None)):
        return {"sha256": hashlib.sha256(given.tobytes()).hexdigest()}
    return traced(given)
