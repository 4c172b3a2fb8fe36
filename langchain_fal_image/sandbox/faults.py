"""Faults on purpose: what fal or the network might do to a client."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = ["Fault", "Faults", "Operation"]

Operation = Literal[
    "submit", "status", "stream", "result", "cancel", "run", "upload", "file"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        on: At which operation.
        drop: `before` the sandbox acted on the request or `after`: the connection is
            reset in place of an answer.
        status: Answer with this HTTP status instead; nothing is done.
        body: What to answer; a text is sent as it is, all else as JSON.
        headers: Of that answer.
        delay_seconds: Wait so long first.
        after: Wait after the sandbox did what was asked, before it answers.
        times: For how many requests it holds.
        skip: How many requests pass unharmed before it.
    """

    on: Operation
    drop: Literal["before", "after"] | None = None
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    after: bool = False
    times: int = 1
    skip: int = 0


class Faults:
    """The faults still to come, in the order they were added."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Have something go wrong."""
        with self._lock:
            self._waiting.append(fault)

    def drop(
        self,
        on: Operation,
        *,
        when: Literal["before", "after"] = "after",
        times: int = 1,
    ) -> None:
        """Reset the connection in place of an answer.

        Args:
            on: At which operation.
            when: `after` the sandbox did what was asked, or `before`.
            times: For how many requests.
        """
        self.add(Fault(on=on, drop=when, times=times))

    def answer(
        self,
        on: Operation,
        status: int,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Answer something else, and do nothing.

        Args:
            on: At which operation.
            status: HTTP's.
            body: A text is sent as it is, all else as JSON.
            headers: Of the answer.
            times: For how many requests.
        """
        self.add(
            Fault(on=on, status=status, body=body, headers=headers or {}, times=times)
        )

    def clear(self) -> None:
        """Have nothing more go wrong."""
        with self._lock:
            self._waiting.clear()

    def take(self, operation: Operation) -> Fault | None:
        """Give the fault that the next request of an operation meets."""
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if fault.on != operation:
                    continue
                if fault.skip > 0:
                    self._waiting[index] = replace(fault, skip=fault.skip - 1)
                    return None
                if fault.times > 1:
                    self._waiting[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[index]
                return fault
        return None
