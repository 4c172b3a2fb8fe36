"""Small pictures for a chat model's eyes, put in when it is called and not before.

With `vision=True` a tool shows its images by URL: the chat model's provider fetches
each in full. Where it cannot (the sandbox, a private network) or should not (cost),
this middleware shows thumbnails instead. They are made for the call to the model
only: messages, checkpoints and the tools' traces hold no base64.
"""

from __future__ import annotations

import base64
import io
import logging
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from langchain_fal_image.errors import FalConfigurationError, FalError
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.provider import fal as default_fal
from langchain_fal_image.results.image import GeneratedImage, ImageResult
from langchain_fal_image.wire.effects import Call, Flow

__all__ = ["FalThumbnails"]

_log = logging.getLogger("langchain_fal_image")
_KEPT = 128
_QUALITY = 80
_Answer = ModelResponse[Any] | AIMessage | Any


class FalThumbnails(AgentMiddleware[Any, Any, Any]):
    """Shows a chat model the images that the tools made, as thumbnails.

    An image that cannot be read is left as it was, with a warning in the log.

    Args:
        side: The longer side in pixels.
        newest: How many images are shown, the newest ones; each costs the chat model
            tokens at every call.
        fal: The provider that reads the images; by default the default instance.

    Raises:
        FalConfigurationError: Pillow is not installed, or a number is not above 0.

    Example:
        ```python
        tools = FalImageToolkit().get_tools()
        agent = create_agent(chat_model, tools, middleware=[FalThumbnails()])
        ```
    """

    def __init__(
        self, *, side: int = 256, newest: int = 4, fal: FalProvider | None = None
    ) -> None:
        super().__init__()
        if side < 1 or newest < 1:
            message = f"side={side} and newest={newest} must be above 0."
            raise FalConfigurationError(message, next_step="Give positive numbers.")
        try:
            import PIL.Image  # noqa: F401, PLC0415 - only to say early that it is missing
        except ImportError as error:
            message = "Thumbnails need Pillow."
            raise FalConfigurationError(
                message, next_step="pip install 'langchain-fal-image[images]'"
            ) from error
        self._side = side
        self._newest = newest
        self._fal = fal or default_fal
        self._made: OrderedDict[tuple[str | None, int], str] = OrderedDict()
        self._lock = threading.Lock()

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]
    ) -> _Answer:
        """Call the model with thumbnails in the tools' answers."""
        messages = self._fal.run(self._with_thumbnails(request.messages))
        return handler(request.override(messages=messages))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[Any]],
    ) -> _Answer:
        """Call the model with thumbnails in the tools' answers."""
        messages = await self._fal.arun(self._with_thumbnails(request.messages))
        return await handler(request.override(messages=messages))

    def _with_thumbnails(
        self, messages: Sequence[AnyMessage]
    ) -> Flow[list[AnyMessage]]:
        left = self._newest
        shown: list[AnyMessage] = []
        for message in reversed(messages):
            artifact = getattr(message, "artifact", None)
            if (
                left
                and isinstance(message, ToolMessage)
                and ImageResult.is_artifact(artifact)
            ):
                images = ImageResult.from_artifact(artifact, fal=self._fal).images
                blocks = yield from self._blocks(images[:left])
                left -= len(images[:left])
                text = {"type": "text", "text": message.text}
                content = [text, *blocks]
                shown.append(message.model_copy(update={"content": content}))
            else:
                shown.append(message)
        return shown[::-1]

    def _blocks(self, images: Sequence[GeneratedImage]) -> Flow[list[dict[str, Any]]]:
        blocks = []
        for image in images:
            try:
                encoded = yield from self._thumbnail(image)
            except FalError as error:
                _log.warning("%s is not shown: %s", image.handle, error.message)
                if image.url:
                    blocks.append(image.to_content_block())
                continue
            blocks.append(
                {"type": "image", "base64": encoded, "mime_type": "image/jpeg"}
            )
        return blocks

    def _thumbnail(self, image: GeneratedImage) -> Flow[str]:
        key = (image.request_id, image.index)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        content = yield from image._read_flow()
        encoded: str = yield Call(lambda: _small(content, self._side, image))
        with self._lock:
            self._made[key] = encoded
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return encoded


def _small(content: bytes, side: int, image: GeneratedImage) -> str:
    picture = image._open(content)
    picture.thumbnail((side, side))
    encoded = io.BytesIO()
    picture.convert("RGB").save(encoded, format="JPEG", quality=_QUALITY)
    return base64.b64encode(encoded.getvalue()).decode("ascii")
