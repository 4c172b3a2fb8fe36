"""Following a request: stream, polling, deadline, result."""

from __future__ import annotations

from typing import Any

import pytest
from stage import IMAGE, MODEL, Stage, answer, event

from langchain_fal_image import errors
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.effects import HEARTBEAT, NotSent, ReplyLost, StreamEvent
from langchain_fal_image.wire.queue import Output, QueuedRequest

QUEUED = answer(202, {"status": "IN_QUEUE", "queue_position": 1})
RUNNING = answer(202, {"status": "IN_PROGRESS", "logs": None})
DONE = answer(200, {"status": "COMPLETED", "logs": None})
REQUEST = QueuedRequest.for_id(Hosts(), endpoint_id=MODEL, request_id="r-1")


def resume(stage: Stage, timeout: float | None = None) -> Output:
    return stage.play(flows.resume(stage.context, REQUEST, timeout=timeout))


@pytest.mark.parametrize("refusal", [404, 405, 400, 200])
def test_without_a_stream_the_status_is_polled_at_growing_intervals(
    refusal: int,
) -> None:
    stage = Stage(stream=[answer(refusal)], status=[*[QUEUED] * 8, DONE])
    resume(stage)
    assert stage.operations().count("stream") == 1
    assert stage.operations().count("status") == 9
    assert stage.slept == sorted(stage.slept)
    assert stage.slept[0] == 0.25
    assert stage.slept[-1] == pytest.approx(0.25 * 1.5**7)


def test_intervals_have_a_maximum() -> None:
    stage = Stage(stream=[answer(404)], status=[*[QUEUED] * 30, DONE])
    resume(stage)
    assert max(stage.slept) == stage.context.polling.longest_pause


@pytest.mark.parametrize(
    "broken",
    [
        [ReplyLost("reset")],
        [event(status="IN_QUEUE"), ReplyLost("reset")],
        [event(status="IN_QUEUE")],
        [],
        [StreamEvent("nonsense")],
        [StreamEvent('{"status": "FAILED"}')],
        [event(status="IN_PROGRESS"), StreamEvent("[]")],
        [NotSent("refused")],
    ],
    ids=repr,
)
def test_a_broken_stream_does_not_break_the_request(broken: list[Any]) -> None:
    good = [event(status="IN_PROGRESS"), event(status="COMPLETED")]
    stage = Stage(stream=[broken, broken, good], status=[RUNNING])
    assert resume(stage).body == IMAGE
    assert stage.operations().count("stream") == 3


def test_a_stream_that_always_breaks_is_replaced_by_polling() -> None:
    stage = Stage(stream=[[]], status=[*[RUNNING] * 9, DONE])
    resume(stage)
    assert stage.operations().count("stream") == stage.context.polling.stream_attempts


def test_each_change_and_each_log_line_is_emitted_once() -> None:
    one = {"message": "one", "timestamp": "1", "level": "INFO"}
    two = {"message": "two", "timestamp": "2", "level": "INFO"}
    stage = Stage(
        stream=[
            [
                event(status="IN_QUEUE", queue_position=3),
                event(status="IN_QUEUE", queue_position=3),
                event(status="IN_QUEUE", queue_position=1),
                event(status="IN_PROGRESS", logs=[one]),
            ],
            [event(status="IN_PROGRESS", logs=[two]), event(status="COMPLETED")],
        ],
        status=[answer(202, {"status": "IN_PROGRESS", "logs": [one, two]})],
    )
    resume(stage)
    emitted = [(each.status, each.queue_position) for each in stage.updates]
    assert emitted == [
        ("IN_QUEUE", 3),
        ("IN_QUEUE", 1),
        ("IN_PROGRESS", None),
        ("IN_PROGRESS", None),
        ("COMPLETED", None),
    ]
    lines = [log.message for each in stage.updates for log in each.logs]
    assert lines == ["one", "two"]


@pytest.mark.parametrize(
    "script",
    [
        {"stream": [answer(404)], "status": [QUEUED]},
        {"stream": [[HEARTBEAT] * 10_000], "status": [QUEUED]},
        {"stream": [[]], "status": [RUNNING]},
        {"stream": [answer(404)], "status": [answer(503, b"<html>")] * 3 + [QUEUED]},
        {"stream": [ReplyLost("silence")], "status": [QUEUED]},
    ],
    ids=["polling", "heartbeats", "empty streams", "failing", "silence"],
)
def test_the_deadline_holds_and_the_request_can_be_resumed(
    script: dict[str, Any],
) -> None:
    stage = Stage(**script)
    stage.listen_cost = 1.0
    with pytest.raises(errors.FalTimeoutError) as caught:
        resume(stage, timeout=90)
    assert stage.clock == pytest.approx(90, abs=1.0)
    assert "r-1" in str(caught.value)
    assert caught.value.request == REQUEST
    assert caught.value.charged == "maybe"
    assert not caught.value.is_retryable


def test_no_read_outlasts_the_deadline() -> None:
    stage = Stage(stream=[[HEARTBEAT] * 1000], status=[QUEUED])
    stage.listen_cost = 3.0
    with pytest.raises(errors.FalTimeoutError):
        resume(stage, timeout=100)
    for request in stage.sent:
        assert request.read_timeout <= 100


def test_watching_ends_with_the_request() -> None:
    stage = Stage(stream=[[event(status="IN_PROGRESS"), event(status="COMPLETED")]])
    stage.play(flows.watch(stage.context, REQUEST))
    assert [each.status for each in stage.updates] == ["IN_PROGRESS", "COMPLETED"]
    assert stage.operations() == ["stream"]


def test_a_lost_status_is_requested_again() -> None:
    stage = Stage(
        stream=[answer(404)],
        status=[ReplyLost("reset"), NotSent("refused"), answer(500, {}), DONE],
    )
    stage.play(flows.watch(stage.context, REQUEST))
    assert [each.status for each in stage.updates] == ["COMPLETED"]


def test_an_unreachable_fal_leaves_the_request_in_the_error() -> None:
    stage = Stage(stream=[NotSent("refused")], status=[NotSent("refused")])
    with pytest.raises(errors.FalConnectionError) as caught:
        resume(stage)
    assert caught.value.request == REQUEST
    assert caught.value.charged == "maybe"
    assert not caught.value.is_retryable


def test_an_invalid_status_is_an_error_with_the_request() -> None:
    stage = Stage(status=[answer(200, {"status": "FAILED"})])
    with pytest.raises(errors.FalResponseError) as caught:
        stage.play(flows.fetch_status(stage.context, REQUEST))
    assert caught.value.request == REQUEST


# --- The result decides ---

FAULT = {"loc": ["body", "image_urls", 0], "msg": "no image there", "type": "x"}


@pytest.mark.parametrize(
    ("reply", "kind", "text", "charged"),
    [
        (
            answer(422, {"detail": [FAULT]}),
            errors.FalInvalidInputError,
            "image_urls.0: no image there",
            "maybe",
        ),
        (
            answer(400, {"detail": "bad", "error_type": "bad_request"}),
            errors.FalInvalidInputError,
            "bad",
            "no",
        ),
        (
            answer(422, {"detail": "plain"}),
            errors.FalInvalidInputError,
            "plain",
            "maybe",
        ),
        (answer(401, {"message": "no key"}), errors.FalAuthError, "no key", "maybe"),
        (answer(403, {"detail": "locked"}), errors.FalAuthError, "locked", "maybe"),
        (
            answer(
                500, {"error": {"message": "oh", "code": "e"}}, x_fal_request_id="r"
            ),
            errors.FalServerError,
            "oh",
            "no",
        ),
        (answer(504, b"<html>nginx"), errors.FalServerError, "gateway", "maybe"),
        (
            answer(404, {"detail": "Not Found"}),
            errors.FalRequestError,
            "expired",
            "maybe",
        ),
        (
            answer(422, {"detail": [{**FAULT, "type": "content_policy_violation"}]}),
            errors.FalModerationError,
            "no image there",
            "maybe",
        ),
        (
            answer(422, {"detail": [{"msg": "none", "type": "no_media_generated"}]}),
            errors.FalModerationError,
            "none",
            "maybe",
        ),
        (
            answer(499, {"detail": "gone", "error_type": "client_cancelled"}),
            errors.FalCancelledError,
            "gone",
            "maybe",
        ),
        (answer(418, {}), errors.FalRequestError, "418", "no"),
    ],
)
def test_completed_is_not_success(
    reply: Any, kind: type[errors.FalError], text: str, charged: str
) -> None:
    stage = Stage(result=[reply])
    with pytest.raises(kind, match=text) as caught:
        resume(stage)
    assert caught.value.charged == charged
    assert caught.value.request == REQUEST
    assert not caught.value.is_retryable


def test_a_gateways_response_to_a_result_is_retried() -> None:
    stage = Stage(result=[answer(502, b"<html>"), ReplyLost("cut"), answer(200, IMAGE)])
    assert resume(stage).body == IMAGE


def test_a_models_own_failure_is_not_retried() -> None:
    stage = Stage(result=[answer(500, {"detail": "oh"}, x_fal_request_id="r-1")])
    with pytest.raises(errors.FalServerError):
        resume(stage)
    assert stage.operations().count("result") == 1


def test_a_pending_result_is_awaited() -> None:
    pending = answer(400, {"detail": "Request is still in progress"})
    stage = Stage(result=[pending, pending, answer(200, IMAGE)])
    assert resume(stage).body == IMAGE


def test_the_error_of_the_status_is_used_if_the_result_has_none() -> None:
    done = event(status="COMPLETED", error="it broke", error_type="runner_disconnected")
    stage = Stage(stream=[[done]], result=[answer(200, {})])
    with pytest.raises(errors.FalRequestError, match="it broke") as caught:
        resume(stage)
    assert caught.value.error_type == "runner_disconnected"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe"])
def test_a_result_that_is_not_an_object_is_an_error_with_the_request(
    body: bytes,
) -> None:
    stage = Stage(result=[answer(200, body)])
    with pytest.raises(errors.FalResponseError) as caught:
        resume(stage)
    assert caught.value.request == REQUEST


def test_an_error_body_contains_neither_input_nor_bytes() -> None:
    fault = {
        **FAULT,
        "input": "data:image/png;base64,AAAA",
        "msg": "bad data:x;base64,AA",
    }
    stage = Stage(result=[answer(422, {"detail": [fault]})])
    with pytest.raises(errors.FalInvalidInputError) as caught:
        resume(stage)
    assert "AAAA" not in repr(caught.value.body) + str(caught.value)
    assert "base64" not in repr(caught.value.body) + str(caught.value)
