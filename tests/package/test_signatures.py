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
    """Yield each public name with its signature, and the members of classes.

    A member stands once, under the class that defines it; the classes that public ones
    inherit from come last. Left out are what LangChain, pydantic and Python define,
    fields that the signature of the class names, and private modules.
    """
    listed: list[type] = []
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        names = getattr(module, "__all__", None) or vars(module)
        for name in sorted(names):
            value = getattr(module, name)
            if name.startswith("_") or inspect.ismodule(value):
                continue
            if inspect.isclass(value):
                listed.append(value)
                yield from describe_class(value, f"{module_name}.{name}")
            else:
                yield f"{module_name}.{name}{signature(value)}"
    inherited = {base for cls in listed for base in own_bases(cls)} - set(listed)
    for cls in sorted(inherited, key=lambda each: each.__name__):
        yield from describe_class(cls, cls.__name__)


def describe_class(cls: type, name: str) -> Iterator[str]:
    """Yield the signature of a class and its public members."""
    bases = [each.__name__ for each in own_bases(cls)[:1]]
    yield f"{name}{signature(cls)}{''.join(f' is a {each}' for each in bases)}"
    others = [each for each in cls.__mro__ if not is_ours(each)]
    init = vars(cls).get("__init__")
    known = {name for base in others for name in attributes(base)}
    known |= set(inspect.signature(init).parameters) if init else set()
    inherited = {line for base in own_bases(cls) for line in members(base).values()}
    for member, line in members(cls).items():
        if member not in known and line not in inherited:
            yield line


def is_ours(cls: type) -> bool:
    return cls.__module__.startswith(f"{MODULES[0]}.")


def attributes(cls: type) -> set[str]:
    return {*vars(cls), *vars(cls).get("__annotations__", {})}


def own_bases(cls: type) -> list[type]:
    """Return the classes of this package's public modules that a class inherits."""
    return [
        base
        for base in cls.__mro__[1:]
        if is_ours(base)
        # `using` of results and requests is public, the module of its class is not.
        and ("._" not in base.__module__ or base.__name__ == "Bound")
        and "[" not in base.__name__
    ]


def members(cls: type) -> dict[str, str]:
    """Return the public members that a class itself defines, each with its line."""
    lines = {}
    for name in sorted(attributes(cls)):
        if name.startswith("_") or name == "model_config":
            continue
        value = inspect.getattr_static(cls, name, None)
        kind = "property" if isinstance(value, property | cached_property) else ""
        if isinstance(value, classmethod | staticmethod):
            value = value.__func__
        is_call = callable(value) and not kind and not inspect.isclass(value)
        text = signature(value) if is_call else kind and f" {kind}"
        lines[name] = f"    .{name}{text}"
    return lines


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
