"""HTTP headers and retries of one call."""

from __future__ import annotations

import asyncio
import json
import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from service import QWEN, URL, Fal

from langchain_fal_image import (
    FalImageEdit,
    FalImageToolkit,
    FalProvider,
    FalTextToImage,
    create_fal,
)
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalOptionError,
    FalRateLimitError,
)
from langchain_fal_image.options.contract import UNKNOWN_SOURCE, Contract
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import resolve_options
from langchain_fal_image.wire.config import Retry

STORE = {"X-Fal-Store-IO": "0"}

TOKEN = {"X-Proxy-Token": "hidden-1"}


@pytest.fixture
def service() -> Fal:
    return Fal()


def provider(service: Fal, **settings: Any) -> FalProvider:
    transport = httpx.MockTransport(service)
    return create_fal(
        "k",
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
        **settings,
    )


def store_io(service: Fal) -> list[str | None]:
    return [each.headers.get("x-fal-store-io") for each in service.requests]


def bodies(service: Fal) -> list[Any]:
    return [json.loads(each.content) for each in service.requests if each.content]


CALLS: list[Callable[[FalTextToImage], Any]] = [
    lambda t2i: t2i.invoke({"prompt": "p", "headers": STORE}),
    lambda t2i: t2i.invoke("p", headers=STORE),
    lambda t2i: t2i.bind(headers=STORE).invoke("p"),
    lambda t2i: t2i.batch(["p"], headers=STORE),
    lambda t2i: asyncio.run(t2i.ainvoke("p", headers=STORE)),
    lambda t2i: FalTextToImage(fal=t2i.fal, headers=STORE).invoke("p"),
    lambda t2i: FalTextToImage(fal=t2i.fal, mode="sync").invoke("p", headers=STORE),
    lambda t2i: FalTextToImage(QWEN, fal=t2i.fal, headers=STORE).submit("p"),
    lambda t2i: asyncio.run(t2i.asubmit("p", headers=STORE)),
    lambda t2i: (
        FalImageToolkit(text_to_image=FalTextToImage(fal=t2i.fal, headers=STORE))
        .get_tools()[0]
        .invoke({"prompt": "p"})
    ),
]


@pytest.mark.parametrize("call", CALLS)
def test_headers_are_sent_with_every_request_of_a_call(
    call: Callable[[FalTextToImage], Any], service: Fal
) -> None:
    call(FalTextToImage(fal=provider(service)))
    assert service.requests
    assert set(store_io(service)) == {"0"}
    assert bodies(service) == [{"prompt": "p"}]


def test_a_submitted_request_does_not_keep_the_headers(service: Fal) -> None:
    t2i = FalTextToImage(fal=provider(service))
    request = t2i.submit("p", headers={**STORE, **TOKEN})
    assert "hidden-1" not in json.dumps(request.to_dict()) + repr(request)
    assert request.result().options == {"prompt": "p"}
    assert store_io(service)[0] == "0"
    assert set(store_io(service)[1:]) == {None}


def test_later_headers_win_whatever_their_capitals(service: Fal) -> None:
    fal = provider(service, headers={"X-Fal-Store-IO": "provider", "X-Own": "1"})
    t2i = FalTextToImage(fal=fal, headers={"x-fal-store-io": "constructor", "x-b": "2"})
    t2i.bind(headers={"X-FAL-STORE-IO": "bind"}).invoke("p")
    sent = service.requests[0].headers
    assert (sent["x-fal-store-io"], sent["x-own"], sent["x-b"]) == ("bind", "1", "2")
    assert sent["authorization"] == "Key k"


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"Authorization": "Key hidden-1"}, "belongs to the provider"),
        ({"cookie": "hidden-1"}, "belongs to the provider"),
        ({"Host": "hidden-1"}, "set by the HTTP client"),
        ({"CONTENT-LENGTH": "hidden-1"}, "set by the HTTP client"),
        ({"X-A": 1}, "not text"),
        ({"X-A": "hidden-1\r\nX-B: 2"}, "not a valid HTTP header"),
        ({"X A": "hidden-1"}, "not a valid HTTP header"),
        ("Authorization: Key hidden-1", "not a mapping"),
    ],
)
@pytest.mark.parametrize("name", ["headers", "Headers"])
def test_other_headers_are_refused_before_anything_is_sent(
    name: str, headers: Any, problem: str, service: Fal
) -> None:
    runs = RunCollectorCallbackHandler()
    t2i = FalTextToImage(fal=provider(service))
    with pytest.raises(FalOptionError, match=problem) as caught:
        t2i.invoke({"prompt": "p", name: headers}, {"callbacks": [runs]})
    assert service.requests == []
    assert "hidden-1" not in str(caught.value)
    if "uthorization" in str(headers):
        assert "hidden-1" not in str(runs.traced_runs[0].inputs)


def test_secret_headers_stay_out_of_traces_and_reprs(service: Fal) -> None:
    runs = RunCollectorCallbackHandler()
    t2i = FalTextToImage(fal=provider(service), headers=TOKEN)
    result = t2i.invoke({"prompt": "p", "headers": TOKEN}, {"callbacks": [runs]})
    assert service.requests[0].headers["x-proxy-token"] == "hidden-1"
    run = runs.traced_runs[0]
    shown = [repr(t2i), str(t2i), repr(t2i.payload("p")), str(run.inputs), repr(result)]
    assert "hidden-1" not in str([*shown, run.outputs, run.extra])
    assert "X-Proxy-Token" in str(run.inputs)


def test_a_repr_has_no_image_bytes() -> None:
    assert "xxx" not in repr(FalImageEdit(images=[b"x" * 100]))


def test_a_durable_batch_sends_headers_and_does_not_write_them(
    service: Fal, tmp_path: Path
) -> None:
    journal = tmp_path / "run.sqlite"
    model = FalTextToImage(fal=provider(service), headers={**STORE, **TOKEN})
    batch = DurableBatch(model, journal=journal, progress=False)
    assert len(batch.run([{"prompt": "p", "headers": TOKEN}]).done) == 1
    assert store_io(service)[0] == "0"
    with sqlite3.connect(journal) as database:
        assert "hidden-1" not in "".join(database.iterdump())
    # A new token is not a new batch.
    model = FalTextToImage(fal=provider(service), headers={"X-Proxy-Token": "new"})
    batch = DurableBatch(model, journal=journal, progress=False)
    assert batch.run([{"prompt": "p", "headers": TOKEN}]).is_complete


def test_an_endpoint_that_has_such_an_option_gets_it() -> None:
    names = ["headers", "max_retries", "prompt"]
    properties: dict[str, Any] = {name: {"type": "string"} for name in names}
    properties["headers"] = {"type": "object", "additionalProperties": True}
    contract = Contract(
        endpoint_id="fal-ai/x",
        source=UNKNOWN_SOURCE,
        kind="image",
        input={"type": "object", "properties": properties},
    )
    schema = EndpointSchema.from_contract(contract)
    options = {"headers": {"Authorization": "a"}, "maxRetries": "3"}
    resolved = resolve_options(schema, [("input", options)])
    assert resolved.payload == {"headers": options["headers"], "max_retries": "3"}
    assert resolved.settings.headers == {}


def test_provider_options_are_options_of_the_endpoint(service: Fal) -> None:
    options = {"fal": {"headers": {"Authorization": "hidden-1"}}}
    for model in (QWEN, "fal-ai/brand-new"):
        with pytest.raises(FalConfigurationError, match="outside provider") as caught:
            service.sent(model, providerOptions=options)
        assert "hidden-1" not in str(caught.value)
    for name in ("maxRetries", "abortSignal"):
        with pytest.raises(FalOptionError, match=f"{name} outside providerOptions"):
            service.sent(providerOptions={"fal": {name: 1}})
    assert service.requests == []


def test_retries_of_a_call_are_those_of_its_submit(service: Fal) -> None:
    service.submit_status = 429
    fal = provider(service, retry=Retry(submit_attempts=1, first_pause=0))
    with pytest.raises(FalRateLimitError):
        fal.image(QWEN, max_retries=2).invoke("p")
    assert len(service.requests) == 3
    for wrong in (-1, 1.5, True, "2"):
        with pytest.raises(FalOptionError, match="max_retries"):
            fal.image(QWEN).payload("p", max_retries=wrong)
    with pytest.raises(FalOptionError, match="contradicts"):
        fal.image(QWEN).payload({"prompt": "p", "max_retries": 1, "maxRetries": 2})


def test_the_maximum_of_images_counts_those_of_the_payload(service: Fal) -> None:
    t2i = provider(service).image(QWEN, max_images_per_call=2)
    assert t2i.payload("p", num_images=2).payload["num_images"] == 2
    with pytest.raises(FalOptionError, match="less than the 3 images"):
        t2i.payload("p", num_images=3)


def test_response_headers_have_no_cookies_and_no_credentials(service: Fal) -> None:
    service.headers = {
        "Set-Cookie": "hidden-1",
        "WWW-Authenticate": "hidden-1",
        "X-Amz-Security-Token": "hidden-1",
        "X-Fal-Billable-Units": "1",
    }
    result = provider(service).image(QWEN).invoke("p")
    assert result.response.headers["x-fal-billable-units"] == "1"
    assert "hidden-1" not in str(result.response)
    copy = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own
    assert copy.response == result.response
    assert result.using(None).with_metadata(a=1).response == result.response


def test_a_stored_timestamp_that_is_not_one_is_left_out(service: Fal) -> None:
    result = provider(service).image(QWEN).invoke("p")
    artifact = result.to_artifact()
    for stored in ("", "2026-08-02T10:00:00Z", 1.5, True, 10**400, None):
        restored = type(result).from_artifact({**artifact, "timestamp": stored})
        assert restored.response.timestamp is None
        assert restored.images[0].url == URL
        assert restored == result
