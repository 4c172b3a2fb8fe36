"""Values against their shapes: spelled as fal does, and every fault noted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image.options.casing import match_name, nearest, to_snake_case
from langchain_fal_image.options.describe import (
    allowed,
    kind,
    plural,
    thing,
    totals,
    wanted,
)
from langchain_fal_image.options.geometry import closest_ratio, ratio_of
from langchain_fal_image.options.issues import Findings, Given, same
from langchain_fal_image.options.limits import find_pixel_problem
from langchain_fal_image.options.paths import Path, format_path
from langchain_fal_image.options.shape import Field, Shape

__all__ = ["Checker"]

_DEEPEST = 32
_CALL_WORDS: dict[str | None, str] = {"image": "images", "audio": "audio"}


@dataclass(slots=True, kw_only=True)
class Checker:
    """Reads values, and gathers what it finds.

    Attributes:
        findings: Faults and warnings.
        check: Whether values are held against their shapes; without it, only what
            is no JSON is a fault.
        strict: Whether an option that a shape does not name is a fault.
        layer: The layer that is being read, for messages.
        files: The places of pictures found so far.
    """

    findings: Findings
    check: bool = True
    strict: bool = False
    layer: str = "options"
    files: list[Path] = field(default_factory=list)

    def value(self, shape: Shape | None, value: Any, path: Path) -> Any:
        """Read a value.

        Args:
            shape: What it may be; None allows any JSON.
            value: What was given.
            path: Its place in the payload.

        Returns:
            The value as it goes to fal: fal's spelling, plain lists and dicts, whole
            numbers where fal wants them. Pictures stay as they are.
        """
        if shape is None:
            return self.plain(value, path)
        if type(value) is int and str(value) in shape.choices:
            # Some endpoints list numbers as texts: safety_tolerance is "1" to "6".
            value = value if value in shape.choices else str(value)
        fitting = self._alternative(shape, value, path)
        if fitting is None:
            return None if self.check else self.plain(value, path)
        if fitting.file is not None:
            result = self._file(value, path)
        elif isinstance(value, Mapping):
            result = self._object(fitting, value, path)
        elif isinstance(value, list | tuple):
            result = self._list(fitting, value, path)
        else:
            result = self._scalar(fitting, self.plain(value, path), path)
        if self.check:
            problem = find_pixel_problem(shape, result)
            if problem:
                self._fault(path, result, problem, allowed=totals(shape))
        return result

    def plain(self, value: Any, path: Path) -> Any:
        """Read a value of which nothing is known but that it must be JSON."""
        if len(path) > _DEEPEST:
            self._fault(path, "…", f"is nested more than {_DEEPEST} levels deep")
            return None
        if isinstance(value, str):
            return self._text(value, path)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                self._fault(path, value, "is not a finite number")
            return float(value)
        if isinstance(value, list | tuple):
            return [self.plain(item, (*path, i)) for i, item in enumerate(value)]
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {key: self.plain(item, (*path, key)) for key, item in value.items()}
        self._fault(
            path,
            value,
            "is not plain JSON",
            allowed="text, numbers, true or false, and lists and dicts of them",
        )
        return None

    def unknown(self, given: Given, path: Path, known: tuple[str, ...]) -> None:
        """Note an option that the endpoint's contract does not name."""
        if not self.check:
            return
        near = nearest(given.spelled, known)
        if self.strict:
            self._fault(
                path,
                given.value,
                "is not an option that is known here",
                allowed=", ".join(known),
                near=near,
            )
            return
        guess = f"; did you mean {near!r}?" if near else "."
        self.findings.warn(
            f"{format_path(path)} is not an option that is known here; it is sent as "
            f"given{guess}"
        )

    def words(self, value: Any, path: Path) -> None:
        """Note that a text to be spoken holds nothing but white space."""
        if self.check and isinstance(value, str) and not value.strip():
            self._fault(path, value, "says nothing", allowed="a text with words in it")

    def missing(self, required: Field, path: Path) -> None:
        """Note that an option is not given that must be."""
        if not self.check:
            return
        words = allowed(required.shape) or wanted(required.shape)
        if required.file in _CALL_WORDS:
            words += f" (`{_CALL_WORDS[required.file]}` is put there)"
        self.findings.fault(format_path(path), None, "is missing", allowed=words)

    def _alternative(self, shape: Shape, value: Any, path: Path) -> Shape | None:
        """Choose the alternative that a value is meant for."""
        fitting = [each for each in shape.alternatives if each.is_type_of(value)]
        if len(fitting) == 1:
            return fitting[0]
        for each in fitting:
            trial = Checker(findings=Findings(), check=self.check)
            trial.value(each, value, path)
            if not trial.findings.faults:
                return each
        if fitting:
            return fitting[0]
        if self.check:
            problem = f"is {kind(value)}, not {wanted(shape)}"
            if isinstance(value, list | tuple) and shape.file is not None:
                problem = f"has too many {thing(shape.file)}s ({len(value)})"
            self._fault(path, value, problem, allowed=allowed(shape) or wanted(shape))
        return None

    def _file(self, value: Any, path: Path) -> Any:
        self.files.append(path)
        return value

    def _list(self, shape: Shape, value: Any, path: Path) -> list[Any]:
        self._count(shape, len(value), value, path)
        return [
            self.value(shape.items, item, (*path, index))
            for index, item in enumerate(value)
        ]

    def _count(self, shape: Shape, count: int, value: Any, path: Path) -> None:
        least, most = shape.min_items or 0, shape.max_items
        if not self.check or (least <= count and (most is None or count <= most)):
            return
        amount = "few" if count < least else "many"
        file = shape.items.file if shape.items else None
        things = f"{thing(file)}s" if file else "elements"
        self._fault(
            path, value, f"has too {amount} {things} ({count})", allowed=allowed(shape)
        )

    def _object(
        self, shape: Shape, value: Mapping[Any, Any], path: Path
    ) -> dict[str, Any]:
        if not shape.fields:
            result = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    self._fault(path, value, "has a name that is not text")
                    continue
                result[key] = self.value(shape.extra, item, (*path, key))
            return result
        return self._fields(shape, value, path)

    def _fields(
        self, shape: Shape, value: Mapping[Any, Any], path: Path
    ) -> dict[str, Any]:
        known = {each.name: each for each in shape.fields}
        seen: dict[str, Given] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                self._fault(path, value, "has a name that is not text")
                continue
            name = match_name(key, tuple(known)) or to_snake_case(key)
            if item is None and not (name in known and known[name].shape.is_nullable):
                continue
            given = Given(format_path((*path, key)), item, self.layer)
            earlier = seen.setdefault(name, given)
            if not same(earlier.value, item):
                self.findings.contradiction(earlier, given)
        for name, given in seen.items():
            if name not in known and shape.extra is None:
                self.unknown(
                    Given(name, given.value, self.layer), (*path, name), tuple(known)
                )
        for each in shape.fields:
            if each.required and each.name not in seen:
                self.missing(each, (*path, each.name))
        return {
            name: self.value(
                known[name].shape if name in known else shape.extra,
                given.value,
                (*path, name),
            )
            for name, given in seen.items()
        }

    def _text(self, value: str, path: Path) -> str:
        text = str.__str__(value)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                self._fault(path, "…", "holds half a character (a lone surrogate)")
        return text

    def _scalar(self, shape: Shape, value: Any, path: Path) -> Any:
        if "integer" in shape.types and "number" not in shape.types:
            whole = isinstance(value, float) and value.is_integer()
            value = int(value) if whole else value
        if not self.check or (isinstance(value, float) and not math.isfinite(value)):
            return value
        if shape.enum and not any(same(value, choice) for choice in shape.enum):
            near = _nearest_choice(value, shape)
            self._fault(
                path, value, "is not a choice", allowed=allowed(shape), near=near
            )
        elif isinstance(value, str):
            self._length(shape, value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._range(shape, value, path)
        return value

    def _length(self, shape: Shape, value: str, path: Path) -> None:
        least, most = shape.min_length or 0, shape.max_length
        if least <= len(value) and (most is None or len(value) <= most):
            return
        amount = "short" if len(value) < least else "long"
        characters = plural(len(value), "character")
        self._fault(
            path, value, f"is too {amount} ({characters})", allowed=allowed(shape)
        )

    def _range(self, shape: Shape, value: float, path: Path) -> None:
        low, high = shape.minimum, shape.maximum
        over, under = shape.exclusive_minimum, shape.exclusive_maximum
        problem = ""
        if (low is not None and value < low) or (over is not None and value <= over):
            problem = "is too small"
        elif (high is not None and value > high) or (
            under is not None and value >= under
        ):
            problem = "is too large"
        elif shape.multiple_of and not _divides(shape.multiple_of, value):
            problem = f"is not a multiple of {shape.multiple_of:g}"
        if problem:
            self._fault(path, value, problem, allowed=allowed(shape))

    def _fault(
        self,
        path: Path,
        value: object,
        problem: str,
        *,
        allowed: str = "",
        near: str | None = None,
    ) -> None:
        self.findings.fault(
            format_path(path), value, problem, allowed=allowed, nearest=near
        )


def _nearest_choice(value: Any, shape: Shape) -> str | None:
    texts = [choice for choice in shape.enum if isinstance(choice, str)]
    ratio = ratio_of(value)
    if ratio is not None:
        return closest_ratio(ratio, texts)
    return nearest(value, texts) if isinstance(value, str) else None


def _divides(step: float, value: float) -> bool:
    return math.isclose(value / step, round(value / step), abs_tol=1e-9)
