"""Handles of images and audio: threads, restarts, subgraphs, summaries, stores."""

from __future__ import annotations

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
    said,
    thread,
    tool_messages,
)

from langchain_fal_image import (
    FalImageToolkit,
    FalProvider,
    ImageLibrary,
)
from langchain_fal_image.sandbox import Sandbox

ONE = thread("one")
ALL_GONE: Any = RemoveMessage(REMOVE_ALL_MESSAGES)


def sent_inputs(sandbox: Sandbox) -> list[str]:
    posts = [each.json for each in sandbox.requests if each.method == "POST"]
    names = ("image_urls", "audio_url")
    values = [each[name] for each in posts for name in names if name in each]
    return [
        url
        for value in values
        for url in (value if isinstance(value, list) else [value])
    ]


# --- Threads ---


def test_threads_at_the_same_time_have_their_own_images(fal: FalProvider) -> None:
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
    requests = []
    for name in names:
        messages = tool_messages(states[name])
        assert sorted(handles(states[name])) == ["img_1", "img_2", "img_3"]
        drawn = messages[0].artifact
        assert drawn["options"]["prompt"] == name
        [edited] = [each for each in messages if each.name == "fal_image_edit"]
        assert edited.artifact["inputs"][0]["request_id"] == drawn["request_id"]
        requests.append(drawn["request_id"])
    assert len(set(requests)) == len(names)


@Kinds
def test_another_thread_has_its_own_handles(kind: FileKind, fal: FalProvider) -> None:
    agent = agent_of(fal, [kind.make("One.")], "Done.", [kind.use(kind.handle(1))], "")
    agent.invoke(said("Go"), ONE)
    state = agent.invoke(said("Go"), thread("two"))
    [refused] = tool_messages(state)
    assert refused.status == "error"
    unknown = f"Unknown {kind} '{kind.handle(1)}'; this conversation has none."
    assert unknown in refused.text


def test_a_subgraph_shares_the_images_of_its_thread(fal: FalProvider) -> None:
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
    compiled.invoke(said("Draw"), ONE)
    library = tools[0].library  # type: ignore[attr-defined]  # ours has one
    assert library.images.handles(thread="one") == ("img_1", "img_2", "img_3")


def test_a_dropped_thread_never_issues_a_handle_again(fal: FalProvider) -> None:
    library = ImageLibrary(max_threads=1)
    result = fal.text_to_image(size="512x512").invoke("a hill")
    for name in ("one", "two", "one"):
        named = library.add(result, thread=name)
    assert named.images[0].handle == "img_2"
    assert library.images.handles(thread="one") == ("img_2",)


# --- Restarts ---


@Kinds
def test_a_new_process_finds_the_files_of_a_thread(
    kind: FileKind, fal: FalProvider, tmp_path: Path, fal_sandbox: Sandbox
) -> None:
    path = str(tmp_path / "chat.sqlite")
    with SqliteSaver.from_conn_string(path) as saver:
        calls = [[kind.make("One.")], [kind.make("Two.")], "Done."]
        agent = agent_of(fal, *calls, checkpointer=saver)
        agent.invoke(said("Go"), ONE)
    with SqliteSaver.from_conn_string(path) as saver:
        calls = [[kind.use(kind.handle(2))], [kind.make("Three.")], "Done."]
        agent = agent_of(fal, *calls, checkpointer=saver)
        state = agent.invoke(said("Go on"), ONE)
        _, second, used, _ = tool_messages(state)
        assert isinstance(second.artifact, dict)
        made = ["img_3", "img_4"] if kind is IMAGE else ["audio_3"]
        assert handles(state) == [kind.handle(1), kind.handle(2), *made]
        [reference] = used.artifact["inputs"]
        assert reference["handle"] == kind.handle(2)
        assert reference["request_id"] == second.artifact["request_id"]
        assert sent_inputs(fal_sandbox) == [reference["url"]]


async def test_a_new_process_finds_them_without_blocking(
    fal: FalProvider, tmp_path: Path
) -> None:
    path = str(tmp_path / "chat.sqlite")
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        agent = agent_of(fal, [draw("a hill")], "Done.", checkpointer=saver)
        await agent.ainvoke(said("Draw"), ONE)
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        agent = agent_of(fal, [edit("night", "img_1")], "Done.", checkpointer=saver)
        state = await agent.ainvoke(said("Night"), ONE)
        assert handles(state) == ["img_1", "img_2"]


def test_an_interrupt_and_a_resume_by_a_new_process(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    saver = InMemorySaver()
    ask = HumanInTheLoopMiddleware(interrupt_on={"fal_image_edit": True})

    def agent(*answers: Any) -> Any:
        return agent_of(fal, *answers, checkpointer=saver, middleware=[ask])

    paused = agent([draw("a hill")], [edit("night", "img_1")]).invoke(said("Draw"), ONE)
    assert paused["__interrupt__"]
    assert fal_sandbox.submits == 1
    decision: Any = Command(resume={"decisions": [{"type": "approve"}]})
    state = agent("Done.").invoke(decision, ONE)
    assert handles(state) == ["img_1", "img_2"]
    assert fal_sandbox.submits == 2
    paused = agent([edit("day", "img_2")]).invoke(said("Day"), ONE)
    decision = Command(
        resume={"decisions": [{"type": "reject", "message": "Not this one."}]}
    )
    agent("As you wish.").invoke(decision, ONE)
    assert fal_sandbox.submits == 2


@Kinds
def test_a_changed_artifact_stops_nothing(kind: FileKind, fal: FalProvider) -> None:
    saver = InMemorySaver()
    first = agent_of(fal, [kind.make("One.")], "Done.", checkpointer=saver)
    [message] = tool_messages(first.invoke(said("Go"), ONE))
    changed = message.model_copy(update={"artifact": {**message.artifact, "raw": {}}})
    first.update_state(ONE, {"messages": [changed]})
    calls = [AUDIO.make("Two."), IMAGE.make("a hill")]
    second = agent_of(fal, calls, "Done.", checkpointer=saver)
    _, *made = tool_messages(second.invoke(said("Go on"), ONE))
    issued = {handle for each in made for handle in each.artifact["handles"]}
    other = AUDIO if kind is IMAGE else IMAGE
    assert issued == {kind.handle(2), other.handle(1)}


# --- Summaries and stores ---


def test_no_handle_is_issued_twice_after_a_summary(fal: FalProvider) -> None:
    summary = Script(answers=["The agent drew images."] * 9)
    middleware = SummarizationMiddleware(
        model=summary, trigger=("messages", 4), keep=("messages", 1)
    )
    agent = agent_of(
        fal,
        *([draw("a hill")], "Done.") * 4,
        [edit("night", "img_1")],
        "Done.",
        middleware=[middleware],
    )
    issued = []
    for _ in range(5):
        state = agent.invoke(said("Go on"), ONE)
        issued += handles(state)[-1:]
    assert issued == ["img_1", "img_2", "img_3", "img_4", "img_5"]
    assert summary.played > 0
    assert len(handles(state)) < 5
    [reference] = tool_messages(state)[-1].artifact["inputs"]
    assert reference["handle"] == "img_1"


@Kinds
def test_a_handle_that_only_a_summary_mentions_is_not_issued_again(
    kind: FileKind, fal: FalProvider
) -> None:
    agent = agent_of(fal, [kind.make("One.")], "Done.")
    other = AUDIO if kind is IMAGE else IMAGE
    summary = HumanMessage(
        f"Summary: {kind.handle(1)} to {kind.handle(4)} were made, {other.handle(9)}."
    )
    state = agent.invoke({"messages": [summary]}, ONE)
    assert handles(state) == [kind.handle(5)]


def test_a_new_process_reads_the_summary_of_an_older_one(fal: FalProvider) -> None:
    saver = InMemorySaver()
    agent = agent_of(fal, *([draw("a hill")],) * 3, "Done.", checkpointer=saver)
    agent.invoke(said("Draw three"), ONE)
    summary = HumanMessage("Summary: img_1 to img_3 show a hill.")
    agent.update_state(ONE, {"messages": [ALL_GONE, summary]})
    again = agent_of(fal, [draw("a lake")], "Done.", checkpointer=saver)
    state = again.invoke(said("One more"), ONE)
    assert handles(state) == ["img_4"]


@Kinds
@pytest.mark.parametrize("where", ["memory", "sqlite"])
def test_a_store_keeps_the_files_when_messages_and_process_are_gone(
    kind: FileKind, where: str, fal: FalProvider, tmp_path: Path
) -> None:
    saver, memory = InMemorySaver(), InMemoryStore()

    def with_store(use: Callable[[Any], None]) -> None:
        if where == "memory":
            use(memory)
            return
        with SqliteStore.from_conn_string(str(tmp_path / "store.sqlite")) as store:
            store.setup()
            use(store)

    def first(store: Any) -> None:
        calls = [kind.make("One."), kind.make("Two."), draw("a hill")]
        agent = agent_of(fal, calls, "Done.", checkpointer=saver, store=store)
        agent.invoke(said("Go"), ONE)
        agent.update_state(ONE, {"messages": [ALL_GONE, HumanMessage("Hi")]})

    def second(store: Any) -> None:
        settings = {"checkpointer": saver, "store": store}
        calls = [[kind.use(kind.handle(2))], [kind.make("Three.")], "Done."]
        state = agent_of(fal, *calls, **settings).invoke(said("Go on"), ONE)
        used, made = tool_messages(state)
        assert used.artifact["inputs"][0]["handle"] == kind.handle(2)
        expected = kind.handle(5 if kind is IMAGE else 3)
        assert made.artifact["handles"] == [expected]
        other = agent_of(fal, [kind.use(kind.handle(2))], "No.", **settings)
        state = other.invoke(said("Go"), thread("two"))
        assert "this conversation has none" in tool_messages(state)[0].text

    with_store(first)
    with_store(second)


def test_a_changed_entry_of_the_store_stops_nothing(fal: FalProvider) -> None:
    store = InMemoryStore()
    for key, value in {"a": {}, "b": {"last": 3, "artifact": 4}}.items():
        store.put(("langchain_fal_image", "one"), key, value)
    agent = agent_of(fal, [draw("a hill")], "Done.", store=store)
    assert handles(agent.invoke(said("Draw"), ONE)) == ["img_1"]


async def test_a_store_keeps_them_in_an_async_graph(fal: FalProvider) -> None:
    settings: Any = {"checkpointer": InMemorySaver(), "store": InMemoryStore()}
    agent = agent_of(fal, [draw("a")], "Done.", **settings)
    await agent.ainvoke(said("Draw"), ONE)
    await agent.aupdate_state(ONE, {"messages": [ALL_GONE]})
    again = agent_of(fal, [edit("x", "img_1")], "Done.", **settings)
    state = await again.ainvoke(said("Night"), ONE)
    assert handles(state) == ["img_2"]
