"""What a model sees: images by URL, thumbnails, and no base64 in state or traces."""

from __future__ import annotations

import base64
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from script import Script, draw, edit, said, thread, tool_messages

from langchain_fal_image import (
    FalImageToolkit,
    FalProvider,
    FalTextToImageTool,
    ImageResult,
)
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.middleware import FalThumbnails
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.tools._messages import describe_result


def make_messages(fal: FalProvider, **arguments: Any) -> list[BaseMessage]:
    """Have a conversation up to a tool's answer with vision."""
    tool = FalTextToImageTool(fal=fal, vision=True)
    call = {
        "name": tool.name,
        "args": {"prompt": "a hill", "seed": 7, **arguments},
        "id": "call_1",
    }
    message = tool.invoke({**call, "type": "tool_call"})
    return [HumanMessage("Draw"), AIMessage("", tool_calls=[call]), message]


def test_the_answer_is_text_and_images(fal: FalProvider) -> None:
    [_, _, message] = make_messages(fal, num_images=2)
    content: Any = message.content
    text, *images = content
    assert text["text"].startswith("Made 2 images")
    assert [each["type"] for each in images] == ["image", "image"]
    assert len(json.dumps(message.content)) < 2000
    assert images == read_blocks(message)


def test_an_answer_shows_a_limited_number_of_images() -> None:
    output = {"images": [f"https://v3.fal.media/{number}.png" for number in range(99)]}
    result = ImageResult.from_output(output, model="fal-ai/x")
    assert len(describe_result(result, vision=True)) == 1 + 16


def read_blocks(message: Any) -> list[dict[str, Any]]:
    """Return the blocks that an artifact leads to: nothing in them is random."""
    result = ImageResult.from_artifact(message.artifact)
    return [image.to_content_block() for image in result.images]


# --- Thumbnails ---


class Looking(Script):
    """A model that keeps what it was shown."""

    seen: list[list[BaseMessage]] = []  # noqa: RUF012 - pydantic copies it

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.seen.append(messages)
        return super()._generate(messages, *args, **kwargs)


def shown(messages: list[BaseMessage]) -> list[dict[str, Any]]:
    return [
        block
        for message in messages
        if isinstance(message, ToolMessage)
        for block in message.content
        if isinstance(block, dict) and block["type"] == "image"
    ]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_thumbnails_are_shown_and_never_kept(
    way: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    model = Looking(
        answers=[[draw("a hill", num_images=2)], [edit("night", "img_2")], "Done."]
    )
    agent = create_agent(
        model,
        FalImageToolkit(fal=fal, vision=True).get_tools(),
        middleware=[FalThumbnails(fal=fal, newest=2, side=128)],
        checkpointer=InMemorySaver(),
    )
    given, config = said("Draw"), thread("one")
    if way == "sync":
        state = agent.invoke(given, config)
    else:
        state = await agent.ainvoke(given, config)
        await fal.aclose()
    assert "base64" not in str(state)
    first, second, third = model.seen
    assert shown(first) == []
    for block in shown(second):
        image = PIL.Image.open(io.BytesIO(base64.b64decode(block["base64"])))
        assert max(image.size) == 128
        assert len(block["base64"]) < 16_000
    assert len(shown(second)) == 2
    # The newest two: the edit as a thumbnail, and one of those drawn before.
    assert [("base64" in each) for each in shown(third)].count(True) == 2
    reads = [each for each in fal_sandbox.requests if each.path.startswith("/files/")]
    assert len(reads) <= 4


def test_an_image_that_is_gone_stays_a_url(
    fal: FalProvider, fal_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    model = Looking(answers=[[draw("a hill")], "Done."])
    agent = create_agent(
        model,
        FalImageToolkit(fal=fal).get_tools(),
        middleware=[FalThumbnails(fal=fal)],
    )
    fal_sandbox.faults.respond("file", 404, "gone", times=9)
    agent.invoke(said("Draw"))
    [block] = shown(model.seen[1])
    assert block["url"].startswith("http")
    assert "cannot show a thumbnail of img_1" in caplog.text


def test_numbers_below_1_are_refused() -> None:
    with pytest.raises(FalConfigurationError, match="at least 1"):
        FalThumbnails(side=0)


# --- State, checkpoints, traces ---


class Traces(BaseCallbackHandler):
    """Keeps everything that a tracer would store."""

    def __init__(self) -> None:
        self.text = ""

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        self.text += repr((args, kwargs))

    def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
        self.text += repr((args, kwargs))

    def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
        self.text += repr((args, kwargs))

    def on_chain_end(self, *args: Any, **kwargs: Any) -> None:
        self.text += repr((args, kwargs))


class WithoutArtifacts(AgentMiddleware[Any, Any, Any]):
    """Leaves the tools' artifacts empty, to weigh them."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request).model_copy(update={"artifact": {}})


def size_of_twenty_edits(
    fal: FalProvider, path: Path, *, vision: bool, empty: bool
) -> tuple[int, str]:
    tools = FalImageToolkit(
        text_to_image=fal.text_to_image(size="512x512"),
        image_edit=fal.image_edit(size="512x512"),
        vision=vision,
    ).get_tools()
    emptied: Any = [WithoutArtifacts()] if empty else []
    url = "img_{}"
    answers: list[Any] = [[draw("a small fox in a green wood, watercolour")]]
    answers += [
        [edit(f"change number {number}: move the sun", url.format(number + 1))]
        for number in range(20)
    ]
    traces = Traces()
    with SqliteSaver.from_conn_string(str(path)) as saver:
        agent = create_agent(
            Script(answers=[*answers, "Done."]),
            tools,
            checkpointer=saver,
            middleware=emptied,
        )
        config: Any = {**thread("one"), "callbacks": [traces], "recursion_limit": 200}
        state = agent.invoke(said("Draw and change it twenty times"), config)
    assert [each.status for each in tool_messages(state)] == ["success"] * 21
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("vacuum")
    connection.close()
    return path.stat().st_size, traces.text


@pytest.mark.parametrize("vision", [False, True])
def test_twenty_edits_take_little_room(
    vision: bool,  # noqa: FBT001 - a parameter of the test
    fal: FalProvider,
    tmp_path: Path,
    record_property: Any,
) -> None:
    whole, traces = size_of_twenty_edits(
        fal, tmp_path / "whole.sqlite", vision=vision, empty=False
    )
    bare, _ = size_of_twenty_edits(
        fal, tmp_path / "bare.sqlite", vision=vision, empty=True
    )
    record_property("ratio", whole / bare)
    print(f"vision={vision}: {whole} bytes, {whole / bare:.2f} times {bare}")  # noqa: T201 - read with -s
    assert whole / bare <= 1.6
    assert "base64" not in traces
    with sqlite3.connect(tmp_path / "whole.sqlite") as connection:
        dumped = b"".join(
            bytes(value) if isinstance(value, bytes) else str(value).encode()
            for table in ("checkpoints", "writes")
            for row in connection.execute(f"select * from {table}")  # noqa: S608 - our own names
            for value in row
        )
    connection.close()
    assert b"base64" not in dumped
    assert b"iVBOR" not in dumped
