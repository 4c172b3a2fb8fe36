"""The runnables: text to image, and image edit."""

from __future__ import annotations

from typing import Any, ClassVar

from langchain_fal_image.models.base import FalModel
from langchain_fal_image.options.endpoint import Kind
from langchain_fal_image.results.image import ImageResult

__all__ = ["FalImageEdit", "FalTextToImage"]


class FalImageModel(FalModel[ImageResult]):
    """What the two runnables share."""

    nearest_size: bool = False
    """Take the nearest size the endpoint has, instead of refusing others."""

    kind: ClassVar[Kind] = "image"
    takes_image_input: ClassVar[bool] = False

    @property
    def OutputType(self) -> type[ImageResult]:  # noqa: N802 - LangChain's name
        """What it gives."""
        return ImageResult


class FalTextToImage(FalImageModel):
    """Make images from words, with one request that is paid for once.

    The input is a prompt (`str`), a `PromptValue`, a message or a list of messages
    (the last human message is the prompt, so `prompt | llm | t2i` works), or a dict
    of options. The output is an `ImageResult`.

    Example:
        ```python
        t2i = FalTextToImage(model="fal-ai/qwen-image", guidance_scale=4)
        t2i.invoke("Mount Fuji in spring").images[0].save("fuji.png")
        t2i.invoke({"prompt": "Mount Fuji", "aspectRatio": "16:9", "n": 2, "seed": 7})
        ```
    """

    model: str = "fal-ai/qwen-image"

    def __init__(self, model: str = "fal-ai/qwen-image", **settings: Any) -> None:
        super().__init__(model=model, **settings)


class FalImageEdit(FalImageModel):
    """Change images by words, with one request that is paid for once.

    The input is a dict of options with `images`; or, where the prompt is bound, an
    `ImageResult`, a `GeneratedImage` or a list of images; or a message with image
    blocks; or a prompt (`str`) where images are bound. The output is an
    `ImageResult` that names its inputs.

    Example:
        ```python
        edit = FalImageEdit(prompt="make it night")
        (FalTextToImage() | edit).invoke("Mount Fuji in spring")
        edit.invoke({"prompt": "add a moon", "images": ["https://…/fuji.png"]})
        ```
    """

    model: str = "fal-ai/qwen-image-2/edit"

    def __init__(
        self, model: str = "fal-ai/qwen-image-2/edit", **settings: Any
    ) -> None:
        super().__init__(model=model, **settings)

    takes_image_input: ClassVar[bool] = True
