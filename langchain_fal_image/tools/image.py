"""Tools that generate and edit images."""

from __future__ import annotations

from typing import Any

from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
from langchain_fal_image.tools._messages import describe_result
from langchain_fal_image.tools.base import FalModelTool

__all__ = ["FalImageEditTool", "FalTextToImageTool"]


class FalImageTool(FalModelTool):
    """Base of the tools that make images."""

    model: str | FalTextToImage | FalImageEdit | None = None
    """The runnable that makes the requests, or an endpoint id."""
    vision: bool = False
    """Whether to show the images to the chat model, by URL in the tool message."""

    _input_kind = "image"

    def _describe(self, result: Any) -> Any:
        return describe_result(result, vision=self.vision)


class FalTextToImageTool(FalImageTool):
    """A tool with which a chat model generates images.

    Args:
        model: An endpoint id or a `FalTextToImage` with bound options; by default
            `FalTextToImage()`.
        fal: The provider; by default that of the model.
        library: Assigns handles to the images; share it with the edit tool.
        budget: Refuses requests that would exceed it.
        expose: Further options that the chat model may fill in. A size option that
            takes a name or a width and height becomes three arguments.
        vision: Whether to show the images to the chat model, by URL.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: An exposed option does not exist; the type of an exposed
            or required option is too complex for a tool argument; or `sync_mode` is
            on and the provider has no store.
    """

    name: str = "fal_text_to_image"

    _runnable = FalTextToImage
    _purpose = (
        "Generate a new image from a description. Every call costs money: call it once "
        "for each image that the user wants, and never to change an existing image. "
        "The result names the image by a handle such as img_1."
    )
    _arguments = ("prompt", "aspect_ratio", "num_images", "seed")


class FalImageEditTool(FalImageTool):
    """A tool with which a chat model edits images, by handle or URL.

    Args:
        model: An endpoint id or a `FalImageEdit` with bound options; by default
            `FalImageEdit()`.
        fal: The provider; by default that of the model.
        library: Finds images by handle; share it with the text-to-image tool.
        budget: Refuses requests that would exceed it.
        expose: Further options that the chat model may fill in.
        vision: Whether to show the images to the chat model, by URL.
        wait_tool: The name of the tool that waits for an earlier request.

    Raises:
        FalConfigurationError: See `FalTextToImageTool`.
    """

    name: str = "fal_image_edit"

    _runnable = FalImageEdit
    _purpose = (
        "Change or combine existing images. Name them by handle (img_1, img_2, … in "
        "the order of the conversation, images that the user pasted included) or by "
        "URL. The result is a new image with its own handle; the old one stays. Every "
        "call costs money: call it once for each change that the user wants."
    )
    _arguments = ("prompt", "images", "aspect_ratio", "num_images", "seed")
