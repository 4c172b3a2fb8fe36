"""Descriptions of shapes and values, for messages to people and chat models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.shape import Field, FileKind, FileLimits, Shape

__all__ = [
    "describe_file_limits",
    "describe_limits",
    "describe_option",
    "describe_pixel_limits",
    "describe_types",
    "describe_value",
    "name_file",
    "pluralize",
]

_TYPES = {
    "null": "nothing (null)",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
}


def describe_value(value: Any) -> str:
    """Describe the type of a value, such as `text` or `a list`."""
    if isinstance(value, str):
        return "text" if value else "empty text"
    if value is None:
        return _TYPES["null"]
    types: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (int | float, "a number"),
        (list | tuple, "a list"),
        (Mapping, "an object"),
        (bytes | bytearray | memoryview, "bytes"),
    )
    return next(
        (text for type_, text in types if isinstance(value, type_)),
        f"a {type(value).__name__}",
    )


def describe_types(shape: Shape) -> str:
    """Describe the types that a shape allows, such as `a whole number`."""
    parts: list[str] = []
    for each in shape.alternatives:
        if each.file is not None:
            parts.append(f"one {name_file(each.file)}")
        elif each.enum:
            parts.append("one of the choices")
        elif each.items is not None and each.items.file is not None:
            parts.append(f"a list of {name_file(each.items.file)}s")
        elif each.fields:
            names = ", ".join(each.fields)
            parts.append(f"an object with {names}")
        else:
            parts += [_TYPES.get(name, name) for name in each.types]
    return " or ".join(parts) or "JSON"


def describe_limits(shape: Shape) -> str:
    """Describe what a shape allows; empty if it has no limits."""
    parts = [text for each in shape.alternatives if (text := _describe_one(each))]
    text, pixels = " or ".join(parts), describe_pixel_limits(shape)
    return f"{text}, {pixels}" if text and pixels else text or pixels


def describe_option(field: Field) -> str:
    """Describe an option: what it does, its limits, its default.

    Some chat providers drop limits and defaults from the schema that the model reads,
    so the description of a tool's argument repeats them.
    """
    parts = [field.description.rstrip(".") or field.name.replace("_", " ")]
    shape = field.shape.alternatives[0]
    parts += _list_number_limits(shape)
    parts += _list_text_limits(shape)
    if shape.items and (shape.min_items or shape.max_items or shape.unique_items):
        parts.append(_describe_list(shape, shape.items))
    items = field.shape.list_items
    if choices := [*field.shape.choices, *(items.choices if items else ())]:
        parts.append(f"one of {', '.join(map(str, choices))}")
    if isinstance(field.default, str | int | float) and str(field.default).strip():
        default = str(field.default)
        is_bool = default in {"True", "False"}
        parts.append(f"default {default.lower() if is_bool else default}")
    return f"{'; '.join(parts)}."


def describe_pixel_limits(shape: Shape) -> str:
    """Describe the limits of width times height; empty if there are none."""
    if not shape.has_pixel_limits:
        return ""
    limits = _format_range(shape.min_pixels, shape.max_pixels)
    return f"{limits} pixels (width times height)"


def describe_file_limits(limits: FileLimits) -> str:
    """Describe the limits for an input image."""
    parts = []
    if limits.min_side is not None or limits.max_side is not None:
        low, high = limits.min_side or 1, limits.max_side
        parts.append(
            f"sides of {low} to {high} pixels" if high else f"from {low} pixels"
        )
    if limits.min_ratio is not None or limits.max_ratio is not None:
        ratios = _format_range(limits.min_ratio, limits.max_ratio)
        parts.append(f"width divided by height {ratios}")
    if limits.max_bytes is not None:
        parts.append(f"at most {limits.max_bytes} bytes")
    if limits.mime_types:
        parts.append(", ".join(limits.mime_types))
    if not limits.alpha:
        parts.append("no transparency")
    return "; ".join(parts)


def name_file(file: FileKind) -> str:
    """Return the noun for a kind of file, such as `recording` for audio."""
    return "recording" if file == "audio" else file


def pluralize(count: int, noun: str) -> str:
    """Format a count: `1 image`, `2 images`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _describe_one(shape: Shape) -> str:
    if shape.enum:
        return ", ".join("null" if x is None else str(x) for x in shape.enum)
    if shape.file is not None:
        return f"1 {name_file(shape.file)}"
    if shape.items is not None:
        return _describe_list(shape, shape.items)
    if shape.fields:
        return f"{{{', '.join(shape.fields)}}}"
    return ", ".join(_list_text_limits(shape)) or _describe_number(shape)


def _describe_list(shape: Shape, items: Shape) -> str:
    noun = name_file(items.file) if items.file else "element"
    least, most = shape.min_items, shape.max_items
    if shape.unique_items:
        noun = f"different {noun}"
    if least is None and most is None:
        return f"a list of {noun}s"
    is_one = (least if most is None else most) == 1 and least in {None, 1}
    return f"{_format_range(least, most)} {noun}{'' if is_one else 's'}"


def _list_text_limits(shape: Shape) -> list[str]:
    least, most = shape.min_length, shape.max_length
    has_length = least is not None or most is not None
    parts = [f"{_format_range(least, most)} characters"] if has_length else []
    if shape.pattern:
        parts.append(f"text that matches {shape.pattern}")
    if shape.format == "uuid4":
        parts.append("a UUID")
    return parts


def _describe_number(shape: Shape) -> str:
    types = [_TYPES[name] for name in shape.types if name in {"integer", "number"}]
    return ", ".join([*types[:1], *_list_number_limits(shape)]) if types else ""


def _list_number_limits(shape: Shape) -> list[str]:
    low, high = shape.minimum, shape.maximum
    parts = [_format_range(low, high)] if low is not None or high is not None else []
    if shape.exclusive_minimum is not None:
        parts.append(f"more than {shape.exclusive_minimum:.15g}")
    if shape.exclusive_maximum is not None:
        parts.append(f"less than {shape.exclusive_maximum:.15g}")
    if shape.multiple_of is not None:
        parts.append(f"multiples of {shape.multiple_of:.15g}")
    return parts


def _format_range(least: float | None, most: float | None) -> str:
    if least is None:
        return f"at most {most:.15g}"
    if most is None:
        return f"at least {least:.15g}"
    return f"{least:.15g}" if least == most else f"{least:.15g} to {most:.15g}"
