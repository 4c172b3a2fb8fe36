"""What every flow needs: settings, a clock, a deadline, and the one way to send."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langchain_fal_image.errors import FalTimeoutError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.effects import (
    Flow,
    HttpRequest,
    HttpResponse,
    QueuedRequest,
    ReplyLost,
    Send,
    Sleep,
    TransportFailure,
)
from langchain_fal_image.wire.retry import Rule, pause
from langchain_fal_image.wire.settings import Hosts, Limits, Polling, Timeouts

__all__ = ["Context", "Deadline", "exchange"]

_log = logging.getLogger("langchain_fal_image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every flow needs to know.

    Attributes:
        hosts: Where fal is.
        timeouts: In seconds.
        limits: In bytes.
        polling: The pauses between questions.
        now: A clock that only goes forward, in seconds.
    """

    hosts: Hosts = field(default_factory=Hosts)
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    polling: Polling = field(default_factory=Polling)
    now: Callable[[], float] = time.monotonic

    @property
    def trusted_origins(self) -> frozenset[guard.Origin]:
        """The origins that the developer configured."""
        return guard.configured_origins(self.hosts)

    def deadline(self, seconds: float | None = None) -> Deadline:
        """Start a deadline: after so many seconds, by default `timeouts.total`."""
        total = self.timeouts.total if seconds is None else seconds
        return Deadline(self.now, self.now() + total, total)

    def call(
        self, method: Literal["GET", "POST", "PUT"], url: str, **more: Any
    ) -> HttpRequest:
        """Make a request to fal's API."""
        settings = {
            "read_timeout": self.timeouts.read,
            "max_bytes": self.limits.answer_bytes,
            **more,
        }
        return HttpRequest(method=method, url=url, **settings)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time that a wait must not pass.

    Attributes:
        now: The clock.
        at: The point, on that clock.
        total: How long the wait was in all, in seconds.
    """

    now: Callable[[], float]
    at: float
    total: float

    @property
    def remaining(self) -> float:
        """Seconds left; 0 or less where it has passed."""
        return self.at - self.now()

    def expired(self, request: QueuedRequest, last: str) -> FalTimeoutError:
        """Make the error that says so, with the request to take up again."""
        message = (
            f"{request.endpoint_id}: request {request.request_id} was not done after "
            f"{self.total:g} s (last state: {last}). It goes on at fal."
        )
        return FalTimeoutError(message, model=request.endpoint_id, request=request)


def exchange(
    request: HttpRequest,
    rule: Rule,
    *,
    deadline: Deadline | None = None,
    patience: float = 0.0,
) -> Flow[HttpResponse]:
    """Send a request, again where the rule allows it and the deadline leaves time.

    Args:
        request: What is sent.
        rule: When it may be sent again.
        deadline: Ends the tries.
        patience: See `Send`.

    Returns:
        The last answer, whatever its status.

    Raises:
        TransportFailure: The last try had no answer.
    """
    attempt = 0
    while True:
        attempt += 1
        left = deadline.remaining if deadline else float("inf")
        timeout = request.read_timeout
        if rule.after_lost_reply:
            # What may not be repeated is not cut short either: its answer is the id
            # of something that was paid for.
            timeout = max(0.001, min(timeout, left))
        response: HttpResponse | None = None
        failed: TransportFailure | None = None
        try:
            response = yield Send(replace(request, read_timeout=timeout), patience)
        except TransportFailure as error:
            failed = error
            again = rule.after_failure(error)
        else:
            again = rule.after_answer(response)
        wait = pause(attempt, response)
        left = deadline.remaining if deadline else float("inf")
        if not again or attempt >= rule.attempts or wait >= left:
            break
        _log.info(
            "%s %s: %s; trying again in %.1f s",
            request.method,
            request.url,
            response.status if response else failed,
            wait,
        )
        yield Sleep(wait)
    if response is None:
        raise failed or ReplyLost("no answer")
    return response
