"""Scripted chat models for the examples, which follow a few fixed rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable


class _Scripted(BaseChatModel):
    """A chat model that answers with `_answer`."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Return the model itself: the script does not need the tools' schemas."""
        return self

    def _generate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        return AIMessage(f"I received {len(messages)} messages.")


class ScriptedChatModel(_Scripted):
    """A model that draws on the first request and edits the newest image on later ones.

    It reads only the messages, as a real model does: it finds the handle of the newest
    image in the tools' answers, and corrects a failed call from the error message. To
    show that, its first call passes an invalid aspect ratio, `portrait`.
    """

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        last = messages[-1]
        if not isinstance(last, ToolMessage):
            return self._choose_call(messages)
        if last.status == "error" and (
            allowed := re.findall(r"'(\d+:\d+)'", last.text)
        ):
            failed = next(
                call
                for message in reversed(messages)
                if isinstance(message, AIMessage)
                for call in message.tool_calls
            )
            upright = "3:4" if "3:4" in allowed else allowed[0]
            arguments = {**failed["args"], "aspect_ratio": upright}
            return _create_tool_call(failed["name"], arguments, len(messages))
        handles = re.findall(r"^(img_\d+):", last.text, flags=re.MULTILINE)
        return AIMessage(f"Done: {', '.join(handles) or last.text}")

    def _choose_call(self, messages: list[BaseMessage]) -> AIMessage:
        request = next(
            each for each in reversed(messages) if isinstance(each, HumanMessage)
        )
        answers = "\n".join(
            each.text for each in messages if isinstance(each, ToolMessage)
        )
        arguments: dict[str, Any] = {"prompt": request.text}
        if handles := re.findall(r"^(img_\d+):", answers, flags=re.MULTILINE):
            arguments["images"] = [handles[-1]]
            return _create_tool_call("fal_image_edit", arguments, len(messages))
        if not isinstance(request.content, str):
            # The photo that the user pasted is the first image of the conversation.
            arguments["images"] = ["img_1"]
            return _create_tool_call("fal_image_edit", arguments, len(messages))
        arguments["aspect_ratio"] = "portrait"
        return _create_tool_call("fal_text_to_image", arguments, len(messages))


class ScriptedCritic(_Scripted):
    """A critic that counts the images it receives and requests the next change.

    Args:
        changes: The changes to request, one per image. After the last one, the critic
            answers "good".
    """

    changes: list[str]

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        seen = [
            block
            for message in messages
            for block in message.content_blocks
            if block["type"] == "image"
        ]
        if not seen:
            return AIMessage("I see no images.")
        number = len(seen) - 1
        return AIMessage(self.changes[number] if number < len(self.changes) else "good")


class ScriptedWriter(_Scripted):
    """A writer whose caption is the first sentence of the scene."""

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        _, _, scene = messages[-1].text.partition(": ")
        sentence, stop, _ = scene.partition(". ")
        return AIMessage(f"{sentence}." if stop else scene)


def _create_tool_call(name: str, arguments: dict[str, Any], number: int) -> AIMessage:
    call = {"name": name, "args": arguments, "id": f"call_{number}"}
    return AIMessage("", tool_calls=[call])
