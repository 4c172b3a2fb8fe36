"""Check values against their shapes and convert them to what fal accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image.options.casing import find_nearest, match_name, to_snake_case
from langchain_fal_image.options.describe import (
    describe_limits,
    describe_pixel_limits,
    describe_types,
    describe_value,
    name_file,
)
from langchain_fal_image.options.geometry import find_closest_ratio, parse_ratio
from langchain_fal_image.options.issues import Issues, Option, is_same
from langchain_fal_image.options.limits import (
    find_count_problem,
    find_limit_problem,
    find_pixel_problem,
)
from langchain_fal_image.options.paths import Path, format_path
from langchain_fal_image.options.shape import Field, Shape

__all__ = ["Checker"]

_MAX_DEPTH = 32
_CALL_OPTIONS: dict[str | None, str] = {"image": "images", "audio": "audio"}


@dataclass(slots=True, kw_only=True)
class Checker:
    """Checks and converts values.

    `issues` receives faults and warnings; `files` holds the paths of the files found so
    far. Without `check`, only values that cannot be sent as JSON are faults. If
    `strict`, an unknown option is a fault instead of a warning. `layer` is the name of
    the layer that is checked, for messages.
    """

    issues: Issues
    check: bool = True
    strict: bool = False
    layer: str = "options"
    files: list[Path] = field(default_factory=list)

    def check_value(self, shape: Shape | None, value: Any, path: Path) -> Any:
        """Check a value, and return it as fal accepts it.

        A shape of None allows any JSON. Names get fal's spelling; lists, dicts and
        integers become plain ones; files are returned unchanged.
        """
        if shape is None:
            return self.check_json(value, path)
        if type(value) is int and str(value) in shape.choices:
            # Some endpoints list numbers as strings: safety_tolerance is "1" to "6".
            value = value if value in shape.choices else str(value)
        alternative = self._choose_alternative(shape, value, path)
        if alternative is None:
            return None if self.check else self.check_json(value, path)
        if alternative.file is not None:
            self.files.append(path)
            result = value
        elif isinstance(value, Mapping):
            result = self._check_object(alternative, value, path)
        elif isinstance(value, list | tuple):
            result = self._check_list(alternative, value, path)
        else:
            value = self.check_json(value, path)
            result = self._check_scalar(alternative, value, path)
        if self.check and shape.has_pixel_limits:
            problem = find_pixel_problem(shape, result)
            if problem:
                allowed = describe_pixel_limits(shape)
                self._add_fault(path, result, problem, allowed=allowed)
        return result

    def check_json(self, value: Any, path: Path) -> Any:
        """Check that a value without a shape is JSON, and return it as JSON."""
        if len(path) > _MAX_DEPTH:
            self._add_fault(path, "…", f"is nested more than {_MAX_DEPTH} levels deep")
            return None
        if isinstance(value, str):
            return self._check_text(value, path)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                self._add_fault(path, value, "is not a finite number")
            return float(value)
        if isinstance(value, list | tuple):
            return [self.check_json(item, (*path, i)) for i, item in enumerate(value)]
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {
                key: self.check_json(item, (*path, key)) for key, item in value.items()
            }
        self._add_fault(
            path,
            value,
            "cannot be sent as JSON",
            allowed="text, numbers, true or false, and lists and dicts of them",
        )
        return None

    def check_not_blank(self, value: Any, path: Path) -> None:
        """Check that a text to speak has more than white space."""
        if self.check and isinstance(value, str) and not value.strip():
            self._add_fault(path, value, "is blank", allowed="text with words in it")

    def add_unknown(self, option: Option, path: Path, names: Sequence[str]) -> None:
        """Add a warning, or a fault if strict, for an option that is not in `names`."""
        if not self.check:
            return
        nearest = find_nearest(str(path[-1]), names)
        if self.strict:
            self._add_fault(
                path,
                option.value,
                "is not a known option",
                allowed=", ".join(names),
                nearest=nearest,
            )
            return
        guess = f"; did you mean {nearest!r}?" if nearest else "."
        sent = format_path(path)
        how = "given" if sent == option.name else repr(sent)
        self.issues.add_warning(
            f"{option.name} is not a known option; it is sent as {how}{guess}"
        )

    def add_missing(self, required: Field, path: Path) -> None:
        """Add a fault for a required option that is missing."""
        if not self.check:
            return
        allowed = describe_limits(required.shape) or describe_types(required.shape)
        if required.file in _CALL_OPTIONS:
            allowed += f" (or pass `{_CALL_OPTIONS[required.file]}`)"
        self._add_fault(path, None, "is missing", allowed=allowed)

    def _choose_alternative(self, shape: Shape, value: Any, path: Path) -> Shape | None:
        """Return the alternative that a value matches; add a fault if none does."""
        matching = [each for each in shape.alternatives if _matches_types(each, value)]
        if len(matching) == 1:
            return matching[0]
        for each in matching:
            trial = Checker(issues=Issues(), check=self.check)
            trial.check_value(each, value, path)
            if not trial.issues.faults:
                return each
        if matching:
            return matching[0]
        if self.check:
            problem = f"is {describe_value(value)}, not {describe_types(shape)}"
            if isinstance(value, list | tuple) and shape.file is not None:
                problem = f"has too many {name_file(shape.file)}s ({len(value)})"
            allowed = describe_limits(shape) or describe_types(shape)
            self._add_fault(path, value, problem, allowed=allowed)
        return None

    def _check_list(self, shape: Shape, value: Sequence[Any], path: Path) -> list[Any]:
        if self.check and (problem := find_count_problem(shape, value)):
            self._add_fault(path, value, problem, allowed=describe_limits(shape))
        return [
            self.check_value(shape.items, item, (*path, index))
            for index, item in enumerate(value)
        ]

    def _check_object(
        self, shape: Shape, value: Mapping[Any, Any], path: Path
    ) -> dict[str, Any]:
        for key in value:
            if not isinstance(key, str):
                self._add_fault(path, value, "has a key that is not text")
        items = {key: item for key, item in value.items() if isinstance(key, str)}
        if shape.fields:
            return self._check_fields(shape, items, path)
        return {
            key: self.check_value(shape.extra, item, (*path, key))
            for key, item in items.items()
        }

    def _check_fields(
        self, shape: Shape, items: Mapping[str, Any], path: Path
    ) -> dict[str, Any]:
        fields = shape.fields
        options: dict[str, Option] = {}
        for key, item in items.items():
            name = match_name(key, fields) or to_snake_case(key)
            if item is None and not (name in fields and fields[name].shape.is_nullable):
                continue
            option = Option(format_path((*path, key)), item, self.layer)
            earlier = options.setdefault(name, option)
            if not is_same(earlier.value, item):
                self.issues.add_contradiction(earlier, option)
        for name, option in options.items():
            if name not in fields and shape.extra is None:
                self.add_unknown(option, (*path, name), tuple(fields))
        for each in fields.values():
            if each.required and each.name not in options:
                self.add_missing(each, (*path, each.name))
        return {
            name: self.check_value(
                fields[name].shape if name in fields else shape.extra,
                option.value,
                (*path, name),
            )
            for name, option in options.items()
        }

    def _check_text(self, value: str, path: Path) -> str:
        text = str.__str__(value)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                self._add_fault(
                    path, "…", "has a lone surrogate, which is not valid text"
                )
        return text

    def _check_scalar(self, shape: Shape, value: Any, path: Path) -> Any:
        if "integer" in shape.types and "number" not in shape.types:
            is_whole = isinstance(value, float) and value.is_integer()
            value = int(value) if is_whole else value
        if not self.check or (isinstance(value, float) and not math.isfinite(value)):
            return value
        problem, nearest = "", None
        if shape.enum and not any(is_same(value, choice) for choice in shape.enum):
            problem, nearest = "is not a choice", _find_nearest_choice(value, shape)
        elif shape.has_limits:
            problem = find_limit_problem(shape, value)
        if problem:
            allowed = describe_limits(shape)
            self._add_fault(path, value, problem, allowed=allowed, nearest=nearest)
        return value

    def _add_fault(
        self,
        path: Path,
        value: object,
        problem: str,
        *,
        allowed: str = "",
        nearest: str | None = None,
    ) -> None:
        option = Option(format_path(path), value, self.layer)
        self.issues.add_fault(option, problem, allowed=allowed, nearest=nearest)


def _find_nearest_choice(value: Any, shape: Shape) -> str | None:
    texts = [choice for choice in shape.enum if isinstance(choice, str)]
    ratio = parse_ratio(value)
    if ratio is not None:
        return find_closest_ratio(ratio, texts)
    return find_nearest(value, texts) if isinstance(value, str) else None


def _matches_types(shape: Shape, value: Any) -> bool:
    """Return whether a value has one of the types, without checking the limits."""
    if shape.file is not None:
        return not (
            value is None
            or isinstance(value, bool | int | float | list | tuple)
            or (isinstance(value, str) and not value)
        )
    types = shape.types
    if not types:
        types = ("object",) if shape.fields else ("array",) if shape.items else ()
    return not types or any(_is_type(name, value) for name in types)


def _is_type(name: str, value: Any) -> bool:
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list | tuple)
        case "object":
            return isinstance(value, Mapping)
        case "integer" | "number" if isinstance(value, bool):
            return False
        case "integer" if isinstance(value, float):
            # Infinity and NaN are reported by another check, not as a wrong type.
            return not math.isfinite(value) or value.is_integer()
        case "integer" | "number":
            return isinstance(value, int | float)
        case _:
            return False
