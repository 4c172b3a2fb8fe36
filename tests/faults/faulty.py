"""The rows of docs/explanation/faults.md, and what the tests of them have in common."""

from __future__ import annotations

import io
import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import PIL.Image

from langchain_fal_image import FalProvider, Limits, Polling, Retry, Timeouts
from langchain_fal_image.sandbox import Sandbox

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "faults.md"
ROW = re.compile(
    r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE
)
LIMITS = Limits(download_bytes=1_000_000, inline_bytes=10)
RETRY = Retry(first_pause=0.01, longest_pause=0.05)
POLLING = Polling(first_pause=0.01, longest_pause=0.05)
# Only a silent stream ends by a real timeout, and nothing runs against it.
TIMEOUTS = Timeouts(total=60, stream_silence=0.1, submit_grace=60)
ALWAYS = 9999
CANCELLED = {"OK", "CANCELLATION_REQUESTED", "ALREADY_COMPLETED"}


@dataclass(frozen=True)
class Row:
    """One fault of a row.

    Attributes:
        fault: Its name.
        operation: The operation that it affects.
        ends_in: `result`, `status`, or the name of the error.
        charged: The error's `charged`.
        has_request: Whether the error carries the request.
        times: How many requests it affects.
    """

    fault: str
    operation: str
    ends_in: str
    charged: str
    has_request: bool
    times: int

    def __str__(self) -> str:
        return f"{self.fault} at {self.operation} x{self.times}"

    def start(self, sandbox: Sandbox) -> None:
        """Let the fault happen from the next request on."""
        faults: Any = sandbox.faults
        if self.operation == "status":
            # The status is polled only while the stream is not available.
            faults.next("stream of nonsense", times=self.times)
        faults.next(self.fault, on=self.operation, times=self.times)


def read_rows(title: str, times: int) -> list[Row]:
    section = (
        PAGE.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    )
    _, *rows = ROW.findall(section)
    return [
        Row(fault, operation, ends_in, charged.strip(), request.strip() == "yes", times)
        for faults, operations, _, ends_in, charged, request in rows
        for fault, operation in itertools.product(
            faults.split(", "), operations.split(", ")
        )
    ]


class JumpingClock:
    """A monotonic clock that is an hour ahead once a condition holds."""

    def __init__(self, has_jumped: Callable[[], bool]) -> None:
        self._has_jumped = has_jumped

    def __call__(self) -> float:
        return time.monotonic() + (3600.0 if self._has_jumped() else 0.0)


@dataclass(frozen=True)
class Run:
    """A row's run on a sandbox that all rows share.

    Attributes:
        sandbox: With the row's fault.
        fal: A provider that does not wait.
        earlier_submits: How many requests the sandbox had accepted before.
    """

    sandbox: Sandbox
    fal: FalProvider
    earlier_submits: int

    @property
    def submits(self) -> int:
        """How many requests the sandbox accepted in this run."""
        return self.sandbox.submits - self.earlier_submits


@contextmanager
def start_run(row: Row, sandbox: Sandbox) -> Iterator[Run]:
    """Start the row's fault; at the end, check what holds for every row.

    If the row ends at the deadline, the deadline passes once the fault happened three
    times, however long that took.
    """
    counts, key = sandbox.faults.counts, (row.operation, row.fault)
    counts.clear()
    row.start(sandbox)
    fal = make_provider(sandbox)
    if row.ends_in == "FalTimeoutError":
        set_clock(fal, JumpingClock(lambda: counts[key] >= 3))
    run = Run(sandbox, fal, sandbox.submits)
    try:
        yield run
        assert counts[key] >= 1
        assert run.submits <= 1
        assert sandbox.leaks == []
    finally:
        sandbox.faults.clear()


def make_provider(sandbox: Sandbox, **settings: Any) -> FalProvider:
    defaults = {"timeout": TIMEOUTS, "limits": LIMITS}
    waits = {"retry": RETRY, "polling": POLLING}
    return sandbox.provider(**{**defaults, **waits, **settings})


def set_clock(fal: FalProvider, clock: Callable[[], float]) -> None:
    fal.context = replace(fal.context, now=clock)


def make_red_square() -> bytes:
    content = io.BytesIO()
    PIL.Image.new("RGB", (512, 512), "red").save(content, "PNG")
    return content.getvalue()
