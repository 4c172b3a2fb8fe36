"""What is found while options are read: faults and warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import OptionFault

__all__ = ["Findings", "Given", "same"]


@dataclass(frozen=True, slots=True)
class Given:
    """A value as a caller gave it.

    Attributes:
        spelled: The name in the caller's spelling.
        value: The value.
        layer: The layer it came in, for messages.
    """

    spelled: str
    value: Any
    layer: str

    def __str__(self) -> str:
        """Write it as a message does: `guidanceScale=4`."""
        return f"{self.spelled}={safe_repr(self.value)}"


@dataclass(slots=True)
class Findings:
    """Faults and warnings, gathered until all are known."""

    faults: list[OptionFault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def fault(
        self,
        option: str,
        value: object,
        problem: str,
        *,
        allowed: str = "",
        nearest: str | None = None,
    ) -> None:
        """Note that an option cannot be sent as it is."""
        self.faults.append(
            OptionFault(option, safe_repr(value), problem, allowed, nearest)
        )

    def contradiction(self, first: Given, second: Given) -> None:
        """Note that two words of one layer ask for different things."""
        self.fault(
            first.spelled,
            first.value,
            f"contradicts {second}, both given in {first.layer}",
            allowed="one of the two",
        )

    def warn(self, warning: str) -> None:
        """Note something that the caller may not expect."""
        if warning not in self.warnings:
            self.warnings.append(warning)


def same(first: object, second: object) -> bool:
    """Tell whether two values would be the same JSON, or are the same picture."""
    if first is second:
        return True
    if isinstance(first, bool) or isinstance(second, bool):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            same(first[key], second[key]) for key in first
        )
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second
    if type(first) is not type(second):
        return False
    # An array's comparison is an array, which has no truth value.
    return (first == second) is True
