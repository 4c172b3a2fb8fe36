"""Send a request with retries: how often, after which pauses, until when.

A submit costs money, so it is sent again only if fal certainly did not accept it. All
other requests may be repeated.
"""

from __future__ import annotations

import email.utils
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from langchain_fal_image.wire.config import Retry
from langchain_fal_image.wire.context import Context, Deadline
from langchain_fal_image.wire.effects import (
    Flow,
    HttpRequest,
    HttpResponse,
    NotSent,
    OutOfTime,
    ReplyLost,
    Send,
    Sleep,
    TransportFailure,
    Unsendable,
)

__all__ = [
    "REPEATABLE",
    "RESULT",
    "STATUS",
    "SUBMIT",
    "Rule",
    "compute_pause",
    "exchange",
]

_log = logging.getLogger("langchain_fal_image")
_SHORTEST_TIMEOUT_S = 0.001
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When an exchange is tried again.

    Attributes:
        is_repeatable: Whether it may be sent again after fal may have received it.
        statuses: Status codes after which it is tried again.
        is_ingress_only: Whether a status other than 429 counts only without the header
            `x-fal-request-id`. With it, the model responded, and not fal's ingress
            (fal_client/client.py).
        is_json_object: Whether a 2xx response must be a JSON object. Any other 2xx
            response counts as damaged in transit and is requested again.
    """

    is_repeatable: bool
    statuses: frozenset[int]
    is_ingress_only: bool = False
    is_json_object: bool = False

    def attempts(self, retry: Retry) -> int:
        """Return how often the request may be sent, the first time included."""
        return retry.attempts if self.is_repeatable else retry.submit_attempts

    def allows_after_response(self, response: HttpResponse) -> bool:
        """Return whether to send the request again after a response."""
        if self.is_json_object and response.is_success:
            body = response.body.strip()
            return not (body.startswith(b"{") and body.endswith(b"}"))
        if response.status not in self.statuses:
            return False
        # A time limit that the caller set has passed: fal_client/_headers.py.
        if response.headers.get("x-fal-request-timeout-type") == "user":
            return False
        return not (
            self.is_ingress_only
            and response.status != _TOO_MANY_REQUESTS
            and "x-fal-request-id" in response.headers
        )

    def allows_after_failure(self, failure: TransportFailure) -> bool:
        """Return whether to send the request again after a transport failure."""
        if isinstance(failure, NotSent):
            return not isinstance(failure, Unsendable)
        return isinstance(failure, ReplyLost) and self.is_repeatable


SUBMIT = Rule(is_repeatable=False, statuses=frozenset({_TOO_MANY_REQUESTS}))
"""For submits: sent again only if fal certainly did not accept them."""

REPEATABLE = Rule(
    is_repeatable=True,
    statuses=frozenset({408, _TOO_MANY_REQUESTS}) | _SERVER_ERRORS,
)
"""For requests without side effects: downloads, cancels, uploads."""

STATUS = replace(REPEATABLE, is_json_object=True)
"""For the status of a request."""

RESULT = replace(STATUS, is_ingress_only=True)
"""For the result: an error of the model is final."""


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
        deadline: Ends the attempts. Without one, they end after `Timeouts.total`, or
            before a pause that is longer than `Retry` allows.
        grace: Minimum time for the response, even if the deadline leaves less. For
            submits: their response has the id of a request that costs money.
        patience: See `Send`.
        into: See `Send`.

    Returns:
        The last response, whatever its status.

    Raises:
        OutOfTime: The deadline leaves no time for another attempt of a repeatable
            request.
        TransportFailure: The last attempt had no response.
    """
    attempt = 0
    end = (deadline or ctx.start_deadline()).at
    while True:
        attempt += 1
        total = max(end - ctx.now(), grace, _SHORTEST_TIMEOUT_S)
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
        left = end - ctx.now()
        if not deadline:
            longest = max(ctx.retry.longest_pause, ctx.retry.longest_retry_after)
            left = min(left, longest)
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


def compute_pause(
    retry: Retry,
    *,
    attempt: int,
    response: HttpResponse | None,
    draw: Callable[[], float] = random.random,
    now: Callable[[], float] = time.time,
) -> float:
    """Return the pause before the next attempt, in seconds.

    Args:
        retry: The settings.
        attempt: The number of attempts so far.
        response: The last response; its `Retry-After` is honored.
        draw: Returns a random number from 0 to 1.
        now: Seconds since 1970, for a `Retry-After` with a date.
    """
    header = response.headers.get("retry-after") if response else None
    if header is not None and (seconds := _parse_retry_after(header, now)) is not None:
        return max(0.0, seconds)
    whole = min(retry.longest_pause, retry.first_pause * retry.factor ** (attempt - 1))
    return float(whole * (1 - retry.jitter * draw()))


def _parse_retry_after(header: str, now: Callable[[], float]) -> float | None:
    try:
        seconds = float(header)
    except ValueError:
        try:
            return email.utils.parsedate_to_datetime(header).timestamp() - now()
        except (ValueError, OverflowError, OSError):
            return None
    return seconds if seconds < float("inf") else None
