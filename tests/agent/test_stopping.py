"""Stopping an agent, or closing its stream, stops the request at fal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from langchain_fal_image import FalImageToolkit, FalTextToImage
from langchain_fal_image.sandbox import Sandbox

INPUT = {"messages": [HumanMessage("Draw")]}
CALL = {"name": "fal_text_to_image", "args": {"prompt": "a hill"}, "id": "1"}


def cancels(sandbox: Sandbox) -> int:
    return [each.method for each in sandbox.requests].count("PUT")


@pytest.fixture
async def slow() -> AsyncIterator[Sandbox]:
    with Sandbox(run_seconds=60) as sandbox:
        yield sandbox


def one_tool_graph(sandbox: Sandbox) -> Any:
    """Build the smallest graph that calls a tool."""
    graph = StateGraph(MessagesState)
    message = AIMessage("", tool_calls=[CALL])
    graph.add_node("model", RunnableLambda(lambda _: {"messages": [message]}))
    graph.add_node(
        "tools", ToolNode(FalImageToolkit(fal=sandbox.provider()).get_tools())
    )
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    return graph.compile()


async def test_closing_a_graphs_stream_cancels_at_fal(slow: Sandbox) -> None:
    stream = one_tool_graph(slow).astream(INPUT, stream_mode="custom")
    first = await anext(stream)
    assert first["status"] == "IN_QUEUE"
    await stream.aclose()
    await wait_for_cancel(slow)
    assert cancels(slow) == 1


async def test_cancelling_a_graphs_task_cancels_at_fal(slow: Sandbox) -> None:
    task = asyncio.create_task(one_tool_graph(slow).ainvoke(INPUT))
    await asyncio.to_thread(slow.wait_for, lambda seen: seen.submits == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_for_cancel(slow)
    assert cancels(slow) == 1


async def test_closing_a_runnables_events_cancels_at_fal(slow: Sandbox) -> None:
    t2i = FalTextToImage(fal=slow.provider())
    events: Any = t2i.astream_events("a hill", version="v2")
    async for event in events:
        if event["event"] == "on_custom_event":
            break
    await events.aclose()
    await wait_for_cancel(slow)
    assert cancels(slow) == 1


async def wait_for_cancel(sandbox: Sandbox) -> None:
    """Wait until the sandbox received the cancel; LangGraph does not wait for it."""
    await asyncio.to_thread(sandbox.wait_for, lambda seen: cancels(seen) == 1)
