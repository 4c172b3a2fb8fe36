"""The image runnables: text to image, and image edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_fal_image.models.base import FalModel
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.results.image import ImageResult

if TYPE_CHECKING:
    from langchain_fal_image.budget.ledger import RequestEstimate

__all__ = ["FalImageEdit", "FalImageModel", "FalTextToImage"]


class FalImageModel(FalModel[ImageResult]):
    """Base of the image runnables."""

    nearest_size: bool = False
    """Whether to replace a size that is not supported by the nearest supported one."""

    kind: ClassVar[Kind] = "image"
    result_type: ClassVar[type[ImageResult]] = ImageResult
    _takes_images: ClassVar[bool] = False

    def _read_input(
        self,
        input: Any,
        schema: EndpointSchema | None,
    ) -> Mapping[str, Any]:
        from langchain_fal_image.models import _input  # noqa: PLC0415 - start-up time

        return _input.read_image_input(
            input, model=self.model, takes_images=self._takes_images
        )

    def _estimate(self, payload: Mapping[str, Any]) -> RequestEstimate:
        from langchain_fal_image.budget.ledger import RequestEstimate  # noqa: PLC0415 - start-up time
        from langchain_fal_image.options import quantity  # noqa: PLC0415 - start-up time

        return RequestEstimate(
            self.model,
            images=quantity.count_images(self.endpoint, payload),
            pixels=quantity.count_pixels(self.endpoint, payload),
        )


class FalTextToImage(FalImageModel):
    """A runnable that makes images from a prompt; each call is charged once.

    The input is a prompt (`str`), a `PromptValue`, a message or a list of messages
    (the prompt is the last human message, else the last message), or a dict of
    options. The output is an `ImageResult`.

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
    """A runnable that edits images by a prompt; each call is charged once.

    The input is one of:

    - a dict of options with `images`,
    - a message with image blocks,
    - an `ImageResult`, a `GeneratedImage` or a list of images, if the prompt is bound,
    - a prompt (`str`), if the images are bound.

    The output is an `ImageResult` that lists its inputs.

    Example:
        ```python
        edit = FalImageEdit(prompt="make it night")
        (FalTextToImage() | edit).invoke("Mount Fuji in spring")
        edit.invoke({"prompt": "add a moon", "images": ["https://…/fuji.png"]})
        ```
    """

    model: str = "fal-ai/qwen-image-2/edit"

    _takes_images: ClassVar[bool] = True

    def __init__(
        self, model: str = "fal-ai/qwen-image-2/edit", **settings: Any
    ) -> None:
        super().__init__(model=model, **settings)
