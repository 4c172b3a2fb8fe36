"""The tool that waits for a request that timed out."""

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
        description="The handle of the request (req_1), from the earlier result."
    )


class FalWaitTool(FalTool):
    """A tool with which a chat model waits again for a request that timed out.

    Waiting is free: each request is charged only once.

    Args:
        fal: The provider; by default the default instance.
        library: The library of the tools that make the requests.
        budget: The budget of these tools.
        vision: Whether to show images to the chat model, by URL.
        timeout: How long to wait, in seconds; by default the provider's.
    """

    name: str = "fal_wait"
    description: str = (
        "Wait for an image or audio that was requested earlier and was not finished in "
        "time. It costs nothing: the request is already paid for. Call it with the "
        "handle of the request (req_1) from the earlier result; never make the same "
        "request again."
    )
    args_schema: type[BaseModel] = _WaitArguments
    vision: bool = False
    """Whether to show images to the chat model, by URL in the tool message."""
    timeout: float | None = Field(default=None, gt=0)
    """How long to wait, in seconds; by default the provider's."""

    @model_validator(mode="after")
    def _set_wait_tool(self) -> FalWaitTool:
        self.wait_tool = self.name
        return self

    def _make_result(self, call: ToolCall) -> Flow[Any]:
        request = self.library.request(call.arguments["request"], thread=call.thread)
        return self._resume(request, timeout=self.timeout)

    def _describe(self, result: Any) -> Any:
        return describe_result(result, vision=self.vision)
