"""What the tools share: whose images are meant, and how a call is answered."""

from __future__ import annotations

import abc
import hashlib
import json
import uuid
from typing import Annotated, Any, Literal

from langchain_core.messages import ToolMessage
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool, InjectedToolArg, ToolException
from langchain_core.tools.base import ArgsSchema
from pydantic import ConfigDict, Field

from langchain_fal_image._session.session import Session
from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.budget.reservation import set_handles, settle_request
from langchain_fal_image.errors import (
    FalAuthError,
    FalConfigurationError,
    FalConnectionError,
    FalDownloadError,
    FalError,
    FalRateLimitError,
    FalResponseError,
    FalServerError,
    FalTimeoutError,
)
from langchain_fal_image.library._threads import Threads
from langchain_fal_image.library.library import ImageLibrary
from langchain_fal_image.library.thread import Thread
from langchain_fal_image.options.endpoint import Kind
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.results.speech import SpeechResult
from langchain_fal_image.results.transcription import TranscriptionResult
from langchain_fal_image.tools._args_schema import wrong_arguments
from langchain_fal_image.tools._messages import (
    told_failure,
    told_result,
    told_speech,
    told_transcription,
)
from langchain_fal_image.wire.effects import Flow

__all__ = ["LONGEST_TEXT", "Call", "FalTool", "read_thread"]

LONGEST_TEXT = 4000
"""How many characters of a transcription a model is shown."""

AnyResult = ImageResult | SpeechResult | TranscriptionResult

# Only a person can mend these; a model that reads of them can do nothing.
_RAISED = (FalAuthError, FalConfigurationError)
# After these the picture may still be had, from the request that was paid for.
_RESUMABLE = (
    *(FalTimeoutError, FalConnectionError, FalServerError, FalRateLimitError),
    *(FalDownloadError, FalResponseError),
)


class FalTool(BaseTool):
    """Base of the tools."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    description: str = ""
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    handle_validation_error: Any = wrong_arguments

    library: ImageLibrary = Field(default_factory=ImageLibrary, exclude=True)
    """Where the images get their handles; share it between tools."""
    wait_tool: str | None = None
    """The name of the tool that waits for an earlier request, where there is one."""

    def func(self, runtime: Annotated[Any, InjectedToolArg] = None) -> None:
        """Tell LangGraph's ToolNode to hand over its runtime.

        ToolNode looks for a parameter named `runtime` in the signature of a tool's
        `func`, and in the argument schema; the latter would show it to Gemini.
        """

    @property
    def tool_call_schema(self) -> ArgsSchema:
        """What a chat model fills in: all of it, nothing is injected."""
        return self.args_schema or super().tool_call_schema

    @property
    def _threads(self) -> Threads:
        return self.library._threads

    @property
    @abc.abstractmethod
    def _fal(self) -> Session:
        """The provider in use."""

    @property
    @abc.abstractmethod
    def _account(self) -> Budget | None:
        """The budget in use."""

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        args, kwargs = super()._to_args_and_kwargs(tool_input, tool_call_id)
        return args, {**kwargs, "tool_call_id": tool_call_id}

    def _told(
        self, result: AnyResult, where: Thread
    ) -> Flow[tuple[Any, dict[str, Any]]]:
        """Name a result's files and answer with them."""
        if isinstance(result, ImageResult):
            named = self.library.add(result, thread=where)
            handles = [str(image.handle) for image in named.images]
            artifact, text = named.to_artifact(), self._told_images(named)
        elif isinstance(result, SpeechResult):
            spoken = self.library.add(result, thread=where)
            handles = [str(audio.handle) for audio in spoken.audios]
            artifact, text = spoken.to_artifact(), told_speech(spoken)
        else:
            handles, artifact = [], result.to_artifact()
            text = told_transcription(result, longest=self._longest_text)
        if self._account:
            set_handles(self._account, result.request_id, handles)
        yield from self._threads.save(artifact, thread=where)
        return text, artifact

    def _told_images(self, result: ImageResult) -> Any:
        return told_result(result)

    @property
    def _longest_text(self) -> int:
        return LONGEST_TEXT

    def _kind(self, error: FalError) -> Kind:
        """Say what a failed call should have made."""
        model = error.model or getattr(error.request, "endpoint_id", None)
        schema = self._fal.contracts.get(model) if model else None
        return schema.kind if schema else "image"

    def _settled(self, result: Any) -> Any:
        """Note that a request taken up again gave its result."""
        if self._account:
            number = len(result.images) if isinstance(result, ImageResult) else 0
            settle_request(
                self._account, result.request_id, images=number, seed=result.seed
            )
        return result

    def _failed(
        self, error: FalError, call: Call, where: Thread
    ) -> Flow[tuple[Any, Any]]:
        """Answer with a failure, or raise it where a model can do nothing."""
        self._threads.note_failure(error, call=call.key, thread=where)
        if isinstance(error, _RAISED) or not self.handle_tool_error:
            raise error
        artifact = handle = None
        request = error.request
        is_open = isinstance(error, _RESUMABLE) and error.charged != "no"
        if isinstance(request, FalRequest) and is_open:
            with self._threads.open(where) as files:
                handle = files.add_request(request)
            artifact = request.to_artifact(handle)
            yield from self._threads.save(artifact, thread=where)
        text = told_failure(
            error, kind=self._kind(error), request=handle, wait_tool=self.wait_tool
        )
        if self.handle_tool_error is not True:
            raise ToolException(text) from error
        if call.tool_call_id is None:
            return text, None
        message = ToolMessage(
            text,
            artifact=artifact,
            status="error",
            name=self.name,
            tool_call_id=call.tool_call_id,
        )
        return message, None


class Call:
    """One call of a tool: its id, and what tells it from a call made again.

    Args:
        tool_call_id: As the chat model gave it.
        arguments: As they were filled in.
    """

    def __init__(self, tool_call_id: str | None, arguments: dict[str, Any]) -> None:
        self.tool_call_id = tool_call_id
        written = json.dumps(arguments, sort_keys=True, default=str)
        digest = hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()
        self.key = f"{tool_call_id} {digest}" if tool_call_id else None


def read_thread(runtime: Any) -> Thread:
    """Tell whose images are meant: the thread's, the run's, or the library's own.

    Args:
        runtime: LangGraph's, or None outside graphs.
    """
    configurable = ensure_config().get("configurable", {})
    state = getattr(runtime, "state", None)
    messages = state.get("messages", ()) if isinstance(state, dict) else ()
    if not messages:
        messages = getattr(state, "messages", ())
    if (thread_id := configurable.get("thread_id")) is not None:
        store = getattr(runtime, "store", None)
        return Thread(str(thread_id), messages=messages, store=store)
    if runtime is None:
        return Thread()
    # Calls of one step share the checkpoint's id, other runs never do; what earlier
    # steps made stands in the messages.
    step = getattr(getattr(runtime, "execution_info", None), "checkpoint_id", None)
    return Thread(run=str(step or uuid.uuid4()), messages=messages)
