"""fal's models API: pages, limits, and what cannot be used."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from canned_models import TODAY, make_document, make_model, make_page
from http_stage import KEY, Run, make_driver, run_async, run_sync
from stage import Stage, answer

from langchain_fal_image import errors
from langchain_fal_image._session.models_api import Models, fetch_models, parse_models
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import NotSent

NEW = make_model("me/new")
OLD = make_model("me/old")
Query = dict[str, list[str]]


def fetch(stage: Stage) -> Models:
    return stage.play(fetch_models(stage.context, TODAY))


def read_queries(stage: Stage) -> list[Query]:
    return [parse_qs(urlsplit(each.url).query) for each in stage.sent]


def test_all_pages_are_fetched_by_their_cursor() -> None:
    pages = [make_page(NEW, cursor="Mg=="), make_page(OLD, cursor="Mw=="), make_page()]
    stage = Stage(result=[answer(200, each) for each in pages])
    assert [*fetch(stage).contracts] == ["me/new", "me/old"]
    first, second, third = read_queries(stage)
    assert first == {"expand": ["openapi-3.0"], "status": ["active"], "limit": ["100"]}
    assert second == {**first, "cursor": ["Mg=="]}
    assert third == {**first, "cursor": ["Mw=="]}
    assert stage.sent[0].url.startswith("https://api.fal.ai/v1/models?")


def test_shorter_pages_are_requested_if_fal_refuses_long_ones() -> None:
    pages = [
        answer(400, {"error": {"type": "validation_error", "message": "limit"}}),
        answer(200, make_page(NEW, cursor="Mg==")),
        answer(200, make_page(OLD)),
    ]
    stage = Stage(result=pages)
    assert len(fetch(stage).contracts) == 2
    assert [each["limit"] for each in read_queries(stage)] == [["100"], ["10"], ["10"]]


def test_a_429_waits_as_long_as_it_says() -> None:
    pages = [answer(429, {}, retry_after="7"), answer(200, make_page(NEW))]
    stage = Stage(result=pages)
    assert "me/new" in fetch(stage).contracts
    assert stage.slept == [7]


def test_a_429_without_a_time_waits_for_a_minute_before_the_last_attempts() -> None:
    limited = [answer(429, {})] * 5
    stage = Stage(result=[*limited, answer(200, make_page(NEW))])
    assert "me/new" in fetch(stage).contracts
    assert stage.slept[-1] == 60
    stage = Stage(result=limited)
    with pytest.raises(errors.FalRateLimitError) as raised:
        fetch(stage)
    assert raised.value.charged == "no"
    assert len(stage.sent) == 10


def test_a_page_that_breaks_off_is_requested_again() -> None:
    pages = [answer(200, b'{"models": ['), answer(200, make_page(NEW))]
    assert "me/new" in fetch(Stage(result=pages)).contracts


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (answer(200, b'{"models": ['), errors.FalResponseError),
        (answer(200, {"data": []}), errors.FalResponseError),
        (answer(200, {"models": [], "has_more": True}), errors.FalResponseError),
        (answer(200, make_page(NEW, cursor="same")), errors.FalResponseError),
        (answer(401, {"detail": "no"}), errors.FalAuthError),
        (answer(500, {"detail": "down"}), errors.FalServerError),
        (NotSent("no route"), errors.FalDownloadError),
    ],
    ids=["broken", "models", "cursor", "loop", "key", "server", "offline"],
)
def test_a_page_that_cannot_be_used_is_an_error(
    page: Any, error: type[errors.FalError]
) -> None:
    with pytest.raises(error) as raised:
        fetch(Stage(result=[page]))
    assert raised.value.charged == "no"


@pytest.mark.parametrize("run", [run_sync, run_async])
@pytest.mark.parametrize("key", [KEY, ""])
def test_the_key_is_sent_if_there_is_one(
    run: Run, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FAL_KEY", "FAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=make_page(NEW))

    models = run(make_driver(handler, key=key), fetch_models(Context(), TODAY))
    assert "me/new" in models.contracts
    [request] = seen
    assert request.url.host == "api.fal.ai"
    assert request.headers.get("authorization") == (f"Key {key}" if key else None)


def parse(*models: Any) -> Models:
    return parse_models(models, TODAY)


def test_a_model_becomes_a_contract() -> None:
    size = {"anyOf": [{"enum": ["square"], "type": "string"}, {"type": "null"}]}
    model = make_model("me/new", size=size, steps={"type": "integer", "maximum": 4})
    contract = parse(model).contracts["me/new"]
    assert (contract.kind, contract.category) == ("image", "text-to-image")
    assert (contract.source.origin, contract.source.date) == ("document", TODAY)
    assert contract.title == "Me/New"
    assert [*contract.input["properties"]] == ["prompt", "size", "steps"]
    assert contract.input["properties"]["size"] == size
    assert "description" not in contract.input["properties"]["prompt"]
    assert contract.output["properties"]["images"]["type"] == "array"


def test_the_output_decides_about_the_kind() -> None:
    model = make_model("me/new", "text-to-video")
    del model["metadata"]
    assert parse(model).contracts["me/new"].kind == "video"


@pytest.mark.parametrize(
    ("category", "kind"),
    [("text-to-speech", "speech"), ("image-to-video", "video"), ("odd", "other")],
)
@pytest.mark.parametrize("document", [None, {"error": {"code": "expansion_failed"}}])
def test_without_a_document_the_category_decides_about_the_kind(
    category: str, kind: str, document: Any
) -> None:
    model = {"endpoint_id": "me/new", "metadata": {"category": category}}
    found = parse({**model, "openapi": document})
    assert found.contracts["me/new"].kind == kind
    assert not found.contracts["me/new"].input
    assert not found.broken


def break_document(**changes: Any) -> dict[str, Any]:
    document = make_document("me/new", "text-to-image")
    document["components"]["schemas"]["Input"].update(changes)
    return {**make_model("me/new"), "openapi": document}


@pytest.mark.parametrize(
    "model",
    [
        {**make_model("me/new"), "openapi": "no document"},
        {**make_model("me/new"), "openapi": {"paths": []}},
        {**make_model("me/new"), "openapi": {"paths": {}}},
        break_document(properties={"prompt": {"$ref": "#/components/schemas/None"}}),
        break_document(properties={"a": {"$ref": "#/components/schemas/Input"}}),
        break_document(properties={"a b": {"type": "string"}}),
        break_document(properties={"a": {"type": "string", "default": "\ud800"}}),
        break_document(properties={"a": "text"}),
        break_document(properties={"a": {"type": "string", "ui": 1}}),
        break_document(properties={"a": {"type": "string"}}, required=7),
    ],
)
def test_a_broken_document_is_listed_and_harms_no_other(model: Any) -> None:
    found = parse(OLD, model, "no model", {"endpoint_id": 1})
    assert [*found.broken] == ["me/new"]
    assert found.contracts["me/old"].input
    assert found.contracts["me/new"].kind == "image"
    assert not found.contracts["me/new"].input


@pytest.mark.parametrize("name", ["a/../b", "a/b?x", "a", "", "https://a.example/b"])
def test_a_model_whose_id_has_another_form_is_left_out(name: str) -> None:
    assert [*parse_models([make_model(name), NEW], TODAY).contracts] == ["me/new"]
