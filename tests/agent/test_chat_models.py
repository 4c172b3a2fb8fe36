"""The messages of the chat models' own packages show the images of a tool result."""

from __future__ import annotations

import io
import json
from typing import Any

import PIL.Image
import pytest
from langchain.agents import create_agent
from langchain_anthropic.chat_models import _format_messages
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_google_genai.chat_models import _parse_chat_history
from langchain_openai.chat_models.base import (
    _construct_responses_api_input,
    _convert_message_to_dict,
)
from script import Script, draw, said

from langchain_fal_image import (
    FalImageToolkit,
    FalProvider,
    FalTextToImageTool,
    GeneratedImage,
)
from langchain_fal_image.middleware import FalThumbnails

pytestmark = pytest.mark.chat_models


def make_messages(fal: FalProvider) -> list[BaseMessage]:
    """Have a conversation up to a tool result with vision."""
    tool = FalTextToImageTool(fal=fal, vision=True)
    call = {
        "name": tool.name,
        "args": {"prompt": "a hill", "seed": 7},
        "id": "call_1",
    }
    message = tool.invoke({**call, "type": "tool_call"})
    return [HumanMessage("Draw"), AIMessage("", tool_calls=[call]), message]


def test_openai_models_see_the_image(fal: FalProvider) -> None:
    messages = make_messages(fal)
    url = messages[2].artifact["raw"]["images"][0]["url"]  # type: ignore[attr-defined]  # a tool message
    chat = _convert_message_to_dict(messages[2])
    assert {"type": "image_url", "image_url": {"url": url}} in chat["content"]
    [*_, output] = _construct_responses_api_input(messages)
    assert output["type"] == "function_call_output"
    assert any(
        each["type"] == "input_image" and each["image_url"] == url
        for each in output["output"]
    )


def test_anthropic_models_see_the_image(fal: FalProvider) -> None:
    messages = make_messages(fal)
    url = messages[2].artifact["raw"]["images"][0]["url"]  # type: ignore[attr-defined]  # a tool message
    _, formatted = _format_messages(messages, model="claude-x")
    [result] = formatted[-1]["content"]
    assert result["type"] == "tool_result"
    kinds = {each["type"]: each for each in result["content"]}
    assert kinds["image"]["source"] == {"type": "url", "url": url}
    assert "img_1" in kinds["text"]["text"]


def parts(messages: list[BaseMessage]) -> list[Any]:
    _, history = _parse_chat_history(messages)
    return [part for content in history for part in content.parts or []]


def test_gemini_models_see_the_image(
    fal: FalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Gemini's package fetches a URL itself, and refuses one on loopback: the
    # sandbox's file is therefore handed to it in the place of the fetch.
    messages = make_messages(fal)
    image = messages[2].artifact["raw"]["images"][0]  # type: ignore[attr-defined]  # a tool message
    fetched = []

    def fetch(_: Any, url: str) -> bytes:
        fetched.append(url)
        return GeneratedImage(url=url).using(fal).read()

    monkeypatch.setattr(
        "langchain_google_genai._image_utils.ImageBytesLoader._bytes_from_url", fetch
    )
    seen = parts(messages)
    assert fetched == [image["url"]]
    [data] = [part.inline_data for part in seen if part.inline_data]
    assert PIL.Image.open(io.BytesIO(data.data)).size == (1024, 768)


def test_anthropic_and_gemini_models_see_thumbnails(fal: FalProvider) -> None:
    seen: list[list[BaseMessage]] = []

    class Looking(Script):
        def _generate(
            self, messages: list[BaseMessage], *args: Any, **kwargs: Any
        ) -> Any:
            seen.append(messages)
            return super()._generate(messages, *args, **kwargs)

    agent = create_agent(
        Looking(answers=[[draw("a hill", num_images=2)], "Done."]),
        FalImageToolkit(fal=fal, vision=True).get_tools(),
        middleware=[FalThumbnails(fal=fal, newest=2, side=128)],
    )
    agent.invoke(said("Draw"))
    _, formatted = _format_messages(seen[-1], model="claude-x")
    assert '"type": "base64"' in json.dumps(formatted)
    assert any(part.inline_data for part in parts(seen[-1]))
