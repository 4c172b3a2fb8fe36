"""Settings, clock and deadline of a flow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from langchain_fal_image.errors import FalTimeoutError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.config import Hosts, Limits, Polling, Retry, Timeouts
from langchain_fal_image.wire.queue import QueuedRequest

__all__ = ["Context", "Deadline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Settings and clock of a flow.

    Attributes:
        hosts: Base URLs of fal's services.
        timeouts: In seconds.
        limits: In bytes.
        polling: How a status is polled.
        retry: How often an exchange is tried again, and after which pauses.
        headers: Headers of the requests to the queue API, in addition to the
            provider's.
        now: A monotonic clock, in seconds.
    """

    hosts: Hosts = field(default_factory=Hosts)
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    polling: Polling = field(default_factory=Polling)
    retry: Retry = field(default_factory=Retry)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    now: Callable[[], float] = time.monotonic

    @property
    def trusted_origins(self) -> frozenset[guard.Origin]:
        """The origins that the developer configured."""
        return guard.find_configured_origins(self.hosts)

    def start_deadline(self, seconds: float | None = None) -> Deadline:
        """Start a deadline.

        Args:
            seconds: Time until it passes; by default `Timeouts.total`.
        """
        total = self.timeouts.total if seconds is None else seconds
        return Deadline(self.now() + total, total)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time at which a wait ends.

    Attributes:
        at: The point in time, on the clock of the `Context`.
        total: The length of the whole wait, in seconds.
    """

    at: float
    total: float

    def build_error(self, request: QueuedRequest, status: str) -> FalTimeoutError:
        """Return the error of a request that did not complete in time.

        Args:
            request: The request, to be resumed later.
            status: Its last status.
        """
        message = (
            f"{request.endpoint_id}: request {request.request_id} did not complete "
            f"within {self.total:g} s (last status: {status}). It continues at fal."
        )
        return FalTimeoutError(message, model=request.endpoint_id, request=request)
