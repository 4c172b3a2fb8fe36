"""The settings: defaults, validation, and what they change in a flow."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from stage import MODEL, PENDING_STATUS, Stage, answer

from langchain_fal_image import Limits, Polling, Retry, Timeouts, create_fal, errors
from langchain_fal_image.wire import flows, queue_api
from langchain_fal_image.wire.effects import ReplyLost
from langchain_fal_image.wire.exchange import compute_pause
from langchain_fal_image.wire.queue import QueuedRequest

SETTINGS = (Timeouts, Limits, Polling, Retry)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("value", [-1, float("nan"), "5", None, True])
def test_an_invalid_value_raises_an_error_that_names_it_and_its_range(
    settings: Any, value: Any
) -> None:
    for each in fields(settings):
        with pytest.raises(errors.FalConfigurationError) as caught:
            settings(**{each.name: value})
        assert f"{settings.__name__}({each.name}={value!r})" in str(caught.value)
        assert f"{each.name} must be a" in str(caught.value)
        assert each.name in caught.value.next_step


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        (Retry, {"attempts": 0}),
        (Retry, {"attempts": 1.5}),
        (Retry, {"submit_attempts": 0}),
        (Retry, {"factor": 0.5}),
        (Retry, {"jitter": 1.1}),
        (Retry, {"longest_retry_after": 0}),
        (Polling, {"first_pause": 0}),
        (Polling, {"longest_pause": 0}),
        (Polling, {"factor": 0.9}),
        (Timeouts, {"total": 0}),
        (Limits, {"part_bytes": 0}),
    ],
    ids=str,
)
def test_a_value_outside_its_range_is_refused(settings: Any, values: Any) -> None:
    with pytest.raises(errors.FalConfigurationError, match="must be"):
        settings(**values)


@pytest.mark.parametrize(
    "made",
    [
        Retry(first_pause=0, longest_pause=0, jitter=0),
        Polling(stream_attempts=0, factor=1),
        Timeouts(total=float("inf")),
    ],
    ids=repr,
)
def test_the_bounds_themselves_are_allowed(made: Any) -> None:
    assert replace(made) == made


def test_a_provider_takes_all_settings_and_hands_them_to_its_flows() -> None:
    given = {
        "timeout": Timeouts(total=1),
        "limits": Limits(part_bytes=1),
        "polling": Polling(first_pause=1),
        "retry": Retry(attempts=1),
    }
    context = create_fal("k", **given).context  # type: ignore[arg-type]  # one of each
    taken = (context.timeouts, context.limits, context.polling, context.retry)
    assert taken == tuple(given.values())


def test_pauses_grow_by_the_factor_up_to_the_longest_less_the_jitter() -> None:
    retry = Retry(first_pause=1, factor=3, longest_pause=5, jitter=0.5)

    def pauses(drawn: float) -> list[float]:
        return [
            compute_pause(retry, attempt=each, response=None, draw=lambda: drawn)
            for each in (1, 2, 3)
        ]

    assert pauses(0.0) == [1, 3, 5]
    assert pauses(1.0) == [0.5, 1.5, 2.5]


@pytest.mark.parametrize("attempts", [1, 2, 7])
def test_a_request_is_sent_as_often_as_the_settings_say(attempts: int) -> None:
    stage = Stage(result=[ReplyLost("gone")], submit=[answer(429, {})])
    stage.retry = Retry(attempts=attempts, submit_attempts=attempts, first_pause=0)
    with pytest.raises(errors.FalConnectionError):
        stage.play(queue_api.fetch_result(stage.context, request(stage)))
    assert stage.operations() == ["result"] * attempts
    with pytest.raises(errors.FalRateLimitError):
        stage.play(flows.submit(stage.context, MODEL, {}))
    assert stage.operations().count("submit") == attempts
    assert set(stage.slept) <= {0.0}


def test_without_stream_attempts_the_status_is_polled() -> None:
    stage = Stage(status=[PENDING_STATUS] * 3 + [answer(200, {"status": "COMPLETED"})])
    stage.polling = Polling(stream_attempts=0, first_pause=2, factor=2, longest_pause=5)
    stage.play(flows.resume(stage.context, request(stage)))
    assert stage.operations() == ["status"] * 4 + ["result"]
    assert stage.slept == [2, 4, 5]


def test_a_retry_after_longer_than_allowed_ends_the_attempts() -> None:
    stage = Stage(cancel=[answer(429, {}, retry_after="30")])
    stage.retry = Retry(longest_retry_after=20, attempts=3)
    with pytest.raises(errors.FalRateLimitError):
        stage.play(flows.cancel(stage.context, request(stage)))
    assert stage.operations() == ["cancel"]
    stage.retry = Retry(longest_retry_after=40, attempts=3)
    with pytest.raises(errors.FalRateLimitError):
        stage.play(flows.cancel(stage.context, request(stage)))
    assert stage.operations() == ["cancel"] * 4


def request(stage: Stage) -> QueuedRequest:
    return QueuedRequest.for_id(
        stage.context.hosts, endpoint_id=MODEL, request_id="r-1"
    )
