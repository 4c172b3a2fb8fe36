"""What may be sent again, and what never.

A submit costs money, so it is sent again only where fal surely did not take it. All
else may be repeated at will.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from langchain_fal_image.wire.config import Retry
from langchain_fal_image.wire.effects import (
    HttpResponse,
    NotSent,
    ReplyLost,
    TransportFailure,
    Unsendable,
)

__all__ = ["REPEATABLE", "RESULT", "STATE", "SUBMIT", "Rule", "pause"]

_TOO_MANY = 429
_GATEWAY = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When an exchange is tried again.

    Attributes:
        is_repeatable: Whether it may be sent again after fal may have received it.
        statuses: Answers after which it is tried again.
        only_from_ingress: Whether an answer of 500 and above counts only where it did
            not come from the model: then it bears no request id.
        json_object: Whether an answer of 2xx must be a JSON object: what cannot be one
            was spoiled on the way, and is asked for again.
    """

    is_repeatable: bool
    statuses: frozenset[int]
    only_from_ingress: bool = False
    json_object: bool = False

    def attempts(self, retry: Retry) -> int:
        """Return how often the request is sent in all."""
        return retry.attempts if self.is_repeatable else retry.submit_attempts

    def after_answer(self, response: HttpResponse) -> bool:
        """Tell whether an answer calls for another try."""
        if self.json_object and response.ok:
            body = response.body.strip()
            return not (body.startswith(b"{") and body.endswith(b"}"))
        if response.status not in self.statuses:
            return False
        if response.headers.get("x-fal-request-timeout-type") == "user":
            return False
        return not (
            self.only_from_ingress
            and response.status != _TOO_MANY
            and "x-fal-request-id" in response.headers
        )

    def after_failure(self, failure: TransportFailure) -> bool:
        """Tell whether a failure of the transport calls for another try."""
        if isinstance(failure, NotSent):
            return not isinstance(failure, Unsendable)
        return isinstance(failure, ReplyLost) and self.is_repeatable


SUBMIT = Rule(is_repeatable=False, statuses=frozenset({_TOO_MANY}))
"""For what costs money: sent again only where it surely was not taken."""

REPEATABLE = Rule(is_repeatable=True, statuses=frozenset({408, _TOO_MANY}) | _GATEWAY)
"""For what changes nothing: states, downloads, cancels, uploads."""

STATE = replace(REPEATABLE, json_object=True)
"""For the state of a request."""

RESULT = replace(STATE, only_from_ingress=True)
"""For the result: there an error of the model is an answer, and stays the same."""


def pause(
    retry: Retry,
    attempt: int,
    response: HttpResponse | None,
    *,
    chance: Callable[[], float] = random.random,
    now: Callable[[], float] = time.time,
) -> float:
    """Say how long to wait before another try, in seconds.

    Args:
        retry: The pauses.
        attempt: How many tries there were.
        response: The last answer; its `Retry-After` is honoured.
        chance: Gives a number from 0 to 1, so that clients do not come back at once.
        now: The time of day in seconds since 1970, for a `Retry-After` that is a date.
    """
    if response is not None:
        asked = response.headers.get("retry-after")
        if asked is not None and (seconds := _seconds(asked, now)) is not None:
            return max(0.0, seconds)
    whole = min(retry.longest_pause, retry.first_pause * retry.factor ** (attempt - 1))
    return float(whole * (1 - retry.jitter * chance()))


def _seconds(asked: str, now: Callable[[], float]) -> float | None:
    try:
        seconds = float(asked)
    except ValueError:
        try:
            return email.utils.parsedate_to_datetime(asked).timestamp() - now()
        except (ValueError, OverflowError, OSError):
            return None
    return seconds if seconds < float("inf") else None
