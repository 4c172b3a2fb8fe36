"""Check values against their shapes and convert them to what fal accepts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image.options.casing import find_nearest, match_name, to_snake_case
from langchain_fal_image.options.contract import ContractSource
from langchain_fal_image.options.conversion import MAX_BITS, convert_value, matches_type
from langchain_fal_image.options.describe import (
    describe_limits,
    describe_pixel_limits,
    describe_types,
    describe_value,
    name_file,
)
from langchain_fal_image.options.geometry import find_closest_ratio, parse_ratio
from langchain_fal_image.options.issues import Issues, Option, is_same
from langchain_fal_image.options.layers import is_deliberate
from langchain_fal_image.options.limits import (
    find_count_problem,
    find_limit_problem,
    find_pixel_problem,
)
from langchain_fal_image.options.paths import Path, format_path
from langchain_fal_image.options.shape import Field, Shape

__all__ = ["UNKNOWN", "Checker"]

UNKNOWN = "is not a known option"
"""The problem of an option that the contract does not have."""

_MAX_DEPTH = 32
_CALL_OPTIONS: dict[str | None, str] = {"image": "images", "audio": "audio"}


@dataclass(slots=True, kw_only=True)
class Checker:
    """Checks and converts values.

    `issues` receives faults and warnings; `files` holds the paths of the files found so
    far. Without `check`, only values that cannot be sent as JSON are faults. If
    `strict`, so are all unknown options and values that a contract from an unsure
    `source` does not allow. `layer` is what is checked. Without `convert`, types stay.
    """

    issues: Issues
    check: bool = True
    strict: bool = False
    convert: bool = True
    source: ContractSource | None = None
    layer: str = "options"
    files: list[Path] = field(default_factory=list)

    def check_value(self, shape: Shape | None, value: Any, path: Path) -> Any:
        """Check a value, and return it as fal accepts it.

        A shape of None allows any JSON. Names get fal's spelling; lists, dicts and
        integers become plain ones; text becomes the number or the boolean that the
        shape wants. Files are returned unchanged.
        """
        if shape is None:
            return self.check_json(value, path)
        chosen = self._choose_alternative(shape, value)
        if chosen is None:
            return self._refuse_type(shape, value, path)
        alternative, converted = chosen
        if alternative.file is not None and value is not None:
            self.files.append(path)
            result = value
        elif isinstance(value, Mapping):
            result = self._check_object(alternative, value, path)
        elif isinstance(value, list | tuple):
            result = self._check_list(alternative, value, path)
        else:
            result = given = self.check_json(value, path)
            if converted is not value:
                result = converted
            problem, nearest = self._find_problem(alternative, result)
            if problem:
                allowed = describe_limits(shape)
                self._add_fault(path, given, problem, allowed=allowed, nearest=nearest)
                result = given
        if self.check and shape.has_pixel_limits:
            problem = find_pixel_problem(shape, result)
            if problem:
                allowed = describe_pixel_limits(shape)
                self._add_fault(path, result, problem, allowed=allowed)
        return result

    def check_field(self, option: Field, value: Any, path: Path) -> Any:
        """Check the value of an option; an empty text in place of a file is no file."""
        is_empty = isinstance(value, str) and not value
        if is_empty and option.file and not (option.required or option.takes_list):
            return value
        return self.check_value(option.shape, value, path)

    def check_json(self, value: Any, path: Path) -> Any:
        """Check that a value without a shape is JSON, and return it as JSON."""
        if len(path) > _MAX_DEPTH:
            self._refuse(path, "…", f"is nested more than {_MAX_DEPTH} levels deep")
            return None
        if isinstance(value, str):
            return self._check_text(value, path)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if value.bit_length() > MAX_BITS:
                self._refuse(path, "…", "has too many digits")
            return int(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                self._refuse(path, value, "is not a finite number")
            return float(value)
        if isinstance(value, list | tuple):
            return [self.check_json(item, (*path, i)) for i, item in enumerate(value)]
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {
                key: self.check_json(item, (*path, key)) for key, item in value.items()
            }
        self._refuse(
            path,
            value,
            "cannot be sent as JSON",
            allowed="text, numbers, true or false, and lists and dicts of them",
        )
        return None

    def check_not_blank(self, value: Any, path: Path) -> None:
        """Check that a text to speak has more than white space."""
        if self.check and isinstance(value, str) and not value.strip():
            self._refuse(path, value, "is blank", allowed="text with words in it")

    def add_unknown(
        self,
        option: Option,
        path: Path,
        names: Sequence[str],
        *,
        is_closed: bool = False,
    ) -> bool:
        """Add a fault for an option that is not in `names`; return whether it is sent.

        It is a warning if the layer is for such options, unless `strict` or the
        contract allows no other options (`is_closed`). It is also one for a part of an
        object whose contract may be wrong, unless it is close to a known part. No
        message has the value, which may be private.
        """
        if not self.check:
            return True
        nearest = find_nearest(str(path[-1]), names)
        if is_deliberate(option.layer) and not (self.strict or is_closed):
            guess = f"; did you mean {nearest!r}?" if nearest else "."
            sent = format_path(path)
            how = "given" if sent == option.name else repr(sent)
            self.issues.add_warning(
                f"{option.name} {UNKNOWN}; it is sent as {how}{guess}"
            )
            return True
        is_unsure = len(path) > 1 and nearest is None and self._is_unsure(path)
        is_listed = any(each.problem == UNKNOWN for each in self.issues.faults)
        self.issues.add_fault(
            option,
            UNKNOWN,
            allowed="" if nearest or is_listed else ", ".join(names),
            nearest=nearest,
            unsure_source=self.source if is_unsure else None,
            show_value=False,
        )
        return is_unsure

    def add_missing(self, required: Field, path: Path) -> None:
        """Add a fault for a required option that is missing.

        The types of fal's client never required an option that its document does not
        (665 endpoints), except inside objects (6 of 581), so only those can warn.
        """
        if not self.check:
            return
        allowed = describe_limits(required.shape) or describe_types(required.shape)
        if required.file in _CALL_OPTIONS:
            allowed += f" (or pass `{_CALL_OPTIONS[required.file]}`)"
        add = self._add_fault if len(path) > 1 else self._refuse
        add(path, None, "is missing", allowed=allowed)

    def _choose_alternative(self, shape: Shape, value: Any) -> tuple[Shape, Any] | None:
        """Return the alternative that a value matches, and the value as it takes it.

        None if no alternative has the type of the value. A value is converted only if
        no alternative takes it as it is.
        """
        convert = self.check and self.convert
        alternatives = shape.alternatives
        if len(alternatives) == 1:
            [only] = alternatives
            converted = convert_value(only, value) if convert else value
            return (only, converted) if matches_type(only, converted) else None
        matching = [each for each in alternatives if matches_type(each, value)]
        # One that has all names of an object is better than one that lacks some.
        for strict in (True, False) if self.check else ():
            for each in matching:
                if self._accepts(each, value, convert=False, strict=strict):
                    return each, convert_value(each, value) if convert else value
        for each in alternatives if convert else ():
            converted = convert_value(each, value)
            if matches_type(each, converted) and self._accepts(each, converted):
                return each, converted
        return (matching[0], value) if matching else None

    def _accepts(
        self, shape: Shape, value: Any, *, convert: bool = True, strict: bool = False
    ) -> bool:
        """Return whether a shape takes a value of its type."""
        if shape.file is not None:
            return True
        if not isinstance(value, Mapping | list | tuple):
            return not self._find_problem(shape, value)[0]
        trial = Checker(issues=Issues(), convert=convert, strict=strict)
        trial.check_value(shape, value, ())
        return not trial.issues.faults

    def _find_problem(self, shape: Shape, value: Any) -> tuple[str, str | None]:
        """Return the problem with a plain value, and the choice that is nearest."""
        if not self.check or (isinstance(value, float) and not math.isfinite(value)):
            return "", None
        if shape.enum and not any(is_same(value, choice) for choice in shape.enum):
            return "is not a choice", _find_nearest_choice(value, shape)
        if shape.has_limits:
            return find_limit_problem(shape, value), None
        return "", None

    def _refuse_type(self, shape: Shape, value: Any, path: Path) -> Any:
        """Add a fault for a value of the wrong type, and return it as it is."""
        if self.check:
            problem = f"is {describe_value(value)}, not {describe_types(shape)}"
            if isinstance(value, list | tuple) and shape.file is not None:
                problem = f"has too many {name_file(shape.file)}s ({len(value)})"
            allowed = describe_limits(shape) or describe_types(shape)
            self._add_fault(path, value, problem, allowed=allowed)
            if not self._is_unsure(path):
                return None
        if isinstance(value, list | tuple) and shape.file is not None:
            return [
                self.check_value(shape, item, (*path, index))
                for index, item in enumerate(value)
            ]
        return self.check_json(value, path)

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
                self._refuse(path, value, "has a key that is not text")
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
            name = match_name(key, fields)
            if name is None:
                name = to_snake_case(key) if shape.extra is None else key
            if item is None and not (name in fields and fields[name].shape.is_nullable):
                continue
            option = Option(format_path((*path, key)), item, self.layer)
            earlier = options.setdefault(name, option)
            if not is_same(earlier.value, item):
                self.issues.add_contradiction(earlier, option)
        unknown = [each for each in options if each not in fields]
        for name in unknown if shape.extra is None else ():
            if not self.add_unknown(
                options[name], (*path, name), tuple(fields), is_closed=shape.closed
            ):
                del options[name]
        for each in fields.values():
            if each.required and each.name not in options:
                self.add_missing(each, (*path, each.name))
        return {
            name: self.check_field(fields[name], option.value, (*path, name))
            if name in fields
            else self.check_value(shape.extra, option.value, (*path, name))
            for name, option in options.items()
        }

    def _check_text(self, value: str, path: Path) -> str:
        text = str.__str__(value)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                self._refuse(path, "…", "has a lone surrogate, which is not valid text")
        return text

    def _is_unsure(self, path: Path) -> bool:
        """Return whether the contract may be wrong about the value at a path."""
        if self.strict or self.source is None or self.source.origin == "document":
            return False
        is_nested = any(isinstance(step, str) for step in path[1:])
        return is_nested or self.source.origin == "types"

    def _add_fault(
        self,
        path: Path,
        value: object,
        problem: str,
        *,
        allowed: str = "",
        nearest: str | None = None,
    ) -> None:
        """Add a fault, or a warning if the contract may be wrong."""
        option = Option(format_path(path), value, self.layer)
        source = self.source if self._is_unsure(path) else None
        self.issues.add_fault(
            option, problem, allowed=allowed, nearest=nearest, unsure_source=source
        )

    def _refuse(
        self, path: Path, value: object, problem: str, *, allowed: str = ""
    ) -> None:
        """Add a fault that does not depend on the contract."""
        option = Option(format_path(path), value, self.layer)
        self.issues.add_fault(option, problem, allowed=allowed)


def _find_nearest_choice(value: Any, shape: Shape) -> str | None:
    texts = [choice for choice in shape.enum if isinstance(choice, str)]
    ratio = parse_ratio(value)
    if ratio is not None:
        return find_closest_ratio(ratio, texts)
    return find_nearest(value, texts) if isinstance(value, str) else None
