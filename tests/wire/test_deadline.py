"""One deadline for a whole generation, on a fake clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from stage import IMAGE, MODEL, SUBMITTED, Stage, answer, event

from langchain_fal_image import errors
from langchain_fal_image.wire import flows, queue_api
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import (
    HEARTBEAT,
    HttpRequest,
    HttpResponse,
    NotSent,
    ReplyLost,
)
from langchain_fal_image.wire.files import download
from langchain_fal_image.wire.queue import QueuedRequest

REQUEST = QueuedRequest.for_id(Hosts(), endpoint_id=MODEL, request_id="r-1")
QUEUED = answer(202, {"status": "IN_QUEUE", "queue_position": 1})
PENDING = {"detail": "Request is still in progress"}


def silent(stage: Stage) -> Any:
    """Let the last request time out."""
    stage.clock += min(stage.sent[-1].read_timeout, stage.sent[-1].total_timeout)
    message = "timed out"
    raise ReplyLost(message)


def slow(reply: HttpResponse, seconds: float) -> Callable[[Stage], HttpResponse]:
    def later(stage: Stage) -> HttpResponse:
        stage.clock += seconds
        return reply

    return later


@pytest.mark.parametrize(
    "script",
    [
        {"stream": [answer(404)], "status": [QUEUED]},
        {"stream": [silent], "status": [QUEUED]},
        {"stream": [silent], "status": [silent]},
        {"stream": [[]], "status": [QUEUED]},
        {"stream": [[event(status="IN_PROGRESS")] * 9], "status": [QUEUED]},
        {"stream": [answer(503)], "status": [answer(503), answer(503), QUEUED]},
        {"stream": [answer(404)], "status": [answer(429, {}, retry_after="500")]},
        {"stream": [answer(404)], "status": [answer(429, {}, retry_after="30")]},
        {"stream": [answer(404)], "status": [slow(QUEUED, 0.3)]},
        {"result": [answer(400, PENDING)]},
        {"result": [answer(429, {}, retry_after="3600")]},
        {"result": [silent]},
    ],
)
@pytest.mark.parametrize("timeout", [0.7, 7.0, 90.0])
def test_the_wait_ends_at_the_deadline(script: dict[str, Any], timeout: float) -> None:
    stage = Stage(**script)
    with pytest.raises(errors.FalTimeoutError) as caught:
        stage.play(flows.resume(stage.context, REQUEST, timeout=timeout))
    assert stage.clock == pytest.approx(timeout, abs=0.5)
    assert "r-1" in str(caught.value)
    assert f"within {timeout:g} s" in str(caught.value)
    assert caught.value.request == REQUEST
    assert caught.value.charged == "maybe"
    assert not caught.value.is_retryable


@pytest.mark.parametrize("pace", [0.2, 3.0, 15.0, 39.0])
def test_heartbeats_do_not_extend_the_deadline(pace: float) -> None:
    stage = Stage(stream=[[HEARTBEAT] * 1000], status=[QUEUED])
    stage.listen_cost = pace
    with pytest.raises(errors.FalTimeoutError):
        stage.play(flows.resume(stage.context, REQUEST, timeout=100))
    assert stage.clock <= 100 + pace
    assert stage.clock >= 100
    assert stage.operations().count("stream") < 60


def test_no_exchange_outlasts_the_deadline() -> None:
    asked: list[tuple[float, HttpRequest]] = []

    def watched(stage: Stage) -> HttpResponse:
        asked.append((stage.clock, stage.sent[-1]))
        return QUEUED

    stage = Stage(stream=[answer(404)], status=[watched])
    with pytest.raises(errors.FalTimeoutError):
        stage.play(flows.resume(stage.context, REQUEST, timeout=100))
    for clock, request in asked:
        assert clock + request.read_timeout <= 100.01
        assert clock + request.total_timeout <= 100.01


def test_time_before_the_submit_counts() -> None:
    stage = Stage(
        submit=[answer(429, {}, retry_after="50"), answer(200, SUBMITTED)],
        stream=[answer(404)],
        status=[QUEUED],
    )
    with pytest.raises(errors.FalTimeoutError):
        stage.play(flows.generate(stage.context, MODEL, {}, timeout=60))
    assert stage.clock == pytest.approx(60)


@pytest.mark.parametrize("mode", ["queue", "sync"])
def test_a_second_submit_has_only_the_remaining_time(mode: Any) -> None:
    busy = answer(429, {}, retry_after="50")
    stage = Stage(submit=[busy, answer(200, SUBMITTED)], run=[busy, answer(200, IMAGE)])
    stage.play(flows.generate(stage.context, MODEL, {}, mode=mode, timeout=60))
    assert stage.sent[1].read_timeout == pytest.approx(10)
    assert stage.sent[1].total_timeout == pytest.approx(10)


@pytest.mark.parametrize("mode", ["queue", "sync"])
@pytest.mark.parametrize("timeout", [0.0, 0.1])
def test_the_response_to_a_submit_has_its_grace(mode: Any, timeout: float) -> None:
    stage = Stage()
    grace = stage.context.timeouts.submit_grace
    try:
        stage.play(flows.generate(stage.context, MODEL, {}, mode=mode, timeout=timeout))
    except errors.FalTimeoutError as error:
        assert error.request is not None  # noqa: PT017 - sync mode has no error
    assert stage.sent[0].read_timeout == grace
    assert stage.sent[0].total_timeout == grace


def test_a_pending_result_is_polled_at_growing_intervals() -> None:
    stage = Stage(result=[answer(400, PENDING)])
    with pytest.raises(errors.FalTimeoutError):
        stage.play(flows.resume(stage.context, REQUEST, timeout=60))
    assert stage.operations().count("result") < 25
    assert stage.slept[:-1] == sorted(stage.slept[:-1])
    assert stage.operations().count("stream") == 1


@pytest.mark.parametrize("status", [400, 404, 408, 409, 425, 500])
def test_a_pending_result_is_recognised_by_its_text_at_any_status(status: int) -> None:
    stage = Stage(result=[answer(status, PENDING)] * 2 + [answer(200, IMAGE)])
    assert stage.play(flows.resume(stage.context, REQUEST)).body == IMAGE


@pytest.mark.parametrize(
    "flow", [flows.fetch_status, queue_api.fetch_result, flows.cancel]
)
def test_without_a_deadline_a_long_retry_after_ends_the_attempts(flow: Any) -> None:
    busy = answer(429, {"detail": "busy"}, retry_after="86400")
    stage = Stage(status=[busy], result=[busy], cancel=[busy])
    with pytest.raises(errors.FalRateLimitError) as caught:
        stage.play(flow(stage.context, REQUEST))
    assert stage.slept == []
    assert caught.value.charged == "maybe"
    assert "Do not submit it" in caught.value.next_step


def test_a_download_has_a_deadline() -> None:
    stage = Stage(media=[answer(503, b"", retry_after="86400")])
    with pytest.raises(errors.FalDownloadError):
        stage.play(download(stage.context, "https://v3.fal.media/a.png"))
    assert stage.slept == []
    assert stage.sent[0].total_timeout == Context().timeouts.total


@pytest.mark.parametrize(
    "asked", ["nan", "inf", "-5", "", "soon", "1e999", "Wed, 99 Foo 2026 1:2:3 GMT"]
)
def test_an_invalid_retry_after_is_ignored(asked: str) -> None:
    busy = answer(429, {}, retry_after=asked)
    stage = Stage(submit=[busy, answer(200, SUBMITTED)])
    stage.play(flows.generate(stage.context, MODEL, {}))
    assert 0 <= stage.slept[0] <= 0.5


def test_a_submit_is_attempted_four_times() -> None:
    stage = Stage(submit=[answer(429, {"detail": "busy"}, retry_after="1")])
    with pytest.raises(errors.FalRateLimitError) as caught:
        stage.play(flows.generate(stage.context, MODEL, {}))
    assert len(stage.sent) == 4
    assert caught.value.charged == "no"
    assert caught.value.is_retryable


def test_attempts_without_a_connection_end_at_the_deadline() -> None:
    def refused(stage: Stage) -> Any:
        stage.clock += 4
        message = "refused"
        raise NotSent(message)

    stage = Stage(submit=[refused])
    with pytest.raises(errors.FalConnectionError):
        stage.play(flows.generate(stage.context, MODEL, {}, timeout=6))
    assert stage.clock <= 9
