"""Verification of webhooks: signature, age, content and fal's keys."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
from webhook_receiver import Receiver

from langchain_fal_image import FalProvider, Retry, create_fal, errors, webhooks
from langchain_fal_image.sandbox import Sandbox

QWEN = "fal-ai/qwen-image"
NOW = 1_800_000_000.0
AT_ONCE = Retry(first_pause=0, longest_pause=0, jitter=0)
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


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def sign(sandbox: Sandbox, body: bytes = BODY, at: float = NOW) -> dict[str, str]:
    return sandbox.sign_webhook(body, "r-1", at=at)


def change(headers: dict[str, str], name: str, value: str | None) -> dict[str, str]:
    kept = {key: each for key, each in headers.items() if key != name}
    return kept if value is None else {**kept, name: value}


SIGNATURE = "x-fal-webhook-signature"
TIMESTAMP = "x-fal-webhook-timestamp"
WRONG: dict[str, tuple[Any, Any, str]] = {
    "no signature": (
        lambda h: change(h, SIGNATURE, None),
        BODY,
        "signature is missing",
    ),
    "no time": (
        lambda h: change(h, "x-fal-webhook-timestamp", None),
        BODY,
        "timestamp is missing",
    ),
    "no request id": (
        lambda h: change(h, "x-fal-webhook-request-id", ""),
        BODY,
        "request-id is missing",
    ),
    "odd time": (
        lambda h: change(h, "x-fal-webhook-timestamp", "noon"),
        BODY,
        "not a number of seconds",
    ),
    "no hex": (lambda h: change(h, SIGNATURE, "zz"), BODY, "not hexadecimal"),
    "another's signature": (
        lambda h: change(h, SIGNATURE, "00" * 64),
        BODY,
        "not fal's",
    ),
    "a short signature": (lambda h: change(h, SIGNATURE, "00"), BODY, "not fal's"),
    "another user": (
        lambda h: change(h, "x-fal-webhook-user-id", "other"),
        BODY,
        "not fal's",
    ),
    "a changed body": (lambda h: h, BODY.replace(b"7", b"8"), "not fal's"),
    "a huge time": (
        lambda h: change(h, TIMESTAMP, "9" * 400),
        BODY,
        "not a number of seconds",
    ),
    "a time in other digits": (
        lambda h: change(h, TIMESTAMP, "\u0661\u0662"),
        BODY,
        "HTTP does not allow",
    ),
    "a time with a sign": (
        lambda h: change(h, TIMESTAMP, f"+{int(NOW)}"),
        BODY,
        "not a number of seconds",
    ),
    "an unpaired surrogate": (
        lambda h: change(h, "x-fal-webhook-user-id", "\ud800"),
        BODY,
        "HTTP does not allow",
    ),
    "a line break": (
        lambda h: change(h, "x-fal-webhook-request-id", "r-1\nuser"),
        BODY,
        "HTTP does not allow",
    ),
    "a changed time": (
        lambda h: change(h, "x-fal-webhook-timestamp", str(int(NOW) - 1)),
        BODY,
        "not fal's",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_webhook_that_is_not_from_fal_is_refused(
    wrong: tuple[Any, bytes, str], fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    alter, body, problem = wrong
    headers = alter(sign(fal_sandbox))
    with pytest.raises(errors.FalWebhookError, match=problem) as caught:
        webhooks.verify(headers, body, fal=fal, now=now)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("age", "problem"), [(301, "301 s old"), (-301, "in the future")]
)
def test_a_webhook_of_another_time_is_refused(
    age: float, problem: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    headers = sign(fal_sandbox, at=NOW - age)
    with pytest.raises(errors.FalWebhookError, match=problem):
        webhooks.verify(headers, BODY, fal=fal, now=now)
    hook = webhooks.verify(headers, BODY, fal=fal, now=now, tolerance=400)
    assert hook.result(model=QWEN).seed == 7
    assert hook.gateway_request_id == "g-1"


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"[]", b'{"status": "OK"}', b'{"request_id": "r-2"}']
)
def test_a_signed_body_without_a_webhook_is_refused(
    body: bytes, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    with pytest.raises(errors.FalWebhookError):
        webhooks.verify(sign(fal_sandbox, body), body, fal=fal, now=now)


def test_the_case_of_headers_does_not_matter(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    headers = {name.upper(): each for name, each in sign(fal_sandbox).items()}
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
def test_unusable_keys_are_reported(
    document: Any, fal_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.document = json.dumps(document).encode()
    rest_url = receiver.url.removesuffix("/hook")
    with create_fal("k", rest_url=rest_url, retry=AT_ONCE) as fal:
        with pytest.raises(
            errors.FalWebhookError, match="could not be fetched"
        ) as caught:
            webhooks.verify(sign(fal_sandbox), BODY, fal=fal, now=now)
        assert caught.value.is_retryable


def test_unreachable_keys_are_reported(fal_sandbox: Sandbox) -> None:
    fal = create_fal("k", rest_url="http://127.0.0.1:9", retry=AT_ONCE)
    with pytest.raises(errors.FalWebhookError, match="could not be fetched"):
        webhooks.verify(sign(fal_sandbox), BODY, fal=fal, now=now)


def test_new_keys_are_fetched_at_most_once_a_minute(fal_sandbox: Sandbox) -> None:
    with Sandbox() as other:
        fal = other.provider()
        clock = [1000.0]
        fal.context = replace(fal.context, now=lambda: clock[0])

        def count_fetches() -> int:
            paths = [each.path for each in other.requests]
            return sum(path.endswith("jwks.json") for path in paths)

        def verify(headers: dict[str, str]) -> None:
            webhooks.verify(headers, BODY, fal=fal, now=now)

        verify(sign(other))
        for _ in range(5):
            with pytest.raises(errors.FalWebhookError, match="not fal's"):
                verify(sign(fal_sandbox))
        assert count_fetches() == 1
        clock[0] += 61
        other.renew_webhook_keys()
        verify(sign(other))
        assert count_fetches() == 2
        clock[0] += 24 * 60 * 60 + 1
        verify(sign(other))
        assert count_fetches() == 3


def test_keys_that_cannot_be_fetched_are_fetched_at_most_once_a_minute(
    fal_sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.document = b"{}"
    clock = [1000.0]
    rest_url = receiver.url.removesuffix("/hook")
    with create_fal("k", rest_url=rest_url, retry=AT_ONCE) as fal:
        fal.context = replace(fal.context, now=lambda: clock[0])
        for second in range(150):
            clock[0] = 1000.0 + second
            with pytest.raises(errors.FalWebhookError, match="could not be") as caught:
                webhooks.verify(sign(fal_sandbox), BODY, fal=fal, now=now)
            assert caught.value.is_retryable
    assert receiver.fetches == 3


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_keys_on_a_private_address_are_reported(
    way: str, fal_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda _, *args, **named: real("127.0.0.1", *args, **named),
    )
    async with create_fal("k", retry=AT_ONCE) as fal:
        verify: Any = webhooks.averify
        if way == "sync":
            verify = partial(asyncio.to_thread, cast("Any", webhooks.verify))
        with pytest.raises(errors.FalWebhookError, match="not a public address"):
            await verify(sign(fal_sandbox), BODY, fal=fal, now=now)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("Invalid status code: 422", 422),
        ("\u00b2\u00b2\u00b2", 500),
        ("code 99999", 500),
        ("200", 500),
        (None, 500),
    ],
)
def test_any_text_of_an_error_becomes_an_error(error: Any, status: int) -> None:
    hook = webhooks.Webhook("r-1", status="ERROR", payload={}, error=error)
    with pytest.raises(errors.FalRequestError) as caught:
        hook.result(model=QWEN)
    assert caught.value.status_code == status


def test_the_age_is_that_of_the_current_time_by_default(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    headers = sign(fal_sandbox, at=time.time())
    assert webhooks.verify(headers, BODY, fal=fal).status == "OK"
