"""Make an image again from its recipe, or a variation of it.

`ImageResult.recipe()` returns a recipe as plain JSON.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.errors import FalConfigurationError, FalInputImageError
from langchain_fal_image.library.library import ImageLibrary
from langchain_fal_image.options import paths
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.provider import fal as default_fal
from langchain_fal_image.results._recipe import RECIPE_TYPE, RECIPE_VERSION
from langchain_fal_image.results.image import GeneratedImage, ImageResult
from langchain_fal_image.wire.effects import Flow

__all__ = ["areplay", "replay"]


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
    """Make an image again from its recipe, or a variation of it.

    Args:
        recipe: The recipe, from `ImageResult.recipe`.
        changes: Options to change, by the number of the step, from 1. The value None
            removes an option; the key `model` changes the endpoint.
        remake_all: Whether to make every step again. By default, if there are
            `changes`, only the changed steps, the steps that depend on them and the
            last step are made and charged; the images of the other steps are read
            from their URLs.
        images: Images that were passed as bytes, by their SHA-256 in hex.
        fal: The provider; by default the default instance.
        library: The library that each step's result is added to.
        budget: Refuses requests that would exceed it.

    Returns:
        The result of the last step.

    Raises:
        FalConfigurationError: `recipe` is not a recipe, the prompt of a step is
            shortened, or `changes` names a step that does not exist. Nothing was sent.
        FalInputImageError: An input image is known only by its digest, and `images`
            does not contain it. Nothing was sent.
        FalError: A step failed; earlier steps were charged.
    """
    fal = fal or default_fal
    return fal.run(
        _replay_steps(
            recipe, changes or {}, remake_all, images or {}, (fal, library, budget)
        )
    )


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
    """Make an image again from its recipe; the async version of `replay`."""
    fal = fal or default_fal
    return await fal.arun(
        _replay_steps(
            recipe, changes or {}, remake_all, images or {}, (fal, library, budget)
        )
    )


def _replay_steps(
    recipe: Mapping[str, Any],
    changes: Mapping[int, Mapping[str, Any]],
    remake_all: bool,  # noqa: FBT001 - internal
    images: Mapping[str, Any],
    context: tuple[FalProvider, ImageLibrary | None, Budget | None],
) -> Flow[ImageResult]:
    fal, library, budget = context
    steps = _check_recipe(recipe, changes, images)
    results: dict[int, ImageResult] = {}
    for number in sorted(_choose_steps(steps, changes, remake_all=remake_all)):
        step = steps[number - 1]
        options = copy.deepcopy(dict(step["options"]))
        for path, source in list(_find_sources(options)):
            paths.put(options, path, _resolve_source(source, steps, results, images))
        changed = dict(changes.get(number, {}))
        model = str(changed.pop("model", step["model"]))
        options = {
            name: value
            for name, value in (options | changed).items()
            if value is not None
        }
        runnable = fal.image(model, options=options, budget=budget)
        result = yield from runnable._generate_flow({})
        results[number] = library.add(result) if library else result
    return results[len(steps)]


def _check_recipe(
    recipe: Mapping[str, Any],
    changes: Mapping[int, Mapping[str, Any]],
    images: Mapping[str, Any],
) -> list[Mapping[str, Any]]:
    """Return the steps, or raise if they cannot be replayed."""
    steps = recipe.get("steps")
    if recipe.get("type") != RECIPE_TYPE or not isinstance(steps, list) or not steps:
        message = (
            f"This is not a recipe: expected a mapping with type={RECIPE_TYPE!r} and "
            f"steps."
        )
        raise FalConfigurationError(
            message, next_step="Pass the dict that result.recipe() returns."
        )
    if recipe.get("version") != RECIPE_VERSION:
        message = f"This recipe has version {safe_repr(recipe.get('version'))}."
        raise FalConfigurationError(
            message, next_step=f"This package reads version {RECIPE_VERSION}."
        )
    if unknown := [number for number in changes if not 1 <= number <= len(steps)]:
        message = f"changes names step {unknown[0]}; the steps are 1 to {len(steps)}."
        raise FalConfigurationError(
            message, next_step="Use the number of one of these steps."
        )
    for number, step in enumerate(steps, start=1):
        _check_step(step, number, changes.get(number, {}), images)
    return steps


def _check_step(
    step: Mapping[str, Any],
    number: int,
    changed: Mapping[str, Any],
    images: Mapping[str, Any],
) -> None:
    if step.get("is_shortened") and "prompt" not in changed:
        message = (
            f"The prompt of step {number} is not complete: it was shortened to fit a "
            f"checkpoint."
        )
        raise FalConfigurationError(
            message,
            next_step=f"Pass the full prompt: changes={{{number}: {{'prompt': …}}}}.",
        )
    for _, source in _find_sources(step["options"]):
        digest = source.get("sha256")
        if digest and not source.get("url") and digest not in images:
            message = (
                f"An input image of step {number} was passed as bytes (sha256 "
                f"{digest}), which a recipe does not contain."
            )
            raise FalInputImageError(
                message, next_step=f"Pass it: images={{{digest!r}: …}}."
            )


def _choose_steps(
    steps: list[Mapping[str, Any]],
    changes: Mapping[int, Any],
    *,
    remake_all: bool,
) -> set[int]:
    """Return the numbers of the steps to make."""
    if remake_all or not changes:
        return set(range(1, len(steps) + 1))
    chosen = set(changes)
    for number, step in enumerate(steps, start=1):
        parents = {source.get("step") for _, source in _find_sources(step["options"])}
        if parents & chosen:
            chosen.add(number)
    # The last step is made even if it does not depend on a change.
    return chosen | {len(steps)}


def _resolve_source(
    source: Mapping[str, Any],
    steps: list[Mapping[str, Any]],
    results: Mapping[int, ImageResult],
    images: Mapping[str, Any],
) -> Any:
    """Return the image that an option of a step refers to."""
    number = source.get("step")
    if number is None:
        digest = source.get("sha256", "")
        return images[digest] if digest in images else source["url"]
    if number in results:
        return results[number].images[source["image"]]
    step = steps[number - 1]
    earlier = step["images"][source["image"]]
    return GeneratedImage(
        url=earlier.get("url"),
        handle=earlier.get("handle"),
        sha256=earlier.get("sha256"),
        request_id=step.get("request_id"),
        index=source["image"],
    )


def _find_sources(
    value: Any, path: paths.Path = ()
) -> Iterator[tuple[paths.Path, Mapping[str, Any]]]:
    """Find the input images in a step's options."""
    if isinstance(value, Mapping):
        names = set(value)
        is_source = names == {"step", "image"} or names <= {"url", "sha256"}
        if path and names and is_source:
            yield path, value
            return
        for key, item in value.items():
            yield from _find_sources(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_sources(item, (*path, index))
