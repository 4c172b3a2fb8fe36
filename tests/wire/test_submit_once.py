"""A submit is sent once: which requests may be repeated, and which never."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import pytest
from stage import BASE, MODEL, SUBMITTED, Stage, answer

from langchain_fal_image import errors
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.effects import NotSent, ReplyLost

PAYLOAD = {"prompt": "a hill"}
GATEWAY = b"<html><center>nginx</center></html>"


def submit(stage: Stage, **settings: Any) -> Any:
    return stage.play(flows.generate(stage.context, MODEL, PAYLOAD, **settings))


def test_a_generation_takes_three_exchanges() -> None:
    stage = Stage()
    output = submit(stage)
    assert output.body["images"]
    assert stage.operations() == ["submit", "stream", "result"]
    assert stage.sent[0].url == f"https://queue.fal.run/{MODEL}"
    assert stage.sent[0].content == b'{"prompt":"a hill"}'
    assert stage.sent[1].url == f"{BASE}/status/stream?logs=1"


def test_the_id_is_emitted_before_anything_waits() -> None:
    stage = Stage(stream=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        submit(stage)
    [first] = stage.updates
    assert first.request.request_id == "r-1"
    assert first.queue_position == 2


def test_a_connection_that_never_opened_is_retried() -> None:
    stage = Stage(
        submit=[NotSent("refused"), NotSent("refused"), answer(200, SUBMITTED)]
    )
    submit(stage)
    assert stage.operations().count("submit") == 3


def test_no_connection_at_all_is_safe_to_retry() -> None:
    stage = Stage(submit=[NotSent("refused")])
    with pytest.raises(errors.FalConnectionError) as caught:
        submit(stage)
    assert caught.value.is_retryable
    assert caught.value.charged == "no"


@pytest.mark.parametrize("mode", ["queue", "sync"])
def test_a_lost_reply_is_never_sent_again(mode: str) -> None:
    stage = Stage(submit=[ReplyLost("reset")], run=[ReplyLost("reset")])
    with pytest.raises(errors.FalSubmitUncertainError) as caught:
        submit(stage, mode=mode)
    assert caught.value.charged == "maybe"
    assert not caught.value.is_retryable
    assert len(stage.sent) == 1


@pytest.mark.parametrize(
    "spoiled",
    [answer(200, b"not json"), answer(200, {"status": "IN_QUEUE"}), answer(200, [1])]
    + [answer(200, {"request_id": 7})]
    + [answer(status, GATEWAY) for status in (500, 502, 503, 504)],
)
def test_a_spoiled_response_is_uncertain_and_not_sent_again(spoiled: Any) -> None:
    stage = Stage(submit=[spoiled])
    with pytest.raises(errors.FalSubmitUncertainError):
        submit(stage)
    assert len(stage.sent) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_an_error_of_fal_the_submit_is_not_sent_again(status: int) -> None:
    body = {"detail": "runner failed", "error_type": "runner_server_error"}
    stage = Stage(submit=[answer(status, body, x_fal_request_id="r-9")])
    with pytest.raises(errors.FalServerError, match="runner failed") as caught:
        submit(stage)
    assert caught.value.request_id == "r-9"
    assert caught.value.charged == "no"
    assert not caught.value.is_retryable
    assert len(stage.sent) == 1


def test_after_429_the_submit_is_sent_again() -> None:
    stage = Stage(submit=[answer(429, {"detail": "slow down"}), answer(200, SUBMITTED)])
    submit(stage)
    assert 0.25 <= stage.slept[0] <= 0.5


def http_date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("0", 0), (http_date, 30)], ids=["7", "0", "date"]
)
def test_retry_after_is_honored(header: Any, seconds: float) -> None:
    asked = header(seconds) if callable(header) else header
    stage = Stage(submit=[answer(429, {}, retry_after=asked), answer(200, SUBMITTED)])
    submit(stage)
    assert stage.slept[0] == pytest.approx(seconds, abs=2)


def test_a_retry_after_beyond_the_deadline_ends_the_attempts() -> None:
    stage = Stage(submit=[answer(429, {"detail": "busy"}, retry_after="900")])
    with pytest.raises(errors.FalRateLimitError) as caught:
        submit(stage)
    assert caught.value.is_retryable
    assert stage.slept == []


def test_the_response_to_a_submit_may_exceed_a_short_deadline() -> None:
    stage = Stage()
    submit(stage, timeout=0.5)
    assert stage.sent[0].read_timeout >= 0.5


@pytest.mark.parametrize("name", ["status_url", "response_url", "cancel_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://queue.fal.run/x",
        "https://queue.fal.run@evil.example/",
        "https://queue.fal.run:8443/x",
        "not a url",
        7,
    ],
)
def test_foreign_urls_are_not_used(name: str, url: Any) -> None:
    stage = Stage(submit=[answer(200, {**SUBMITTED, name: url})])
    request = stage.play(flows.submit(stage.context, MODEL, PAYLOAD))
    assert getattr(request, name) == SUBMITTED[name]


def test_urls_are_built_if_fal_returns_none() -> None:
    stage = Stage(submit=[answer(200, {"request_id": "r-1"})])
    request = stage.play(flows.submit(stage.context, MODEL, PAYLOAD))
    assert request.status_url == f"{BASE}/status"
    assert request.payload_sha256


def test_a_payload_that_is_not_json_is_refused_before_it_is_sent() -> None:
    stage = Stage()
    with pytest.raises(errors.FalOptionError):
        stage.play(flows.submit(stage.context, MODEL, {"seed": float("nan")}))
    assert stage.sent == []


def test_sync_mode_is_one_post() -> None:
    stage = Stage()
    output = submit(stage, mode="sync")
    assert output.request_id == "r-2"
    assert stage.operations() == ["run"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
@pytest.mark.parametrize("at", [2, 3, 4, 5])
def test_an_interruption_after_the_submit_cancels_once(
    error: BaseException, at: int
) -> None:
    stage = Stage(
        stream=[answer(404)],
        status=[
            answer(202, {"status": "IN_QUEUE", "queue_position": 0}),
            answer(200, {"status": "COMPLETED"}),
        ],
    )
    stage.interrupt = (at, error)
    with pytest.raises(type(error)):
        submit(stage)
    assert stage.operations().count("cancel") == 1
    assert stage.sent[-1].read_timeout == stage.context.timeouts.cancel


def test_an_interruption_of_the_submit_has_nothing_to_cancel() -> None:
    stage = Stage()
    stage.interrupt = (1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        submit(stage)
    assert stage.operations() == []


def test_with_on_cancel_keep_the_request_is_not_cancelled() -> None:
    stage = Stage()
    stage.interrupt = (3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        submit(stage, on_cancel="keep")
    assert "cancel" not in stage.operations()


def test_a_failed_cancel_does_not_hide_the_interruption() -> None:
    stage = Stage(cancel=[ReplyLost("reset")])
    stage.interrupt = (3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        submit(stage)


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (answer(200, {"status": "OK"}), "OK"),
        (answer(202, {"status": "CANCELLATION_REQUESTED"}), "CANCELLATION_REQUESTED"),
        (answer(400, {"status": "ALREADY_COMPLETED"}), "ALREADY_COMPLETED"),
        (answer(404, {"status": "NOT_FOUND"}), "NOT_FOUND"),
        (answer(404, b""), "NOT_FOUND"),
        (answer(200, b""), "OK"),
    ],
)
def test_cancel_returns_the_status_of_fal(reply: Any, word: str) -> None:
    stage = Stage(cancel=[reply])
    request = stage.play(flows.submit(stage.context, MODEL, PAYLOAD))
    assert stage.play(flows.cancel(stage.context, request)) == word
