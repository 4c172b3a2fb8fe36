"""Random responses to every request of every flow end in a value or a FalError."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stage import MODEL, SUBMITTED, Stage, answer

from langchain_fal_image.errors import FalError
from langchain_fal_image.wire import flows, queue_api
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.effects import (
    HEARTBEAT,
    HttpResponse,
    NotSent,
    ReplyLost,
    StreamEvent,
    TooLarge,
    Unsendable,
)
from langchain_fal_image.wire.files import DownloadedFile, download, upload
from langchain_fal_image.wire.queue import Output, QueuedRequest, QueueUpdate

REQUEST = QueuedRequest.for_id(Hosts(), endpoint_id=MODEL, request_id="r-1")
TEXT = st.text(st.characters(), max_size=8) | st.sampled_from(
    [
        *("COMPLETED", "IN_QUEUE", "IN_PROGRESS", "\ud800", "https://[", "r-1", "OK"),
        *("https://queue.fal.run/x", "https://evil.example/", "http://127.0.0.1/"),
        *("Request is still in progress", "client_cancelled", "data:,x", "no_media"),
        *("content_policy_violation", "body", "input", "etag", "message", "code"),
    ]
)
KEYS = st.sampled_from(
    [
        *("status", "request_id", "status_url", "response_url", "cancel_url", "logs"),
        *("detail", "error", "error_type", "message", "loc", "msg", "type", "images"),
        *("queue_position", "metrics", "timestamp", "upload_url", "file_url", "etag"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | TEXT, inner, max_size=5)
    ),
    max_leaves=10,
)
DEEP = st.integers(1, 3000).map(lambda depth: b'{"detail":' + b"[" * depth)
WHOLE = st.integers(1, 1500).map(lambda n: b'{"detail":' + b"[" * n + b"]" * n + b"}")
BODIES = (
    VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(KEYS, VALUES, max_size=6).map(lambda v: json.dumps(v).encode())
    | st.binary(max_size=30)
    | DEEP
    | WHOLE
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("retry-after", "x-fal-request-id", "x-fal-error-type", "location"),
            *("etag", "content-type", "x-fal-request-timeout-type"),
        ]
    ),
    TEXT | st.sampled_from(["0", "3", "1e400", "Thu, 01 Jan 1970 00:00:00 +2400"]),
    max_size=3,
)
STATUSES = st.sampled_from(
    [200, 200, 200, 201, 202, 204, 302, 400, 401, 404, 408, 422, 429, 499, 500, 503]
) | st.integers(100, 999)
ANSWERS = st.builds(HttpResponse, status=STATUSES, headers=HEADERS, body=BODIES)
FAILURES = st.sampled_from(
    [NotSent("a"), ReplyLost("b"), TooLarge("c"), Unsendable("d")]
)
REPLIES = st.lists(ANSWERS | FAILURES, min_size=1, max_size=4)
ITEMS = st.lists(
    st.dictionaries(KEYS, VALUES, max_size=5).map(lambda v: StreamEvent(json.dumps(v)))
    | BODIES.map(lambda body: StreamEvent(body.decode("utf-8", "replace")))
    | st.just(HEARTBEAT)
    | FAILURES,
    max_size=6,
)
STREAMS = st.lists(ITEMS | ANSWERS | FAILURES, min_size=1, max_size=4)


def outcome(stage: Stage, flow: Any, kind: type) -> Any:
    try:
        value = stage.play(flow)
    except FalError as error:
        assert error.charged in {"no", "maybe", "yes"}  # noqa: PT017 - either is right
        assert error.next_step  # noqa: PT017
        assert len(str(error)) < 5000  # noqa: PT017
        return error
    assert isinstance(value, kind)
    return value


@given(stream=STREAMS, status=REPLIES, result=REPLIES)
def test_an_accepted_request_is_never_lost(
    stream: Any, status: Any, result: Any
) -> None:
    stage = Stage(stream=stream, status=status, result=result)
    flow = flows.generate(stage.context, MODEL, {}, timeout=20)
    end = outcome(stage, flow, Output)
    assert stage.operations().count("submit") == 1
    assert stage.clock <= 21
    assert [each.request.request_id for each in stage.updates][:1] == ["r-1"]
    if isinstance(end, FalError):
        assert end.request is not None
        assert end.request_id == "r-1"
        assert not end.is_retryable
    logs = [log for each in stage.updates for log in each.logs]
    assert all(isinstance(log.message, str) for log in logs)


@given(replies=REPLIES, extra=st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_response_to_a_submit(replies: Any, extra: dict[str, Any]) -> None:
    stage = Stage(submit=[*replies, answer(200, {**SUBMITTED, **extra})])
    end = outcome(stage, flows.submit(stage.context, MODEL, {}), QueuedRequest)
    if isinstance(end, QueuedRequest):
        urls = (end.status_url, end.response_url, end.cancel_url)
        assert all(each.startswith("https://queue.fal.run/") for each in urls)
    answered = [each for each in replies if isinstance(each, HttpResponse)]
    if any(each.status != 429 for each in answered[:1]) and replies[0] is answered[0]:
        assert len(stage.sent) == 1


@given(replies=REPLIES)
def test_any_response_to_another_call(replies: Any) -> None:
    stage = Stage(
        status=replies[:], result=replies[:], cancel=replies[:], run=replies[:]
    )
    ctx = stage.context
    outcome(stage, flows.fetch_status(ctx, REQUEST), QueueUpdate)
    outcome(stage, queue_api.fetch_result(ctx, REQUEST), Output | None)  # type: ignore[arg-type]  # isinstance takes unions
    outcome(stage, flows.cancel(ctx, REQUEST), str)
    outcome(stage, flows.generate(ctx, MODEL, {}, mode="sync"), Output)


@given(initiate=REPLIES, put=REPLIES, media=REPLIES, size=st.integers(0, 20))
def test_any_response_of_the_storage(
    initiate: Any, put: Any, media: Any, size: int
) -> None:
    stage = Stage(initiate=initiate, put=put, media=media)
    flow = upload(stage.context, b"x" * size, content_type="a/b", file_name="a")
    outcome(stage, flow, str)
    outcome(stage, download(stage.context, "https://a.example/b"), DownloadedFile)
    for request in stage.sent:
        assert request.client == "media" or request.url.startswith("https://rest.fal")
