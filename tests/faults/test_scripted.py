"""Faults by their names; the time of day in `Retry-After`."""

from __future__ import annotations

import email.utils
import time

import pytest

from langchain_fal_image import Retry
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.wire.effects import HttpResponse
from langchain_fal_image.wire.exchange import compute_pause


@pytest.mark.parametrize("jump", [-1e9, 0.0, 4e9])
def test_the_clock_of_the_day_jumps(jump: float) -> None:
    def now() -> float:
        return time.time() + jump

    def pause(response: HttpResponse | None) -> float:
        return compute_pause(Retry(), attempt=1, response=response, now=now)

    assert pause(None) <= 0.5
    seconds = HttpResponse(status=429, headers={"retry-after": "2"})
    assert pause(seconds) == 2
    date = email.utils.formatdate(time.time() + 5, usegmt=True)
    assert pause(HttpResponse(status=429, headers={"retry-after": date})) >= 0


def test_an_unknown_fault_is_a_value_error() -> None:
    sandbox = Sandbox()
    with pytest.raises(ValueError, match="Unknown fault 'a cough'"):
        sandbox.faults.next("a cough")
    with pytest.raises(ValueError, match="is for stream, not for"):
        sandbox.faults.next("stream stalls", on="submit")
    with pytest.raises(ValueError, match="a cough"):
        sandbox.faults.randomize(seed=1, only=["a cough"])
