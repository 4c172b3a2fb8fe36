"""Write the recipe of a result: how it was made, step by step.

A recipe is plain JSON:

```json
{"type": "fal_recipe", "version": 1, "steps": [
  {"model": "fal-ai/qwen-image", "options": {"prompt": "a fox", "seed": 7},
   "images": [{"url": "https://…", "handle": "img_1"}], "request_id": "…"},
  {"model": "fal-ai/qwen-image-2/edit",
   "options": {"prompt": "in snow", "image_urls": [{"step": 1, "image": 0}]},
   "images": […], "request_id": "…"}]}
```

An input image is `{"step": 1, "image": 0}` if an earlier step made it, else
`{"url": …}`, or `{"sha256": …}` if it was passed as bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from langchain_fal_image.inputs.reference import InputReference
from langchain_fal_image.options import paths
from langchain_fal_image.results.file import GeneratedFile

__all__ = ["RECIPE_TYPE", "RECIPE_VERSION", "ResultLookup", "write_recipe"]

RECIPE_TYPE = "fal_recipe"
RECIPE_VERSION = 1


class _Result(Protocol):
    """The part of `ImageResult` that a recipe needs."""

    @property
    def model(self) -> str: ...
    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def inputs(self) -> Sequence[InputReference]: ...
    @property
    def images(self) -> Sequence[GeneratedFile]: ...
    @property
    def seed(self) -> int | None: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def is_shortened(self) -> bool: ...


class ResultLookup(Protocol):
    """Finds earlier results, as `ImageLibrary` does."""

    def result_of(self, request_id: str) -> _Result | None:
        """Return the result of a request; None if it is unknown."""


def write_recipe(
    result: _Result, *, library: ResultLookup | None = None
) -> dict[str, Any]:
    """Write the recipe of a result, from the first prompt on.

    Args:
        result: The last step.
        library: Finds the earlier steps. An image that it does not have, or that was
            not generated, is in the recipe as a URL or a digest.

    Returns:
        Plain JSON. A step whose prompt was shortened to fit a checkpoint has
        `"is_shortened": true` and cannot be replayed.
    """
    writer = _Writer(library)
    writer.add_step(result)
    return {"type": RECIPE_TYPE, "version": RECIPE_VERSION, "steps": writer.steps}


class _Writer:
    def __init__(self, library: ResultLookup | None) -> None:
        self.steps: list[dict[str, Any]] = []
        self._library = library
        self._numbers: dict[str, int] = {}

    def add_step(self, result: _Result) -> int:
        """Add a step after the steps it depends on; return its number."""
        options = paths.copy(result.options)
        unused = list(result.inputs)
        for path, text in list(paths.find_texts(options)):
            if reference := _take_reference(unused, text):
                paths.put(options, path, self._write_source(reference))
        if result.seed is not None:
            options["seed"] = result.seed
        step = {
            "model": result.model,
            "options": options,
            "images": [
                _drop_empty(handle=image.handle, url=image.url, sha256=image.sha256)
                for image in result.images
            ],
            "request_id": result.request_id,
        }
        if result.is_shortened:
            step["is_shortened"] = True
        self.steps.append(step)
        if result.request_id:
            self._numbers[result.request_id] = len(self.steps)
        return len(self.steps)

    def _write_source(self, reference: InputReference) -> dict[str, Any]:
        made_by = reference.request_id
        parent = self._library.result_of(made_by) if self._library and made_by else None
        if made_by is not None and parent is not None:
            number = self._numbers.get(made_by) or self.add_step(parent)
            for index, image in enumerate(parent.images):
                if _is_same(image, reference):
                    return {"step": number, "image": index}
        return _drop_empty(url=reference.url, sha256=reference.sha256)


def _drop_empty(**parts: str | None) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value}


def _is_same(image: GeneratedFile, reference: InputReference) -> bool:
    if image.url is not None:
        return image.url == reference.url
    return image.sha256 == reference.sha256


def _take_reference(unused: list[InputReference], text: str) -> InputReference | None:
    for reference in unused:
        if text in {reference.url, f"sha256:{reference.sha256}"}:
            unused.remove(reference)
            return reference
    return None
