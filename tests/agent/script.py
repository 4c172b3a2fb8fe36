"""A chat model that plays a script, and the calls and agents of these tests."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langgraph.checkpoint.memory import InMemorySaver

from langchain_fal_image import (
    FalImageToolkit,
    FalProvider,
    FalSpeechTool,
    FalTranscriptionTool,
    ImageLibrary,
)
from langchain_fal_image.sandbox import Sandbox

SCENE = "A red kite flies over a small harbour."
Call = tuple[str, dict[str, Any]]
Answer = list[Call] | str | Callable[[list[BaseMessage]], list[Call]]


class Script(BaseChatModel):
    """Plays one answer after the other: tool calls, a text, or a function of both."""

    answers: list[Any]
    played: int = 0

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        return self

    def _generate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        answer = self.answers[self.played]
        self.played += 1
        if callable(answer):
            answer = answer(messages)
        message = (
            AIMessage(answer)
            if isinstance(answer, str)
            else AIMessage(
                "",
                tool_calls=[
                    {"name": name, "args": args_, "id": f"c{self.played}.{number}"}
                    for number, (name, args_) in enumerate(answer)
                ],
            )
        )
        return ChatResult(generations=[ChatGeneration(message=message)])


def draw(prompt: str, **arguments: Any) -> Call:
    return "fal_text_to_image", {"prompt": prompt, **arguments}


def edit(prompt: str, *images: str, **arguments: Any) -> Call:
    return "fal_image_edit", {"prompt": prompt, "images": list(images), **arguments}


def speak(text: str, **arguments: Any) -> Call:
    return "fal_speech", {"text": text, **arguments}


def transcribe(audio: str, **arguments: Any) -> Call:
    return "fal_transcription", {"audio": audio, **arguments}


def wait(request: str) -> Call:
    return "fal_wait", {"request": request}


def tool_messages(state: dict[str, Any]) -> list[ToolMessage]:
    return [each for each in state["messages"] if isinstance(each, ToolMessage)]


def said(*content: Any) -> Any:
    """Return an agent's input: a message of the user."""
    return {"messages": [HumanMessage(list(content))]}


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}


def agent_of(fal: FalProvider, *answers: Any, **settings: Any) -> Any:
    """Make an agent with a library of its own, as a new process would."""
    shared: dict[str, Any] = {
        "library": ImageLibrary(),
        "budget": settings.pop("budget", None),
    }
    wait_tool = "fal_wait" if settings.pop("wait", False) else None
    tools = [
        *FalImageToolkit(fal=fal, wait=bool(wait_tool), **shared).get_tools(),
        FalSpeechTool(fal=fal, wait_tool=wait_tool, **shared),
        FalTranscriptionTool(fal=fal, wait_tool=wait_tool, **shared),
    ]
    settings.setdefault("checkpointer", InMemorySaver())
    return create_agent(Script(answers=list(answers)), tools, **settings)


def handles(state: Any) -> list[str]:
    """Return the handles of all files that an agent made, in order."""
    return [
        handle
        for message in tool_messages(state)
        if message.status == "success"
        for handle in message.artifact.get("handles", ())
    ]


def impatient(sandbox: Sandbox) -> FalProvider:
    """Return a provider whose deadlines pass once another request is received.

    Args:
        sandbox: It needs short heartbeats: the clock is read with each.
    """
    fal = sandbox.provider()

    def now() -> float:
        return time.monotonic() + 3600 * len(sandbox.requests)

    fal.context = replace(fal.context, now=now)
    return fal


# --- Images and audio alike ---


@dataclass(frozen=True)
class FileKind:
    """One kind of file: how an agent makes it, uses it and reads of it.

    Attributes:
        name: As messages name it.
        prefix: The first part of its handles.
        make: The call that makes a file of a text.
        use: The call that uses the file with a handle.
    """

    name: str
    prefix: str
    make: Callable[[str], Call]
    use: Callable[[str], Call]

    def handle(self, number: int) -> str:
        return f"{self.prefix}_{number}"

    def __str__(self) -> str:
        return self.name


IMAGE = FileKind("image", "img", draw, lambda handle: edit("night", handle))
AUDIO = FileKind("audio", "audio", speak, transcribe)
Kinds = pytest.mark.parametrize("kind", [IMAGE, AUDIO], ids=str)
Ways = pytest.mark.parametrize("way", ["sync", "async"])


def make_photo(fal: FalProvider) -> tuple[str, bytes]:
    """Return the URL and the bytes of an image."""
    image = fal.text_to_image(size="512x512").invoke("a cat").images[0]
    return str(image.url), image.read()


def make_speech(fal: FalProvider) -> tuple[str, bytes]:
    """Return the URL and the bytes of speech that says `SCENE`."""
    spoken = fal.speech().invoke(SCENE)
    return str(spoken.url), spoken.read()


def image_blocks(url: str, content: bytes) -> dict[str, dict[str, Any]]:
    """Return an image as content blocks of every form."""
    text = base64.b64encode(content).decode()
    kind = {"mime_type": "image/png"}
    uri = f"data:image/png;base64,{text}"
    source = {"type": "base64", "media_type": "image/png", "data": text}
    return {
        "standard, URL": {"type": "image", "url": url},
        "standard, base64": {"type": "image", "base64": text, **kind},
        "older": {"type": "image", "source_type": "base64", "data": text, **kind},
        "OpenAI, URL": {"type": "image_url", "image_url": {"url": url}},
        "OpenAI, plain": {"type": "image_url", "image_url": url},
        "OpenAI, base64": {"type": "image_url", "image_url": {"url": uri}},
        "OpenAI Responses": {"type": "input_image", "image_url": uri},
        "Anthropic": {"type": "image", "source": source},
        "Gemini": {"type": "media", "data": text, **kind},
    }


def audio_blocks(url: str, content: bytes) -> dict[str, dict[str, Any]]:
    """Return audio as content blocks of every form."""
    text = base64.b64encode(content).decode()
    kind = {"mime_type": "audio/wav"}
    source = {"data": text, "format": "wav"}
    return {
        "standard, URL": {"type": "audio", "url": url, **kind},
        "standard, base64": {"type": "audio", "base64": text, **kind},
        "older": {"type": "audio", "source_type": "base64", "data": text, **kind},
        "OpenAI": {"type": "input_audio", "input_audio": source},
        "Gemini": {"type": "media", "data": text, **kind},
        "file": {"type": "file", "base64": text, **kind},
    }


def pasted_block(kind: FileKind, url: str, content: bytes) -> dict[str, Any]:
    """Return a file of a kind as LangChain's own block, by its bytes."""
    blocks = image_blocks if kind is IMAGE else audio_blocks
    return blocks(url, content)["standard, base64"]
