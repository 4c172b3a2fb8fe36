"""What every flow needs: settings, a clock, a deadline, and the one way to send."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Literal

from langchain_fal_image.errors import FalTimeoutError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.config import Hosts, Limits, Polling, Retry, Timeouts
from langchain_fal_image.wire.effects import (
    Flow,
    HttpRequest,
    HttpResponse,
    OutOfTime,
    ReplyLost,
    Send,
    Sleep,
    TransportFailure,
)
from langchain_fal_image.wire.queue import QueuedRequest
from langchain_fal_image.wire.retry import Rule, pause

__all__ = ["Context", "Deadline", "exchange"]

_log = logging.getLogger("langchain_fal_image")
_SHORTEST_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every flow needs to know.

    Attributes:
        hosts: Where fal is.
        timeouts: In seconds.
        limits: In bytes.
        polling: How a status is polled.
        retry: How often an exchange is tried again, and after which pauses.
        now: A clock that only goes forward, in seconds.
    """

    hosts: Hosts = field(default_factory=Hosts)
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    polling: Polling = field(default_factory=Polling)
    retry: Retry = field(default_factory=Retry)
    now: Callable[[], float] = time.monotonic

    @property
    def trusted_origins(self) -> frozenset[guard.Origin]:
        """The origins that the developer configured."""
        return guard.find_configured_origins(self.hosts)

    def deadline(self, seconds: float | None = None) -> Deadline:
        """Start a deadline: after so many seconds, by default `timeouts.total`."""
        total = self.timeouts.total if seconds is None else seconds
        return Deadline(self.now, self.now() + total, total)

    def homed(self, request: QueuedRequest) -> QueuedRequest:
        """Give a request only URLs that lead to fal: others are built anew."""
        names = ("status_url", "response_url", "cancel_url")
        urls = {name: getattr(request, name) for name in names}
        foreign = [
            name for name, url in urls.items() if not guard.is_api_url(url, self.hosts)
        ]
        if not foreign:
            return request
        _log.info(
            "%s of request %s lead elsewhere; not used",
            ", ".join(foreign),
            request.request_id,
        )
        built = QueuedRequest.for_id(
            self.hosts, endpoint_id=request.endpoint_id, request_id=request.request_id
        )
        return replace(request, **{name: getattr(built, name) for name in foreign})

    def build_request(
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
    ctx: Context,
    request: HttpRequest,
    rule: Rule,
    *,
    deadline: Deadline | None = None,
    grace: float = 0.0,
    patience: float = 0.0,
    into: BinaryIO | None = None,
) -> Flow[HttpResponse]:
    """Send a request, again where the rule allows it and the deadline leaves time.

    Args:
        ctx: See `Context`.
        request: What is sent.
        rule: When it may be sent again.
        deadline: Ends the tries; without one, no pause is longer than
            `Retry.longest_retry_after`.
        grace: How long an answer is waited for where the deadline leaves less. For
            what may not be repeated: the answer is the id of something paid for.
        patience: See `Send`.
        into: See `Send`.

    Returns:
        The last answer, whatever its status.

    Raises:
        OutOfTime: The deadline leaves no time to repeat what may be repeated.
        TransportFailure: The last try had no answer.
    """
    attempt = 0
    while True:
        attempt += 1
        left = deadline.remaining if deadline else float("inf")
        timeout = min(request.read_timeout, max(left, grace, _SHORTEST_S))
        response: HttpResponse | None = None
        failed: TransportFailure | None = None
        timed = replace(
            request, read_timeout=timeout, total_timeout=max(left, grace, _SHORTEST_S)
        )
        try:
            response = yield Send(timed, patience, into)
        except TransportFailure as error:
            failed = error
            again = rule.after_failure(error)
        else:
            again = rule.after_answer(response)
        if not again or attempt >= rule.attempts(ctx.retry):
            break
        wait = pause(ctx.retry, attempt, response)
        left = deadline.remaining if deadline else ctx.retry.longest_wait
        what = response.status if response else failed
        if wait >= left:
            if deadline and rule.is_repeatable:
                message = f"last: {what}"
                raise OutOfTime(message) from failed
            break
        _log.info(
            "%s %s: %s; trying again in %.1f s",
            request.method,
            request.url.partition("?")[0],  # the rest may be a signature
            what,
            wait,
        )
        yield Sleep(wait)
    if response is None:
        raise failed or ReplyLost("no answer")
    return response
