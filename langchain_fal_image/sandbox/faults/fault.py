"""A fault: the operation that fails, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

__all__ = ["OPERATIONS", "Corruption", "Fault", "Operation"]

Operation = Literal[
    "submit", "status", "stream", "result", "cancel", "run", "upload", "file", "models"
]
"""What a request is for; `models` lists fal's models and their documents."""
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
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
"""Ways to corrupt a response after the sandbox has acted on the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong with a request.

    Attributes:
        on: The operation.
        drop: Reset the connection `before` or `after` the sandbox acts on the request.
        status: Respond with this HTTP status without acting on the request.
        body: The body of that response: text unchanged, everything else as JSON.
        headers: The headers of that response.
        corrupt: How to corrupt the actual response.
        delay_seconds: How long to wait before acting on the request.
        after: Whether to wait after acting on it, before the response, instead.
        times: How many requests the fault affects.
        skip: How many requests of the operation to leave unaffected first.
        name: The name under which the fault is counted.
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
        """Whether the client cannot read the request id from a submit's response."""
        return self.drop is not None or self.corrupt in {
            "cut short",
            "empty",
            "malformed",
            "wrong shape",
        }
