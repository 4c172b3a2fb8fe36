"""What a model reads after a tool call: a few short lines, never bytes."""

from __future__ import annotations

from langchain_fal_image.errors import FalError
from langchain_fal_image.images import GeneratedImage
from langchain_fal_image.results import ImageResult

__all__ = ["told_failure", "told_result"]

_LONGEST = 1000
_LONGEST_URL = 200
_LONGEST_LINE = 240
_CHARGED = {
    "no": "Nothing was charged.",
    "maybe": "It may have been charged.",
    "yes": "It was charged.",
}


def told_result(result: ImageResult) -> str:
    """Tell of finished images: handle, size, seed, URL, warnings, flags.

    Args:
        result: With handles.

    Returns:
        At most 1,000 characters.
    """
    number = len(result.images)
    made = "1 image" if number == 1 else f"{number} images"
    lines = [f"Made {made} with {result.model}."]
    lines += [_line(image, result) for image in result.images]
    if result.description:
        lines.append(f"The model says: {_short(result.description, _LONGEST_LINE)}")
    lines += [f"Warning: {_short(each, _LONGEST_LINE)}" for each in result.warnings]
    return _short("\n".join(lines), _LONGEST)


def _line(image: GeneratedImage, result: ImageResult) -> str:
    parts = []
    if image.width and image.height:
        parts.append(f"{image.width}x{image.height}")
    if result.seed is not None:
        parts.append(f"seed {result.seed}")
    if image.nsfw:
        parts.append("flagged as not safe for work")
    if image.url and len(image.url) <= _LONGEST_URL:
        parts.append(image.url)
    return f"{image.handle}: {', '.join(parts) or 'ready'}"


def told_failure(error: FalError) -> str:
    """Tell of a failure: what was wrong, whether it was charged, what to do.

    Args:
        error: As the runnable raised it.

    Returns:
        At most 1,000 characters.
    """
    lines = [
        f"No image was made. {error.message.strip()}",
        _CHARGED[error.charged],
        f"Next: {error.next_step}",
    ]
    rest = "\n".join(lines[1:])
    return f"{_short(lines[0], _LONGEST - len(rest) - 1)}\n{rest}"


def _short(text: str, longest: int) -> str:
    text = text.strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
