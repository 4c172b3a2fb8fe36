"""Any response of fal or the network ends in a result or a FalError."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import MODEL, SUBMITTED, Stage

from langchain_fal_image.errors import FalError
from langchain_fal_image.results._output import extract_bytes
from langchain_fal_image.results.image import GeneratedImage, ImageResult
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.effects import (
    HEARTBEAT,
    HttpResponse,
    NotSent,
    ReplyLost,
    StreamEvent,
    TooLarge,
)
from langchain_fal_image.wire.sse import EventDecoder

WORDS = st.sampled_from(
    [
        *("status", "COMPLETED", "IN_QUEUE", "IN_PROGRESS", "logs", "images", "image"),
        *("url", "request_id", "detail", "error", "error_type", "msg", "loc", "type"),
        *("seed", "data:image/png;base64,AAAA", "data:,", "data:x;base64,@", "width"),
        *("file_data", "sha256", "queue_position", "has_nsfw_concepts", "timings"),
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["retry-after", "x-fal-request-id", "x-fal-error-type", "location"]
    ),
    st.sampled_from(
        ["1", "user", "Wed, 21 Oct 2026 07:28:00 GMT", "x", "", "nan", "-5"]
    ),
    max_size=2,
)
ANSWERS = st.builds(
    HttpResponse, status=st.integers(100, 599), headers=HEADERS, body=BODIES
)
FAILURES = st.sampled_from([NotSent("a"), ReplyLost("b"), TooLarge("c")])
ITEMS = BODIES.map(lambda body: StreamEvent(body.decode("utf-8", "replace"))) | st.just(
    HEARTBEAT
)
STREAMS = st.lists(ITEMS | FAILURES, max_size=5) | ANSWERS | FAILURES
REPLIES = st.lists(ANSWERS | FAILURES, min_size=1, max_size=3)


def check_error(error: FalError, *, accepted: bool) -> None:
    assert error.charged in {"no", "maybe", "yes"}
    assert error.next_step
    assert not (accepted and error.is_retryable)
    assert "base64," not in str(error)


@settings(max_examples=400, deadline=None)
@given(
    submit=REPLIES,
    stream=st.lists(STREAMS, min_size=1, max_size=3),
    status=REPLIES,
    result=REPLIES,
    accepted=st.booleans(),
)
def test_a_generation_ends_in_a_result_or_a_fal_error(
    submit: Any, stream: Any, status: Any, result: Any, *, accepted: bool
) -> None:
    if accepted:
        body = json.dumps(SUBMITTED).encode()
        submit = [HttpResponse(status=200, body=body)]
    stage = Stage(submit=submit, stream=stream, status=status, result=result)
    try:
        output = stage.play(
            flows.generate(stage.context, MODEL, {"prompt": "p"}, timeout=30)
        )
        body, taken = extract_bytes(output.body)
        made = ImageResult.from_output(body, model=MODEL)
    except FalError as error:
        check_error(error, accepted=accepted)
    else:
        assert made.images
        assert "base64," not in json.dumps(made.to_artifact())
        assert all(isinstance(content, bytes) for content in taken.values())
    assert stage.operations().count("submit") <= 4


@settings(max_examples=300, deadline=None)
@given(output=JSON)
def test_any_output_becomes_a_result_or_an_error(output: Any) -> None:
    body, _ = extract_bytes(output)
    try:
        result = ImageResult.from_output(body, model=MODEL)
    except FalError:
        return
    assert all(isinstance(each, GeneratedImage) for each in result.images)
    repr(result)
    json.dumps(result.to_artifact())
    assert result.provider_metadata["fal"]["images"]


EVENT = "id: 7\r\nevent: state\ndata: {é\ndata:ü}\r\r: comment\n\ndata:two\n\n"


@given(cuts=st.lists(st.integers(0, len(EVENT.encode())), max_size=12))
def test_any_split_of_a_stream_gives_the_same_events(cuts: list[int]) -> None:
    raw = EVENT.encode()
    places = [0, *sorted(cuts), len(raw)]
    decoder = EventDecoder(max_bytes=1000)
    heard = [
        item
        for start, end in itertools.pairwise(places)
        for item in decoder.feed(raw[start:end])
    ]
    events = [item for item in heard if item != HEARTBEAT]
    assert events == [StreamEvent("{é\nü}"), StreamEvent("two")]


def test_an_event_without_end_is_too_large() -> None:
    decoder = EventDecoder(max_bytes=10)
    with pytest.raises(TooLarge):
        decoder.feed(b"data: x\n" * 20)
