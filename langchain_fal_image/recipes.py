"""How an image was made, step by step, and how to make it again.

A recipe is plain JSON:

```json
{"type": "fal_recipe", "version": 1, "steps": [
  {"model": "fal-ai/qwen-image", "options": {"prompt": "a fox", "seed": 7},
   "images": [{"url": "https://…", "handle": "img_1"}], "request_id": "…"},
  {"model": "fal-ai/qwen-image-2/edit",
   "options": {"prompt": "in snow", "image_urls": [{"step": 1, "image": 0}]},
   "images": […], "request_id": "…"}]}
```

An input image is `{"step": 1, "image": 0}` where an earlier step made it, else
`{"url": …}`, or `{"sha256": …}` for one that was given as bytes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalConfigurationError, FalInputImageError
from langchain_fal_image.options import paths
from langchain_fal_image.results._generated_image import GeneratedImage, InputReference
from langchain_fal_image.results.image import ImageResult

if TYPE_CHECKING:
    from langchain_fal_image.budget.budget import Budget
    from langchain_fal_image.library.library import ImageLibrary
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.wire.effects import Flow

__all__ = ["areplay", "recipe_of", "replay"]

_TYPE = "fal_recipe"
_VERSION = 1
_OUTSIDE = {"url", "sha256"}
_Path = tuple[str | int, ...]


def recipe_of(
    result: ImageResult, *, library: ImageLibrary | None = None
) -> dict[str, Any]:
    """Write down how a result was made, from the first prompt on.

    Args:
        result: The last step.
        library: Knows the earlier steps. What it does not know, and what was given
            from outside, stands in the recipe as a URL or a digest.

    Returns:
        Plain JSON; a step whose prompt was shortened in a checkpoint is marked
        `"is_shortened": true` and cannot be replayed.
    """
    steps: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}

    def add(each: ImageResult) -> int:
        options = paths.copy(each.options)
        left = list(each.inputs)
        for path, text in list(_texts(options)):
            reference = _taken(left, text)
            if reference is not None:
                paths.put(options, path, _source(reference, library, add, numbers))
        if each.seed is not None:
            options["seed"] = each.seed
        step = {
            "model": each.model,
            "options": options,
            "images": [
                _known(handle=image.handle, url=image.url, sha256=image.sha256)
                for image in each.images
            ],
            "request_id": each.request_id,
        }
        if each.is_shortened:
            step["is_shortened"] = True
        steps.append(step)
        if each.request_id:
            numbers[each.request_id] = len(steps)
        return len(steps)

    add(result)
    return {"type": _TYPE, "version": _VERSION, "steps": steps}


def _source(
    reference: InputReference, library: ImageLibrary | None, add: Any, numbers: Any
) -> dict[str, Any]:
    made = reference.request_id
    parent = library.result_of(made) if library and made else None
    if made is not None and parent is not None:
        number = numbers[made] if made in numbers else add(parent)
        for index, image in enumerate(parent.images):
            if _is_same(image, reference):
                return {"step": number, "image": index}
    return _known(url=reference.url, sha256=reference.sha256)


def _known(**parts: str | None) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value}


def _is_same(image: GeneratedImage, reference: InputReference) -> bool:
    if image.url is not None:
        return image.url == reference.url
    return image.sha256 == reference.sha256


def _taken(references: list[InputReference], text: str) -> InputReference | None:
    for reference in references:
        if text in {reference.url, f"sha256:{reference.sha256}"}:
            references.remove(reference)
            return reference
    return None


def _texts(value: Any, path: _Path = ()) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


# --- Making it again ---


def replay(
    recipe: Mapping[str, Any],
    *,
    changes: Mapping[int, Mapping[str, Any]] | None = None,
    remake_all: bool = False,
    images: Mapping[str, Any] | None = None,
    fal: FalProvider | None = None,
    library: ImageLibrary | None = None,
    budget: Budget | None = None,
) -> ImageResult:
    """Make an image again as its recipe says, or a variation of it.

    Args:
        recipe: As `ImageResult.recipe` gave it.
        changes: Options to change, by the number of the step, from 1; an option that
            is None is left out. Its key `model` changes the endpoint.
        remake_all: With `changes`, only the changed steps and those that build on
            them are made (and paid for); the images of the others are taken from
            where they lie. True makes every step anew.
        images: Images that were given as bytes, by their SHA-256 in hex.
        fal: The provider; by default the default instance.
        library: Takes in each step that is made.
        budget: Refuses what would go over it.

    Returns:
        The result of the last step.

    Raises:
        FalConfigurationError: It is no recipe, one of its steps is not whole, or
            `changes` names a step that it does not have. Nothing was sent.
        FalInputImageError: An input image that it only knows by its digest is not in
            `images`. Nothing was sent.
        FalError: As for the runnables; earlier steps were paid for.
    """
    fal = fal or _default()
    flow = _replayed(
        recipe, changes or {}, remake_all, images or {}, (fal, library, budget)
    )
    return fal.run(flow)


async def areplay(
    recipe: Mapping[str, Any],
    *,
    changes: Mapping[int, Mapping[str, Any]] | None = None,
    remake_all: bool = False,
    images: Mapping[str, Any] | None = None,
    fal: FalProvider | None = None,
    library: ImageLibrary | None = None,
    budget: Budget | None = None,
) -> ImageResult:
    """Make an image again as its recipe says; see `replay`."""
    fal = fal or _default()
    flow = _replayed(
        recipe, changes or {}, remake_all, images or {}, (fal, library, budget)
    )
    return await fal.arun(flow)


def _default() -> FalProvider:
    from langchain_fal_image.provider import fal  # noqa: PLC0415 - below this room

    return fal


def _replayed(
    recipe: Mapping[str, Any],
    changes: Mapping[int, Mapping[str, Any]],
    remake_all: bool,  # noqa: FBT001 - internal
    images: Mapping[str, Any],
    means: tuple[FalProvider, ImageLibrary | None, Budget | None],
) -> Flow[ImageResult]:
    steps = _checked(recipe, changes, images)
    to_make = _to_make(steps, changes, remake_all=remake_all)
    fal, library, budget = means
    made: dict[int, ImageResult] = {}
    for number in sorted(to_make):
        step = steps[number - 1]
        options = copy.deepcopy(dict(step["options"]))
        for path, source in list(_sources(options)):
            paths.put(options, path, _image(source, steps, made, images))
        changed = dict(changes.get(number, {}))
        model = str(changed.pop("model", step["model"]))
        options = {
            name: value
            for name, value in (options | changed).items()
            if value is not None
        }
        runnable = fal.image(model, options=options, budget=budget)
        result = yield from runnable.generation({})
        made[number] = library.add(result) if library else result
    return made[len(steps)]


def _checked(
    recipe: Mapping[str, Any],
    changes: Mapping[int, Mapping[str, Any]],
    images: Mapping[str, Any],
) -> list[Mapping[str, Any]]:
    steps = recipe.get("steps")
    if recipe.get("type") != _TYPE or not isinstance(steps, list) or not steps:
        message = (
            f"This is no recipe: expected a mapping with type={_TYPE!r} and steps."
        )
        raise FalConfigurationError(message, next_step="Give result.recipe(library=…).")
    if recipe.get("version") != _VERSION:
        message = f"This recipe has version {safe_repr(recipe.get('version'))}."
        raise FalConfigurationError(
            message, next_step=f"This package reads version {_VERSION}."
        )
    if unknown := [number for number in changes if not 1 <= number <= len(steps)]:
        message = f"changes names step {unknown[0]}; the recipe has 1 to {len(steps)}."
        raise FalConfigurationError(message, next_step="Name one of its steps.")
    for number, step in enumerate(steps, start=1):
        if step.get("is_shortened") and "prompt" not in changes.get(number, {}):
            message = (
                f"The prompt of step {number} is not whole: it was shortened to fit a "
                f"checkpoint."
            )
            raise FalConfigurationError(
                message,
                next_step=f"Give it whole: changes={{{number}: {{'prompt': …}}}}.",
            )
        for _, source in _sources(step["options"]):
            digest = source.get("sha256")
            if digest and not source.get("url") and digest not in images:
                message = (
                    f"Step {number} was given an image as bytes (sha256 {digest}), "
                    f"which a recipe does not hold."
                )
                raise FalInputImageError(
                    message, next_step=f"Give it: images={{{digest!r}: …}}."
                )
    return steps


def _to_make(
    steps: list[Mapping[str, Any]],
    changes: Mapping[int, Any],
    *,
    remake_all: bool,
) -> set[int]:
    """Choose the steps to make: the changed ones, and those that build on them."""
    if remake_all or not changes:
        return set(range(1, len(steps) + 1))
    found = set(changes)
    for number, step in enumerate(steps, start=1):
        parents = {source.get("step") for _, source in _sources(step["options"])}
        if parents & found:
            found.add(number)
    # A change that the last step does not build on still ends in the last step.
    return found | {len(steps)}


def _image(
    source: Mapping[str, Any],
    steps: list[Mapping[str, Any]],
    made: Mapping[int, ImageResult],
    images: Mapping[str, Any],
) -> Any:
    number = source.get("step")
    if number is None:
        digest = source.get("sha256", "")
        return images[digest] if digest in images else source["url"]
    if number in made:
        return made[number].images[source["image"]]
    step = steps[number - 1]
    earlier = step["images"][source["image"]]
    return GeneratedImage(
        url=earlier.get("url"),
        handle=earlier.get("handle"),
        sha256=earlier.get("sha256"),
        request_id=step.get("request_id"),
        index=source["image"],
    )


def _sources(value: Any, path: _Path = ()) -> Iterator[tuple[_Path, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if path and (
            set(value) == {"step", "image"} or set(value) <= {"url", "sha256"}
        ):
            yield path, value
            return
        for key, item in value.items():
            yield from _sources(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _sources(item, (*path, index))
