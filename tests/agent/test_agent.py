"""Agents with our tools: handles, messages, and what a model reads of failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from script import Answer, Script, draw, edit, impatient, tool_messages

from langchain_fal_image import (
    Budget,
    FalImageEditTool,
    FalImageToolkit,
    FalProvider,
    FalTextToImageTool,
    ImageLibrary,
    ImageResult,
    Retry,
    create_fal,
)
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.sandbox import Sandbox


@pytest.fixture
def make_agent(fal: FalProvider) -> Callable[..., Any]:
    toolkit = FalImageToolkit(fal=fal)

    def make(*answers: Answer, checkpointer: Any = None) -> Any:
        return create_agent(
            Script(answers=list(answers)),
            toolkit.get_tools(),
            checkpointer=checkpointer,
        )

    return make


def test_an_agent_edits_its_image_by_handle(
    make_agent: Callable[..., Any], fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    agent = make_agent(
        [draw("Mount Fuji in spring")],
        [edit("make it night", "img_1")],
        [edit("add a red kite", "img_2")],
        "Done.",
        checkpointer=InMemorySaver(),
    )
    thread: Any = {"configurable": {"thread_id": "one"}}
    state = agent.invoke({"messages": [HumanMessage("Draw Fuji")]}, thread)
    answers = tool_messages(state)
    assert [each.status for each in answers] == ["success"] * 3
    for number, message in enumerate(answers, start=1):
        assert f"img_{number}:" in message.text
        assert len(message.text.encode()) < 1024
        assert "base64" not in message.text
        assert len(json.dumps(message.artifact)) <= 1024
        result = ImageResult.from_artifact(message.artifact, fal=fal)
        assert result.images[0].handle == f"img_{number}"
        assert result.images[0].read()
    payloads = [each.json for each in fal_sandbox.requests if each.method == "POST"]
    first = ImageResult.from_artifact(answers[0].artifact)
    assert payloads[1]["image_urls"] == [first.images[0].url]
    second = ImageResult.from_artifact(answers[1].artifact)
    assert second.inputs[0].handle == "img_1"


async def test_an_async_agent_edits_its_image_by_handle(
    make_agent: Callable[..., Any],
) -> None:
    agent = make_agent([draw("a hill")], [edit("night", "img_1")], "Done.")
    state = await agent.ainvoke({"messages": [HumanMessage("Draw")]})
    assert [each.status for each in tool_messages(state)] == ["success"] * 2


def test_an_unknown_handle_is_answered_with_the_known_ones(
    make_agent: Callable[..., Any], fal_sandbox: Sandbox
) -> None:
    agent = make_agent(
        [draw("a hill")], [edit("night", "img_7")], [edit("night", "img_1")], "Done."
    )
    state = agent.invoke({"messages": [HumanMessage("Draw")]})
    _, wrong, right = tool_messages(state)
    assert wrong.status == "error"
    assert "img_7" in wrong.text
    assert "This conversation has img_1" in wrong.text
    assert right.status == "success"
    assert fal_sandbox.submits == 2


def test_two_threads_do_not_see_each_other(make_agent: Callable[..., Any]) -> None:
    agent = make_agent(
        [draw("a hill")],
        "Done.",
        [edit("night", "img_1")],
        "I cannot.",
        checkpointer=InMemorySaver(),
    )
    one: Any = {"configurable": {"thread_id": "one"}}
    two: Any = {"configurable": {"thread_id": "two"}}
    agent.invoke({"messages": [HumanMessage("Draw")]}, one)
    state = agent.invoke({"messages": [HumanMessage("Edit")]}, two)
    [refused] = tool_messages(state)
    assert refused.status == "error"
    assert "this conversation has none" in refused.text


def test_runs_without_a_thread_do_not_see_each_other(
    make_agent: Callable[..., Any],
) -> None:
    agent = make_agent([draw("a hill")], "Done.", [edit("night", "img_1")], "No.")
    agent.invoke({"messages": [HumanMessage("Draw")]})
    state = agent.invoke({"messages": [HumanMessage("Edit")]})
    assert tool_messages(state)[0].status == "error"


def test_parallel_calls_get_different_handles(make_agent: Callable[..., Any]) -> None:
    for checkpointer in (None, InMemorySaver()):
        agent = make_agent(
            [draw("a hill"), draw("a lake")],
            [edit("both", "img_1", "img_2")],
            "Done.",
            checkpointer=checkpointer,
        )
        thread: Any = {"configurable": {"thread_id": "t"}} if checkpointer else {}
        state = agent.invoke({"messages": [HumanMessage("Draw two")]}, thread)
        answers = tool_messages(state)
        assert [each.status for each in answers] == ["success"] * 3
        handles = {each.artifact["handles"][0] for each in answers}
        assert handles == {"img_1", "img_2", "img_3"}


def test_wrong_arguments_can_be_fixed(
    make_agent: Callable[..., Any], fal_sandbox: Sandbox
) -> None:
    agent = make_agent(
        [draw("a hill", aspect_ratio="wide")],
        [draw("a hill", styl="oil")],
        [draw("", num_images=99)],
        [draw("a hill", aspectRatio="16:9", numImages="2")],
        "Done.",
    )
    state = agent.invoke({"messages": [HumanMessage("Draw")]})
    *wrong, right = tool_messages(state)
    assert [each.status for each in wrong] == ["error"] * 3
    assert "aspect_ratio='wide'" in wrong[0].text
    assert "unknown argument 'styl'" in wrong[1].text
    assert "num_images=99" in wrong[2].text
    assert "prompt=''" in wrong[2].text
    assert right.status == "success"
    assert len(right.artifact["handles"]) == 2
    assert fal_sandbox.submits == 1


def test_a_data_uri_from_the_model_is_refused(make_agent: Callable[..., Any]) -> None:
    agent = make_agent(
        [draw("a hill")], [edit("night", "data:image/png;base64,AAAA")], "No."
    )
    state = agent.invoke({"messages": [HumanMessage("Draw")]})
    refused = tool_messages(state)[1]
    assert refused.status == "error"
    assert "Handles: img_1" in refused.text
    assert "AAAA" not in refused.text


def test_a_local_path_from_the_model_is_refused(
    make_agent: Callable[..., Any],
) -> None:
    agent = make_agent([edit("night", "/etc/passwd")], "No.")
    state = agent.invoke({"messages": [HumanMessage("Draw")]})
    refused = tool_messages(state)[0]
    assert refused.status == "error"
    assert "'/etc/passwd' is neither a handle nor a public URL" in refused.text
    assert "allowed_dirs" not in refused.text


def test_a_chat_model_reads_that_the_service_cannot_be_reached() -> None:
    at_once = Retry(first_pause=0, longest_pause=0, jitter=0)
    fal = create_fal("key", base_url="http://127.0.0.1:1", retry=at_once)
    text = FalTextToImageTool(fal=fal).invoke({"prompt": "a hill"})
    assert text.startswith("No image was made. ")
    assert "Nothing was charged." in text
    assert text.endswith(
        "Tell the user that the service cannot be reached; it may work later."
    )


def test_a_timeout_leaves_the_request_in_the_artifact() -> None:
    with Sandbox(run_seconds=3600, heartbeat_seconds=0.02) as sandbox:
        tool = FalTextToImageTool(fal=impatient(sandbox))
        call = {"name": tool.name, "args": {"prompt": "a hill"}, "id": "1"}
        message = tool.invoke({**call, "type": "tool_call"})
        assert message.status == "error"
        assert message.artifact["type"] == "fal_request"
        assert message.artifact["request_id"] in message.text
        assert "may have been charged" in message.text


def test_what_only_a_person_can_fix_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAL_KEY", raising=False)
    monkeypatch.setenv("FAL_API_KEY", "")
    with pytest.raises(FalConfigurationError) as caught:
        FalTextToImageTool().invoke({"prompt": "a hill"})
    assert "FAL_API_KEY" in str(caught.value)
    assert "FAL_KEY" in str(caught.value)


def test_a_chat_model_reads_of_a_spent_budget(fal: FalProvider) -> None:
    budget = Budget(max_images=1)
    tool = FalTextToImageTool(fal=fal, budget=budget)
    tool.invoke({"prompt": "a hill"})
    assert "allows 1 images" in tool.invoke({"prompt": "a hill"})


def test_outside_graphs_tools_share_the_handles_of_a_library(fal: FalProvider) -> None:
    library = ImageLibrary()
    draws = FalTextToImageTool(fal=fal, library=library)
    edits = FalImageEditTool(fal=fal, library=library)
    assert "img_1" in draws.invoke("a hill")
    assert "img_2" in edits.invoke({"prompt": "night", "images": ["img_1"]})
    assert library.images.handles() == ("img_1", "img_2")
    assert library.images.get("img_2").read()
    assert (
        FalImageEditTool(fal=fal)
        .invoke({"prompt": "night", "images": ["img_1"]})
        .startswith("No image was made")
    )


def test_progress_reaches_a_graphs_stream(make_agent: Callable[..., Any]) -> None:
    agent = make_agent([draw("a hill")], "Done.")
    updates = list(
        agent.stream({"messages": [HumanMessage("Draw")]}, stream_mode="custom")
    )
    assert updates[0]["type"] == "fal_queue_update"
    assert updates[-1]["status"] == "COMPLETED"


def test_the_schema_is_flat_and_plain(fal: FalProvider) -> None:
    tools = FalImageToolkit(
        fal=fal,
        text_to_image="fal-ai/nano-banana-pro",
        image_edit="fal-ai/qwen-image-edit",
    ).get_tools()
    for tool in tools:
        schema = tool.tool_call_schema.model_json_schema()  # type: ignore[union-attr]  # ours is a model
        assert "$defs" not in schema
        assert "runtime" not in schema["properties"]
    draws, edits = (set(tool.args) for tool in tools)
    assert draws == {"prompt", "aspect_ratio", "num_images", "seed"}
    assert edits == {"prompt", "images", "aspect_ratio", "num_images", "seed"}


def test_options_can_be_exposed_and_bound(fal: FalProvider) -> None:
    tool = FalTextToImageTool(
        fal=fal, expose=("negativePrompt", "acceleration"), model="fal-ai/qwen-image"
    )
    assert {"negative_prompt", "acceleration"} <= set(tool.args)
    with pytest.raises(FalConfigurationError, match="negative_promt"):
        FalTextToImageTool(fal=fal, expose=("negative_promt",))
    with pytest.raises(FalConfigurationError, match="too complex"):
        FalTextToImageTool(fal=fal, expose=("loras",))


def test_bytes_in_answers_are_refused_without_a_store(fal: FalProvider) -> None:
    with pytest.raises(FalConfigurationError, match="sync_mode"):
        FalTextToImageTool(fal=fal, model=fal.text_to_image(syncMode=True))


def test_an_argument_for_each_image_option_and_an_exposed_mask(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    """An endpoint with several image options, and a mask that was exposed."""
    draws = FalImageToolkit(fal=fal).get_tools()[0]
    library = draws.library  # type: ignore[attr-defined]  # ours has one
    for _ in range(2):
        draws.invoke({"prompt": "a hill"})
    urls = [library.images.get(name).url for name in ("img_1", "img_2")]
    wears = FalImageEditTool(fal=fal, library=library, model="fal-ai/cat-vton")
    assert {"human_image_url", "garment_image_url"} <= set(wears.args)
    assert "images" not in wears.args
    clothed = {"human_image_url": "img_1", "garment_image_url": urls[1]}
    text = wears.invoke({**clothed, "cloth_type": "upper"})
    assert "img_3" in text, text
    sent = [each.json for each in fal_sandbox.requests if each.method == "POST"][-1]
    assert [sent["human_image_url"], sent["garment_image_url"]] == urls
    model = "fal-ai/fast-sdxl/inpainting"
    masked = FalImageEditTool(fal=fal, library=library, model=model)
    text = masked.invoke({"prompt": "x", "images": ["img_1"], "mask_url": "img_9"})
    assert "Unknown image 'img_9'" in text
    text = masked.invoke({"prompt": "x", "images": ["img_1"], "mask_url": "img_2"})
    assert "img_4" in text, text
    sent = [each.json for each in fal_sandbox.requests if each.method == "POST"][-1]
    assert (sent["image_url"], sent["mask_url"]) == tuple(urls)
