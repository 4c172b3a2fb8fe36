"""Draw, edit and save; submit now and wait later; inputs and the sandbox."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate

from langchain_fal_image import (
    Budget,
    FalImageEdit,
    FalProvider,
    FalRequest,
    FalTextToImage,
    ImageResult,
    create_fal,
)
from langchain_fal_image._formats.image import sniff_image
from langchain_fal_image.errors import (
    FalAuthError,
    FalBudgetExceededError,
    FalOptionError,
)
from langchain_fal_image.sandbox import Sandbox

QWEN = "fal-ai/qwen-image"

PRO = "fal-ai/nano-banana-pro"

PRO_EDIT = "fal-ai/nano-banana-pro/edit"


def sent(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the payloads that were submitted, in order."""
    return [
        each.json
        for each in sandbox.requests
        if each.method == "POST" and each.path.startswith(("/queue/", "/run/"))
    ]


def test_draws_edits_and_saves(
    fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    t2i = FalTextToImage(fal=fal)
    edit = FalImageEdit(fal=fal, prompt="make it night")
    result = (t2i | edit).invoke("Mount Fuji in spring")
    path = result.images[0].save(tmp_path / "fuji.png")
    assert sniff_image(path.read_bytes()) is not None
    first, second = sent(fal_sandbox)
    assert first["prompt"] == "Mount Fuji in spring"
    assert second["prompt"] == "make it night"
    assert second["image_urls"] == [result.inputs[0].url]
    assert fal_sandbox.submits == 2


async def test_draws_edits_and_saves_async(fal: FalProvider, tmp_path: Path) -> None:
    chain = FalTextToImage(fal=fal) | FalImageEdit(fal=fal, prompt="make it night")
    result = await chain.ainvoke("Mount Fuji in spring")
    path = await result.images[0].asave(tmp_path)
    assert path.parent == tmp_path
    assert sniff_image(path.read_bytes()) is not None


def test_two_event_loops_in_a_row(fal: FalProvider) -> None:
    t2i = FalTextToImage(fal=fal)
    first = asyncio.run(t2i.ainvoke("one"))
    second = asyncio.run(t2i.ainvoke("two"))
    assert first.request_id != second.request_id


async def test_async_calls_start_no_threads(fal: FalProvider) -> None:
    before = set(threading.enumerate())
    chain = FalTextToImage(fal=fal) | FalImageEdit(fal=fal, prompt="night")
    await asyncio.gather(*(chain.ainvoke(f"hill {number}") for number in range(4)))
    new = set(threading.enumerate()) - before
    # The event loop's executor resolves names and reads files, nothing else.
    assert {each.name.partition("_")[0] for each in new} <= {"asyncio"}
    assert not any("Sync" in each.name for each in new)


def test_messages_and_prompts_become_the_prompt(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Describe an image."), ("human", "{thing}")]
    )
    model = FakeListChatModel(responses=["a red kite over the sea"])
    (prompt | model | FalTextToImage(fal=fal)).invoke({"thing": "kite"})
    (prompt | FalTextToImage(fal=fal)).invoke({"thing": "a blue kite"})
    assert [each["prompt"] for each in sent(fal_sandbox)] == [
        "a red kite over the sea",
        "a blue kite",
    ]


def test_the_last_human_message_is_the_prompt(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    FalTextToImage(fal=fal).invoke(
        [SystemMessage("s"), HumanMessage("1"), HumanMessage("2"), AIMessage("a")]
    )
    assert sent(fal_sandbox)[0]["prompt"] == "2"


def test_images_in_a_message_are_edited(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    url = FalTextToImage(fal=fal).invoke("a hill").images[0].url
    assert url is not None
    message = HumanMessage(
        [
            {"type": "text", "text": "make it night"},
            {"type": "image_url", "image_url": {"url": url}},
        ]
    )
    FalImageEdit(fal=fal).invoke(message)
    assert sent(fal_sandbox)[-1]["image_urls"] == [url]


def test_a_document_in_the_input_raises(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    with pytest.raises(FalOptionError, match="context"):
        FalTextToImage(fal=fal).invoke(
            {"prompt": "a hill", "context": [Document("long text")]}
        )
    assert fal_sandbox.requests == []


def test_input_of_another_type_raises(fal: FalProvider) -> None:
    with pytest.raises(FalOptionError, match="a prompt, messages or a dict"):
        FalTextToImage(fal=fal).invoke(7)


def test_submits_now_and_waits_later(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    request = FalTextToImage(fal=fal).submit("a hill")
    restored = pickle.loads(pickle.dumps(request))  # noqa: S301 - our own pickle
    assert restored == request
    assert FalRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    again = fal.request(request.endpoint_id, request.request_id)
    updates = list(again.events())
    assert updates[-1].status == "COMPLETED"
    assert again.status().status == "COMPLETED"
    result = again.result()
    assert result.request_id == request.request_id
    assert again.cancel() == "ALREADY_COMPLETED"
    assert fal_sandbox.submits == 1


async def test_submits_now_and_waits_later_async(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    request = await FalTextToImage(fal=fal).asubmit("a hill")
    updates = [update async for update in request.aevents()]
    assert updates[-1].status == "COMPLETED"
    assert (await request.astatus()).status == "COMPLETED"
    assert (await request.aresult()).request_id == request.request_id
    assert await request.acancel() == "ALREADY_COMPLETED"
    assert fal_sandbox.submits == 1


def test_sync_mode_returns_bytes_without_a_url(fal: FalProvider) -> None:
    result = FalTextToImage(fal=fal, syncMode=True).invoke("a hill")
    [image] = result.images
    assert image.url is None
    assert sniff_image(image.read()) is not None
    assert "base64" not in repr(result)
    assert "base64" not in json.dumps(result.to_artifact())
    assert b"PNG" not in pickle.dumps(result)


def test_mode_sync_sends_one_post(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    result = FalTextToImage(fal=fal, mode="sync").invoke("a hill")
    assert result.images[0].read()
    assert [each.path for each in fal_sandbox.requests if "/run/" in each.path] == [
        f"/run/{QWEN}"
    ]


@pytest.mark.parametrize("mode", ["sync", "queue"])
def test_an_endpoint_that_streams_returns_its_output(
    mode: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    t2i = FalTextToImage(fal=fal, model="fal-ai/flux-lora/stream", mode=mode)
    [image] = t2i.invoke({"prompt": "a hill", "size": "640x480"}).images
    assert (image.width, image.height) == (640, 480)
    assert str(image.url).startswith(fal_sandbox.url)


def test_local_images_are_sent_inline(fal_sandbox: Sandbox, tmp_path: Path) -> None:
    fal = fal_sandbox.provider(allowed_dirs=[tmp_path])
    edit = FalImageEdit(fal=fal, model=PRO_EDIT)
    path = FalTextToImage(fal=fal).invoke("a hill").images[0].save(tmp_path / "a.png")
    result = edit.invoke({"prompt": "night", "images": [path, path.read_bytes()]})
    payload = sent(fal_sandbox)[-1]
    assert all(url.startswith("data:image/png") for url in payload["image_urls"])
    assert [each.sha256 for each in result.inputs] == [result.inputs[0].sha256] * 2
    assert result.options["image_urls"] == [f"sha256:{result.inputs[0].sha256}"] * 2


def test_large_images_are_uploaded(fal_sandbox: Sandbox) -> None:
    from langchain_fal_image.wire.config import Limits  # noqa: PLC0415

    fal = fal_sandbox.provider(limits=Limits(inline_bytes=100))
    content = FalTextToImage(fal=fal).invoke("a hill").images[0].read()
    FalImageEdit(fal=fal, model=PRO_EDIT).invoke(
        {"prompt": "night", "images": [content]}
    )
    [url] = sent(fal_sandbox)[-1]["image_urls"]
    assert url.startswith(fal_sandbox.url)


def test_a_budget_stops_a_call_before_it_is_sent(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    budget = Budget(max_images=3)
    t2i = FalTextToImage(fal=fal, budget=budget, n=2)
    t2i.invoke("a hill")
    with pytest.raises(FalBudgetExceededError, match="allows 3 images"):
        t2i.invoke("a hill")
    assert fal_sandbox.submits == 1
    assert budget.images == 2
    assert "images: 2 (of 3)" in budget.summary()


def test_an_artifact_restores_the_result(fal: FalProvider) -> None:
    result = FalTextToImage(fal=fal, seed=7).invoke("a hill")
    assert isinstance(result, ImageResult)
    assert result.seed == 7
    restored = ImageResult.from_artifact(
        json.loads(json.dumps(result.to_artifact())), fal=fal
    )
    assert restored == result
    assert restored.images[0].read() == result.images[0].read()


def test_an_environment_variable_selects_a_sandbox(
    fal_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_SANDBOX_URL", f"{fal_sandbox.url}/")
    monkeypatch.setenv("FAL_KEY", "canary-of-fal-not-a-key")
    with create_fal() as fal:
        assert FalTextToImage(fal=fal).invoke("a hill").images[0].read()
    elsewhere = create_fal(base_url="https://fal.example")
    assert elsewhere.context.hosts.queue == "https://fal.example"


def test_a_sandbox_does_not_receive_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_SANDBOX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FAL_KEY", "canary-of-fal-not-a-key")
    keys: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["authorization"])
        return httpx.Response(401, json={"detail": "no"})

    client = httpx.Client(transport=httpx.MockTransport(refuse))
    with pytest.raises(FalAuthError):
        FalTextToImage(fal=create_fal(http_client=client)).invoke("a hill")
    assert keys == ["Key sandbox"]
