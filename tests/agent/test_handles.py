"""Handles that hold: threads, restarts, subgraphs, interrupts, summaries, photos."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    SummarizationMiddleware,
)
from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from langgraph.types import Command
from script import Script, draw, edit, said, thread, tool_messages

from langchain_fal_image import (
    FalImageEditTool,
    FalImageToolkit,
    FalProvider,
    FalTextToImage,
)
from langchain_fal_image.sandbox import Sandbox

TEXT = {"type": "text", "text": "Here you are."}


def agent_of(fal: FalProvider, *answers: Any, **more: Any) -> Any:
    """Make an agent with a library of its own, as a new process would."""
    tools = FalImageToolkit(fal=fal).get_tools()
    return create_agent(Script(answers=list(answers)), tools, **more)


def handles(state: Any) -> list[str]:
    return [
        handle
        for message in tool_messages(state)
        if message.status == "success"
        for handle in message.artifact["handles"]
    ]


def inputs(sandbox: Sandbox) -> list[str]:
    posts = [each.json for each in sandbox.requests if each.method == "POST"]
    return [url for each in posts for url in each.get("image_urls", ())]


@pytest.fixture
def photo(fal: FalProvider) -> tuple[str, bytes]:
    image = FalTextToImage(fal=fal, size="512x512").invoke("a cat").images[0]
    return str(image.url), image.read()


def test_two_threads_at_once(fal: FalProvider) -> None:
    tools = FalImageToolkit(fal=fal).get_tools()
    saver, states = InMemorySaver(), dict[str, Any]()

    def converse(name: str) -> None:
        script = Script(
            answers=[[draw(name)], [draw(name), edit("night", "img_1")], "Done."]
        )
        agent = create_agent(script, tools, checkpointer=saver)
        states[name] = agent.invoke(said("Draw"), thread(name))

    names = [f"thread {number}" for number in range(6)]
    running = [threading.Thread(target=converse, args=(name,)) for name in names]
    for each in running:
        each.start()
    for each in running:
        each.join()
    urls = []
    for name in names:
        told = tool_messages(states[name])
        assert sorted(handles(states[name])) == ["img_1", "img_2", "img_3"]
        drawn = told[0].artifact
        assert drawn["options"]["prompt"] == name
        [edited] = [each for each in told if each.name == "fal_image_edit"]
        assert edited.artifact["inputs"][0]["request_id"] == drawn["request_id"]
        urls.append(drawn["request_id"])
    assert len(set(urls)) == len(names)


def test_a_new_process_finds_them_in_sqlite(
    fal: FalProvider, tmp_path: Path, fal_sandbox: Sandbox
) -> None:
    path = str(tmp_path / "chat.sqlite")
    with SqliteSaver.from_conn_string(path) as saver:
        agent = agent_of(
            fal, [draw("a hill", num_images=2)], "Done.", checkpointer=saver
        )
        agent.invoke(said("Draw"), thread("one"))
    with SqliteSaver.from_conn_string(path) as saver:
        agent = agent_of(fal, [edit("night", "img_2")], "Done.", checkpointer=saver)
        state = agent.invoke(said("Night"), thread("one"))
        first, second = tool_messages(state)
        assert isinstance(first.artifact, dict)
        assert handles(state) == ["img_1", "img_2", "img_3"]
        assert second.artifact["inputs"][0]["handle"] == "img_2"
        assert inputs(fal_sandbox) == [first.artifact["raw"]["images"][1]["url"]]


async def test_and_so_without_blocking(fal: FalProvider, tmp_path: Path) -> None:
    path = str(tmp_path / "chat.sqlite")
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        agent = agent_of(fal, [draw("a hill")], "Done.", checkpointer=saver)
        await agent.ainvoke(said("Draw"), thread("one"))
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        agent = agent_of(fal, [edit("night", "img_1")], "Done.", checkpointer=saver)
        state = await agent.ainvoke(said("Night"), thread("one"))
        assert handles(state) == ["img_1", "img_2"]


def forms(url: str, content: bytes) -> dict[str, Any]:
    text = base64.b64encode(content).decode()
    return {
        "standard, URL": {"type": "image", "url": url},
        "standard, base64": {
            "type": "image",
            "base64": text,
            "mime_type": "image/png",
        },
        "older, base64": {
            "type": "image",
            "source_type": "base64",
            "data": text,
            "mime_type": "image/png",
        },
        "OpenAI, URL": {"type": "image_url", "image_url": {"url": url}},
        "OpenAI, plain": {"type": "image_url", "image_url": url},
        "OpenAI, base64": {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{text}"},
        },
        "OpenAI Responses": {
            "type": "input_image",
            "image_url": f"data:image/png;base64,{text}",
        },
        "Anthropic": {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": text},
        },
        "Gemini": {"type": "media", "mime_type": "image/png", "data": text},
    }


@pytest.mark.parametrize("form", forms("", b""))
async def test_a_pasted_photo_has_a_handle(
    form: str, fal: FalProvider, photo: tuple[str, bytes], fal_sandbox: Sandbox
) -> None:
    url, content = photo
    block = forms(url, content)[form]
    agent = agent_of(
        fal, [edit("night", "img_1")], "Done.", checkpointer=InMemorySaver()
    )
    state = await agent.ainvoke(said(TEXT, block), thread("one"))
    assert handles(state) == ["img_2"], tool_messages(state)[0].text
    [sent] = inputs(fal_sandbox)
    assert sent == url or base64.b64decode(sent.partition(",")[2]) == content
    [reference] = tool_messages(state)[0].artifact["inputs"]
    assert reference["handle"] == "img_1"
    assert "data:" not in str(tool_messages(state)[0])


def test_photos_and_pictures_are_counted_as_they_come_up(
    fal: FalProvider, photo: tuple[str, bytes], fal_sandbox: Sandbox
) -> None:
    url, content = photo
    one, two = forms(url, content)["OpenAI, URL"], forms("", content)["Anthropic"]
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
    agent.invoke(said(TEXT, one), thread("one"))
    state = agent.invoke(said(TEXT, two), thread("one"))
    first, second, refused = tool_messages(state)
    assert first.artifact["handles"] == ["img_2"]
    assert second.artifact["handles"] == ["img_4"]
    assert "img_1 (pasted by the user), img_2, img_3 (pasted by" in refused.text
    sent = inputs(fal_sandbox)
    assert sent[:2] == [url, first.artifact["raw"]["images"][0]["url"]]
    assert sent[2].startswith("data:image/png;base64,")
    # A new process counts them the same way.
    again = agent_of(fal, [edit("it", "img_3")], "Done.", checkpointer=saver)
    state = again.invoke(said("Again"), thread("one"))
    assert tool_messages(state)[-1].artifact["inputs"][0]["handle"] == "img_3"
    assert handles(state)[-1] == "img_5"


def test_a_pasted_url_is_guarded_and_a_file_id_is_explained(fal: FalProvider) -> None:
    inner = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/x.png"}}
    file = {"type": "image", "file_id": "file-123"}
    agent = agent_of(fal, [edit("a", "img_1")], [edit("b", "img_2")], "No.")
    state = agent.invoke(said(TEXT, inner, file))
    first, second = tool_messages(state)
    assert first.status == second.status == "error"
    assert "not a public address" in first.text
    assert "Only the provider of the chat model has" in second.text


def test_no_handle_is_given_twice_after_a_summary(fal: FalProvider) -> None:
    summary = Script(answers=["The user had pictures drawn."] * 9)
    middleware = SummarizationMiddleware(
        model=summary, trigger=("messages", 4), keep=("messages", 1)
    )
    saver = InMemorySaver()
    agent = agent_of(
        fal,
        *([draw("a hill")], "Done.") * 4,
        [edit("night", "img_1")],
        "Done.",
        checkpointer=saver,
        middleware=[middleware],
    )
    given = []
    for _ in range(5):
        state = agent.invoke(said("Go on"), thread("one"))
        given += handles(state)[-1:]
    assert given == ["img_1", "img_2", "img_3", "img_4", "img_5"]
    assert summary.played > 0
    assert len(handles(state)) < 5
    [reference] = tool_messages(state)[-1].artifact["inputs"]
    assert reference["handle"] == "img_1"


def test_what_a_summary_names_is_not_given_again_by_a_new_process(
    fal: FalProvider,
) -> None:
    saver = InMemorySaver()
    agent = agent_of(fal, *([draw("a hill")],) * 3, "Done.", checkpointer=saver)
    agent.invoke(said("Draw three"), thread("one"))
    summary = HumanMessage("Summary: img_1 to img_3 show a hill.")
    agent.update_state(
        thread("one"), {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), summary]}
    )
    again = agent_of(fal, [draw("a lake")], "Done.", checkpointer=saver)
    state = again.invoke(said("One more"), thread("one"))
    assert handles(state) == ["img_4"]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_store_keeps_them_where_messages_and_process_are_gone(
    kind: str, fal: FalProvider, tmp_path: Path
) -> None:
    saver = InMemorySaver()
    memory = InMemoryStore()

    def with_store(use: Callable[[Any], None]) -> None:
        if kind == "memory":
            use(memory)
            return
        with SqliteStore.from_conn_string(str(tmp_path / "store.sqlite")) as store:
            store.setup()
            use(store)

    def first(store: Any) -> None:
        agent = agent_of(
            fal, [draw("a"), draw("b")], "Done.", checkpointer=saver, store=store
        )
        agent.invoke(said("Draw"), thread("one"))
        agent.update_state(
            thread("one"), {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES)]}
        )

    def second(store: Any) -> None:
        agent = agent_of(
            fal, [edit("night", "img_2")], "Done.", checkpointer=saver, store=store
        )
        state = agent.invoke(said("Night"), thread("one"))
        assert handles(state) == ["img_3"]
        other = agent_of(
            fal, [edit("it", "img_2")], "No.", store=store, checkpointer=saver
        )
        state = other.invoke(said("Night"), thread("two"))
        assert "this conversation has none" in tool_messages(state)[0].text

    with_store(first)
    with_store(second)


async def test_and_so_in_an_async_graph(fal: FalProvider) -> None:
    store, saver = InMemoryStore(), InMemorySaver()
    agent = agent_of(fal, [draw("a")], "Done.", checkpointer=saver, store=store)
    await agent.ainvoke(said("Draw"), thread("one"))
    await agent.aupdate_state(
        thread("one"), {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES)]}
    )
    again = agent_of(
        fal, [edit("x", "img_1")], "Done.", checkpointer=saver, store=store
    )
    state = await again.ainvoke(said("Night"), thread("one"))
    assert handles(state) == ["img_2"]


def test_a_subgraph_shares_its_threads_images(fal: FalProvider) -> None:
    tools = FalImageToolkit(fal=fal).get_tools()
    inner = create_agent(
        Script(answers=[[edit("night", "img_1")], [draw("a lake")], "Done."]), tools
    )
    outer = create_agent(Script(answers=[[draw("a hill")], "Done."]), tools)
    graph: Any = StateGraph(MessagesState)
    graph.add_node("outer", outer)
    graph.add_node(
        "inner",
        lambda _: {"messages": inner.invoke(said("Night"))["messages"][-1:]},
    )
    graph.add_edge(START, "outer")
    graph.add_edge("outer", "inner")
    compiled = graph.compile(checkpointer=InMemorySaver())
    compiled.invoke(said("Draw"), thread("one"))
    library = tools[0].library  # type: ignore[attr-defined]  # ours has one
    assert library.images.handles(thread="one") == ("img_1", "img_2", "img_3")


def test_an_interrupt_and_a_resume_by_a_new_process(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    saver = InMemorySaver()
    ask = HumanInTheLoopMiddleware(interrupt_on={"fal_image_edit": True})

    def agent(*answers: Any) -> Any:
        return agent_of(fal, *answers, checkpointer=saver, middleware=[ask])

    paused = agent([draw("a hill")], [edit("night", "img_1")]).invoke(
        said("Draw"), thread("one")
    )
    assert paused["__interrupt__"]
    assert fal_sandbox.submits == 1
    decision: Any = Command(resume={"decisions": [{"type": "approve"}]})
    state = agent("Done.").invoke(decision, thread("one"))
    assert handles(state) == ["img_1", "img_2"]
    assert fal_sandbox.submits == 2
    paused = agent([edit("day", "img_2")]).invoke(said("Day"), thread("one"))
    decision = Command(
        resume={"decisions": [{"type": "reject", "message": "Not this one."}]}
    )
    agent("As you wish.").invoke(decision, thread("one"))
    assert fal_sandbox.submits == 2


def test_a_server_without_checkpointer_leaks_nothing(
    fal: FalProvider, photo: tuple[str, bytes]
) -> None:
    tools = FalImageToolkit(fal=fal).get_tools()
    url, content = photo
    pasted = said(TEXT, forms(url, content)["Anthropic"])

    def served(given: Any, *answers: Any) -> Any:
        return create_agent(Script(answers=list(answers)), tools).invoke(given)

    served(pasted, [draw("a hill"), edit("x", "img_1")], [edit("y", "img_2")], "Done.")
    state = served(said("Hi"), [edit("z", "img_1")], [edit("z", "img_2")], "No.")
    for message in tool_messages(state):
        assert message.status == "error"
        assert "this conversation has none" in message.text
    state = served(said("Hi"), [draw("a")], [edit("z", "img_1")], "Done.")
    assert handles(state) == ["img_1", "img_2"]


def test_images_by_the_names_of_their_options(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    """An endpoint with several image options, and a mask that was exposed."""
    draws = FalImageToolkit(fal=fal).get_tools()[0]
    library = draws.library  # type: ignore[attr-defined]  # ours has one
    for _ in range(2):
        draws.invoke({"prompt": "a hill"})
    urls = [library.images.get(name).url for name in ("img_1", "img_2")]
    on = FalImageEditTool(fal=fal, library=library, model="fal-ai/cat-vton")
    assert {"human_image_url", "garment_image_url"} <= set(on.args)
    assert "images" not in on.args
    clothed = {"human_image_url": "img_1", "garment_image_url": urls[1]}
    told = on.invoke({**clothed, "cloth_type": "upper"})
    assert "img_3" in told, told
    sent = [each.json for each in fal_sandbox.requests if each.method == "POST"][-1]
    assert [sent["human_image_url"], sent["garment_image_url"]] == urls
    masked = FalImageEditTool(
        fal=fal,
        library=library,
        model="fal-ai/fast-sdxl/inpainting",
    )
    told = masked.invoke({"prompt": "x", "images": ["img_1"], "mask_url": "img_9"})
    assert "Unknown image 'img_9'" in told
    told = masked.invoke({"prompt": "x", "images": ["img_1"], "mask_url": "img_2"})
    assert "img_4" in told, told
    sent = [each.json for each in fal_sandbox.requests if each.method == "POST"][-1]
    assert (sent["image_url"], sent["mask_url"]) == tuple(urls)
