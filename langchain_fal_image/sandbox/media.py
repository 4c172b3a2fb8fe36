"""The sandbox's files, and the pictures it makes of an input."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import PIL.Image

from langchain_fal_image.sandbox import openapi
from langchain_fal_image.sandbox.pictures import draw, edit, encode, stand_in

__all__ = ["Media", "StoredFile", "Unreadable", "generate"]

_PRESETS = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_LONG_SIDES = {"1K": 1024, "2K": 2048, "4K": 4096}
_LARGEST_SIDE = 4096
_FORMATS = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}


class Unreadable(Exception):  # noqa: N818 - turned into fal's error body
    """An input image that cannot be read."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is served."""

    content: bytes = field(repr=False)
    content_type: str


class Media:
    """Every file the sandbox made or was given, by its path below `/files/`."""

    def __init__(self) -> None:
        self.base_url = ""
        self._files: dict[str, StoredFile] = {}
        self._lock = threading.Lock()

    def put(self, name: str, content: bytes, content_type: str) -> str:
        """Keep a file.

        Args:
            name: Its last part; a digest before it keeps URLs apart, as fal's do.
            content: Its bytes.
            content_type: Its MIME type.

        Returns:
            Its URL.
        """
        digest = hashlib.sha256(content).hexdigest()[:12]
        return self.keep(f"{digest}/{name}", content, content_type)

    def keep(self, path: str, content: bytes, content_type: str) -> str:
        """Keep a file at a path that is already known; give its URL."""
        with self._lock:
            self._files[path] = StoredFile(content, content_type)
        return self.url(path)

    def url(self, path: str) -> str:
        """Give the URL of a path."""
        return f"{self.base_url}/files/{path}"

    def get(self, path: str) -> StoredFile | None:
        """Find a file by its path."""
        with self._lock:
            return self._files.get(path)

    def remove(self, url: str) -> bool:
        """Let a file expire; tell whether it was there."""
        with self._lock:
            return self._files.pop(self._path(url), None) is not None

    def __len__(self) -> int:
        return len(self._files)

    def open(self, url: str) -> PIL.Image.Image:
        """Read an input image: a data URI, a file of ours, or else a stand-in.

        The sandbox is offline: for a URL elsewhere it draws a picture that says so.

        Raises:
            Unreadable: It is no image, or a file of ours that is not there.
        """
        if url[:5].lower() == "data:":
            head, _, body = url.partition(",")
            content = unquote_to_bytes(body)
            if head.lower().endswith(";base64"):
                try:
                    content = base64.b64decode(content)
                except ValueError as error:
                    raise Unreadable(str(error)) from error
        elif url.startswith(f"{self.base_url}/"):
            stored = self.get(self._path(url))
            if stored is None:
                message = "404 Not Found"
                raise Unreadable(message)
            content = stored.content
        else:
            return stand_in(url)
        try:
            picture = PIL.Image.open(io.BytesIO(content))
            picture.load()
        except (OSError, PIL.Image.DecompressionBombError) as error:
            message = "cannot identify image file"
            raise Unreadable(message) from error
        return picture.convert("RGB")

    def _path(self, url: str) -> str:
        return url.removeprefix(f"{self.base_url}/files/").partition("?")[0]


def generate(
    endpoint_id: str, payload: dict[str, Any], *, media: Media, seed: int
) -> dict[str, Any]:
    """Make an endpoint's output for an input that was checked.

    Args:
        endpoint_id: Whose output.
        payload: The input.
        media: Where inputs lie and pictures go.
        seed: Used where the input has none.

    Returns:
        The output in the endpoint's own form.

    Raises:
        Unreadable: An input image cannot be read; its message names it.
    """
    given = {**_defaults(endpoint_id), **payload}
    inputs = [media.open(url) for url in input_urls(endpoint_id, payload)]
    width, height = _size(given, inputs)
    prompt = str(given.get("prompt", ""))
    kind = _FORMATS.get(str(given.get("output_format", "png")), "png")
    seed = given.get("seed", seed)
    images = []
    for index in range(int(given.get("num_images") or 1)):
        drawing: dict[str, Any] = {
            "endpoint": endpoint_id,
            "seed": seed,
            "index": index,
            "width": width,
            "height": height,
        }
        if inputs:
            picture = edit(prompt, inputs=inputs, **drawing)
        else:
            picture = draw(prompt, **drawing)
        content = encode(picture, format=kind)
        images.append(_image(content, kind, picture, given, media))
    known = {
        "images": images,
        "image": images[0],
        "seed": seed,
        "prompt": prompt,
        "timings": {"inference": 0.1},
        "has_nsfw_concepts": [False] * len(images),
        "nsfw_content_detected": [False] * len(images),
        "description": "",
    }
    schema = openapi.output_schema(endpoint_id)
    return _shaped(known, schema)


def input_urls(endpoint_id: str, payload: dict[str, Any]) -> list[str]:
    """Give the input images of a request, in order."""
    schema = openapi.input_schema(endpoint_id)
    names = schema["properties"] if schema else payload
    return list(_urls(payload, names))


def _urls(payload: dict[str, Any], names: Any) -> Iterator[str]:
    for name in names:
        if not name.endswith(("image_url", "image_urls", "images")):
            continue
        value = payload.get(name)
        for url in value if isinstance(value, list) else [value]:
            if isinstance(url, str):
                yield url


def _image(
    content: bytes,
    kind: str,
    picture: PIL.Image.Image,
    given: dict[str, Any],
    media: Media,
) -> dict[str, Any]:
    content_type = f"image/{kind}"
    if given.get("sync_mode"):
        encoded = base64.b64encode(content).decode("ascii")
        url = f"data:{content_type};base64,{encoded}"
    else:
        url = media.put(f"sandbox.{kind}", content, content_type)
    return {
        "url": url,
        "content": base64.b64encode(content).decode("ascii"),
        "width": picture.width,
        "height": picture.height,
        "content_type": content_type,
        "file_name": f"sandbox.{kind}",
        "file_size": len(content),
    }


def _shaped(known: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Leave what the endpoint's output has, and nothing else."""
    output = {}
    for name, node in schema.get("properties", {}).items():
        if name not in known:
            continue
        value = known[name]
        if name == "images":
            names = node.get("items", {}).get("properties", {"url": {}})
            value = [{key: each[key] for key in names if key in each} for each in value]
        elif name == "image":
            names = node.get("properties", {"url": {}})
            value = {key: value[key] for key in names if key in value}
        output[name] = value
    return output


def _defaults(endpoint_id: str) -> dict[str, Any]:
    schema = openapi.input_schema(endpoint_id) or {}
    found = {}
    for name, node in schema.get("properties", {}).items():
        if "default" in node:
            found[name] = node["default"]
    return found


def _size(given: dict[str, Any], inputs: list[PIL.Image.Image]) -> tuple[int, int]:
    size = given.get("image_size")
    if isinstance(size, dict):
        return _capped(size.get("width", 512), size.get("height", 512))
    if isinstance(size, str) and size in _PRESETS:
        return _PRESETS[size]
    if given.get("width") and given.get("height"):
        return _capped(given["width"], given["height"])
    long_side = _LONG_SIDES.get(str(given.get("resolution")), 1024)
    ratio = str(given.get("aspect_ratio", ""))
    if ":" in ratio:
        across, down = (float(each) for each in ratio.split(":"))
    elif inputs:
        across, down = inputs[-1].size
        if "resolution" not in given:
            return _capped(across, down)
    else:
        across = down = 1
    scale = long_side / max(across, down)
    return _capped(across * scale, down * scale)


def _capped(width: float, height: float) -> tuple[int, int]:
    scale = min(1.0, _LARGEST_SIDE / max(width, height))
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
