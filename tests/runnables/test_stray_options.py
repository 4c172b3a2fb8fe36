"""Options that the endpoint does not have, and blank texts, are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda, RunnablePassthrough, RunnablePick
from one_image_fal import URL, Recorder

from langchain_fal_image import (
    FalImageEdit,
    FalSpeech,
    FalTextToImage,
    FalTextToImageTool,
)
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.errors import FalConfigurationError, FalError, FalOptionError

QWEN = "fal-ai/qwen-image"
TYPES = "fal-ai/qwen-image-2512"
UNKNOWN = "me/mine"
SECRET = "hidden-1"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


STRAY = {"prompt": "cat", "context": SECRET, "user_email": "a@b.c"}


@pytest.mark.parametrize("model", [QWEN, TYPES])
def test_stray_keys_of_a_chain_are_refused(model: str, recorder: Recorder) -> None:
    t2i = FalTextToImage(model, fal=recorder.fal)
    chain = RunnablePassthrough.assign(context=lambda _: SECRET) | t2i
    calls: list[Callable[[], Any]] = [
        lambda: t2i.invoke(STRAY),
        lambda: t2i.submit(STRAY),
        lambda: t2i.batch([STRAY]),
        lambda: t2i.invoke({"prompt": "cat", "messages": [HumanMessage("hi")]}),
        lambda: chain.invoke({"prompt": "cat"}),
        lambda: t2i.bind(context=SECRET).invoke("cat"),
        lambda: t2i.invoke({"prompt": "cat", "timeout": 3, "options": {}}),
    ]
    for call in calls:
        with pytest.raises(FalOptionError, match="is not a known option") as caught:
            call()
        assert SECRET not in str(caught.value)
        assert "itemgetter('prompt')" in caught.value.next_step
        assert "providerOptions={'fal': {" in caught.value.next_step
    assert recorder.payloads == []


def test_what_the_refusal_proposes_works(recorder: Recorder) -> None:
    t2i = FalTextToImage(fal=recorder.fal)
    (itemgetter("prompt") | t2i).invoke(STRAY)
    (RunnablePick(["prompt", "seed"]) | t2i).invoke({**STRAY, "seed": 3})
    (RunnableLambda(lambda _: STRAY).pick("prompt") | t2i).invoke("any")
    result = t2i.invoke(
        {"prompt": "cat", "providerOptions": {"fal": {"context": "memo"}}}
    )
    assert recorder.payloads == [
        {"prompt": "cat"},
        {"prompt": "cat", "seed": 3},
        {"prompt": "cat"},
        {"prompt": "cat", "context": "memo"},
    ]
    assert result.warnings == ("context is not a known option; it is sent as given.",)


@pytest.mark.parametrize(
    "options",
    [
        {"guidenceScale": 4},
        {"loras": [{"pathh": "a", "path": "b"}]},
        {"context": 1},
        {"image_size": {"width": 512, "heigth": 512, "height": 512}},
    ],
)
def test_an_unknown_argument_of_the_constructor_is_refused(
    options: dict[str, Any],
) -> None:
    with pytest.raises(FalConfigurationError, match=r"pass options=\{"):
        FalTextToImage(**options)
    with pytest.raises(FalOptionError, match="is not a known option"):
        FalTextToImage().payload("p", **options)
    for unchecked in (
        FalTextToImage(check_options=False, **options).payload("p"),
        FalTextToImage(check_options=False).payload({"prompt": "p", **options}),
    ):
        assert len(unchecked.payload) == 2
        assert unchecked.warnings == ()
    warned = FalTextToImage(options=options).payload("p")
    assert len(warned.payload) == 2
    assert "is not a known option" in warned.warnings[0]
    with pytest.raises(FalOptionError, match="is not a known option"):
        FalTextToImage(options=options, strict=True).payload("p")


def test_several_unknown_options_list_the_known_ones_once() -> None:
    with pytest.raises(FalOptionError) as caught:
        FalTextToImage().payload(STRAY)
    assert str(caught.value).count("num_inference_steps") == 1
    assert [each.option for each in caught.value.faults] == ["context", "user_email"]
    assert {each.value for each in caught.value.faults} == {""}


def test_an_unknown_endpoint_gets_every_name(recorder: Recorder) -> None:
    t2i = FalTextToImage(UNKNOWN, fal=recorder.fal, code=1)
    t2i.bind(newOption=2).invoke({"prompt": "p", "context": 3})
    sent = {"prompt": "p", "code": 1, "new_option": 2, "context": 3}
    assert recorder.payloads == [sent]


def test_a_configured_copy_keeps_options_of_the_first_endpoint() -> None:
    t2i = FalTextToImage(guidance_scale=4)
    copy = type(t2i)(**{**t2i.__dict__, "model": "fal-ai/nano-banana-pro"})
    resolved = copy.payload("a kite")
    assert resolved.payload == {"prompt": "a kite", "guidance_scale": 4}
    assert "guidance_scale is not a known option" in resolved.warnings[0]


# --- Blank texts ---


@pytest.mark.parametrize("blank", ["", "  \n", AIMessage(""), {"prompt": "\t"}])
@pytest.mark.parametrize("model", [QWEN, TYPES, UNKNOWN, "fal-ai/fooocus"])
def test_a_blank_prompt_is_refused(blank: Any, model: str, recorder: Recorder) -> None:
    t2i = FalTextToImage(model, fal=recorder.fal)
    calls: list[Callable[[], Any]] = [
        lambda: t2i.invoke(blank),
        lambda: asyncio.run(t2i.ainvoke(blank)),
        lambda: t2i.submit(blank),
        lambda: t2i.batch([blank]),
        lambda: (RunnableLambda(lambda _: blank) | t2i).invoke("any"),
        lambda: FalTextToImage(model, fal=recorder.fal, prompt="bound").invoke(blank),
    ]
    for call in calls:
        with pytest.raises(FalOptionError, match=r"prompt=.* is blank"):
            call()
    assert recorder.payloads == []
    unchecked = FalTextToImage(model, check_options=False).payload(blank)
    assert not unchecked.payload["prompt"].strip()


def test_a_tool_and_a_durable_batch_refuse_a_blank_prompt(
    recorder: Recorder, tmp_path: Path
) -> None:
    tool = FalTextToImageTool(fal=recorder.fal)
    assert "it is empty" in str(tool.invoke({"prompt": " "}))
    t2i = FalTextToImage(fal=recorder.fal)
    batch = DurableBatch(t2i, journal=tmp_path / "j.sqlite", progress=False)
    report = batch.run(["", "a kite"])
    assert (len(report.failed), len(report.done)) == (1, 1)
    assert recorder.payloads == [{"prompt": "a kite"}]


def test_a_text_may_be_blank_where_another_input_decides() -> None:
    upscaler = FalImageEdit("fal-ai/clarity-upscaler")
    for payload in (
        upscaler.payload({"prompt": "", "images": [URL]}),
        FalImageEdit(UNKNOWN).payload({"prompt": "", "images": [URL]}),
    ):
        assert payload.payload == {"prompt": "", "image_url": URL}
    structured = {"prompt": "", "structured_prompt": {"mood": "calm"}}
    assert FalTextToImage(UNKNOWN).payload(structured).payload == structured
    with pytest.raises(FalOptionError, match="is blank"):
        FalTextToImage(UNKNOWN).payload({"prompt": "", "negative_prompt": "x"})
    with pytest.raises(FalOptionError, match="is blank"):
        FalImageEdit().payload({"prompt": "", "images": [URL]})
    with pytest.raises(FalOptionError, match="text='' is blank"):
        FalSpeech(UNKNOWN).payload("")


def test_the_images_of_a_message_without_text_use_the_bound_prompt() -> None:
    block = {"type": "image", "url": URL}
    message = HumanMessage([block])
    edit = FalImageEdit(prompt="make it night")
    assert edit.payload(message).payload["prompt"] == "make it night"
    with pytest.raises(FalOptionError, match="prompt=None is missing"):
        FalImageEdit().payload(message)
    assert FalImageEdit().payload(
        {"prompt": message, "seed": 1, "prompts": None}, prompt="p"
    )


def test_the_text_of_a_message_with_an_image_is_no_stray_key() -> None:
    text, image = {"type": "text", "text": "cut it out"}, {"type": "image", "url": URL}
    cut = FalImageEdit("fal-ai/birefnet/v2")
    resolved = cut.payload(HumanMessage([text, image]))
    assert resolved.warnings == ("prompt is not a known option; it is sent as given.",)
    calls: list[Callable[[], Any]] = [
        lambda: cut.payload("cut it out"),
        lambda: cut.payload({"prompt": "cut it out", "images": [URL]}),
        lambda: FalImageEdit("fal-ai/birefnet/v2", images=[URL]).payload(
            AIMessage("x")
        ),
    ]
    for call in calls:
        with pytest.raises(FalError, match="prompt is not a known option"):
            call()
