"""What an endpoint makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

__all__ = [
    "AUDIO_OUTPUTS",
    "PRODUCTS",
    "SERVED_KINDS",
    "STEM_OUTPUTS",
    "Kind",
    "detect_kind",
    "find_category_kind",
]

Kind = Literal[
    "image",
    "speech",
    "transcription",
    "video",
    "3d",
    "text",
    "json",
    "training",
    "other",
]
"""What an endpoint makes. All audio counts as speech, including music and sounds.

This package serves the first three.
"""

SERVED_KINDS: tuple[Kind, ...] = ("image", "speech", "transcription")
"""The kinds that this package serves."""

PRODUCTS: Mapping[Kind, str] = {
    "image": "images",
    "speech": "audio",
    "transcription": "transcriptions",
    "video": "videos",
    "3d": "3D models",
    "text": "text",
    "json": "structured data",
    "training": "trained models",
    "other": "something else",
}
"""What an endpoint of a kind makes, for messages."""

AUDIO_OUTPUTS = ("audios", "audio", "audio_file", "audio_url")
"""The names of audio fields in the output of endpoints (fal's OpenAPI documents).

Of an endpoint that has both, `audios` has all recordings and `audio` the first.
"""

STEM_OUTPUTS = (
    *("vocals", "drums", "bass", "other", "guitar", "piano"),
    *("target", "residual"),
)
"""The names of audio fields in the output of endpoints that take audio apart."""

_VIDEO_OUTPUTS = frozenset({"video", "videos", "video_url"})
_TRAINED_OUTPUTS = frozenset({"lora_file", "diffusers_lora_file", "config_file"})
# The end of fal's categories, such as text-to-image, or the whole of others.
_CATEGORIES: Mapping[str, Kind] = {
    "speech-to-text": "transcription",
    "image": "image",
    "audio": "speech",
    "speech": "speech",
    "video": "video",
    "3d": "3d",
    "text": "text",
    "llm": "text",
    "json": "json",
    "training": "training",
}


def find_category_kind(category: str) -> Kind | None:
    """Return what endpoints of a category make, or None if the category is unknown."""
    end = category.rpartition("-to-")[2]
    return _CATEGORIES.get(category) or _CATEGORIES.get(end)


def detect_kind(output: Mapping[str, Any], category: str = "") -> Kind:
    """Return what an endpoint makes.

    `output` has the fields of its output by name, as JSON Schema or as values, and
    `category` is fal's, such as `text-to-image`. The category decides if the output is
    empty or agrees with it: some endpoints of image-to-image return only coordinates.
    """
    expected = find_category_kind(category)
    if not output:
        # Endpoints of audio that have an empty output send a stream of raw bytes.
        is_stream = expected in {"speech", "transcription"}
        return "other" if is_stream or expected is None else expected
    found = _find_products(output)
    if expected in found:
        return expected
    if expected in {"3d", "training"} or (expected == "video" and not found):
        return expected
    return found[0] if found else "json"


def _find_products(output: Mapping[str, Any]) -> list[Kind]:
    """Return all kinds that an output may be of, the likeliest first."""
    names = output.keys()
    has_text = bool(names & {"text", "output"})
    found: dict[Kind, bool] = {
        "training": bool(names & _TRAINED_OUTPUTS),
        "video": bool(names & _VIDEO_OUTPUTS),
        "image": bool(names & {"image", "images"})
        or any(_is_image(*each) for each in output.items()),
        "speech": any(name in names for name in (*AUDIO_OUTPUTS, *STEM_OUTPUTS)),
        "transcription": has_text,
        "text": has_text or bool(names & {"outputs", "results"}),
    }
    if has_text and not names & {"chunks", "words"}:
        found["transcription"] = found.pop("transcription")  # text is likelier
    return [kind for kind, is_product in found.items() if is_product]


def _is_image(name: str, field: Any) -> bool:
    """Return whether a field, as JSON Schema or as a value, is a file with a width."""
    names = field.get("properties", field) if isinstance(field, Mapping) else ()
    return "url" in names and "width" in names and "video" not in name
