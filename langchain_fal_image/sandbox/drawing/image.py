"""Images drawn from a prompt, the same every time.

An image depends only on the endpoint, the prompt, the seed, its number in the batch and
the input images. It shows its prompt and a small SANDBOX mark.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from PIL import Image

from langchain_fal_image.sandbox.drawing.canvas import make_rng
from langchain_fal_image.sandbox.drawing.caption import draw_caption, draw_mark
from langchain_fal_image.sandbox.drawing.edits import edit_images
from langchain_fal_image.sandbox.drawing.input_image import open_image
from langchain_fal_image.sandbox.drawing.scene import draw_scene
from langchain_fal_image.sandbox.drawing.size import resolve_size
from langchain_fal_image.sandbox.input_file import InputFile

__all__ = ["DrawnImage", "draw_images"]

_LONG_SIDE = 1536
_ENCODINGS: Final[dict[str, dict[str, int]]] = {
    "png": {"compress_level": 3},
    "jpeg": {"quality": 90},
    "webp": {"quality": 88, "method": 2},
}


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """An image as a file; a PNG has no alpha channel."""

    content: bytes = field(repr=False)
    width: int
    height: int


def draw_images(
    prompt: str,
    *,
    endpoint_id: str,
    seed: Any,
    count: int = 1,
    size_options: Mapping[str, Any],
    inputs: Sequence[InputFile] = (),
    mask: InputFile | None = None,
    format: str = "png",  # noqa: A002 - Pillow's name
) -> list[DrawnImage]:
    """Draw what a prompt names, or change the input images as it says.

    Args:
        prompt: The prompt, which is written on each image.
        endpoint_id: The endpoint; each one draws differently.
        seed: The seed; each one produces another composition.
        count: The number of images.
        size_options: The payload's size options.
        inputs: Images to edit; several are drawn side by side.
        mask: An image that is white where the inputs may change; None for everywhere.
        format: `png`, `jpeg` or `webp`.

    Raises:
        UnreadableInputError: An input is not an image.
    """
    sources = tuple(map(_read, inputs))
    size = resolve_size(size_options, [each.image.size for each in sources])
    allowed = _read(mask) if mask else None
    return [
        DrawnImage(
            _draw_file(
                prompt,
                endpoint_id=endpoint_id,
                seed=seed,
                index=index,
                size=size,
                sources=sources,
                mask=allowed,
                format=format,
            ),
            *size,
        )
        for index in range(count)
    ]


@dataclass(frozen=True, slots=True)
class _Source:
    """An input image; two are equal if their digests are."""

    digest: str
    image: Image.Image = field(compare=False)


def _read(file: InputFile) -> _Source:
    image = open_image(file)
    return _Source(f"{image.size} {_digest(image)}", image)


def _digest(*images: Image.Image) -> str:
    return hashlib.sha256(b"".join(each.tobytes() for each in images)).hexdigest()


# Drawing is most of the sandbox's work, and tests draw the same images often.
@lru_cache(maxsize=16)
def _draw_file(
    prompt: str,
    *,
    endpoint_id: str,
    seed: Any,
    index: int,
    size: tuple[int, int],
    sources: tuple[_Source, ...],
    mask: _Source | None,
    format: str,  # noqa: A002 - Pillow's name
) -> bytes:
    scale = max(0.1, min(2.0, _LONG_SIDE / max(size)))
    draft = (max(16, round(size[0] * scale)), max(16, round(size[1] * scale)))
    words = re.findall(r"[a-z]+", prompt.lower())
    if sources:
        images = [each.image for each in sources]
        rng = make_rng(endpoint_id, prompt, seed, index, _digest(*images))
        allowed = mask.image if mask else None
        canvas = edit_images(
            images, prompt=prompt, words=words, mask=allowed, size=draft, rng=rng
        )
    else:
        rng = make_rng(endpoint_id, prompt, seed, index)
        canvas = draw_scene(words, size=draft, rng=rng)
    image = canvas.image.resize(size, Image.Resampling.LANCZOS)
    draw_caption(image, prompt, is_dark=canvas.palette.is_dark)
    draw_mark(image)
    file = io.BytesIO()
    image.save(file, format=format.upper(), **_ENCODINGS[format])
    return file.getvalue()
