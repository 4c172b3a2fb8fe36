"""Inputs with one corruption that a JSON Schema refuses, listed in a fixed order."""

from __future__ import annotations

import copy
import random
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from valid_inputs import InputDrawer, list_branches

__all__ = ["Corruption", "corrupt"]

# Values that pydantic's lax mode, which fal uses, does not convert to the type. There
# are many, so that an endpoint with a single option has enough of them.
_LISTS: tuple[Any, ...] = (["x"], [], [7], [[]], [True], ["x", "y"], [None], [{}])
_OBJECTS: tuple[Any, ...] = ({"x": 1}, {}, {"url": 7}, {"x": []}, {"x": None})
_NUMBERS: tuple[Any, ...] = (7, True, 2.5, 0, -1, False, 10**9, 1e300)
_TEXTS: tuple[Any, ...] = ("three", "maybe", "1,5", "0x1f", "7 apples")
_WRONG: Mapping[str, tuple[Any, ...]] = {
    "string": (*_NUMBERS, *_LISTS, *_OBJECTS),
    "integer": (*_TEXTS, 1.5, *_LISTS, *_OBJECTS),
    "number": (*_TEXTS, *_LISTS, *_OBJECTS),
    "boolean": ("maybe", "three", 7, 2.5, -1, *_LISTS, *_OBJECTS),
    "array": (*_NUMBERS, "text", *_OBJECTS),
    "object": (*_NUMBERS, "text", *_LISTS),
}
_Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """One corruption of an input: where, what is wrong, and the input with it."""

    place: _Place
    fault: str
    input: dict[str, Any]

    @property
    def is_nested(self) -> bool:
        """Whether it is inside an object that is the value of an option."""
        return sum(isinstance(step, str) for step in self.place) > 1


def corrupt(schema: Mapping[str, Any], validator: Any, seed: str) -> list[Corruption]:
    """Return all corruptions of an input with all options that `validator` refuses.

    Those of different options come first.
    """
    valid = InputDrawer(schema, seed).draw_all()
    shuffled = random.Random(zlib.crc32(seed.encode()))  # noqa: S311 - not a secret
    by_place: dict[_Place, list[Corruption]] = {}
    for place, fault, value in _list_faults(schema, valid, ()):
        broken = _put(valid, place, value)
        if not validator.is_valid(broken):
            found = Corruption(place=place, fault=fault, input=broken)
            by_place.setdefault(place, []).append(found)
    rows = list(by_place.values())
    shuffled.shuffle(rows)
    for row in rows:
        shuffled.shuffle(row)
    longest = max(map(len, rows), default=0)
    return [row[i] for i in range(longest) for row in rows if i < len(row)]


_MISSING: Any = object()


def _put(payload: Any, place: _Place, value: Any) -> Any:
    """Return a copy of a payload with another value at a place, or without it."""
    changed = holder = copy.copy(payload)
    for step in place[:-1]:
        holder[step] = copy.copy(holder[step])
        holder = holder[step]
    if value is _MISSING:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return changed


def _list_faults(
    node: Mapping[str, Any], value: Any, place: _Place
) -> Iterator[tuple[_Place, str, Any]]:
    """Iterate over places, what would be wrong there, and the value that is."""
    for branch in list_branches(node):
        type_ = branch.get("type")
        if place:
            for wrong in _WRONG.get(str(type_), ()):
                yield place, f"{type_}: wrong type", wrong
            yield from ((place, *each) for each in _break_limits(branch, value, place))
        if isinstance(value, dict):
            for name in branch.get("required", ()):
                if name in value:
                    yield (*place, name), "missing", _MISSING
            for name, inner in branch.get("properties", {}).items():
                if name in value:
                    yield from _list_faults(inner, value[name], (*place, name))
        if isinstance(value, list) and value and isinstance(branch.get("items"), dict):
            last = len(value) - 1
            yield from _list_faults(branch["items"], value[last], (*place, last))


def _break_limits(
    node: Mapping[str, Any], value: Any, place: _Place
) -> Iterator[tuple[str, Any]]:
    if choices := [
        *node.get("enum", ()),
        *([node["const"]] if "const" in node else []),
    ]:
        is_text = any(isinstance(each, str) for each in choices)
        yield "not a choice", f"{choices[0]}x" if is_text else 987_654
    yield from _leave_the_range(node)
    if "minLength" in node and node["minLength"] > 0:
        yield "too short", "x" * (node["minLength"] - 1)
    if "maxLength" in node:
        yield "too long", "x" * (node["maxLength"] + 1)
    if isinstance(value, list) and value:
        if node.get("minItems"):
            yield "too few items", value[: node["minItems"] - 1]
        if "maxItems" in node:
            yield (
                "too many items",
                (value * (node["maxItems"] + 1))[: node["maxItems"] + 1],
            )
    if node.get("pattern") == r"^\w+$":
        yield "broken pattern", "two words"


def _leave_the_range(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for limit, sign in (("minimum", -1), ("maximum", 1)):
        if limit in node:
            yield f"beyond its {limit}", node[limit] + sign
            if node.get("type") == "number":
                yield f"just beyond its {limit}", node[limit] + sign * 0.001
    for limit in ("exclusiveMinimum", "exclusiveMaximum"):
        if limit in node:
            yield f"at its {limit}", node[limit]
    if "multipleOf" in node:
        middle = node.get("minimum", 0) + node["multipleOf"] * 1.5
        yield "not a multiple", middle
