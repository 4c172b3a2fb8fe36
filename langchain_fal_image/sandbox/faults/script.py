"""Pending faults: added one by one, or drawn at random."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from langchain_fal_image.sandbox.faults.fault import OPERATIONS, Fault, Operation
from langchain_fal_image.sandbox.faults.named import FAULTS

__all__ = ["Faults"]


class Faults:
    """The faults for the next requests, in the order in which they were added.

    Example:
        ```python
        def test_my_agent(fal, fal_sandbox):
            fal_sandbox.faults.next("503 from the ingress", on="status", times=2)
        ```
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        """The count of each fault that occurred, by operation and name."""
        self._scripted: list[Fault] = []
        self._lock = threading.Lock()
        self._random: random.Random | None = None
        self._rate = 0.0
        self._candidates: Mapping[str, tuple[Fault, ...]] = {}

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._scripted.append(fault)

    def next(
        self, name: str, *, on: Operation | None = None, times: int = 1, skip: int = 0
    ) -> None:
        """Add a fault by name.

        Args:
            name: One of `FAULTS`.
            on: The operation; by default the first one that the fault is for.
            times: How many requests the fault affects.
            skip: How many requests of the operation to leave unaffected first.

        Raises:
            ValueError: The fault is unknown, or is not for this operation.
        """
        if name not in FAULTS:
            message = f"Unknown fault {name!r}. The faults are {', '.join(FAULTS)}."
            raise ValueError(message)
        operations, settings = FAULTS[name]
        if on is not None and on not in operations:
            allowed = ", ".join(operations)
            message = f"The fault {name!r} is for {allowed}, not for {on!r}."
            raise ValueError(message)
        on = on or operations[0]
        self.add(Fault(on=on, times=times, skip=skip, name=name, **settings))

    def randomize(
        self,
        *,
        seed: int,
        rate: float = 0.2,
        only: Collection[str] = tuple(FAULTS),
        never: Collection[str] = (),
    ) -> None:
        """Draw faults at random for all further requests.

        Args:
            seed: The same seed and order of requests produce the same faults.
            rate: The fraction of requests that have a fault, from 0 to 1.
            only: The faults to draw from.
            never: Faults to leave out.

        Raises:
            ValueError: A name is unknown, or the rate is not between 0 and 1.
        """
        if unknown := {*only, *never} - FAULTS.keys():
            message = f"Unknown faults: {', '.join(sorted(unknown))}."
            raise ValueError(message)
        if not 0 <= rate <= 1:
            message = f"rate must be between 0 and 1, got {rate}."
            raise ValueError(message)
        names = [name for name in FAULTS if name in only and name not in never]
        with self._lock:
            self._random, self._rate = random.Random(seed), rate  # noqa: S311 - not a secret
            self._candidates = {on: tuple(_select(on, names)) for on in OPERATIONS}

    def drop(
        self,
        on: Operation,
        *,
        when: Literal["before", "after"] = "after",
        times: int = 1,
    ) -> None:
        """Reset the connection instead of sending a response.

        Args:
            on: The operation.
            when: `after` the sandbox has acted on the request, or `before`.
            times: How many requests the fault affects.
        """
        self.add(Fault(on=on, drop=when, times=times))

    def respond(
        self,
        on: Operation,
        status: int,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Send this response without acting on the request.

        Args:
            on: The operation.
            status: The HTTP status.
            body: Text is sent unchanged, everything else as JSON.
            headers: The headers of the response.
            times: How many requests the fault affects.
        """
        self.add(
            Fault(on=on, status=status, body=body, headers=headers or {}, times=times)
        )

    def clear(self) -> None:
        """Remove all pending faults."""
        with self._lock:
            self._scripted.clear()
            self._random = None

    def take(self, operation: Operation) -> Fault | None:
        """Return the fault for the next request of an operation, if any."""
        with self._lock:
            fault = self._take_scripted(operation) or self._draw(operation)
            if fault is not None:
                self.counts[operation, fault.name] += 1
            return fault

    def _take_scripted(self, operation: Operation) -> Fault | None:
        for index, fault in enumerate(self._scripted):
            if fault.on != operation:
                continue
            if fault.skip > 0:
                self._scripted[index] = replace(fault, skip=fault.skip - 1)
                return None
            if fault.times > 1:
                self._scripted[index] = replace(fault, times=fault.times - 1)
            else:
                del self._scripted[index]
            return fault
        return None

    def _draw(self, operation: Operation) -> Fault | None:
        if self._random is None or self._random.random() >= self._rate:
            return None
        candidates = self._candidates[operation]
        return self._random.choice(candidates) if candidates else None


def _select(on: Operation, names: Collection[str]) -> Iterator[Fault]:
    for name in names:
        operations, settings = FAULTS[name]
        if on in operations:
            yield Fault(on=on, name=name, **settings)
