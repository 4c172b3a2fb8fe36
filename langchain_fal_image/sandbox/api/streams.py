"""Streams of outputs, which some endpoints have at `fal.run/<id>/stream`."""

from __future__ import annotations

import base64
import io
import json
from typing import Any, Final

from PIL import Image

from langchain_fal_image.options import catalog
from langchain_fal_image.sandbox.api.files import Files

__all__ = ["find_endpoint", "format_event", "make_progress"]

_PATH: Final = "/stream"
# Examples of docs.fal.ai, documentation/model-apis/inference/streaming, whose streams
# have no document of their own.
_DOCUMENTED_ELSEWHERE: Final = {"fal-ai/flux/dev", "fal-ai/flux/schnell"}
_PREVIEW_SIDE: Final = 96
# What the sandbox draws; without a list Pillow also tries decoders that start programs.
_FORMATS: Final = ("PNG", "JPEG", "WEBP")


def find_endpoint(path: str) -> tuple[str, bool]:
    """Return the endpoint that a path at `fal.run` runs, and whether it streams.

    A stream without a contract of its own has that of the endpoint before `/stream`.
    """
    base = path.removesuffix(_PATH)
    is_known = catalog.get_kind(path) or base in _DOCUMENTED_ELSEWHERE
    if is_known and catalog.get_schema(path) is None:
        return base, base != path
    return path, base != path


def format_event(data: Any) -> str:
    """Return an event of a stream."""
    return f"data: {json.dumps(data)}\n\n"


def make_progress(output: Any, files: Files) -> Any:
    """Return the data of an event that precedes the output.

    It is the output with small images in data URIs or with half of the words; else it
    has the form of docs.fal.ai, documentation/model-apis/inference/streaming.
    """
    if "partial" in output:
        words = output["output"].split()
        text = " ".join(words[: len(words) // 2])
        return {**output, "output": text, "partial": True}
    if not output.get("images"):
        return {"progress": 0.5, "message": "Generating..."}
    images = [
        image | _shrink(files.read_input(["images"], image["url"]).content or b"")
        for image in output["images"]
    ]
    return {**output, "images": images}


def _shrink(content: bytes) -> dict[str, Any]:
    image = Image.open(io.BytesIO(content), formats=_FORMATS).convert("RGB")
    image.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    file = io.BytesIO()
    image.save(file, format="JPEG")
    url = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    size = {"width": image.width, "height": image.height}
    return {"url": url, **size, "content_type": "image/jpeg"}
