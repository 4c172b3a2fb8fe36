"""Updates are emitted once: each change of the status, each log line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import MODEL, Stage, answer, event

from langchain_fal_image.wire import flows
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.effects import HEARTBEAT
from langchain_fal_image.wire.queue import LogEntry, QueuedRequest, parse_update

REQUEST = QueuedRequest.for_id(Hosts(), endpoint_id=MODEL, request_id="r-1")
LINES = [{"message": f"line {n}", "timestamp": f"{n}"} for n in range(12)]
DONE = answer(200, {"status": "COMPLETED", "logs": LINES})


def running(logs: list[Any]) -> dict[str, Any]:
    return {"status": "IN_PROGRESS", "logs": logs}


def read_lines(stage: Stage) -> list[str]:
    stage.play(flows.resume(stage.context, REQUEST))
    return [log.message for each in stage.updates for log in each.logs]


@given(cuts=st.lists(st.integers(0, 12), max_size=8), data=st.data())
def test_each_line_is_emitted_once_and_in_order(cuts: list[int], data: Any) -> None:
    # The stream returns new lines or all lines, or breaks off; polls return all lines.
    streams: list[Any] = []
    polls: list[Any] = []
    known = 0
    for cut in sorted(cuts):
        way = data.draw(st.sampled_from(["new", "all", "again", "poll"]))
        since = {"new": known, "all": 0, "again": max(0, known - 2), "poll": 0}[way]
        if way == "poll":
            streams.append([HEARTBEAT])
            polls.append(answer(202, running(LINES[:cut])))
        else:
            streams.append([event(**running(LINES[since:cut])), HEARTBEAT])
            polls.append(answer(202, running(LINES[:cut])))
        known = cut
    stage = Stage(stream=[*streams, answer(404)], status=[*polls, DONE])
    assert read_lines(stage) == [line["message"] for line in LINES]


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_line_that_the_model_wrote_twice_is_emitted_twice(repeats: int) -> None:
    logs = [{"message": "same"}, {"message": "same"}]
    stage = Stage(stream=[[event(**running(logs))] * repeats + [event(status="x")]])
    assert read_lines(stage) == ["same", "same"]


def test_lines_are_not_emitted_again_while_the_result_is_pending() -> None:
    pending = answer(400, {"detail": "Request is still in progress"})
    stage = Stage(
        stream=[[event(status="COMPLETED", logs=LINES)]],
        result=[pending, pending, answer(200, {"images": []})],
    )
    assert len(read_lines(stage)) == len(LINES)
    assert [each.status for each in stage.updates] == ["COMPLETED"]


def test_the_status_of_the_submit_is_not_emitted_again() -> None:
    queued = event(status="IN_QUEUE", queue_position=2)
    stage = Stage(stream=[[queued, queued, event(status="COMPLETED")]])
    stage.play(flows.generate(stage.context, MODEL, {}))
    states = [(each.status, each.queue_position) for each in stage.updates]
    assert states == [("IN_QUEUE", 2), ("COMPLETED", None)]


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ({"message": "a", "level": "INFO", "timestamp": "t"}, ("a", "INFO", "t")),
        ({"message": None}, ("", None, None)),
        ({}, ("", None, None)),
        ("plain", ("plain", None, None)),
        ({"message": 7, "level": 7, "timestamp": 7.5}, ("7", None, None)),
    ],
)
def test_any_log_line_is_parsed(entry: Any, read: Any) -> None:
    update = parse_update(running([entry]), REQUEST)
    assert update is not None
    assert update.logs == (LogEntry(*read),)


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [
        ({"queue_position": 0}, "queue_position", 0),
        ({"queue_position": True}, "queue_position", None),
        ({"queue_position": "3"}, "queue_position", None),
        ({"queue_position": 1.0}, "queue_position", None),
        ({"logs": None}, "logs", ()),
        ({"logs": "text"}, "logs", ()),
        ({"metrics": {"inference_time": None}}, "metrics", {"inference_time": None}),
        ({"metrics": {}}, "metrics", None),
        ({"metrics": [1]}, "metrics", None),
        ({"error": {"message": "m"}}, "error", "m"),
        ({"error": ["m"]}, "error", None),
        ({"error_type": 7}, "error_type", None),
    ],
)
def test_a_status_is_parsed_leniently(
    state: dict[str, Any], field: str, value: Any
) -> None:
    update = parse_update({"status": "IN_PROGRESS", **state}, REQUEST)
    assert getattr(update, field) == value


@pytest.mark.parametrize(
    "state", [None, [], "COMPLETED", {}, {"status": "FAILED"}, {"status": ["OK"]}]
)
def test_an_invalid_status_is_none(state: Any) -> None:
    assert parse_update(state, REQUEST) is None
