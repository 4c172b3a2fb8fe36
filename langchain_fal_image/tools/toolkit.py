"""The toolkit: the image tools with one provider, one library and one budget."""

from __future__ import annotations

from typing import Any, Self

from langchain_core.tools import BaseTool, BaseToolkit
from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, model_validator

from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.library.library import ImageLibrary
from langchain_fal_image.models._settings import validate_settings
from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.tools.image import FalImageEditTool, FalTextToImageTool
from langchain_fal_image.tools.wait import FalWaitTool

__all__ = ["FalImageToolkit"]


class FalImageToolkit(BaseToolkit):
    """The image tools, which share a provider, a library and a budget.

    Example:
        ```python
        agent = create_agent(chat_model, FalImageToolkit().get_tools())
        ```
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    fal: FalProvider | None = Field(default=None, repr=False, exclude=True)
    """The provider; by default that of the models, else the default instance."""
    text_to_image: str | FalTextToImage | None = None
    """The endpoint id or runnable that generates images."""
    image_edit: str | FalImageEdit | None = None
    """The endpoint id or runnable that edits images."""
    library: ImageLibrary = Field(default_factory=ImageLibrary, exclude=True)
    """Assigns handles to the images."""
    budget: Budget | None = None
    """Refuses requests that would exceed it."""
    vision: bool = False
    """Whether to show the images to the chat model, by URL."""
    wait: bool = False
    """Whether to add a third tool, which waits for requests that timed out."""

    @model_validator(mode="wrap")
    @classmethod
    def _check_settings(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        step = "Options belong to a runnable: text_to_image=FalTextToImage(seed=7)."
        return validate_settings(cls, values, handler, unknown_step=step)

    def get_tools(self) -> list[BaseTool]:
        """Return the tools."""
        shared: dict[str, Any] = {
            "fal": self.fal,
            "library": self.library,
            "budget": self.budget,
            "vision": self.vision,
        }
        wait_tools = [FalWaitTool(**shared)] if self.wait else []
        wait_tool = wait_tools[0].name if wait_tools else None
        return [
            FalTextToImageTool(model=self.text_to_image, wait_tool=wait_tool, **shared),
            FalImageEditTool(model=self.image_edit, wait_tool=wait_tool, **shared),
            *wait_tools,
        ]
