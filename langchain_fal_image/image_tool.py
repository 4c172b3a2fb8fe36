"""What the two tools that make images share."""

from __future__ import annotations

from typing import Any

from langchain_fal_image.errors import FalInputImageError, shown
from langchain_fal_image.library import Conversation, is_handle
from langchain_fal_image.model_tool import FalModelTool
from langchain_fal_image.models import FalImageEdit, FalTextToImage
from langchain_fal_image.results import ImageResult
from langchain_fal_image.told import told_result

__all__ = ["FalImageTool"]


class FalImageTool(FalModelTool):
    """Base of the two tools that make images."""

    model: FalTextToImage | FalImageEdit
    vision: bool = False
    """Show the images to the model: adds image blocks, by URL, to the answer."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)

    def _told_images(self, result: ImageResult) -> Any:
        return told_result(result, vision=self.vision)

    def _file(self, argument: str, name: str, where: Conversation) -> Any:  # noqa: ARG002 - all are images
        if is_handle(name):
            image = self.library.get(name, conversation=where)
            if image.url is None and image.sha256 is None:
                message = (
                    f"{name} was pasted as a file that only the chat's provider has."
                )
                raise FalInputImageError(
                    message, next_step="Ask the user for the image itself, or its URL."
                )
            return image.using(self._fal)
        if name[:5].lower() == "data:":
            message = f"Images are named by handle or URL, not by {shown(name)}."
            known = ", ".join(self.library.handles(conversation=where)) or "none yet"
            raise FalInputImageError(
                message, next_step=f"Name the image by its handle. Known: {known}."
            )
        found = self.library.find_url(name, conversation=where)
        return found.using(self._fal) if found else name
