"""Tracebacks with local variables show neither the key nor image bytes."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import PIL.Image
import pytest
from conftest import BASE64, CANARY
from pydantic import SecretStr

import langchain_fal_image
from langchain_fal_image import (
    FalImageEdit,
    FalImageToolkit,
    FalProvider,
    FalTextToImage,
    GeneratedImage,
    Limits,
    Retry,
    create_fal,
    errors,
    webhooks,
)
from langchain_fal_image.sandbox import Sandbox

PACKAGE = str(Path(langchain_fal_image.__file__).parent)
HEADERS = {"x-fal-key": CANARY, "X-Auth-Token": f"Bearer {CANARY}"}
EDIT: Any = {"prompt": "x", "check_options": False}
BASIC = base64.b64encode(CANARY.encode()).decode()


def check_frames(error: BaseException | None) -> None:
    """Check the local variables of all frames of this package, causes included."""
    seen: set[int] = set()
    frames = 0
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if not frame.f_code.co_filename.startswith(PACKAGE):
                continue
            frames += 1
            for name, value in frame.f_locals.items():
                shown = show(value)
                where = f"{frame.f_code.co_qualname}: {name}"
                assert CANARY not in shown, where
                assert BASIC not in shown, where
                assert not BASE64.search(shown), where
        error = error.__cause__ or error.__context__
    assert frames


def show(value: object) -> str:
    try:
        return repr(value)
    except AttributeError:  # of an object that is not complete
        return ""


def picture() -> bytes:
    content = io.BytesIO()
    PIL.Image.frombytes("RGB", (64, 64), os.urandom(3 * 64 * 64)).save(content, "PNG")
    return content.getvalue()


URI = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"


def respond(request: httpx.Request) -> httpx.Response:
    """Refuse everything, and quote what was sent."""
    quoted = {"headers": dict(request.headers), "input": request.content.decode()}
    detail = [{"loc": ["body"], "msg": "no", "type": "x", "ctx": quoted}]
    return httpx.Response(422, json={"detail": detail})


def break_off(request: httpx.Request) -> httpx.Response:
    message = f"reset by {request.url.host}"
    raise httpx.ReadError(message)


def answer_nonsense(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=[base64.b64encode(request.content).decode()] * 9)


def answer_without_images(request: httpx.Request) -> httpx.Response:
    """Return an output with bytes, but without an image."""
    if request.method == "POST":
        return httpx.Response(200, json={"request_id": "r-1"})
    if request.url.path.endswith("/stream"):
        text = 'data: {"status": "COMPLETED"}\n\n'
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, text=text, headers=headers)
    uri = f"data:video/mp4;base64,{base64.b64encode(picture()).decode()}"
    return httpx.Response(200, json={"video": {"url": uri}})


HANDLERS = [respond, break_off, answer_nonsense, answer_without_images]


@pytest.fixture(params=HANDLERS, ids=lambda each: each.__name__)
def fal(request: pytest.FixtureRequest) -> Iterator[FalProvider]:
    transport = httpx.MockTransport(request.param)
    with httpx.Client(transport=transport) as client:
        yield create_fal(
            CANARY,
            headers=HEADERS,
            http_client=client,
            http_async_client=httpx.AsyncClient(transport=transport),
            retry=Retry(attempts=1, submit_attempts=1),
        )


CALLS: dict[str, Callable[[FalProvider], Any]] = {
    "invoke": lambda fal: FalTextToImage(fal=fal).invoke("a hill"),
    "edit": lambda fal: FalImageEdit(fal=fal, **EDIT).invoke([picture()]),
    "edit async": lambda fal: asyncio.run(
        FalImageEdit(fal=fal, **EDIT).ainvoke([picture()])
    ),
    "data URI": lambda fal: FalImageEdit(fal=fal, **EDIT).invoke([URI]),
    "base64": lambda fal: FalImageEdit(fal=fal, **EDIT).invoke({"images": [URI[22:]]}),
    "broken base64": lambda fal: FalImageEdit(fal=fal, **EDIT).invoke(
        {"images": f" {URI[22:]}"}
    ),
    "sync mode": lambda fal: FalImageEdit(fal=fal, mode="sync", **EDIT).invoke(
        [picture()]
    ),
    "submit": lambda fal: FalImageEdit(fal=fal, **EDIT).submit([picture()]).result(),
    "status": lambda fal: fal.request("fal-ai/qwen-image", "r-1").status(),
    "result": lambda fal: fal.request("fal-ai/qwen-image", "r-1").result(timeout=60),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_frame_of_a_failed_call_shows_them(name: str, fal: FalProvider) -> None:
    try:
        CALLS[name](fal)
    except errors.FalError as error:
        check_frames(error)


def test_no_frame_of_a_failed_upload_shows_them() -> None:
    transport = httpx.MockTransport(respond)
    limits = Limits(inline_bytes=10)
    with httpx.Client(transport=transport) as client:
        fal = create_fal(CANARY, headers=HEADERS, http_client=client, limits=limits)
        with pytest.raises(errors.FalError) as caught:
            FalImageEdit(fal=fal, **EDIT).invoke([picture()])
    check_frames(caught.value)


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
async def test_no_frame_of_a_failed_connection_shows_them(
    way: str, transport: Any
) -> None:
    if transport == "aiohttp":
        pytest.importorskip("aiohttp")
    async with create_fal(
        CANARY,
        base_url="http://127.0.0.1:9",
        headers=HEADERS,
        retry=Retry(submit_attempts=1),
        async_transport=transport,
    ) as fal:
        edit: Any = FalImageEdit(fal=fal, **EDIT)
        call = edit.ainvoke
        if way == "sync":
            call = partial(asyncio.to_thread, cast("Any", edit.invoke))
        with pytest.raises(errors.FalConnectionError) as caught:
            await call([picture()])
        image = GeneratedImage(url="https://127.0.0.1:9/a.png").using(fal)
        with pytest.raises(errors.FalDownloadError) as refused:
            await image.aread()
    check_frames(caught.value)
    check_frames(refused.value)


@pytest.mark.parametrize(
    "key",
    [f"{CANARY}\n\u2019", f"{CANARY}\0", SecretStr(f"\n{CANARY}\u2019")],
    ids=repr,
)
def test_no_frame_of_a_refused_key_shows_it(key: Any) -> None:
    with pytest.raises(errors.FalConfigurationError) as caught:
        FalTextToImage(fal=create_fal(key)).invoke("a hill")
    check_frames(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"async_transport": "curl"},
        {"timeout": -1},
        {"base_url": "ftp://a.example"},
        {"headers": {**HEADERS, "a b": "c"}},
        {"allowed_dirs": ["\0"]},
    ],
    ids=repr,
)
def test_no_frame_of_a_refused_setting_shows_the_key(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"headers": HEADERS, **settings}
    with pytest.raises((errors.FalError, ValueError)) as caught:
        FalTextToImage(fal=create_fal(CANARY, **settings)).invoke("a hill")
    check_frames(caught.value)
    monkeypatch.setenv("FAL_SANDBOX_URL", "http://127.0.0.1:9")
    with pytest.raises(errors.FalConfigurationError) as caught:
        create_fal(CANARY, headers=HEADERS)
    check_frames(caught.value)


def test_no_frame_of_a_tool_shows_them(fal: FalProvider) -> None:
    for tool in FalImageToolkit(fal=fal).get_tools():
        tool.handle_tool_error = False
        images = ["https://v3.fal.media/a.png", URI]
        call = {"prompt": f"Draw {URI}", "images": images}
        try:
            tool.invoke(
                {"name": tool.name, "args": call, "id": "1", "type": "tool_call"}
            )
        except Exception as error:  # noqa: BLE001 - any
            check_frames(error)


def test_no_frame_of_a_webhook_shows_them(fal_sandbox: Sandbox) -> None:
    body = json.dumps(
        {"request_id": "r-1", "payload": None, "status": "ERROR"}
    ).encode()
    headers = fal_sandbox.sign_webhook(body, "r-1", at=0)
    with (
        fal_sandbox.provider(api_key=CANARY) as fal,
        pytest.raises(errors.FalWebhookError) as caught,
    ):
        webhooks.verify(headers, body, fal=fal)
    check_frames(caught.value)
