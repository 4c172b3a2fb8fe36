"""Faults on purpose: what fal or the network might do to a client."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = ["FAULTS", "Corruption", "Fault", "Faults", "Operation"]

Operation = Literal[
    "submit", "status", "stream", "result", "cancel", "run", "upload", "file"
]
Corruption = Literal[
    "cut short",
    "empty",
    "malformed",
    "wrong shape",
    "fewer images",
    "error",
    "slow",
    "stall",
    "end early",
    "repeat",
    "nonsense",
    "never start",
    "other type",
    "huge",
]
"""What becomes of the answer after the sandbox did what was asked."""


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
        corrupt: What becomes of the true answer.
        delay_seconds: Wait so long first.
        after: Wait after the sandbox did what was asked, before it answers.
        times: For how many requests it holds.
        skip: How many requests pass unharmed before it.
        name: Under which it is counted.
    """

    on: Operation
    drop: Literal["before", "after"] | None = None
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    corrupt: Corruption | None = None
    delay_seconds: float = 0.0
    after: bool = False
    times: int = 1
    skip: int = 0
    name: str = "scripted"

    @property
    def hides_request_id(self) -> bool:
        """Whether a submit's true answer does not reach the client whole."""
        return self.drop is not None or self.corrupt in {
            "cut short",
            "empty",
            "malformed",
            "wrong shape",
        }


_ALL: tuple[Operation, ...] = (
    *("submit", "status", "stream", "result", "cancel", "run", "upload", "file"),
)
_API = tuple(on for on in _ALL if on != "file")
_JSON: tuple[Operation, ...] = ("submit", "status", "result", "run")
_INGRESS = "<html><head><title>{0}</title></head><body>{0}<hr>nginx</body></html>"
_FROM_APP = {"x-fal-request-id": "00000000-0000-4000-8000-000000000000"}


def _error(kind: str, words: str) -> dict[str, Any]:
    return {"detail": [{"loc": ["body", "prompt"], "msg": words, "type": kind}]}


def _ingress(status: int, words: str) -> dict[str, Any]:
    return {"status": status, "body": _INGRESS.format(f"{status} {words}")}


def _app(status: int, kind: str) -> dict[str, Any]:
    body = {"detail": f"Sandbox fault: {kind}", "error_type": kind}
    return {"status": status, "body": body, "headers": _FROM_APP}


FAULTS: Mapping[str, tuple[tuple[Operation, ...], Mapping[str, Any]]] = {
    "dropped before": (_ALL, {"drop": "before"}),
    "dropped after": (_ALL, {"drop": "after"}),
    "cut short": ((*_JSON, "file"), {"corrupt": "cut short"}),
    "429": (_API, {"status": 429, "body": {"detail": "Too many requests"}}),
    "429 with Retry-After": (
        _API,
        {
            "status": 429,
            "body": {"detail": "Too many requests"},
            "headers": {"retry-after": "0.05"},
        },
    ),
    "500 from the app": (_API, _app(500, "internal_error")),
    "502 from the ingress": (_API, _ingress(502, "Bad Gateway")),
    "503 from the ingress": (_API, _ingress(503, "Service Unavailable")),
    "504 from the ingress": (_API, _ingress(504, "Gateway Time-out")),
    "502 from the app": (_API, _app(502, "runner_incomplete_response")),
    "503 from the app": (_API, _app(503, "runner_scheduling_failure")),
    "504 from the app": (_API, _app(504, "request_timeout")),
    "stream stalls": (("stream",), {"corrupt": "stall"}),
    "stream ends early": (("stream",), {"corrupt": "end early"}),
    "stream repeats": (("stream",), {"corrupt": "repeat"}),
    "stream of nonsense": (("stream",), {"corrupt": "nonsense"}),
    "stream never starts": (("stream",), {"corrupt": "never start"}),
    "completed with an error": (("status",), {"corrupt": "error"}),
    "late": (
        ("result",),
        {"status": 400, "body": {"detail": "Request is still in progress"}},
    ),
    "gone": (
        ("result",),
        {"status": 404, "body": {"detail": "Not Found"}, "headers": _FROM_APP},
    ),
    "malformed": (_JSON, {"corrupt": "malformed"}),
    "empty": (_JSON, {"corrupt": "empty"}),
    "wrong shape": (_JSON, {"corrupt": "wrong shape"}),
    "fewer images": (("result", "run"), {"corrupt": "fewer images"}),
    "moderation": (
        ("result", "run"),
        {
            "status": 422,
            "body": _error("content_policy_violation", "Refused by the sandbox"),
            "headers": _FROM_APP,
        },
    ),
    "missing file": (("file",), {"status": 404, "body": {"detail": "Not Found"}}),
    "huge file": (("file",), {"corrupt": "huge"}),
    "file of another type": (("file",), {"corrupt": "other type"}),
    "file redirected elsewhere": (
        ("file",),
        {
            "status": 302,
            "headers": {"location": "http://169.254.169.254/latest/meta-data/"},
        },
    ),
    "slow bytes": (("result", "file"), {"corrupt": "slow"}),
}
"""Every fault that has a name: at which operations, and what it does."""


class Faults:
    """The faults still to come, in the order they were added, or drawn by chance.

    Example:
        ```python
        def test_my_agent(fal, fal_sandbox):
            fal_sandbox.faults.next("503 from the ingress", on="status", times=2)
        ```
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        """How often each fault has acted, by operation and name."""
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()
        self._random: random.Random | None = None
        self._rate = 0.0
        self._drawn: Mapping[str, tuple[Fault, ...]] = {}

    def add(self, fault: Fault) -> None:
        """Have something go wrong."""
        with self._lock:
            self._waiting.append(fault)

    def next(
        self, name: str, *, on: Operation | None = None, times: int = 1, skip: int = 0
    ) -> None:
        """Have a fault by name.

        Args:
            name: One of `FAULTS`.
            on: At which operation; by default the first that it is made for.
            times: For how many requests.
            skip: How many requests of the operation pass unharmed before it.

        Raises:
            ValueError: There is no such fault, or not at this operation.
        """
        if name not in FAULTS:
            message = f"{name!r} is no fault; there are {', '.join(FAULTS)}."
            raise ValueError(message)
        operations, settings = FAULTS[name]
        if on is not None and on not in operations:
            message = f"{name!r} happens at {', '.join(operations)}, not at {on!r}."
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
        """Let chance decide, for every request from here on.

        Args:
            seed: The same seed and the same order of requests give the same faults.
            rate: For what part of all requests, from 0 to 1.
            only: From which faults.
            never: Which of them not.

        Raises:
            ValueError: A name is no fault, or the rate is none.
        """
        unknown = {*only, *never} - FAULTS.keys()
        if unknown or not 0 <= rate <= 1:
            message = f"No faults: {sorted(unknown)}; or no rate from 0 to 1: {rate}."
            raise ValueError(message)
        names = [name for name in FAULTS if name in only and name not in never]
        with self._lock:
            self._random, self._rate = random.Random(seed), rate  # noqa: S311 - no secret
            self._drawn = {on: tuple(_made_for(on, names)) for on in _ALL}

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

    def respond(
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
            self._random = None

    def take(self, operation: Operation) -> Fault | None:
        """Give the fault that the next request of an operation meets."""
        with self._lock:
            fault = self._scripted(operation) or self._by_chance(operation)
            if fault is not None:
                self.counts[operation, fault.name] += 1
            return fault

    def _scripted(self, operation: Operation) -> Fault | None:
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

    def _by_chance(self, operation: Operation) -> Fault | None:
        if self._random is None or self._random.random() >= self._rate:
            return None
        found = self._drawn[operation]
        return self._random.choice(found) if found else None


def _made_for(on: Operation, names: Iterable[str]) -> Iterable[Fault]:
    for name in names:
        operations, settings = FAULTS[name]
        if on in operations:
            yield Fault(on=on, name=name, **settings)
