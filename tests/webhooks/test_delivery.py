"""Webhooks that the sandbox delivers: they contain what a fetched result contains."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from webhook_receiver import Receiver

from langchain_fal_image import FalProvider, FalTextToImage, errors, webhooks
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.sandbox import Sandbox

QWEN = "fal-ai/qwen-image"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_webhook_contains_the_result(
    way: str, fal: FalProvider, fal_sandbox: Sandbox, receiver: Receiver
) -> None:
    t2i = FalTextToImage(fal=fal, size="64x64")
    if way == "sync":
        request = t2i.submit("a hill", webhook_url=receiver.url)
    else:
        request = await t2i.asubmit("a hill", webhook_url=receiver.url)
    await asyncio.to_thread(receiver.wait, 1)
    [(headers, body)] = receiver.received
    for _ in range(2):  # a repeated delivery is valid too
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
def test_a_webhook_contains_speech_or_a_transcription(
    kind: str, fal: FalProvider, receiver: Receiver
) -> None:
    model: Any = fal.speech() if kind == "speech" else fal.transcription()
    value = "Hello." if kind == "speech" else "https://v3.fal.media/files/a.mp3"
    request = model.submit(value, webhook_url=receiver.url)
    receiver.wait(1)
    [(headers, body)] = receiver.received
    hook = webhooks.verify(headers, body, fal=fal)
    result = hook.result(model=request.endpoint_id, fal=fal)
    assert type(result) is type(request.result())
    assert result.raw == request.result().raw


def test_bytes_in_a_webhook_can_be_read(fal: FalProvider) -> None:
    uri = "data:image/gif;base64,R0lGODlhAQABAAAAADs="
    hook = webhooks.Webhook("r-1", payload={"images": [{"url": uri}]})
    result = hook.result(model="fal-ai/qwen-image", fal=fal)
    assert result.image.url is None
    assert result.image.read().startswith(b"GIF89a")


def test_a_refused_webhook_is_delivered_again(
    fal: FalProvider, receiver: Receiver
) -> None:
    receiver.refusals = 2
    FalTextToImage(fal=fal, size="64x64").submit("a hill", webhook_url=receiver.url)
    receiver.wait(3)
    ids = {webhooks.verify(*each, fal=fal).request_id for each in receiver.received}
    assert len(ids) == 1


def test_a_failure_raises_the_same_error_as_a_fetched_result(
    fal: FalProvider, receiver: Receiver
) -> None:
    t2i = FalTextToImage(fal=fal, check_options=False, guidance_scale=99)
    request = t2i.submit("a hill", webhook_url=receiver.url)
    receiver.wait(1)
    hook = webhooks.verify(*receiver.received[0], fal=fal)
    assert (hook.status, hook.error) == ("ERROR", "Invalid status code: 422")
    with pytest.raises(errors.FalInvalidInputError) as delivered:
        hook.result(model=QWEN, fal=fal)
    with pytest.raises(errors.FalInvalidInputError) as fetched:
        request.result()
    assert delivered.value.message == fetched.value.message
    assert delivered.value.charged == fetched.value.charged
    assert delivered.value.request_id == request.request_id


def test_webhooks_alone_complete_a_durable_batch(
    fal: FalProvider, fal_sandbox: Sandbox, receiver: Receiver, tmp_path: Path
) -> None:
    def batch(**more: Any) -> DurableBatch:
        model = FalTextToImage(fal=fal, size="64x64")
        folders: Any = {"journal": tmp_path / "j.sqlite", "images": tmp_path / "images"}
        return DurableBatch(model, progress=False, **folders, **more)

    prompts = ["a hill", "a lake", "a sea"]
    batch(webhook_url=receiver.url, follow=False).run(prompts)
    receiver.wait(3)
    for headers, body in [*receiver.received, *receiver.received]:
        batch().complete(webhooks.verify(headers, body, fal=fal))
    assert len(batch().report().done) == 3
    assert len(list((tmp_path / "images").glob("*.png"))) == 3
    polls = [each.path for each in fal_sandbox.requests if "/requests/" in each.path]
    assert polls == []


def test_the_sandbox_sends_no_webhook_to_another_host(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    request = FalTextToImage(fal=fal, size="64x64").submit(
        "a hill", webhook_url="https://me.example/hook"
    )
    request.result()
    assert fal_sandbox.submits == 1
