"""Faults and warnings that are found while options are resolved."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from langchain_fal_image._formats.safe_repr import redact_base64, safe_repr
from langchain_fal_image.errors import OptionFault
from langchain_fal_image.options.contract import ContractSource

__all__ = ["STRICT_HINT", "Issues", "Option", "is_same"]

STRICT_HINT = " strict=True refuses it."
"""The end of a warning, which is only for developers."""

# A list of hundreds of choices hides what the warning is about.
_MAX_ALLOWED = 200


@dataclass(frozen=True, slots=True)
class Option:
    """An option with the caller's spelling of its name and the name of its layer."""

    name: str
    value: Any
    layer: str

    def __str__(self) -> str:
        """Return the option as messages show it: `guidanceScale=4`."""
        return f"{self.name}={safe_repr(self.value)}"


@dataclass(slots=True)
class Issues:
    """Faults and warnings, collected so that one error can list them all."""

    faults: list[OptionFault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add_fault(
        self,
        option: Option,
        problem: str,
        *,
        allowed: str = "",
        nearest: str | None = None,
        unsure_source: ContractSource | None = None,
        show_value: bool = True,
    ) -> None:
        """Add a fault: the option cannot be sent as it is.

        It is a warning if it contradicts only a contract of an `unsure_source`.
        """
        value = safe_repr(option.value) if show_value else ""
        # A name may be base64 too, where a caller mistakes a file for an option.
        name = redact_base64(option.name)
        fault = OptionFault(name, value, problem, allowed, nearest)
        if unsure_source is None:
            self.faults.append(fault)
            return
        if len(allowed) > _MAX_ALLOWED:
            fault = replace(fault, allowed="")
        self.add_warning(
            f"{fault}{'' if nearest else '.'} It was sent as given: the contract comes "
            f"from {unsure_source}, and can be wrong.{STRICT_HINT}"
        )

    def add_contradiction(self, first: Option, second: Option) -> None:
        """Add a fault: two options of one layer contradict each other."""
        problem = f"contradicts {second}; both were passed in {first.layer}"
        self.add_fault(first, problem, allowed="one of the two")

    def add_warning(self, warning: str) -> None:
        """Add a warning: the caller may not expect what is sent."""
        warning = redact_base64(warning)
        if warning not in self.warnings:
            self.warnings.append(warning)


def is_same(first: object, second: object) -> bool:
    """Return whether two values are the same JSON or the same object."""
    if first is second:
        return True
    if isinstance(first, bool) or isinstance(second, bool):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            is_same(first[key], second[key]) for key in first
        )
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(is_same, first, second))
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second
    if type(first) is not type(second):
        return False
    # Comparing NumPy arrays returns an array, which has no truth value.
    return (first == second) is True
