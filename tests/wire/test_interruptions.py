"""An interruption at any point sends one cancel and is raised."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from stage import BASE, MODEL, Stage, answer, event

from langchain_fal_image.errors import FalConfigurationError, FalTimeoutError
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.effects import HEARTBEAT, NotSent, ReplyLost, TooLarge

QUEUED = answer(202, {"status": "IN_QUEUE", "queue_position": 0})
DONE = answer(200, {"status": "COMPLETED", "logs": None})
PENDING = answer(400, {"detail": "Request is still in progress"})


class Interruption(BaseException):
    pass


def generate(stage: Stage, **settings: Any) -> Any:
    return stage.play(flows.generate(stage.context, MODEL, {}, **settings))


def long_script() -> Stage:
    """Play a request that uses every kind of effect."""
    return Stage(
        submit=[answer(200, {"request_id": "r-1"})],
        stream=[
            [event(status="IN_QUEUE", queue_position=3), HEARTBEAT, ReplyLost("reset")],
            [event(status="IN_PROGRESS", logs=[{"message": "a"}]), HEARTBEAT],
            answer(404),
        ],
        status=[answer(503), QUEUED, QUEUED, QUEUED, DONE],
        result=[PENDING, answer(502, b"<html>"), answer(200, {"images": []})],
    )


def count_effects() -> int:
    stage = long_script()
    generate(stage)
    return stage._effects


EFFECTS = count_effects()


def test_the_long_script_has_many_effects() -> None:
    assert EFFECTS > 20


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), asyncio.CancelledError(), SystemExit(3), Interruption()],
    ids=repr,
)
@pytest.mark.parametrize("at", range(2, EFFECTS + 1))
def test_one_cancel_is_sent_and_the_interruption_comes_out(
    error: BaseException, at: int
) -> None:
    stage = long_script()
    stage.interrupt = (at, error)
    with pytest.raises(type(error)) as caught:
        generate(stage)
    assert caught.value is error
    assert stage.operations().count("cancel") == 1
    assert stage.operations()[-1] == "cancel"
    assert stage.sent[-1].url == f"{BASE}/cancel"
    assert stage.operations().count("submit") == 1


def test_the_headers_of_a_call_are_sent_with_each_request_and_its_cancellation() -> (
    None
):
    stage = long_script()
    stage.interrupt = (EFFECTS, KeyboardInterrupt())
    context = replace(stage.context, headers={"x-a": "secret", "accept": "own"})
    with pytest.raises(KeyboardInterrupt):
        stage.play(flows.generate(context, MODEL, {}))
    assert {"submit", "stream", "status", "result", "cancel"} == {*stage.operations()}
    assert all(each.headers["x-a"] == "secret" for each in stage.sent)
    [stream, *_] = [each for each in stage.sent if each.url.endswith("logs=1")]
    assert stream.headers["accept"] == "text/event-stream"
    assert "secret" not in repr(stage.sent) + repr(context)


@pytest.mark.parametrize("at", range(2, EFFECTS + 1))
def test_with_on_cancel_keep_no_cancel_is_sent(at: int) -> None:
    stage = long_script()
    stage.interrupt = (at, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        generate(stage, on_cancel="keep")
    assert "cancel" not in stage.operations()


@pytest.mark.parametrize(
    "failure",
    [
        *(ReplyLost("reset"), NotSent("refused"), TooLarge("much"), OSError("gone")),
        RuntimeError("Cannot send a request, as the client has been closed."),
        FalConfigurationError("no key any more"),
        answer(500, b"<html>"),
        answer(404, {"status": "NOT_FOUND"}),
    ],
    ids=repr,
)
def test_a_cancel_that_fails_does_not_hide_the_interruption(failure: Any) -> None:
    stage = Stage(cancel=[failure])
    stage.interrupt = (3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        generate(stage)
    assert stage.operations().count("cancel") == 1


def test_a_second_interruption_ends_it_at_once() -> None:
    stage = Stage(cancel=[KeyboardInterrupt()])
    stage.interrupt = (3, asyncio.CancelledError())
    with pytest.raises(KeyboardInterrupt):
        generate(stage)


def test_a_timeout_is_not_an_interruption() -> None:
    # The request is paid for: it continues at fal, and can be resumed.
    stage = Stage(stream=[answer(404)], status=[QUEUED])
    with pytest.raises(FalTimeoutError):
        generate(stage, timeout=3)
    assert "cancel" not in stage.operations()


def test_a_resumed_request_is_not_cancelled() -> None:
    stage = Stage()
    request = stage.play(flows.submit(stage.context, MODEL, {}))
    stage.interrupt = (3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        stage.play(flows.resume(stage.context, request))
    assert "cancel" not in stage.operations()


def test_a_closed_flow_does_nothing_more() -> None:
    stage = Stage()
    flow = flows.generate(stage.context, MODEL, {})
    next(flow)
    flow.send(answer(200, {"request_id": "r-1"}))
    flow.close()
    assert stage.sent == []
