"""Settings, clock and deadline of a flow, and the exchange that retries."""

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
from langchain_fal_image.wire.retry import Rule, compute_pause

__all__ = ["Context", "Deadline", "exchange"]

_log = logging.getLogger("langchain_fal_image")
_SHORTEST_TIMEOUT_S = 0.001
_URL_FIELDS = ("status_url", "response_url", "cancel_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Settings and clock of a flow.

    Attributes:
        hosts: Base URLs of fal's services.
        timeouts: In seconds.
        limits: In bytes.
        polling: How a status is polled.
        retry: How often an exchange is tried again, and after which pauses.
        now: A monotonic clock, in seconds.
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

    def start_deadline(self, seconds: float | None = None) -> Deadline:
        """Start a deadline.

        Args:
            seconds: Time until it passes; by default `Timeouts.total`.
        """
        total = self.timeouts.total if seconds is None else seconds
        return Deadline(self.now, self.now() + total, total)

    def replace_foreign_urls(self, request: QueuedRequest) -> QueuedRequest:
        """Replace URLs that do not lead to fal with URLs built from the ids."""
        foreign = [
            name
            for name in _URL_FIELDS
            if not guard.is_api_url(getattr(request, name), self.hosts)
        ]
        if not foreign:
            return request
        _log.info(
            "request %s: %s on another host not used",
            request.request_id,
            ", ".join(foreign),
        )
        built = QueuedRequest.for_id(
            self.hosts, endpoint_id=request.endpoint_id, request_id=request.request_id
        )
        return replace(request, **{name: getattr(built, name) for name in foreign})

    def build_request(
        self, method: Literal["GET", "POST", "PUT"], url: str, **settings: Any
    ) -> HttpRequest:
        """Build a request to fal's API.

        Args:
            method: The HTTP method.
            url: Absolute URL.
            **settings: Further fields of `HttpRequest`.
        """
        defaults = {
            "read_timeout": self.timeouts.read,
            "max_bytes": self.limits.answer_bytes,
        }
        return HttpRequest(method=method, url=url, **{**defaults, **settings})


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time at which a wait ends.

    Attributes:
        now: The clock.
        at: The point in time, on that clock.
        total: The length of the whole wait, in seconds.
    """

    now: Callable[[], float]
    at: float
    total: float

    @property
    def remaining(self) -> float:
        """Seconds left; 0 or less once the deadline has passed."""
        return self.at - self.now()

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


def exchange(
    ctx: Context,
    request: HttpRequest,
    *,
    rule: Rule,
    deadline: Deadline | None = None,
    grace: float = 0.0,
    patience: float = 0.0,
    into: BinaryIO | None = None,
) -> Flow[HttpResponse]:
    """Send a request; send it again while the rule and the deadline allow it.

    Args:
        ctx: Settings and clock.
        request: The request.
        rule: When it may be sent again.
        deadline: Ends the attempts. Without one, a pause longer than those of `Retry`
            ends them.
        grace: Time for the response if the deadline leaves less. For requests that
            must not be repeated: the response has the id of something paid for.
        patience: See `Send`.
        into: See `Send`.

    Returns:
        The last response, whatever its status.

    Raises:
        OutOfTime: The deadline leaves no time for a repeatable request.
        TransportFailure: The last attempt had no response.
    """
    attempt = 0
    while True:
        attempt += 1
        left = deadline.remaining if deadline else float("inf")
        total = max(left, grace, _SHORTEST_TIMEOUT_S)
        timed = replace(
            request,
            read_timeout=min(request.read_timeout, total),
            total_timeout=total,
        )
        response: HttpResponse | None = None
        failure: TransportFailure | None = None
        try:
            response = yield Send(timed, patience, into)
        except TransportFailure as error:
            failure = error
            can_retry = rule.allows_after_failure(error)
        else:
            can_retry = rule.allows_after_response(response)
        if not can_retry or attempt >= rule.attempts(ctx.retry):
            break
        pause = compute_pause(ctx.retry, attempt=attempt, response=response)
        longest = max(ctx.retry.longest_pause, ctx.retry.longest_retry_after)
        left = deadline.remaining if deadline else longest
        reason = response.status if response else failure
        if pause >= left:
            if deadline and rule.is_repeatable:
                message = f"last: {reason}"
                raise OutOfTime(message) from failure
            break
        _log.info(
            "%s %s: %s; retrying in %.1f s",
            request.method,
            request.url.partition("?")[0],  # the query may contain a signature
            reason,
            pause,
        )
        yield Sleep(pause)
    if response is None:
        raise failure or ReplyLost("no response")
    return response
