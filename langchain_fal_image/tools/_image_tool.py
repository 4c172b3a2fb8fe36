"""What the two tools that make images share."""

from __future__ import annotations

from typing import Any

from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.tools._messages import told_result
from langchain_fal_image.tools._model_tool import FalModelTool

__all__ = ["FalImageTool"]


class FalImageTool(FalModelTool):
    """Base of the two tools that make images."""

    model: FalTextToImage | FalImageEdit
    _input_kind = "image"
    vision: bool = False
    """Show the images to the model: adds image blocks, by URL, to the answer."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)

    def _told_images(self, result: ImageResult) -> Any:
        return told_result(result, vision=self.vision)
