"""Agent middleware that adds thumbnails to each call of the chat model.

With `vision=True` a tool shows its images by URL, and the provider of the chat model
fetches each in full size. Use this middleware instead if the provider cannot reach the
URLs (the sandbox, a private network), or if full-size images cost too many tokens.
Only the call to the model contains the thumbnails: messages, checkpoints and the
traces of the tools contain no base64.
"""

from __future__ import annotations

import base64
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
_CACHE_SIZE = 128
_Response = ModelResponse[Any] | AIMessage | Any


class FalThumbnails(AgentMiddleware[Any, Any, Any]):
    """Shows a chat model thumbnails of the images that the tools made.

    An image that cannot be read is shown by its URL, with a warning in the log.

    Args:
        side: The maximum width and height of a thumbnail, in pixels.
        newest: How many of the newest images to show; each costs tokens in every
            call to the chat model.
        fal: The provider that reads the images; by default the default instance.

    Raises:
        FalConfigurationError: Pillow is not installed, or a number is below 1.

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
            message = f"side={side} and newest={newest} must be at least 1."
            raise FalConfigurationError(message, next_step="Pass positive numbers.")
        try:
            import PIL.Image  # noqa: F401, PLC0415 - optional; checked early
        except ImportError as error:
            message = "FalThumbnails needs Pillow."
            raise FalConfigurationError(
                message, next_step="pip install 'langchain-fal-image[images]'"
            ) from error
        self._side = side
        self._newest = newest
        self._fal = fal or default_fal
        self._cache: OrderedDict[tuple[str | None, str | None], str] = OrderedDict()
        self._lock = threading.Lock()

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]
    ) -> _Response:
        """Call the model with thumbnails in the tool messages."""
        messages = self._fal.run(self._add_thumbnails(request.messages))
        return handler(request.override(messages=messages))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[Any]],
    ) -> _Response:
        """Call the model with thumbnails in the tool messages."""
        messages = await self._fal.arun(self._add_thumbnails(request.messages))
        return await handler(request.override(messages=messages))

    def _add_thumbnails(self, messages: Sequence[AnyMessage]) -> Flow[list[AnyMessage]]:
        remaining = self._newest
        shown: list[AnyMessage] = []
        for message in reversed(messages):
            artifact = getattr(message, "artifact", None)
            is_result = remaining and isinstance(message, ToolMessage)
            if is_result and ImageResult.is_artifact(artifact):
                images = ImageResult.from_artifact(artifact, fal=self._fal).images
                blocks = yield from self._make_blocks(images[:remaining])
                remaining -= len(images[:remaining])
                text = {"type": "text", "text": message.text}
                content = [text, *blocks]
                shown.append(message.model_copy(update={"content": content}))
            else:
                shown.append(message)
        return shown[::-1]

    def _make_blocks(
        self, images: Sequence[GeneratedImage]
    ) -> Flow[list[dict[str, Any]]]:
        blocks = []
        for image in images:
            try:
                encoded = yield from self._read_thumbnail(image)
            except FalError as error:
                _log.warning(
                    "cannot show a thumbnail of %s: %s", image.handle, error.message
                )
                if image.url:
                    blocks.append(image.to_content_block())
                continue
            blocks.append(
                {"type": "image", "base64": encoded, "mime_type": "image/jpeg"}
            )
        return blocks

    def _read_thumbnail(self, image: GeneratedImage) -> Flow[str]:
        # Not the request id, which an artifact from elsewhere can repeat.
        key = (image.sha256, image.url)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        content = yield from image._read_flow()
        made = yield Call(lambda: image._make_thumbnail(content, self._side))
        encoded = base64.b64encode(made).decode("ascii")
        with self._lock:
            self._cache[key] = encoded
            while len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        return encoded
