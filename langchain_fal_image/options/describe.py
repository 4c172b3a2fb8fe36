"""Shapes and values in words, for messages that people and models read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.shape import FileKind, Shape

__all__ = ["allowed", "kind", "plural", "thing", "totals", "wanted"]

_TYPES = {
    "null": "nothing (null)",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
}


def kind(value: Any) -> str:
    """Say of what kind a value is, such as `text` or `a list`."""
    if isinstance(value, str):
        return "text" if value else "empty text"
    known: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (int | float, "a number"),
        (list | tuple, "a list"),
        (Mapping, "an object"),
        (bytes | bytearray | memoryview, "bytes"),
    )
    if value is None:
        return "nothing (null)"
    return next(
        (word for types, word in known if isinstance(value, types)),
        f"a {type(value).__name__}",
    )


def wanted(shape: Shape) -> str:
    """Say of what kind a value should be, such as `a whole number`."""
    words: list[str] = []
    for each in shape.alternatives:
        if each.file is not None:
            words.append(f"one {thing(each.file)}")
        elif each.enum:
            words.append("one of the choices")
        elif each.items is not None and each.items.file is not None:
            words.append(f"a list of {thing(each.items.file)}s")
        elif each.fields:
            names = ", ".join(field.name for field in each.fields)
            words.append(f"an object with {names}")
        else:
            words += [_TYPES.get(word, word) for word in each.types]
    return " or ".join(words) or "JSON"


def allowed(shape: Shape) -> str:
    """Say what a shape allows; empty where it sets no limit."""
    parts = [text for each in shape.alternatives if (text := _limits(each))]
    limits = totals(shape)
    text = " or ".join(parts)
    return f"{text}, {limits}" if text and limits else text or limits


def totals(shape: Shape) -> str:
    """Say how many pixels a size may have in all; empty where it has no limit."""
    least, most = shape.min_pixels, shape.max_pixels
    if least is None and most is None:
        return ""
    return f"{_span(least, most)} pixels in all (width times height)"


def thing(file: FileKind) -> str:
    """Name what a file is, so that a list of them can be spoken of."""
    return "recording" if file == "audio" else file


def plural(count: int, word: str) -> str:
    """Write a number of things: `1 image`, `2 images`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _limits(shape: Shape) -> str:
    if shape.enum:
        return ", ".join("null" if x is None else str(x) for x in shape.enum)
    if shape.file is not None:
        return f"1 {thing(shape.file)}"
    if shape.items is not None:
        return _amount(shape)
    if shape.fields:
        return f"{{{', '.join(field.name for field in shape.fields)}}}"
    if shape.min_length is not None or shape.max_length is not None:
        return f"{_span(shape.min_length, shape.max_length)} characters"
    return _numbers(shape)


def _amount(shape: Shape) -> str:
    file = shape.items.file if shape.items else None
    word = thing(file) if file else "element"
    least, most = shape.min_items, shape.max_items
    if least is None and most is None:
        return f"a list of {word}s"
    if most is None or least is None or least == most:
        limit = most if most is not None else least or 0
        return f"{_span(least, most)} {plural(limit, word).partition(' ')[2]}"
    return f"{_span(least, most)} {word}s"


def _numbers(shape: Shape) -> str:
    kinds = [_TYPES[word] for word in shape.types if word in {"integer", "number"}]
    if not kinds:
        return ""
    low, high = shape.minimum, shape.maximum
    parts = [_span(low, high)] if low is not None or high is not None else []
    if shape.exclusive_minimum is not None:
        parts.append(f"more than {shape.exclusive_minimum:.15g}")
    if shape.exclusive_maximum is not None:
        parts.append(f"less than {shape.exclusive_maximum:.15g}")
    if shape.multiple_of is not None:
        parts.append(f"multiples of {shape.multiple_of:.15g}")
    return f"{kinds[0]}, {', '.join(parts)}" if parts else kinds[0]


def _span(least: float | None, most: float | None) -> str:
    if least is None:
        return f"at most {most:.15g}"
    if most is None:
        return f"at least {least:.15g}"
    return f"{least:.15g}" if least == most else f"{least:.15g} to {most:.15g}"
