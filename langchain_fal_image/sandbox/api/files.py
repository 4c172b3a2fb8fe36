"""The sandbox's files, and the pictures it makes of an input."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import PIL.Image

from langchain_fal_image.sandbox.api import openapi
from langchain_fal_image.sandbox.api.size import size_of
from langchain_fal_image.sandbox.drawing.image import draw, edit, encode, stand_in

__all__ = ["Media", "StoredFile", "Unreadable", "generate"]

_FORMATS = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}
_FORMAT_NAMES = ("output_format", "image_format", "format")
_COUNT_NAMES = ("num_images", "number_of_images")
# What Pillow's readers raise for broken files, each its own.
_BROKEN: tuple[type[Exception], ...] = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError),
    *(KeyError, TypeError, OverflowError, PIL.Image.DecompressionBombError),
)
_Path = list[str | int]


class Unreadable(Exception):  # noqa: N818 - turned into fal's error body
    """An input file that cannot be read.

    Attributes:
        path: Where in the input it was named.
        kind: fal's word for it.
    """

    def __init__(self, message: str, *, path: _Path, kind: str) -> None:
        super().__init__(message)
        self.path = path
        self.kind = kind


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
        return f"{self.base_url}/files/{quote(path)}"

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

    def open(self, path: _Path, url: str) -> PIL.Image.Image:
        """Read an input image: a data URI, a file of ours, or else a stand-in.

        The sandbox is offline: for a URL elsewhere it draws a picture that says so.

        Args:
            path: Where in the input it is named.
            url: Of the image.

        Raises:
            Unreadable: It is no image, or a file of ours that is not there.
        """
        content = self.content(path, url)
        if content is None:
            return stand_in(url)
        try:
            picture = PIL.Image.open(io.BytesIO(content))
            picture.load()
            return _opaque(picture)
        except _BROKEN as error:
            message = "Failed to load the image: cannot identify image file"
            raise Unreadable(message, path=path, kind="image_load_error") from error

    def content(self, path: _Path, url: str) -> bytes | None:
        """Read an input file; None for one elsewhere: the sandbox is offline.

        Args:
            path: Where in the input it is named.
            url: Of the file, or a data URI.

        Raises:
            Unreadable: It is a file of ours that is not there.
        """
        content = self._content(url)
        if content is None and url.startswith(f"{self.base_url}/"):
            message = "Failed to download the file: 404 Not Found"
            raise Unreadable(message, path=path, kind="file_download_error")
        return content

    def _content(self, url: str) -> bytes | None:
        if url[:5].lower() == "data:":
            head, _, body = url.partition(",")
            content = unquote_to_bytes(body)
            if not head.lower().endswith(";base64"):
                return content
            try:
                return base64.b64decode(content)
            except ValueError:
                return b""
        stored = self.get(self._path(url))
        return stored.content if stored else None

    def _path(self, url: str) -> str:
        path = url.removeprefix(f"{self.base_url}/files/").partition("?")[0]
        return unquote(path)


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
    set_here = {name: value for name, value in payload.items() if value is not None}
    given = {**_defaults(endpoint_id), **set_here}
    inputs = [_read(media.open(*each)) for each in _inputs(endpoint_id, set_here)]
    masks = [_read(media.open(*each)) for each in _masks(endpoint_id, set_here)]
    width, height = size_of(given, [each.image.size for each in inputs])
    prompt = str(given.get("prompt", ""))
    kind = _FORMATS.get(str(_first(given, _FORMAT_NAMES, "png")), "png")
    seed = given.get("seed", seed)
    began = time.perf_counter()
    images = []
    for index in range(int(_first(given, _COUNT_NAMES, 1))):
        content = _draw(
            prompt,
            kind,
            (*inputs,),
            masks[0] if masks else None,
            endpoint=endpoint_id,
            seed=seed,
            index=index,
            width=width,
            height=height,
        )
        images.append(_image(content, kind, (width, height), given, media))
    known = {
        "images": images,
        "image": images[0],
        "seed": seed,
        "prompt": prompt,
        "timings": {"inference": round(time.perf_counter() - began, 3)},
        "has_nsfw_concepts": [False] * len(images),
        "nsfw_content_detected": [False] * len(images),
        "description": "",
    }
    schema = openapi.output_schema(endpoint_id)
    return _shaped(known, schema)


@dataclass(frozen=True)
class _InputImage:
    """An input image, equal to every other one with the same pixels."""

    digest: str
    image: PIL.Image.Image = field(compare=False)


def _read(image: PIL.Image.Image) -> _InputImage:
    pixels = hashlib.sha256(image.tobytes()).hexdigest()
    return _InputImage(f"{image.size} {pixels}", image)


@functools.lru_cache(maxsize=16)
def _draw(
    prompt: str,
    kind: str,
    inputs: tuple[_InputImage, ...],
    mask: _InputImage | None,
    **drawing: Any,
) -> bytes:
    """Draw an image file; cached, because drawing is most of the sandbox's work."""
    if not inputs:
        return encode(draw(prompt, **drawing), format=kind)
    images = [each.image for each in inputs]
    masked = mask.image if mask else None
    return encode(edit(prompt, inputs=images, mask=masked, **drawing), format=kind)


def _first(given: dict[str, Any], names: tuple[str, ...], otherwise: Any) -> Any:
    return next((given[name] for name in names if name in given), otherwise)


def _opaque(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Lay a picture on white: black where it is transparent would be a surprise."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    paper = PIL.Image.new("RGBA", picture.size, "white")
    return PIL.Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB")


def _inputs(endpoint_id: str, payload: dict[str, Any]) -> Iterator[tuple[_Path, str]]:
    """Give the input images of a request, in order, each with its place."""
    fields = _fields(endpoint_id)
    for name in fields or payload:
        is_mask = fields.get(name, {}).get("file") == "mask"
        if name.endswith(("image_url", "image_urls", "images")) and not is_mask:
            yield from _urls([name], payload.get(name))


def _masks(endpoint_id: str, payload: dict[str, Any]) -> Iterator[tuple[_Path, str]]:
    for name, node in _fields(endpoint_id).items():
        if node.get("file") == "mask":
            yield from _urls([name], payload.get(name))


def _urls(path: _Path, value: object) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _urls([*path, index], each)
    elif isinstance(value, dict):
        yield from _urls([*path, "image_url"], value.get("image_url"))


def _fields(endpoint_id: str) -> dict[str, Any]:
    schema = openapi.input_schema(endpoint_id) or {}
    fields: dict[str, Any] = schema.get("properties", {})
    return fields


def _image(
    content: bytes,
    kind: str,
    size: tuple[int, int],
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
        "width": size[0],
        "height": size[1],
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
    fields = _fields(endpoint_id).items()
    return {name: node["default"] for name, node in fields if "default" in node}
