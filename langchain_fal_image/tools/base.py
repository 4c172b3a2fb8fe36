"""Base classes of the tools; each call runs as one flow."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolArg, ToolException
from langchain_core.tools.base import ArgsSchema
from pydantic import (
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SkipValidation,
    model_validator,
)

from langchain_fal_image._formats.hidden import hide_base64
from langchain_fal_image._session.default import default_session
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
from langchain_fal_image.inputs.reference import MediaType
from langchain_fal_image.library._threads import Threads
from langchain_fal_image.library.library import ImageLibrary
from langchain_fal_image.models._settings import validate_settings
from langchain_fal_image.models.base import FalModel
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.tools._args_schema import (
    build_args_schema,
    find_file_arguments,
)
from langchain_fal_image.tools._call import ToolCall, read_call
from langchain_fal_image.tools._files import find_file
from langchain_fal_image.tools._messages import (
    describe_endpoint,
    describe_failure,
    describe_result,
    describe_wrong_arguments,
)
from langchain_fal_image.tools._nested import list_nested_options, nest_options
from langchain_fal_image.wire.effects import Flow

__all__ = ["FalModelTool", "FalTool"]

_OPTIONS_STEP = "Options belong to the runnable, such as model=FalTextToImage(seed=7)."

# Only the developer can fix these, so they are raised, not returned to the chat model.
_RAISED = (FalAuthError, FalConfigurationError)
# After these errors, a request that was paid for may still return its result.
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
    handle_validation_error: Any = describe_wrong_arguments

    fal: Session | None = Field(default=None, repr=False, exclude=True)
    """The provider (`FalProvider`); by default that of the model, else `fal`."""
    library: ImageLibrary = Field(default_factory=ImageLibrary, exclude=True)
    """Assigns handles to files; share it between tools."""
    budget: Budget | None = Field(default=None, repr=False, exclude=True)
    """Refuses requests that would exceed it."""
    wait_tool: str | None = None
    """The name of the tool that waits for an earlier request, if there is one."""

    @model_validator(mode="wrap")
    @classmethod
    def _check_settings(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        return validate_settings(cls, values, handler, unknown_step=_OPTIONS_STEP)

    def func(self, runtime: Annotated[Any, InjectedToolArg] = None) -> None:
        """Declare `runtime`, so that LangGraph's ToolNode injects it.

        ToolNode looks for a parameter of this name in the signature of a tool's `func`
        and in the argument schema. An argument in the schema would be sent to Gemini.
        """

    @property
    def tool_call_schema(self) -> ArgsSchema:
        """The schema of the arguments that a chat model fills in."""
        return self.args_schema or super().tool_call_schema

    @property
    def _fal(self) -> Session:
        return self.fal or default_session()

    @abc.abstractmethod
    def _make_result(self, call: ToolCall) -> Flow[Any]:
        """Return the result of a call; its files have no handles yet."""

    def _detect_kind(self, error: FalError) -> Kind:
        """Return what a failed call should have made."""
        model = error.model or getattr(error.request, "endpoint_id", None)
        schema = self._fal.contracts.get(model) if model else None
        return schema.kind if schema else "image"

    def _describe(self, result: Any) -> Any:
        return describe_result(result)

    @property
    def _threads(self) -> Threads:
        return self.library._threads

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        values, arguments = super()._to_args_and_kwargs(tool_input, tool_call_id)
        if values:  # a plain text is the value of the first argument
            arguments = {**dict(zip(self.args, values, strict=False)), **arguments}
        return (), {**hide_base64(arguments), "tool_call_id": tool_call_id}

    def _run(
        self,
        *,
        runtime: Annotated[Any, InjectedToolArg] = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        call = read_call(tool_call_id, arguments, runtime)
        return self._fal.run(self._answer(call))

    async def _arun(
        self,
        *,
        runtime: Annotated[Any, InjectedToolArg] = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        call = read_call(tool_call_id, arguments, runtime)
        return await self._fal.arun(self._answer(call))

    def _answer(self, call: ToolCall) -> Flow[tuple[Any, Any]]:
        """Run a call; return the content and the artifact of its tool message."""
        try:
            if pasted := (yield from self._threads.load(call.thread)):
                yield from self._fal.store_bytes(pasted)
            result = yield from self._make_result(call)
            named = self.library.add(result, thread=call.thread)
            if self.budget:
                handles = [str(file.handle) for file in named.files]
                set_handles(self.budget, named.request_id, handles)
            artifact = named.to_artifact()
            yield from self._threads.save(artifact, thread=call.thread)
        except FalError as error:
            return (yield from self._answer_failure(error, call))
        return self._describe(named), artifact

    def _answer_failure(self, error: FalError, call: ToolCall) -> Flow[tuple[Any, Any]]:
        """Return a failure for the tool message; raise what a chat model cannot fix."""
        self._threads.note_failure(error, call=call.key, thread=call.thread)
        if isinstance(error, _RAISED) or not self.handle_tool_error:
            raise error
        artifact = handle = None
        request = error.request
        is_open = isinstance(error, _RESUMABLE) and error.charged != "no"
        if isinstance(request, FalRequest) and is_open:
            with self._threads.open(call.thread) as files:
                handle = files.add_request(request)
            artifact = request.to_artifact(handle)
            yield from self._threads.save(artifact, thread=call.thread)
        text = describe_failure(
            error,
            kind=self._detect_kind(error),
            request=handle,
            wait_tool=self.wait_tool,
        )
        if self.handle_tool_error is not True:
            raise ToolException(text) from error
        if call.id is None:
            return text, None
        message = ToolMessage(
            text,
            artifact=artifact,
            status="error",
            name=self.name,
            tool_call_id=call.id,
        )
        return message, None

    def _resume(
        self, request: FalRequest[Any], *, timeout: float | None = None
    ) -> Flow[Any]:
        """Return the result of a request that an earlier call submitted."""
        result = yield from request.using(self._fal)._result_flow(timeout)
        if self.budget:
            images = len(result.files) if result.kind == "image" else 0
            settle_request(
                self.budget, result.request_id, images=images, seed=result.seed
            )
        return result


class FalModelTool(FalTool):
    """Base of the tools that make a request."""

    model: SkipValidation[str | FalModel[Any] | None] = None
    """The runnable that makes the requests, or an endpoint id; None for the default."""
    expose: Sequence[str] = ()
    """Further options of the endpoint that the chat model may fill in.

    An option inside an object has its path: `fill_image.fill_image_url`.
    """

    _runnable: ClassVar[type[FalModel[Any]]]
    _purpose: ClassVar[str]
    _arguments: ClassVar[tuple[str, ...]]
    _input_kind: ClassVar[MediaType]
    _model: FalModel[Any] = PrivateAttr()
    _file_arguments: frozenset[str] = PrivateAttr()
    _paths: dict[str, tuple[str, ...]] = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _make_model(cls, values: Any) -> Any:
        settings = {name: value for name, value in values.items() if value is not None}
        model = settings.get("model")
        if model is None or isinstance(model, str):
            model = cls._runnable(**({"model": model} if model else {}))
        if not isinstance(model, FalModel):
            return values  # pydantic describes what is wrong
        shared = {
            name: settings[name] for name in ("fal", "budget") if name in settings
        }
        model = model.model_copy(update=shared)
        settings |= {"model": model, "fal": model.fal, "budget": model.budget}
        expose = settings.get("expose", ())
        if isinstance(expose, Iterable) and not isinstance(expose, str):
            settings["expose"] = tuple(expose)
        return settings

    @model_validator(mode="after")
    def _make_schema(self) -> Self:
        self._model = cast("FalModel[Any]", self.model)
        _refuse_bytes(self._model)
        schema = self._model.endpoint
        if self.args_schema is None:
            self.args_schema = build_args_schema(
                f"{type(self).__name__}Arguments",
                schema,
                standard=self._arguments,
                bound=self._model.options,
                expose=self.expose,
            )
        nested = list_nested_options(self.expose, schema)
        self._paths = {name: path for name, (path, _) in nested.items()}
        inner = {name: field for name, (_, field) in nested.items()}
        self._file_arguments = find_file_arguments(schema, self.args, inner)
        if not self.description:
            endpoint_id = self._model.model
            price = self._fal.prices.cached(endpoint_id)
            endpoint = describe_endpoint(endpoint_id, schema, price=price)
            self.description = f"{self._purpose} {endpoint}"
        return self

    def _detect_kind(self, error: FalError) -> Kind:  # noqa: ARG002 - the model's kind
        return self._model.kind

    def _make_result(self, call: ToolCall) -> Flow[Any]:
        options = self._read_arguments(call)
        request = self._threads.find_request(call.key, thread=call.thread)
        if request is not None:
            return (yield from self._resume(request))
        return (yield from self._model._invoke_flow(options))

    def _read_arguments(self, call: ToolCall) -> dict[str, Any]:
        """Return a call's arguments as options; handles become files."""
        options = {
            name: value for name, value in call.arguments.items() if value is not None
        }
        for name in self._file_arguments & options.keys():
            value = options[name]
            options[name] = (
                [self._find_file(each, call) for each in value]
                if isinstance(value, list)
                else self._find_file(value, call)
            )
        return nest_options(options, self._paths, self._model.options)

    def _find_file(self, name: str, call: ToolCall) -> Any:
        kind, thread = self._input_kind, call.thread
        return find_file(name, self.library, kind=kind, fal=self._fal, thread=thread)


def _refuse_bytes(model: FalModel[Any]) -> None:
    """Raise if options make fal respond with bytes that would not be stored."""
    options = {
        name.replace("_", "").lower(): value for name, value in model.options.items()
    }
    is_hex = options.get("outputformat") == "hex"
    if not (options.get("syncmode") or is_hex) or model._session.has_store:
        return
    option = "output_format='hex'" if is_hex else "sync_mode"
    message = f"{option} makes fal respond with bytes, which a tool cannot keep."
    step = f"Leave {option} out, or pass a store to create_fal()."
    raise FalConfigurationError(message, next_step=step)
