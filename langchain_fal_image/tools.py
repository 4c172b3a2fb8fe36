"""The tools an agent is given, and the toolkit that makes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from langchain_core.messages import ToolMessage
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool, BaseToolkit, InjectedToolArg, ToolException
from pydantic import ConfigDict, Field, model_validator

from langchain_fal_image.arguments import tool_arguments, wrong_arguments
from langchain_fal_image.budget import Budget
from langchain_fal_image.errors import (
    FalAuthError,
    FalConfigurationError,
    FalError,
    FalInputImageError,
    FalTimeoutError,
    shown,
)
from langchain_fal_image.library import Conversation, ImageLibrary, is_handle
from langchain_fal_image.models import FalImageEdit, FalTextToImage
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.results import ImageResult
from langchain_fal_image.told import told_failure, told_result

__all__ = ["FalImageEditTool", "FalImageToolkit", "FalTextToImageTool"]

# Only a person can mend these; a model that reads of them can do nothing.
_RAISED = (FalAuthError, FalConfigurationError)


class _FalImageTool(BaseTool):
    """What the two tools share."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    description: str = ""
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    handle_validation_error: Any = wrong_arguments

    model: FalTextToImage | FalImageEdit
    """The runnable that does the work; an endpoint id is made into one."""
    library: ImageLibrary = Field(default_factory=ImageLibrary, exclude=True)
    """Where the images get their handles; share it between tools."""
    expose: tuple[str, ...] = ()
    """Further options of the endpoint that the model may fill in."""

    _runnable: ClassVar[type[FalTextToImage | FalImageEdit]]
    _purpose: ClassVar[str]
    _arguments: ClassVar[tuple[str, ...]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)

    @model_validator(mode="before")
    @classmethod
    def _make_model(cls, given: Any) -> Any:
        settings = {name: value for name, value in given.items() if value is not None}
        model = settings.get("model")
        fal, budget = settings.pop("fal", None), settings.pop("budget", None)
        if model is None or isinstance(model, str):
            model = cls._runnable(model) if model else cls._runnable()
        changes = {"fal": fal, "budget": budget}
        changes = {name: value for name, value in changes.items() if value is not None}
        settings["model"] = model.model_copy(update=changes)
        return settings

    @model_validator(mode="after")
    def _make_schema(self) -> _FalImageTool:
        _refuse_sync_mode(self.model)
        if self.args_schema is None:
            self.args_schema = tool_arguments(
                f"{type(self).__name__}Arguments",
                self.model.endpoint,
                offered=self._arguments,
                bound=self.model.options,
                expose=self.expose,
            )
        if not self.description:
            self.description = self._describe()
        return self

    def func(self, runtime: Annotated[Any, InjectedToolArg] = None) -> None:
        """Tell LangGraph's ToolNode to hand over its runtime.

        ToolNode looks for a parameter named `runtime` in the signature of a tool's
        `func`, and in the argument schema; the latter would show it to Gemini.
        """

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        args, kwargs = super()._to_args_and_kwargs(tool_input, tool_call_id)
        return args, {**kwargs, "tool_call_id": tool_call_id}

    def _run(
        self,
        prompt: str = "",
        *,
        runtime: Annotated[Any, InjectedToolArg] = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        where = _conversation(runtime)
        try:
            given = self._given(prompt, arguments, where)
            return self._told(self.model.invoke(given), where)
        except FalError as error:
            return self._failed(error, tool_call_id)

    async def _arun(
        self,
        prompt: str = "",
        *,
        runtime: Annotated[Any, InjectedToolArg] = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        where = _conversation(runtime)
        try:
            given = self._given(prompt, arguments, where)
            return self._told(await self.model.ainvoke(given), where)
        except FalError as error:
            return self._failed(error, tool_call_id)

    def _given(
        self, prompt: str, arguments: dict[str, Any], where: Conversation
    ) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        if images := given.get("images"):
            given["images"] = [self._image(each, where) for each in images]
        return {**given, "prompt": prompt}

    def _image(self, name: str, where: Conversation) -> Any:
        if is_handle(name):
            image = self.library.get(name, conversation=where)
            return image.using(self.model.provider)
        if name[:5].lower() == "data:":
            message = f"images takes handles and URLs, not {shown(name)}."
            known = ", ".join(self.library.handles(conversation=where)) or "none yet"
            raise FalInputImageError(
                message, next_step=f"Name the image by its handle. Known: {known}."
            )
        found = self.library.find_url(name, conversation=where)
        return found.using(self.model.provider) if found else name

    def _told(
        self, result: ImageResult, where: Conversation
    ) -> tuple[str, dict[str, Any]]:
        named = self.library.add(result, conversation=where)
        return told_result(named), named.to_artifact()

    def _failed(self, error: FalError, tool_call_id: str | None) -> tuple[Any, Any]:
        if isinstance(error, _RAISED) or not self.handle_tool_error:
            raise error
        text = told_failure(error)
        if self.handle_tool_error is not True:
            raise ToolException(text) from error
        if tool_call_id is None:
            return text, None
        artifact = None
        if isinstance(error, FalTimeoutError) and error.request is not None:
            artifact = {"type": "fal_request", **error.request.to_dict()}
        message = ToolMessage(
            text,
            artifact=artifact,
            status="error",
            name=self.name,
            tool_call_id=tool_call_id,
        )
        return message, None

    def _describe(self) -> str:
        schema = self.model.endpoint
        served = self.model.model
        if schema:
            served = f"{schema.title} ({self.model.model}). {schema.about}"
        return f"{self._purpose} Served by {served.rstrip('.')}."


class FalTextToImageTool(_FalImageTool):
    """Lets a model draw a new image.

    Args:
        model: An endpoint id or a `FalTextToImage` with bound options; by default
            `FalTextToImage()`.
        fal: The provider; by default the model's own.
        library: Gives the images their handles; share it with the edit tool.
        budget: Refuses what would go over it.
        expose: Further options that the model may fill in.

    Raises:
        FalConfigurationError: An exposed option does not exist or has no plain type;
            or `sync_mode` is on and the provider has no store.
    """

    name: str = "fal_text_to_image"
    _runnable = FalTextToImage
    _purpose = (
        "Draw a new image from a description. Every call costs money: call it once "
        "for each image the user wants, and never to change an image that exists. "
        "The answer names the image by a handle such as img_1."
    )
    _arguments = ("prompt", "aspect_ratio", "num_images", "seed")

    def __init__(
        self,
        *,
        model: str | FalTextToImage | None = None,
        fal: FalProvider | None = None,
        library: ImageLibrary | None = None,
        budget: Budget | None = None,
        expose: Iterable[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(
            model=model,
            fal=fal,
            library=library,
            budget=budget,
            expose=tuple(expose),
            **settings,
        )


class FalImageEditTool(_FalImageTool):
    """Lets a model change images by handle or URL.

    Args:
        model: An endpoint id or a `FalImageEdit` with bound options; by default
            `FalImageEdit()`.
        fal: The provider; by default the model's own.
        library: Knows the handles; share it with the text-to-image tool.
        budget: Refuses what would go over it.
        expose: Further options that the model may fill in.

    Raises:
        FalConfigurationError: As for `FalTextToImageTool`.
    """

    name: str = "fal_image_edit"
    _runnable = FalImageEdit
    _purpose = (
        "Change or combine images that exist. Name them by handle (img_1) or URL; the "
        "result is a new image with a handle of its own, and the old one stays. Every "
        "call costs money: call it once for each change the user wants."
    )
    _arguments = ("prompt", "images", "aspect_ratio", "num_images", "seed")

    def __init__(
        self,
        *,
        model: str | FalImageEdit | None = None,
        fal: FalProvider | None = None,
        library: ImageLibrary | None = None,
        budget: Budget | None = None,
        expose: Iterable[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(
            model=model,
            fal=fal,
            library=library,
            budget=budget,
            expose=tuple(expose),
            **settings,
        )


class FalImageToolkit(BaseToolkit):
    """The two tools over one provider, one library and one budget.

    Example:
        ```python
        agent = create_agent(chat_model, FalImageToolkit().get_tools())
        ```
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    fal: FalProvider | None = Field(default=None, repr=False, exclude=True)
    """The provider; None stands for the models' own, else the default instance."""
    text_to_image: str | FalTextToImage | None = None
    """Endpoint or runnable for new images."""
    image_edit: str | FalImageEdit | None = None
    """Endpoint or runnable for changes."""
    library: ImageLibrary = Field(default_factory=ImageLibrary, exclude=True)
    """Gives the images their handles."""
    budget: Budget | None = None
    """Refuses what would go over it."""

    def get_tools(self) -> list[BaseTool]:
        """Make the tools."""
        shared: dict[str, Any] = {
            "fal": self.fal,
            "library": self.library,
            "budget": self.budget,
        }
        return [
            FalTextToImageTool(model=self.text_to_image, **shared),
            FalImageEditTool(model=self.image_edit, **shared),
        ]


def _conversation(runtime: Any) -> Conversation:
    """Tell whose images are meant: the thread's, the run's, or the library's own."""
    configurable = ensure_config().get("configurable", {})
    state = getattr(runtime, "state", None)
    messages = state.get("messages", ()) if isinstance(state, dict) else ()
    if not messages:
        messages = getattr(state, "messages", ())
    if (thread_id := configurable.get("thread_id")) is not None:
        return Conversation(thread_id=str(thread_id), messages=messages)
    if runtime is None:
        return Conversation()
    # Calls of one step share the checkpoint's id, other runs never do; what earlier
    # steps made stands in the messages.
    step = getattr(getattr(runtime, "execution_info", None), "checkpoint_id", None)
    return Conversation(run=str(step), messages=messages)


def _refuse_sync_mode(model: FalTextToImage | FalImageEdit) -> None:
    wanted = {
        name.replace("_", "").lower(): value for name, value in model.options.items()
    }
    if wanted.get("syncmode") and not model.provider.has_store:
        message = (
            "sync_mode sends image bytes inside fal's answer; a tool has no place for "
            "them."
        )
        raise FalConfigurationError(
            message,
            next_step="Leave sync_mode off, or give create_fal() a store.",
        )
