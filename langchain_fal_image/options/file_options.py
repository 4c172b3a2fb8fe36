"""Recognize options that hold files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.shape import FileKind, FileLimits

__all__ = ["detect_file", "parse_file_limits"]

# What fal's own interface shows for an option, in `_fal_ui_field` or `ui.field`.
_UI_FIELDS: Mapping[str, FileKind] = {
    "image": "image",
    "image_mask": "mask",
    "audio": "audio",
}
# With one of these in its name, an option holds neither an image nor audio.
_OTHER_FILES = ("archive", "video", "data_url", "model_url", "embedding")
_URL_NAME = re.compile(r"(?:.*_)?urls?")
_FILE_NAME = re.compile(r"(?:.*_)?(?:images?|masks?|image_source|audios?)")
_URL_TEXT = re.compile(
    r"(?:the |an? )?(?:public |direct )?(?:urls?|links?) (?:of|to|for|pointing to) "
    r"(?:the |an? |your )?(?:[\w-]+ ){0,3}(image|mask|audio|recording)",
    re.IGNORECASE,
)


def detect_file(name: str, node: Mapping[str, Any]) -> FileKind | None:
    """Return the kind of file that an option of type string holds, or None.

    Facts in this order: what fal's interface shows for it, its name, its description.
    """
    field = str(node.get("_fal_ui_field") or (node.get("ui") or {}).get("field"))
    if field in _UI_FIELDS:
        return _UI_FIELDS[field]
    if field in {"video", "archive"} or any(part in name for part in _OTHER_FILES):
        return None
    if _URL_NAME.fullmatch(name) or _FILE_NAME.fullmatch(name):
        return _detect_by_name(name)
    found = _URL_TEXT.match(node.get("description") or "")
    word = found[1].lower() if found else ""
    return "audio" if word == "recording" else _detect_by_name(word)


def _detect_by_name(name: str) -> FileKind | None:
    if "audio" in name or "impulse_response" in name:
        return "audio"
    if "mask" in name:
        return "mask"
    return "image" if "image" in name else None


def parse_file_limits(node: Mapping[str, Any]) -> FileLimits:
    """Parse the limits of an image: those that fal states, and this package's own."""
    limits = {**node, **(node.get("x-fal") or {})}

    def find(name: str, *names: str) -> Any:
        return next((limits[each] for each in (name, *names) if each in limits), None)

    return FileLimits(
        min_side=find("minSide", "min_width", "min_height"),
        max_side=find("maxSide", "max_width", "max_height"),
        min_ratio=find("min_aspect_ratio"),
        max_ratio=find("max_aspect_ratio"),
        max_bytes=find("maxBytes", "max_file_size"),
        mime_types=tuple(find("mediaTypes") or ()),
        alpha=limits.get("alpha", True),
    )
