"""Webhooks: believed only where fal signed them, and what they give."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from langchain_fal_image import (
    FalProvider,
    FalTextToImage,
    create_fal,
    errors,
    webhooks,
)
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.sandbox import Sandbox

QWEN = "fal-ai/qwen-image"
NOW = 1_800_000_000.0
BODY = json.dumps(
    {
        "request_id": "r-1",
        "gateway_request_id": "g-1",
        "status": "OK",
        "payload": {
            "images": [{"url": "https://v3.fal.media/files/a/b.png"}],
            "seed": 7,
        },
    }
).encode()


def now() -> float:
    return NOW


class Receiver:
    """A server that keeps what it was sent.

    Attributes:
        got: Headers and body of each.
        refuse: How many it answers with 503 first.
        document: What it answers to a GET.
    """

    def __init__(self) -> None:
        receiver = self
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.refuse = 0
        self.document = b""
        self.changed = threading.Condition()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.changed:
                    receiver.got.append((dict(self.headers), body))
                    status = 503 if len(receiver.got) <= receiver.refuse else 200
                    receiver.changed.notify_all()
                self.send_response(status)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(receiver.document)))
                self.end_headers()
                self.wfile.write(receiver.document)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def wait(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= number, 15)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


# --- The whole way ---


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_webhook_gives_the_result(
    way: str, fal: FalProvider, fal_sandbox: Sandbox, receiver: Receiver
) -> None:
    t2i = FalTextToImage(fal=fal, size="64x64")
    if way == "sync":
        request = t2i.submit("a hill", webhook_url=receiver.url)
    else:
        request = await t2i.asubmit("a hill", webhook_url=receiver.url)
    await asyncio.to_thread(receiver.wait, 1)
    [(headers, body)] = receiver.got
    for _ in range(2):  # a second one is believed as well, and is the same
        hook = (
            webhooks.verify(headers, body, fal=fal)
            if way == "sync"
            else await webhooks.averify(headers, body, fal=fal)
        )
        assert hook.request_id == request.request_id
    result = hook.result(model=QWEN, fal=fal)
    assert result.raw == request.result().raw
    assert result.images[0].read()
    jwks = [each for each in fal_sandbox.requests if each.path.endswith("jwks.json")]
    assert len(jwks) == 1
    assert fal_sandbox.leaks == []
    await fal.aclose()


@pytest.mark.parametrize("kind", ["speech", "transcription"])
def test_a_webhook_gives_what_was_spoken_or_heard(
    kind: str, fal: FalProvider, receiver: Receiver
) -> None:
    model: Any = fal.speech() if kind == "speech" else fal.transcription()
    given = "Hello." if kind == "speech" else "https://v3.fal.media/files/a.mp3"
    request = model.submit(given, webhook_url=receiver.url)
    receiver.wait(1)
    [(headers, body)] = receiver.got
    hook = webhooks.verify(headers, body, fal=fal)
    result = hook.result(model=request.endpoint_id, fal=fal)
    assert type(result) is type(request.result())
    assert result.raw == request.result().raw


def test_it_is_sent_again_until_it_is_taken(
    fal: FalProvider, receiver: Receiver
) -> None:
    receiver.refuse = 2
    FalTextToImage(fal=fal, size="64x64").submit("a hill", webhook_url=receiver.url)
    receiver.wait(3)
    ids = {webhooks.verify(*each, fal=fal).request_id for each in receiver.got}
    assert len(ids) == 1


def test_a_failure_is_told_as_if_it_were_fetched(
    fal: FalProvider, receiver: Receiver
) -> None:
    t2i = FalTextToImage(fal=fal, check_options=False, guidance_scale=99)
    request = t2i.submit("a hill", webhook_url=receiver.url)
    receiver.wait(1)
    hook = webhooks.verify(*receiver.got[0], fal=fal)
    assert (hook.status, hook.error) == ("ERROR", "Invalid status code: 422")
    with pytest.raises(errors.FalInvalidInputError) as told:
        hook.result(model=QWEN, fal=fal)
    with pytest.raises(errors.FalInvalidInputError) as fetched:
        request.result()
    assert told.value.message == fetched.value.message
    assert told.value.charged == fetched.value.charged
    assert told.value.request_id == request.request_id


def test_a_durable_batch_is_completed_by_webhooks_alone(
    fal: FalProvider, fal_sandbox: Sandbox, receiver: Receiver, tmp_path: Path
) -> None:
    def batch(**more: Any) -> DurableBatch:
        model = FalTextToImage(fal=fal, size="64x64")
        place: Any = {"journal": tmp_path / "j.sqlite", "images": tmp_path / "pictures"}
        return DurableBatch(model, progress=False, **place, **more)

    prompts = ["a hill", "a lake", "a sea"]
    batch(webhook_url=receiver.url, follow=False).run(prompts)
    receiver.wait(3)
    for headers, body in [*receiver.got, *receiver.got]:
        batch().complete(webhooks.verify(headers, body, fal=fal))
    assert len(batch().report().done) == 3
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 3
    asked = [each.path for each in fal_sandbox.requests if "/requests/" in each.path]
    assert asked == []


def test_no_webhook_leaves_this_machine(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    request = FalTextToImage(fal=fal, size="64x64").submit(
        "a hill", webhook_url="https://me.example/hook"
    )
    request.result()
    assert fal_sandbox.submits == 1


# --- What is not believed ---


def headers_of(sandbox: Sandbox, body: bytes = BODY, at: float = NOW) -> dict[str, str]:
    return sandbox.sign_webhook(body, "r-1", at=at)


def changed(headers: dict[str, str], name: str, value: str | None) -> dict[str, str]:
    kept = {key: each for key, each in headers.items() if key != name}
    return kept if value is None else {**kept, name: value}


SIGNATURE = "x-fal-webhook-signature"
WRONG: dict[str, tuple[Any, Any, str]] = {
    "no signature": (
        lambda h: changed(h, SIGNATURE, None),
        BODY,
        "signature is missing",
    ),
    "no time": (
        lambda h: changed(h, "x-fal-webhook-timestamp", None),
        BODY,
        "timestamp is missing",
    ),
    "no request id": (
        lambda h: changed(h, "x-fal-webhook-request-id", ""),
        BODY,
        "request-id is missing",
    ),
    "odd time": (
        lambda h: changed(h, "x-fal-webhook-timestamp", "noon"),
        BODY,
        "not a number of seconds",
    ),
    "no hex": (lambda h: changed(h, SIGNATURE, "zz"), BODY, "not hexadecimal"),
    "another's signature": (
        lambda h: changed(h, SIGNATURE, "00" * 64),
        BODY,
        "not fal's",
    ),
    "a short signature": (lambda h: changed(h, SIGNATURE, "00"), BODY, "not fal's"),
    "another user": (
        lambda h: changed(h, "x-fal-webhook-user-id", "other"),
        BODY,
        "not fal's",
    ),
    "a changed body": (lambda h: h, BODY.replace(b"7", b"8"), "not fal's"),
    "a changed time": (
        lambda h: changed(h, "x-fal-webhook-timestamp", str(int(NOW) - 1)),
        BODY,
        "not fal's",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused(
    wrong: tuple[Any, bytes, str], fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    change, body, words = wrong
    headers = change(headers_of(fal_sandbox))
    with pytest.raises(errors.FalWebhookError, match=words) as caught:
        webhooks.verify(headers, body, fal=fal, now=now)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("age", "words"), [(301, "301 s old"), (-301, "in the future")]
)
def test_what_is_too_old_is_refused(
    age: float, words: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    headers = headers_of(fal_sandbox, at=NOW - age)
    with pytest.raises(errors.FalWebhookError, match=words):
        webhooks.verify(headers, BODY, fal=fal, now=now)
    hook = webhooks.verify(headers, BODY, fal=fal, now=now, tolerance=400)
    assert hook.result(model=QWEN).seed == 7
    assert hook.gateway_request_id == "g-1"


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[]", b'{"status": "OK"}', b'{"request_id": "r-2"}']
)
def test_a_signed_body_that_is_none_is_refused(
    body: bytes, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    with pytest.raises(errors.FalWebhookError):
        webhooks.verify(headers_of(fal_sandbox, body), body, fal=fal, now=now)


def test_headers_are_read_in_any_case(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    headers = {name.upper(): each for name, each in headers_of(fal_sandbox).items()}
    assert webhooks.verify(headers, BODY, fal=fal, now=now).request_id == "r-1"


# --- fal's keys ---


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"keys": "none"},
        {"keys": [{"kty": "RSA"}, {"x": 7}, {"x": "!!"}, {"x": "c2hvcnQ"}]},
        [],
    ],
    ids=str,
)
def test_keys_that_are_none_are_told(
    document: Any, fal_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.document = json.dumps(document).encode()
    rest_url = receiver.url.removesuffix("/hook")
    with create_fal("k", rest_url=rest_url, timeout=2) as fal:
        with pytest.raises(
            errors.FalWebhookError, match="could not be fetched"
        ) as caught:
            webhooks.verify(headers_of(fal_sandbox), BODY, fal=fal, now=now)
        assert caught.value.is_retryable


def test_keys_that_cannot_be_reached_are_told(fal_sandbox: Sandbox) -> None:
    fal = create_fal("k", rest_url="http://127.0.0.1:9", timeout=1)
    with pytest.raises(errors.FalWebhookError, match="could not be fetched"):
        webhooks.verify(headers_of(fal_sandbox), BODY, fal=fal, now=now)


def test_new_keys_are_fetched_at_most_once_a_minute(fal_sandbox: Sandbox) -> None:
    with Sandbox() as changed_keys:
        fal = changed_keys.provider()
        clock = [1000.0]
        fal.context = replace(fal.context, now=lambda: clock[0])

        def asked() -> int:
            paths = [each.path for each in changed_keys.requests]
            return sum(path.endswith("jwks.json") for path in paths)

        def verify(headers: dict[str, str]) -> None:
            webhooks.verify(headers, BODY, fal=fal, now=now)

        verify(headers_of(changed_keys))
        for _ in range(5):
            with pytest.raises(errors.FalWebhookError, match="not fal's"):
                verify(headers_of(fal_sandbox))
        assert asked() == 1
        clock[0] += 61
        changed_keys.renew_webhook_keys()
        verify(headers_of(changed_keys))
        assert asked() == 2
        clock[0] += 24 * 60 * 60 + 1
        verify(headers_of(changed_keys))
        assert asked() == 3


def test_the_clock_is_the_days_by_default(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    headers = headers_of(fal_sandbox, at=time.time())
    assert webhooks.verify(headers, BODY, fal=fal).status == "OK"
