"""The public signatures, pinned: a change of the interface is seen in a diff.

python tests/package/test_signatures.py   writes the file again
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

PINNED = Path(__file__).with_name("signatures.txt")
MODULES = (
    "langchain_fal_image",
    "langchain_fal_image.errors",
    "langchain_fal_image.durable",
    "langchain_fal_image.webhooks",
    "langchain_fal_image.middleware",
    "langchain_fal_image.sandbox",
)


def signatures() -> Iterator[str]:
    """Write each public name with its signature, and its members'."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        names = getattr(module, "__all__", None) or vars(module)
        for name in sorted(names):
            value = getattr(module, name)
            if name.startswith("_") or inspect.ismodule(value):
                continue
            yield f"{module_name}.{name}{signature(value)}"
            if inspect.isclass(value):
                yield from members(value)


def members(cls: type) -> Iterator[str]:
    own = [base for base in cls.__mro__ if base.__module__.startswith("langchain_fal_")]
    fields = {each for base in own for each in vars(base).get("__annotations__", {})}
    names = {each for base in own for each in vars(base)} | fields
    for name in sorted(names):
        if name.startswith("_") or name == "model_config":
            continue
        value = inspect.getattr_static(cls, name, None)
        kind = "property" if isinstance(value, property | cached_property) else ""
        if isinstance(value, classmethod | staticmethod):
            value = value.__func__
        text = signature(value) if callable(value) and not kind else ""
        yield f"    .{name}{text}{' property' if kind else ''}"


def signature(value: Any) -> str:
    """Write the parameters: their names, kinds, and whether they may be left out.

    Without types and defaults, which versions of Python and pydantic write
    differently; and of a class only what it says itself.
    """
    if not callable(value):
        return ""
    if inspect.isclass(value):
        value = vars(value).get("__init__")
        return signature(value) if value else ""
    parameters = []
    star = False
    for each in inspect.signature(value).parameters.values():
        if each.kind is each.KEYWORD_ONLY and not star:
            parameters.append("*")
            star = True
        prefix = "*" if each.kind is each.VAR_POSITIONAL else ""
        prefix = "**" if each.kind is each.VAR_KEYWORD else prefix
        star = star or each.kind is each.VAR_POSITIONAL
        optional = "" if each.default is each.empty else "=…"
        parameters.append(f"{prefix}{each.name}{optional}")
    return f"({', '.join(parameters)})"


def test_the_public_signatures_are_pinned() -> None:
    pytest.importorskip("langchain")  # the thumbnails are middleware for its agents
    now = list(signatures())
    pinned = PINNED.read_text("utf-8").splitlines()
    gone = [each for each in pinned if each not in now]
    new = [each for each in now if each not in pinned]
    assert (gone, new) == ([], []), (
        "if that is meant: python tests/package/test_signatures.py, and CHANGELOG.md"
    )


if __name__ == "__main__":
    sys.exit(PINNED.write_text("\n".join(signatures()) + "\n", "utf-8") and 0)
