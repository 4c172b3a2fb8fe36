"""Rules for retries: which requests may be sent again, and after which pause.

A submit costs money, so it is sent again only if fal certainly did not accept it. All
other requests may be repeated.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from langchain_fal_image.wire.config import Polling, Retry
from langchain_fal_image.wire.effects import (
    HttpResponse,
    NotSent,
    ReplyLost,
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
    "iterate_pauses",
]

_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When an exchange is tried again.

    Attributes:
        is_repeatable: Whether it may be sent again after fal may have received it.
        statuses: Status codes after which it is tried again.
        is_ingress_only: Whether a status of 500 or above counts only without the
            header `x-fal-request-id`: with it, the model itself responded, as
            fal_client/client.py distinguishes them.
        is_json_object: Whether a 2xx response must be a JSON object; anything else was
            damaged on the way and is requested again.
    """

    is_repeatable: bool
    statuses: frozenset[int]
    is_ingress_only: bool = False
    is_json_object: bool = False

    def attempts(self, retry: Retry) -> int:
        """Return how often the request is sent in all."""
        return retry.attempts if self.is_repeatable else retry.submit_attempts

    def allows_after_response(self, response: HttpResponse) -> bool:
        """Return whether a response calls for another attempt."""
        if self.is_json_object and response.is_success:
            body = response.body.strip()
            return not (body.startswith(b"{") and body.endswith(b"}"))
        if response.status not in self.statuses:
            return False
        # The caller's own time limit has passed: fal_client/_headers.py.
        if response.headers.get("x-fal-request-timeout-type") == "user":
            return False
        return not (
            self.is_ingress_only
            and response.status != _TOO_MANY_REQUESTS
            and "x-fal-request-id" in response.headers
        )

    def allows_after_failure(self, failure: TransportFailure) -> bool:
        """Return whether a transport failure calls for another attempt."""
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
"""For the result: a model's error is the result, and does not change."""


def iterate_pauses(polling: Polling) -> Iterator[float]:
    """Yield the pauses between polls, without end."""
    pause = min(polling.first_pause, polling.longest_pause)
    while True:
        yield pause
        pause = min(pause * polling.factor, polling.longest_pause)


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
