"""The tool that waits for a request that was not done in time."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, model_validator

from langchain_fal_image.tools._args_schema import ToolArguments
from langchain_fal_image.tools._call import ToolCall
from langchain_fal_image.tools._messages import describe_result
from langchain_fal_image.tools.base import FalTool
from langchain_fal_image.wire.effects import Flow

__all__ = ["FalWaitTool"]


class _WaitArguments(ToolArguments):
    request: str = Field(
        description="The handle of the request (req_1), from the earlier answer."
    )


class FalWaitTool(FalTool):
    """Lets a chat model wait again for a request that was not done in time.

    Waiting is free: the request is charged once, when it is submitted.

    Args:
        fal: The provider; by default the default instance.
        library: That of the tools that make the requests.
        budget: Theirs.
        vision: Also show images to the chat model, by URL.
        timeout: How long to wait, in seconds; by default the provider's.
    """

    name: str = "fal_wait"
    description: str = (
        "Wait for an image or audio that was requested earlier and was not done in "
        "time. It costs nothing: the request is already paid for. Call it with the "
        "handle of the request (req_1) from the earlier answer; never make the same "
        "request again."
    )
    args_schema: type[BaseModel] = _WaitArguments
    vision: bool = False
    """Show the images to the chat model: adds image blocks, by URL, to the answer."""
    timeout: float | None = Field(default=None, gt=0)
    """How long to wait, in seconds; by default the provider's."""

    @model_validator(mode="after")
    def _name_itself(self) -> FalWaitTool:
        self.wait_tool = self.name
        return self

    def _make_result(self, call: ToolCall) -> Flow[Any]:
        request = self.library.request(call.arguments["request"], thread=call.thread)
        return self._resume(request, timeout=self.timeout)

    def _describe(self, result: Any) -> Any:
        return describe_result(result, vision=self.vision)
