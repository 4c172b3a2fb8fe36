"""A chat model without a model: it plays the agent's part by a few plain rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable


class ScriptedChatModel(BaseChatModel):
    """Draws on the first wish, edits the newest image on later ones, then reports.

    Like a real model it knows nothing but the messages: it finds the handle of the
    newest image in what the tools answered.
    """

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Take the tools as they are: the script knows their names."""
        return self

    def _generate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        answer = self._report(messages[-1]) or self._call(messages)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _report(self, last: BaseMessage) -> AIMessage | None:
        if not isinstance(last, ToolMessage):
            return None
        handles = re.findall(r"^(img_\d+):", last.text, flags=re.MULTILINE)
        return AIMessage(f"Done: {', '.join(handles) or last.text}")

    def _call(self, messages: list[BaseMessage]) -> AIMessage:
        wish = next(
            each for each in reversed(messages) if isinstance(each, HumanMessage)
        )
        told = "\n".join(
            each.text for each in messages if isinstance(each, ToolMessage)
        )
        handles = re.findall(r"^(img_\d+):", told, flags=re.MULTILINE)
        arguments: dict[str, Any] = {"prompt": wish.text}
        name = "fal_text_to_image"
        if handles:
            name = "fal_image_edit"
            arguments["images"] = [handles[-1]]
        else:
            arguments["aspect_ratio"] = "3:4"
        call = {"name": name, "args": arguments, "id": f"call_{len(messages)}"}
        return AIMessage("", tool_calls=[call])
