"""Chat models without a model: they play their parts by a few plain rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable


class _Scripted(BaseChatModel):
    """Takes tools as they are, and answers as `_answer` says."""

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
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        return AIMessage(f"I heard {len(messages)} messages.")


class ScriptedChatModel(_Scripted):
    """Draws on the first wish, edits the newest image on later ones, then reports.

    Like a real model it knows nothing but the messages: it finds the handle of the
    newest image in what the tools answered, and mends a call that was refused from
    the words of the refusal. Like a real model it makes a mistake: it asks for a
    `portrait` where a ratio is wanted.
    """

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        last = messages[-1]
        if not isinstance(last, ToolMessage):
            return self._call(messages)
        if last.status == "error" and (
            allowed := re.findall(r"'(\d+:\d+)'", last.text)
        ):
            refused = next(
                call
                for message in reversed(messages)
                if isinstance(message, AIMessage)
                for call in message.tool_calls
            )
            upright = "3:4" if "3:4" in allowed else allowed[0]
            arguments = {**refused["args"], "aspect_ratio": upright}
            return _calling(refused["name"], arguments, len(messages))
        handles = re.findall(r"^(img_\d+):", last.text, flags=re.MULTILINE)
        return AIMessage(f"Done: {', '.join(handles) or last.text}")

    def _call(self, messages: list[BaseMessage]) -> AIMessage:
        wish = next(
            each for each in reversed(messages) if isinstance(each, HumanMessage)
        )
        told = "\n".join(
            each.text for each in messages if isinstance(each, ToolMessage)
        )
        arguments: dict[str, Any] = {"prompt": wish.text}
        if handles := re.findall(r"^(img_\d+):", told, flags=re.MULTILINE):
            arguments["images"] = [handles[-1]]
            return _calling("fal_image_edit", arguments, len(messages))
        if not isinstance(wish.content, str):
            # The user pasted a photo: it is the first image of the conversation.
            arguments["images"] = ["img_1"]
            return _calling("fal_image_edit", arguments, len(messages))
        arguments["aspect_ratio"] = "portrait"
        return _calling("fal_text_to_image", arguments, len(messages))


class ScriptedCritic(_Scripted):
    """Looks at pictures and finds fault with the first ones it is shown.

    It looks at nothing: it counts the images that came before.

    Args:
        wishes: What it asks for, one after the other; then it is content.
    """

    wishes: list[str]

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        seen = [
            block
            for message in messages
            for block in message.content_blocks
            if block["type"] == "image"
        ]
        if not seen:
            return AIMessage("I see no picture.")
        number = len(seen) - 1
        return AIMessage(self.wishes[number] if number < len(self.wishes) else "good")


class ScriptedWriter(_Scripted):
    """Writes a caption: the first sentence that it was given."""

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        _, _, scene = messages[-1].text.partition(": ")
        sentence, stop, _ = scene.partition(". ")
        return AIMessage(f"{sentence}." if stop else scene)


def _calling(name: str, arguments: dict[str, Any], number: int) -> AIMessage:
    call = {"name": name, "args": arguments, "id": f"call_{number}"}
    return AIMessage("", tool_calls=[call])
