"""Any document, price list, webhook or key ends in a result or a `FalError`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image import FalProvider, ImageResult, Retry, create_fal, webhooks
from langchain_fal_image._session.prices import Price
from langchain_fal_image.errors import FalError
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.sandbox.api import openapi

QWEN = "fal-ai/qwen-image"
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.sampled_from([QWEN, "image", "string", "object", "array", "#/components", "OK"]),
)
WORDS = st.sampled_from(
    [
        *("$ref", "allOf", "anyOf", "components", "content", "currency", "enum", "x"),
        *("endpoint_id", "error", "images", "items", "keys", "openapi", "paths"),
        *("payload", "post", "prices", "properties", "request_id", "requestBody"),
        *("required", "schema", "schemas", "type", "status", "unit", "unit_price"),
        *("url", "application/json", "info", "title"),
    ]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(WORDS, st.text(max_size=6)), inner, max_size=5),
    ),
    max_leaves=25,
)
BODIES = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60)
)
DOCUMENT = openapi.make_document(QWEN) or {}


def spoil(data: st.DataObject, document: Any) -> Any:
    """Replace a part of a valid document with anything."""
    here, path = document, []
    while isinstance(here, dict | list) and here and data.draw(st.booleans()):
        keys = list(here) if isinstance(here, dict) else range(len(here))
        path.append(data.draw(st.sampled_from(keys)))
        here = here[path[-1]]
    copy = json.loads(json.dumps(document))
    if not path:
        return data.draw(JSON)
    parent = copy
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = data.draw(JSON)
    return copy


def answering(body: bytes, status: int = 200) -> FalProvider:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    client = httpx.Client(transport=transport)
    return create_fal("k", http_client=client, retry=Retry(attempts=1))


@given(data=st.data())
def test_any_openapi_document(data: st.DataObject) -> None:
    document = spoil(data, DOCUMENT)
    try:
        schema = EndpointSchema.from_openapi(document)
    except ValueError:
        return
    assert isinstance(schema, EndpointSchema)


@given(body=BODIES, status=st.sampled_from([200, 200, 200, 401, 404, 422]))
def test_any_price_list(body: bytes, status: int) -> None:
    fal = answering(body, status)
    price = fal.price(QWEN)
    assert price is None or isinstance(price, Price)


@given(data=st.data())
def test_any_price_in_a_true_list(data: st.DataObject) -> None:
    entry = {
        "endpoint_id": QWEN,
        "unit_price": 0.02,
        "unit": "image",
        "currency": "USD",
    }
    body = json.dumps(spoil(data, {"prices": [entry], "has_more": False})).encode()
    price = answering(body).price(QWEN)
    assert price is None or price.estimate(images=1) is None or price.unit_price >= 0


def ends(call: Callable[[], Any], kind: type) -> None:
    try:
        came = call()
    except FalError:
        return
    assert isinstance(came, kind)


@given(body=BODIES)
def test_any_signed_webhook(body: bytes) -> None:
    ends(lambda: webhooks._parse_webhook(body, "r"), webhooks.Webhook)


@given(data=st.data())
def test_any_webhook_gives_a_result_or_an_error(data: st.DataObject) -> None:
    images = [{"url": "https://v3.fal.media/a.png"}]
    document = {"request_id": "r", "status": "OK", "payload": {"images": images}}
    body = json.dumps(spoil(data, document)).encode()

    def result() -> Any:
        return webhooks._parse_webhook(body, "r").result(
            model=QWEN, fal=create_fal("k")
        )

    ends(result, ImageResult)


@given(headers=st.dictionaries(st.text(max_size=8), st.text(max_size=8)), body=BODIES)
def test_any_headers_of_a_webhook(headers: dict[str, str], body: bytes) -> None:
    names = ("request-id", "user-id", "timestamp", "signature")
    given_ = {f"X-Fal-Webhook-{name}": "1" for name in names} | headers
    ends(lambda: webhooks.verify(given_, body, fal=create_fal("k")), webhooks.Webhook)


@given(data=st.data())
def test_any_stored_request(data: st.DataObject) -> None:
    document = create_fal("k").request(QWEN, "r").to_dict()
    stored = spoil(data, document)
    try:
        request = FalRequest.from_dict(stored)
    except (ValueError, AttributeError):
        return
    assert request.endpoint_id
