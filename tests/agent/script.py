"""A chat model that plays a script, and what tests say of an agent's run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

Call = tuple[str, dict[str, Any]]
Answer = list[Call] | str | Callable[[list[BaseMessage]], list[Call]]


class Script(BaseChatModel):
    """Plays one answer after the other: tool calls, a text, or what a function says."""

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


def wait(request: str) -> Call:
    return "fal_wait", {"request": request}


def tool_messages(state: dict[str, Any]) -> list[ToolMessage]:
    return [each for each in state["messages"] if isinstance(each, ToolMessage)]


def said(*content: Any) -> Any:
    """Give an agent's input: what the user says."""
    return {"messages": [HumanMessage(list(content))]}


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}
