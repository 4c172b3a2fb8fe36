"""The tools an agent is given, and the toolkit that makes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from langchain_core.tools import BaseTool, BaseToolkit, InjectedToolArg
from pydantic import BaseModel, ConfigDict, Field, model_validator

from langchain_fal_image._session.session import Session
from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.errors import FalError
from langchain_fal_image.library.library import ImageLibrary
from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.provider import fal as default_fal
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.tools._args_schema import ToolArguments
from langchain_fal_image.tools._image_tool import FalImageTool
from langchain_fal_image.tools._messages import told_result
from langchain_fal_image.tools.base import Call, FalTool, read_thread

__all__ = ["FalImageEditTool", "FalImageToolkit", "FalTextToImageTool", "FalWaitTool"]

_Runtime = Annotated[Any, InjectedToolArg]


class FalTextToImageTool(FalImageTool):
    """Lets a model draw a new image.

    Args:
        model: An endpoint id or a `FalTextToImage` with bound options; by default
            `FalTextToImage()`.
        fal: The provider; by default the model's own.
        library: Gives the images their handles; share it with the edit tool.
        budget: Refuses what would go over it.
        expose: Further options that the model may fill in. A size that is a choice
            of names or width and height comes as three arguments.
        vision: Show the images to the model too, by URL.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: An exposed option does not exist or has no plain type,
            or one that must be given has none and is not bound; or `sync_mode` is on
            and the provider has no store.
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


class FalImageEditTool(FalImageTool):
    """Lets a model change images by handle or URL.

    Args:
        model: An endpoint id or a `FalImageEdit` with bound options; by default
            `FalImageEdit()`.
        fal: The provider; by default the model's own.
        library: Knows the handles; share it with the text-to-image tool.
        budget: Refuses what would go over it.
        expose: Further options that the model may fill in.
        vision: Show the images to the model too, by URL.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: As for `FalTextToImageTool`.
    """

    name: str = "fal_image_edit"
    _runnable = FalImageEdit
    _purpose = (
        "Change or combine images that exist. Name them by handle: img_1, img_2, … in "
        "the order they came up in the conversation, those the user pasted included; "
        "or by URL. The result is a new image with a handle of its own, and the old "
        "one stays. Every call costs money: call it once for each change the user "
        "wants."
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


class _WaitArguments(ToolArguments):
    request: str = Field(
        description="The request to wait for, by its handle (req_1), as an earlier "
        "answer named it."
    )


class FalWaitTool(FalTool):
    """Lets a model wait again for an image whose time had run out.

    Waiting is free: the image was paid for when it was asked for.

    Args:
        fal: The provider; by default the default instance.
        library: That of the tools that make images.
        budget: Theirs.
        timeout: How long to wait, in seconds; by default the provider's.
    """

    name: str = "fal_wait"
    description: str = (
        "Wait for an image that was asked for earlier and was not done in time. It "
        "costs nothing: the image is paid for already. Call it with the request's "
        "handle (req_1) from the earlier answer; never ask for the same image anew."
    )
    args_schema: type[BaseModel] = _WaitArguments
    fal: FalProvider | None = Field(default=None, repr=False, exclude=True)
    """The provider; None stands for the default instance."""
    budget: Budget | None = Field(default=None, repr=False, exclude=True)
    """Where the images are accounted for."""
    vision: bool = False
    """Show the images to the model: adds image blocks, by URL, to the answer."""
    timeout: float | None = Field(default=None, gt=0)
    """How long to wait, in seconds; by default the provider's."""

    @model_validator(mode="after")
    def _name_itself(self) -> FalWaitTool:
        self.wait_tool = self.name
        return self

    @property
    def _fal(self) -> Session:
        return self.fal or default_fal

    def _told_images(self, result: ImageResult) -> Any:
        return told_result(result, vision=self.vision)

    @property
    def _account(self) -> Budget | None:
        return self.budget

    def _run(
        self,
        request: str,
        *,
        runtime: _Runtime = None,
        tool_call_id: str | None = None,
    ) -> tuple[Any, Any]:
        where, call = read_thread(runtime), Call(tool_call_id, {})
        try:
            self._fal.run(self._threads.load(where))
            found = self.library.request(request, thread=where)
            result = found.using(self._fal).result(timeout=self.timeout)
            return self._fal.run(self._told(self._settled(result), where))
        except FalError as error:
            return self._fal.run(self._failed(error, call, where))

    async def _arun(
        self,
        request: str,
        *,
        runtime: _Runtime = None,
        tool_call_id: str | None = None,
    ) -> tuple[Any, Any]:
        where, call = read_thread(runtime), Call(tool_call_id, {})
        try:
            await self._fal.arun(self._threads.load(where))
            found = self.library.request(request, thread=where)
            result = await found.using(self._fal).aresult(timeout=self.timeout)
            return await self._fal.arun(self._told(self._settled(result), where))
        except FalError as error:
            return await self._fal.arun(self._failed(error, call, where))


class FalImageToolkit(BaseToolkit):
    """The tools over one provider, one library and one budget.

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
    vision: bool = False
    """Show the images to the model too, by URL."""
    wait: bool = False
    """Give the model a third tool that waits for a request whose time had run out."""

    def get_tools(self) -> list[BaseTool]:
        """Make the tools."""
        shared: dict[str, Any] = {
            "fal": self.fal,
            "library": self.library,
            "budget": self.budget,
            "vision": self.vision,
        }
        waits = [FalWaitTool(**shared)] if self.wait else []
        named: dict[str, Any] = {"wait_tool": waits[0].name} if waits else {}
        return [
            FalTextToImageTool(model=self.text_to_image, **shared, **named),
            FalImageEditTool(model=self.image_edit, **shared, **named),
            *waits,
        ]
