"""A host that quotes the key in a response does not spread it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import pickle
import traceback
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from dripping_server import DrippingServer

from langchain_fal_image import (
    FalImageToolkit,
    FalTextToImage,
    Retry,
    create_fal,
    errors,
)
from langchain_fal_image.wire.redaction import Redactor

ID, SECRET = "0a1b2c3d-5e6f-4a7b-8c9d-canary000000", "canary+9f/8e7d6c5b4a3f2e1d="
KEY = f"{ID}:{SECRET}"
OWN = "canary-own-header-secret"


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS = {
    "header": f"Authorization: Key {KEY}",
    "key": KEY,
    "id": f"the key {ID} is blocked",
    "secret": f"({SECRET})",
    "url": f"https://fal.example/?key={quote(KEY, safe='')}&x=1",
    "lower url": f"?key={quote(KEY, safe='').lower()}",
    "basic": f"Authorization: Basic {encode(KEY)}",
    "basic user": f"Authorization: Basic {encode(f'user:{KEY}')}",
    "basic shifted": encode(f"x{KEY}"),
    "urlsafe": base64.urlsafe_b64encode(f"Key {KEY}".encode()).decode(),
    "own header": f"x-fal-key: {OWN}",
}


def is_clean(text: str) -> bool:
    """Return whether a text has no part of the key, in any of its forms."""
    texts = [text, text.encode().decode("unicode_escape", "replace")]
    hidden = ["canary", "0a1b2c3d", "8c9d", "9f/8e7d", "9f%2f8e7d", OWN]
    hidden += [encode(ID)[4:12].lower(), encode(SECRET)[4:12].lower()]
    return not any(each in found.lower() for found in texts for each in hidden)


def escape(text: str) -> str:
    """Return JSON in which every character is escaped."""
    return '"' + "".join(f"\\u{ord(each):04X}" for each in text) + '"'


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dump", [json.dumps, escape], ids=["plain", "escaped"])
def test_the_forms_of_the_key_are_found(form: str, dump: Any) -> None:
    if dump is escape and form.startswith(("basic", "url", "lower")):
        return
    redactor = Redactor([f"Key {KEY}", OWN])
    cleaned = redactor.clean(b'{"detail": %s}' % dump(FORMS[form]).encode()).decode()
    assert is_clean(cleaned), cleaned
    assert "<hidden>" in json.loads(cleaned)["detail"]


@pytest.mark.parametrize("key", ["k", "sandbox", "a:b", ""])
def test_short_keys_do_not_change_responses(key: str) -> None:
    text = b'{"url": "https://a.example/k/sandbox:a:b"}'
    assert Redactor([f"Key {key}"]).clean(text) == text


@pytest.mark.parametrize(
    ("key", "text", "cleaned"),
    [
        ("my-project:s3cr3t-value", "my-project s3cr3t-value", "my-project <hidden>"),
        ("my-project:s3cr3t-value", "my-project:s3cr3t-value", "<hidden>"),
        (
            "correct-horse",
            "https://a.example/correct-horse",
            "https://a.example/<hidden>",
        ),
        ("canary:secret", "canary secret canary:secret", "canary secret <hidden>"),
    ],
)
def test_ordinary_words_of_a_key_stay(key: str, text: str, cleaned: str) -> None:
    assert Redactor([f"Key {key}"]).clean_text(text) == cleaned


def make_fal(respond: Any) -> Any:
    transport = httpx.MockTransport(respond)
    return create_fal(
        KEY,
        headers={"x-fal-key": OWN},
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
        retry=Retry(first_pause=0, longest_pause=0, jitter=0),
    )


async def invoke(fal: Any, way: str) -> Any:
    model = FalTextToImage(fal=fal)
    if way == "sync":
        return await asyncio.to_thread(model.invoke, "a hill")
    return await model.ainvoke("a hill")


STATUSES = (200, 401, 403, 404, 422, 429, 500, 503)
SHAPES = ("json", "list", "text", "header")


@pytest.mark.parametrize(
    ("form", "status", "shape"),
    [
        *((form, 422, "json") for form in FORMS),
        *itertools.product(["header"], STATUSES, SHAPES),
    ],
)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_refused_submit_does_not_spread_it(
    form: str, status: int, shape: str, way: str
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Key {KEY}"
        assert request.headers["x-fal-key"] == OWN
        echo = FORMS[form]
        if shape == "json":
            return httpx.Response(status, json={"detail": echo, "error_type": echo})
        if shape == "list":
            item = {"loc": ["body", echo], "msg": echo, "type": echo}
            return httpx.Response(status, json={"detail": [item]})
        if shape == "text":
            return httpx.Response(status, text=echo)
        headers = {"x-fal-error-type": echo, "x-fal-request-id": echo}
        return httpx.Response(status, json={}, headers=headers)

    fal = make_fal(respond)
    with pytest.raises(errors.FalError) as caught:
        await invoke(fal, way)
    error = caught.value
    lines = traceback.TracebackException.from_exception(error)
    assert is_clean(f"{error} {error!r} {vars(error)}")
    assert is_clean(pickle.dumps(error).decode("latin-1"))
    assert is_clean("".join(lines.format()))
    [tool, _] = FalImageToolkit(fal=fal).get_tools()
    call = {"name": tool.name, "args": {"prompt": "a"}, "id": "1", "type": "tool_call"}
    try:
        message = tool.invoke(call) if way == "sync" else await tool.ainvoke(call)
    except errors.FalAuthError as auth:  # only the developer can fix it
        message = auth
    assert is_clean(str(message))
    await fal.aclose()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_an_accepted_request_does_not_spread_it(
    form: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    echo = FORMS[form]

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"request_id": "r-1"})
        if request.url.path.endswith("/stream"):
            logs = [{"message": echo, "level": echo}]
            state = json.dumps({"status": "IN_PROGRESS", "logs": logs})
            end = json.dumps({"status": "COMPLETED", "error": echo, "logs": logs})
            text = f"data: {state}\n\ndata: {end}\n\n"
            kind = {"content-type": "text/event-stream"}
            return httpx.Response(200, text=text, headers=kind)
        images = [{"url": "https://v3.fal.media/a.png", "file_name": echo}]
        return httpx.Response(200, json={"images": images, "prompt": echo, "x": echo})

    fal = make_fal(respond)
    t2i, result = FalTextToImage(fal=fal), await invoke(fal, way)
    request = t2i.submit("a") if way == "sync" else await t2i.asubmit("a")
    if way == "sync":
        updates = list(request.events())
    else:
        updates = [each async for each in request.aevents()]
    assert any(each.logs for each in updates)
    for each in (result.raw, result.to_artifact(), result.recipe(), updates, result):
        assert is_clean(str(each))
    assert is_clean(pickle.dumps(result).decode("latin-1"))
    assert is_clean(caplog.text)
    await fal.aclose()


@pytest.mark.parametrize("way", ["sync", "httpx", "aiohttp"])
async def test_a_broken_response_does_not_spread_it(way: Any) -> None:
    if way == "aiohttp":
        pytest.importorskip("aiohttp")
    broken = f"Key {KEY}\r\n\r\n".encode()
    with DrippingServer(lambda: iter([broken]), pause=0) as server:
        fal = create_fal(
            KEY, base_url=server.url, async_transport=None if way == "sync" else way
        )
        with pytest.raises(errors.FalSubmitUncertainError) as caught:
            await invoke(fal, way)
        await fal.aclose()
    lines = traceback.TracebackException.from_exception(caught.value)
    assert is_clean("".join(lines.format()))
