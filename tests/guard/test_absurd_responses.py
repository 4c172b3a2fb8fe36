"""Deep, wide and absurdly large JSON ends in a value or a FalError, at a low cost."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from langchain_core.stores import InMemoryByteStore

from langchain_fal_image import FalProvider, FalTextToImage, Retry, create_fal, errors
from langchain_fal_image.inputs.file_type import IMAGE
from langchain_fal_image.wire.effects import parse_json
from langchain_fal_image.wire.files import upload

DEEP = b'{"detail": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
MIDDLE = b'{"detail": ' + b"[" * 90 + b"]" * 90 + b"}"
WIDE = b'{"detail": [' + b"[]," * 1_500_000 + b"1]}"
KEYS = json.dumps({f"key {number}": "x" for number in range(100_000)}).encode()
ITEMS = json.dumps({"detail": [{"msg": "x" * 90}] * 100_000}).encode()
NUMBER = b'{"queue_position": 1' + b"0" * 4000 + b', "status": "IN_QUEUE"}'
DIGITS = b'{"detail": 1' + b"0" * 1_000_000 + b"}"
NESTED = json.dumps({"a": [{"b": ["x"] * 50}] * 1000}).encode()
BODIES = {
    "deep": DEEP,
    "middle": MIDDLE,
    "wide": WIDE,
    "keys": KEYS,
    "items": ITEMS,
    "number": NUMBER,
    "digits": DIGITS,
    "nested": NESTED,
    "not finite": b'{"images": [{"url": "https://a.example/b", "width": 1e999}]}',
}
QWEN = "fal-ai/qwen-image"


def make_fal(body: bytes, status: int, **settings: Any) -> FalProvider:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    return create_fal(
        "k",
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
        retry=Retry(attempts=1),
        **settings,
    )


CALLS: dict[str, Any] = {
    "invoke": lambda fal: FalTextToImage(fal=fal).invoke("a"),
    "ainvoke": lambda fal: asyncio.run(FalTextToImage(fal=fal).ainvoke("a")),
    "sync mode": lambda fal: FalTextToImage(fal=fal, mode="sync").invoke("a"),
    "status": lambda fal: fal.request(QWEN, "r").status(),
    "result": lambda fal: fal.request(QWEN, "r").result(timeout=0.1),
    "cancel": lambda fal: fal.request(QWEN, "r").cancel(),
    "price": lambda fal: fal.price(QWEN),
    "upload": lambda fal: fal.run(
        upload(fal.context, b"x", content_type="image/png", file_name=IMAGE.word)
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize("body", BODIES)
def test_an_absurd_response_ends_in_a_value_or_a_fal_error(
    call: str, status: int, body: str
) -> None:
    fal = make_fal(BODIES[body], status)
    try:
        value = CALLS[call](fal)
    except errors.FalError as error:
        assert len(str(error)) < 5000  # noqa: PT017 - either is right
        if isinstance(error, errors.FalRequestError):
            assert len(repr(error.body)) < 200_000  # noqa: PT017
    else:
        assert len(repr(value)) < 200_000


def test_json_with_too_many_values_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ValueError, match="too many values"):
        parse_json(WIDE)
    with pytest.raises(ValueError, match="too many values"):
        parse_json(WIDE.decode())
    long = json.dumps({"text": "x, " * 300_000, "numbers": list(range(1000))})
    assert parse_json(long)["numbers"][-1] == 999


def test_an_absurd_queue_position_is_ignored() -> None:
    update = make_fal(NUMBER, 200).request(QWEN, "r").status()
    assert update.queue_position is None


def test_a_flood_of_log_lines_is_cut() -> None:
    lines = [{"message": f"{number} " + "x" * 20_000} for number in range(100)]
    events = [{"status": "IN_PROGRESS", "logs": lines}]
    events += [
        {"status": "IN_PROGRESS", "logs": [{"message": str(number)}]}
        for number in range(20_000)
    ]
    events += [{"status": "COMPLETED"}]
    text = "".join(f"data: {json.dumps(each)}\n\n" for each in events)

    def respond(request: httpx.Request) -> httpx.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, text=text, headers=headers)

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        fal = create_fal("k", http_client=client)
        updates = list(fal.request(QWEN, "r").events())
    logs = [log for update in updates for log in update.logs]
    assert len(logs) == 10_000
    assert max(len(log.message) for log in logs) == 10_000
    assert updates[-1].status == "COMPLETED"


@pytest.mark.parametrize(
    "stored",
    [
        DEEP,
        WIDE,
        b"[1e400, {}]",
        b"[NaN, {}]",
        b"[-1e300, {}]",
        b"[1e300, {}]",
        json.dumps([time.time() + 1e9, {}]).encode(),
        b"[1, 2, 3]",
        b"7",
        b"\xff",
    ],
    ids=range(10),
)
def test_an_absurd_contract_in_a_store_is_ignored(stored: bytes) -> None:
    store = InMemoryByteStore()
    store.mset([("openapi/acme/model", stored)])
    fal = create_fal("k", store=store, openapi_url="http://127.0.0.1:9")
    fal.context = make_fal(b"", 200, openapi_url="http://127.0.0.1:9").context
    with pytest.raises(errors.FalDownloadError, match="is not available"):
        fal.describe("acme/model")
    assert fal.describe(QWEN).endpoint_id == QWEN
