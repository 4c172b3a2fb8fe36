"""Photos and audio that the user pasted into the chat have handles too."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from script import (
    AUDIO,
    IMAGE,
    FileKind,
    Kinds,
    Script,
    agent_of,
    draw,
    edit,
    handles,
    image_blocks,
    make_photo,
    make_speech,
    pasted_block,
    said,
    speak,
    thread,
    tool_messages,
    transcribe,
)

from langchain_fal_image import FalImageToolkit, FalProvider
from langchain_fal_image.sandbox import Sandbox

TEXT = {"type": "text", "text": "Here you are."}
ONE = thread("one")


def sent_images(sandbox: Sandbox) -> list[str]:
    posts = [each.json for each in sandbox.requests if each.method == "POST"]
    return [url for each in posts for url in each.get("image_urls", ())]


@pytest.fixture
def photo(fal: FalProvider) -> tuple[str, bytes]:
    return make_photo(fal)


@pytest.fixture
def speech(fal: FalProvider) -> tuple[str, bytes]:
    return make_speech(fal)


@pytest.fixture
def pasted(
    photo: tuple[str, bytes], speech: tuple[str, bytes]
) -> dict[FileKind, dict[str, Any]]:
    """Return a content block of each kind."""
    return {
        IMAGE: pasted_block(IMAGE, *photo),
        AUDIO: pasted_block(AUDIO, *speech),
    }


@pytest.mark.parametrize("form", image_blocks("", b""))
async def test_a_pasted_photo_has_a_handle(
    form: str, fal: FalProvider, photo: tuple[str, bytes], fal_sandbox: Sandbox
) -> None:
    url, content = photo
    agent = agent_of(fal, [edit("night", "img_1")], "Done.")
    block = image_blocks(url, content)[form]
    state = await agent.ainvoke(said(TEXT, block), ONE)
    [answer] = tool_messages(state)
    assert handles(state) == ["img_2"], answer.text
    [sent] = sent_images(fal_sandbox)
    assert sent == url or base64.b64decode(sent.partition(",")[2]) == content
    [reference] = answer.artifact["inputs"]
    assert reference["handle"] == "img_1"
    assert "data:" not in str(answer)


def test_photos_and_generated_images_are_counted_in_order(
    fal: FalProvider, photo: tuple[str, bytes], fal_sandbox: Sandbox
) -> None:
    url, content = photo
    blocks = image_blocks(url, content)
    saver = InMemorySaver()
    agent = agent_of(
        fal,
        [draw("a hill")],
        "Done.",
        [edit("both", "img_1", "img_2", "img_3")],
        [edit("more", "img_9")],
        "Done.",
        checkpointer=saver,
    )
    agent.invoke(said(TEXT, blocks["OpenAI, URL"]), ONE)
    state = agent.invoke(said(TEXT, blocks["Anthropic"]), ONE)
    first, second, refused = tool_messages(state)
    assert first.artifact["handles"] == ["img_2"]
    assert second.artifact["handles"] == ["img_4"]
    assert "img_1 (pasted by the user), img_2, img_3 (pasted by" in refused.text
    sent = sent_images(fal_sandbox)
    assert sent[:2] == [url, first.artifact["raw"]["images"][0]["url"]]
    assert sent[2].startswith("data:image/png;base64,")
    # A new process counts them in the same way.
    again = agent_of(fal, [edit("it", "img_3")], "Done.", checkpointer=saver)
    state = again.invoke(said("Again"), ONE)
    assert tool_messages(state)[-1].artifact["inputs"][0]["handle"] == "img_3"
    assert handles(state)[-1] == "img_5"


def test_images_and_audio_are_counted_apart(
    fal: FalProvider, pasted: dict[FileKind, dict[str, Any]]
) -> None:
    agent = agent_of(
        fal,
        [speak("One."), draw("a hill"), speak("Two.")],
        [transcribe(each) for each in ("audio_3", "AUDIO 1", "img_1", "audio_9")],
        "Done.",
    )
    state = agent.invoke(said(TEXT, pasted[AUDIO]), ONE)
    texts = [each.text for each in tool_messages(state)]
    one, hill, two, third, first, image, unknown = texts
    assert {each.split("audio_")[1][0] for each in (one, two)} == {"2", "3"}
    assert "img_1: " in hill
    assert third.endswith(("One.", "Two."))
    assert first.endswith("harbour.")
    for each in (image, unknown):
        assert "audio_1 (pasted by the user), audio_2, audio_3" in each
        assert "Nothing was charged." in each


@Kinds
def test_a_new_process_knows_what_the_user_pasted(
    kind: FileKind, fal: FalProvider, pasted: dict[FileKind, dict[str, Any]]
) -> None:
    saver = InMemorySaver()
    first = agent_of(fal, [kind.make("One.")], "Done.", checkpointer=saver)
    first.invoke(said(TEXT, pasted[kind]), ONE)
    calls = [[kind.use(kind.handle(1))], [kind.make("Two.")], "Done."]
    state = agent_of(fal, *calls, checkpointer=saver).invoke(said("Go on"), ONE)
    _, used, made = tool_messages(state)
    [reference] = used.artifact["inputs"]
    assert reference["handle"] == kind.handle(1)
    assert "request_id" not in reference
    assert made.artifact["handles"] == [kind.handle(4 if kind is IMAGE else 3)]


@Kinds
def test_a_handle_that_only_an_input_has_is_not_issued_again(
    kind: FileKind, fal: FalProvider, pasted: dict[FileKind, dict[str, Any]]
) -> None:
    saver = InMemorySaver()
    first = agent_of(fal, [kind.use(kind.handle(1))], "Done.", checkpointer=saver)
    state = first.invoke(said(TEXT, pasted[kind]), ONE)
    before = handles(state)
    message = state["messages"][0]
    first.update_state(ONE, {"messages": [RemoveMessage(id=message.id)]})
    second = agent_of(fal, [kind.make("Two.")], "Done.", checkpointer=saver)
    state = second.invoke(said("Hi"), ONE)
    assert handles(state) == [*before, kind.handle(2 + len(before))]


def test_a_pasted_url_is_guarded(fal: FalProvider) -> None:
    private = {
        "type": "image_url",
        "image_url": {"url": "http://169.254.169.254/x.png"},
    }
    agent = agent_of(fal, [edit("a", "img_1")], "No.")
    [refused] = tool_messages(agent.invoke(said(TEXT, private), ONE))
    assert refused.status == "error"
    assert "not a public address" in refused.text


@Kinds
def test_a_file_that_only_the_provider_of_the_chat_model_has(
    kind: FileKind, fal: FalProvider
) -> None:
    agent = agent_of(fal, [kind.use(kind.handle(1))], "No.")
    block = {"type": kind.name, "file_id": "file-123"}
    [refused] = tool_messages(agent.invoke(said(TEXT, block), ONE))
    assert refused.status == "error"
    assert "Only the provider of the chat model has" in refused.text


def test_a_server_without_checkpointer_leaks_nothing(
    fal: FalProvider, pasted: dict[FileKind, dict[str, Any]]
) -> None:
    tools = FalImageToolkit(fal=fal).get_tools()

    def serve(given: Any, *answers: Any) -> Any:
        return create_agent(Script(answers=list(answers)), tools).invoke(given)

    calls = [[draw("a hill"), edit("x", "img_1")], [edit("y", "img_2")], "Done."]
    serve(said(TEXT, pasted[IMAGE]), *calls)
    state = serve(said("Hi"), [edit("z", "img_1")], [edit("z", "img_2")], "No.")
    for message in tool_messages(state):
        assert message.status == "error"
        assert "this conversation has none" in message.text
    state = serve(said("Hi"), [draw("a")], [edit("z", "img_1")], "Done.")
    assert handles(state) == ["img_1", "img_2"]
