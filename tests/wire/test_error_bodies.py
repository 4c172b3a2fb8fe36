"""fal's error responses, in every format."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from stage import BASE, IMAGE, MODEL, SUBMITTED, Stage, answer, event

from langchain_fal_image import errors
from langchain_fal_image.wire import flows, queue_api
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.effects import (
    HttpResponse,
    NotSent,
    ReplyLost,
    StreamEvent,
    TooLarge,
    Unsendable,
)
from langchain_fal_image.wire.queue import QueuedRequest

REQUEST = QueuedRequest.for_id(Hosts(), endpoint_id=MODEL, request_id="r-1")
FAULT = {
    "loc": ["body", "image_urls", 0, "url"],
    "msg": "could not be loaded",
    "type": "image_load_error",
    "input": "data:image/png;base64,AAAA",
}
SHAPES = {
    "model": {"detail": [FAULT]},
    "platform": {"detail": "could not be loaded", "error_type": "image_load_error"},
    "detail": {"detail": "could not be loaded"},
    "message": {"message": "could not be loaded"},
    "error": {"error": {"message": "could not be loaded", "code": "image_load_error"}},
    "error text": {"error": "could not be loaded"},
    "no JSON": b"could not be loaded",
}


def failed(reply: HttpResponse, **script: Any) -> errors.FalError:
    stage = Stage(result=[reply], **script)
    with pytest.raises(errors.FalError) as caught:
        stage.play(flows.resume(stage.context, REQUEST))
    error = caught.value
    assert error.request_id == "r-1"
    assert not error.is_retryable
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert str(again) == str(error)
    return error


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 500, 503])
@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_every_error_format_gives_a_message(body: Any, status: int) -> None:
    error = failed(answer(status, body, x_fal_request_id="other"))
    assert isinstance(error, errors.FalRequestError)
    assert "could not be loaded" in str(error)
    assert error.status_code == status
    text = json.dumps(body) if isinstance(body, dict) else ""
    assert error.error_type == (
        "image_load_error" if "image_load_error" in text else None
    )
    assert "base64," not in str(error) + repr(error.body)


def test_the_location_of_an_error_includes_its_index() -> None:
    assert "image_urls.0.url: could not" in str(failed(answer(422, SHAPES["model"])))


def test_all_errors_are_in_the_message() -> None:
    faults = [{"loc": ["body", str(n)], "msg": f"fault {n}"} for n in range(5)]
    text = str(failed(answer(422, {"detail": faults})))
    assert all(f"{n}: fault {n}" in text for n in range(5))


@pytest.mark.parametrize("word", ["content_policy_violation", "no_media_generated"])
@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("where", ["list", "second", "platform", "header", "state"])
def test_moderation_is_recognised_in_every_format(
    word: str, status: int, where: str
) -> None:
    named = {**FAULT, "type": word}
    body: Any = {
        "list": {"detail": [named]},
        "second": {"detail": [FAULT, named]},
        "platform": {"detail": "no", "error_type": word},
    }.get(where, {"detail": "no"})
    head = {"x_fal_error_type": word} if where == "header" else {}
    last = word if where == "state" else None
    done = event(status="COMPLETED", error="no", error_type=last)
    error = failed(answer(status, body, x_fal_request_id="r", **head), stream=[[done]])
    assert isinstance(error, errors.FalModerationError)
    assert error.error_type == word
    assert error.charged == "maybe"


@pytest.mark.parametrize(
    "reply",
    [
        answer(499, {"detail": "gone", "error_type": "client_cancelled"}),
        answer(499, b""),
        answer(500, {"detail": "gone", "error_type": "client_disconnected"}),
        answer(400, {"detail": "gone"}, x_fal_error_type="client_cancelled"),
    ],
)
def test_a_cancelled_request_raises_its_own_error(reply: HttpResponse) -> None:
    assert isinstance(failed(reply), errors.FalCancelledError)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("client_cancelled", errors.FalCancelledError),
        ("content_policy_violation", errors.FalModerationError),
        ("runner_disconnected", errors.FalRequestError),
        (None, errors.FalRequestError),
    ],
)
def test_completed_with_an_error_and_without_an_image_is_an_error(
    word: Any, kind: Any
) -> None:
    done = event(status="COMPLETED", error={"message": "it broke"}, error_type=word)
    error = failed(answer(200, {"seed": 1}), stream=[[done]])
    assert type(error) is kind
    assert "it broke" in str(error)


def test_completed_with_an_error_and_an_image_is_an_image() -> None:
    stage = Stage(stream=[[event(status="COMPLETED", error="a warning")]])
    assert stage.play(flows.resume(stage.context, REQUEST)).body == IMAGE


@pytest.mark.parametrize(
    ("reply", "charged"),
    [
        *((answer(status, {"detail": "x"}), "no") for status in (400, 409, 500, 503)),
        *((answer(status, b"<html>"), "maybe") for status in (502, 503, 504)),
        (answer(504, b"<html>", x_fal_request_id="r"), "no"),
        *((answer(status, {}), "maybe") for status in (401, 403, 404, 408, 422, 429)),
    ],
)
def test_an_error_that_is_not_the_models_leaves_the_charge_open(
    reply: HttpResponse, charged: str
) -> None:
    error = failed(reply)
    assert error.charged == charged
    if charged == "maybe":
        assert "nothing was charged" not in str(error)
        assert "work later" not in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 503])
@pytest.mark.parametrize("flow", [flows.fetch_status, flows.cancel])
def test_an_unavailable_status_leaves_the_charge_open(flow: Any, status: int) -> None:
    reply = answer(status, {"detail": "no"}, x_fal_request_id="r-9")
    stage = Stage(status=[reply], cancel=[reply])
    if flow is flows.cancel and status == 404:
        assert stage.play(flow(stage.context, REQUEST)) == "NOT_FOUND"
        return
    with pytest.raises(errors.FalRequestError) as caught:
        stage.play(flow(stage.context, REQUEST))
    assert caught.value.charged == "maybe"
    assert caught.value.request_id == "r-1"
    assert not caught.value.is_retryable


@pytest.mark.parametrize("failure", [NotSent("a"), ReplyLost("b"), TooLarge("c")])
@pytest.mark.parametrize(
    "flow", [flows.fetch_status, queue_api.fetch_result, flows.cancel]
)
def test_a_lost_response_leaves_the_request_in_the_error(
    flow: Any, failure: Any
) -> None:
    stage = Stage(status=[failure], result=[failure], cancel=[failure])
    with pytest.raises(errors.FalError) as caught:
        stage.play(flow(stage.context, REQUEST))
    assert caught.value.request == REQUEST
    assert caught.value.charged == "maybe"
    assert "error.request.result()" in caught.value.next_step


def test_a_request_that_http_cannot_express_is_not_retried() -> None:
    stage = Stage(submit=[Unsendable("InvalidURL")])
    with pytest.raises(errors.FalConnectionError, match="InvalidURL") as caught:
        stage.play(flows.generate(stage.context, MODEL, {}))
    assert len(stage.sent) == 1
    assert caught.value.charged == "no"
    assert not caught.value.is_retryable


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("mode", ["queue", "sync"])
def test_a_gateways_response_to_a_submit_is_uncertain(mode: Any, status: int) -> None:
    page = answer(status, b"<html><center>nginx</center></html>")
    stage = Stage(submit=[page], run=[page])
    with pytest.raises(errors.FalSubmitUncertainError):
        stage.play(flows.generate(stage.context, MODEL, {}, mode=mode))
    assert len(stage.sent) == 1


@pytest.mark.parametrize("depth", [99, 101, 900, 100_000])
@pytest.mark.parametrize("on", ["submit", "status", "stream", "result", "error"])
def test_deep_nesting_ends_in_a_result_or_a_fal_error(on: str, depth: int) -> None:
    body = b'{"request_id": "r-1", "detail": ' + b"[" * depth + b"]" * depth + b"}"
    script: Any = {
        "submit": {"submit": [answer(200, body)]},
        "status": {"stream": [answer(404)], "status": [answer(200, body)]},
        "stream": {"stream": [[StreamEvent(body.decode())]]},
        "result": {"result": [answer(200, body)]},
        "error": {"result": [answer(422, body)]},
    }[on]
    stage = Stage(**script)
    try:
        stage.play(flows.generate(stage.context, MODEL, {}, timeout=5))
    except errors.FalError as error:
        assert len(str(error)) < 2000  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", f"{BASE}\\@evil.example", "http://127.0.0.1/", ""]
)
def test_foreign_urls_of_a_restored_request_are_not_used(url: str) -> None:
    names = ("status_url", "response_url", "cancel_url")
    restored = QueuedRequest.from_dict(REQUEST.to_dict() | dict.fromkeys(names, url))
    stage = Stage()
    stage.play(flows.resume(stage.context, restored))
    stage.play(flows.fetch_status(stage.context, restored))
    stage.play(flows.cancel(stage.context, restored))
    stage.play(flows.watch(stage.context, restored))
    assert all(each.url.startswith(BASE) for each in stage.sent)


@pytest.mark.parametrize("request_id", ["../a?b#c/\ud800", "..", ".", "a/b", "a b", 7])
def test_a_submit_without_a_usable_request_id_is_uncertain(request_id: Any) -> None:
    stage = Stage(submit=[answer(200, {**SUBMITTED, "request_id": request_id})])
    with pytest.raises(errors.FalSubmitUncertainError, match="no request id"):
        stage.play(flows.submit(stage.context, MODEL, {}))
    assert stage.operations() == ["submit"]
