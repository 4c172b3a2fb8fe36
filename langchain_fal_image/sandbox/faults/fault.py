"""One fault: the operation that it disturbs, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

__all__ = ["OPERATIONS", "Corruption", "Fault", "Operation"]

Operation = Literal[
    "submit", "status", "stream", "result", "cancel", "run", "upload", "file"
]
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
"""What happens to a response after the sandbox has acted on the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong with a request.

    Attributes:
        on: The operation.
        drop: Reset the connection `before` or `after` the sandbox acts on the request.
        status: Send this HTTP status and do nothing else.
        body: Of that response; a text is sent as it is, everything else as JSON.
        headers: Of that response.
        corrupt: What happens to the true response.
        delay_seconds: Wait so long before the sandbox acts on the request.
        after: Wait after that instead, before the response.
        times: How many requests meet it.
        skip: How many requests of the operation pass before it.
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
        """Whether the client never gets the complete response to a submit."""
        return self.drop is not None or self.corrupt in {
            "cut short",
            "empty",
            "malformed",
            "wrong shape",
        }
