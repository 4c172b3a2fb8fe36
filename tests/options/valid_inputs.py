"""Inputs that a JSON Schema accepts, drawn the same way in each run."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

__all__ = ["InputDrawer", "list_branches", "looks_like_a_file"]

URL = "https://v3.fal.media/files/a.png"
UUID = "8c5bd4f4-9d3e-4f9a-a5a2-6f0a1f6d5f0e"
TEXTS = ("a hill", "Grüße, 山 🏔", "", "x", "two\nlines")
WIDEST = 2**31 - 1
_FILE_NAMES = ("url", "image", "mask", "audio", "video", "ref_img")


def looks_like_a_file(name: str) -> bool:
    """Return whether an option of that name may hold a file."""
    return any(each in name for each in _FILE_NAMES)


def list_branches(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the alternatives of a union, or the node itself."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            outer = {key: value for key, value in node.items() if key != keyword}
            outer.pop("default", None)
            return [{**outer, **each} for each in node[keyword]]
    return [node]


def _get_name(path: tuple[str, ...]) -> str:
    """Return the name of the option at a path of names, `[]` and `#0`."""
    return next((step for step in reversed(path) if step[0] not in "[#"), "")


class InputDrawer:
    """Draws inputs; each visit of a part of the schema gives its next value.

    The first input has only required options, the second one all. The others have a
    random part of them. The values of a part follow each other: all choices, all
    alternatives, the ends of ranges, the shortest and the longest.
    """

    def __init__(self, schema: Mapping[str, Any], seed: str) -> None:
        self._schema = schema
        self._random = random.Random(zlib.crc32(seed.encode()))  # noqa: S311 - no secret
        self._visits = Counter[tuple[str, ...]]()
        self._values: dict[tuple[str, ...], list[Any]] = {}

    def draw(self) -> dict[str, Any]:
        """Return the next input."""
        found: dict[str, Any] = self._draw(self._schema, ())
        return found

    def draw_all(self) -> dict[str, Any]:
        """Return an input with all options, at every depth."""
        self._visits.clear()
        self.draw()
        return self.draw()

    def _draw(self, node: Mapping[str, Any], path: tuple[str, ...]) -> Any:
        visit = self._visits[path]
        self._visits[path] += 1
        branches = list_branches(node)
        if len(branches) > 1:
            index = visit % len(branches)
            return self._draw(branches[index], (*path, f"#{index}"))
        [node] = branches
        if node.get("type") == "object":
            return self._draw_object(node, path, visit)
        if node.get("type") == "array":
            return self._draw_list(node, path, visit)
        if path not in self._values:
            self._values[path] = self._list_values(node, path)
        values = self._values[path]
        return values[visit % len(values)]

    def _draw_object(
        self, node: Mapping[str, Any], path: tuple[str, ...], visit: int
    ) -> dict[str, Any]:
        properties, required = node.get("properties", {}), node.get("required", ())
        if not properties:
            return {"any_name": 1, "another": [True, None]} if visit % 2 else {}
        share = (0.0, 1.0)[visit] if visit < 2 else 0.6
        drawn = {
            name: self._draw(each, (*path, name))
            for name, each in properties.items()
            if name in required or self._random.random() < share
        }
        is_open = node.get("additionalProperties") not in {None, False}
        return {**drawn, "any_name": 1} if is_open and visit % 2 else drawn

    def _draw_list(
        self, node: Mapping[str, Any], path: tuple[str, ...], visit: int
    ) -> list[Any]:
        least = node.get("minItems", 0)
        most = min(node.get("maxItems", least + 3), 40)
        lengths = (max(least, 1), most, least, min(least + 2, most))
        items = [
            self._draw(node.get("items", {}), (*path, "[]"))
            for _ in range(lengths[visit % len(lengths)])
        ]
        if node.get("uniqueItems"):
            return [each for i, each in enumerate(items) if each not in items[:i]]
        return items

    def _list_values(self, node: Mapping[str, Any], path: tuple[str, ...]) -> list[Any]:
        if "const" in node:
            return [node["const"]]
        if "enum" in node:
            return self._random.sample(node["enum"], len(node["enum"]))
        match node.get("type"):
            case "string":
                return self._list_texts(node, path)
            case "integer" | "number" as type_:
                return self._list_numbers(node, is_integer=type_ == "integer")
            case "boolean":
                return [True, False]
            case "null":
                return [None]
            case _:  # anything
                return ["text", 7, [1.5], {"x": None}]

    def _list_texts(self, node: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
        if node.get("format") == "uuid4":
            return [UUID]
        if node.get("pattern") == r"^\w+$":
            return ["Speaker_1", "B"]
        if node.get("format") == "uri" or looks_like_a_file(_get_name(path)):
            return [URL]
        least, most = node.get("minLength", 0), node.get("maxLength", WIDEST)
        texts = [each for each in TEXTS if least <= len(each) <= most]
        texts += ["x" * least] if least else []
        return texts + (["é" * most] if most < WIDEST else [])

    def _list_numbers(
        self, node: Mapping[str, Any], *, is_integer: bool
    ) -> list[float]:
        step = node.get("multipleOf") or (1 if is_integer else 0.25)
        low, high = node.get("minimum"), node.get("maximum")
        if (over := node.get("exclusiveMinimum")) is not None:
            low = over + step
        if (under := node.get("exclusiveMaximum")) is not None:
            high = under - step
        if low is None:
            low = -7 if high is None or high > 0 else high - 9
        high = (1000 if is_integer else 12.5) if high is None else high
        high = max(low, high)
        inside = low + self._random.randint(0, int((high - low) / step)) * step
        # jsonschema does not round, so it takes 0.3428 for no multiple of 0.0001.
        numbers = [low, high, node.get("default"), low if step < 0.25 else inside]
        return [
            each
            for each in numbers
            if isinstance(each, int if is_integer else float | int)
        ]
