"""Recipes: how an image was made, and how to make it again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from langchain_fal_image import (
    Budget,
    FalImageEdit,
    FalImageToolkit,
    FalProvider,
    FalTextToImage,
    ImageLibrary,
    ImageResult,
    areplay,
    replay,
)
from langchain_fal_image.errors import (
    FalBudgetExceededError,
    FalConfigurationError,
    FalInputImageError,
)
from langchain_fal_image.library.thread import Thread
from langchain_fal_image.sandbox import Sandbox

QWEN = "fal-ai/qwen-image"
EDIT = "fal-ai/qwen-image-2/edit"


@pytest.fixture
def library() -> ImageLibrary:
    return ImageLibrary()


@pytest.fixture
def chain(fal: FalProvider, library: ImageLibrary) -> list[ImageResult]:
    """A fox, a hat, the fox in snow, the fox in snow with the hat."""
    draws = FalTextToImage(fal=fal, size="512x512")
    edits = FalImageEdit(fal=fal, size="512x512")
    fox = library.add(draws.invoke({"prompt": "a fox", "n": 2, "guidanceScale": 3}))
    hat = library.add(draws.invoke("a hat"))
    snow = library.add(edits.invoke({"prompt": "in snow", "images": [fox.images[1]]}))
    both = {"prompt": "wearing the hat", "images": [snow.images[0], hat.images[0]]}
    return [fox, hat, snow, library.add(edits.invoke(both))]


def pixels(result: ImageResult) -> Any:
    return [image.to_pil().tobytes() for image in result.images]


def test_a_recipe_contains_every_step(
    chain: list[ImageResult], library: ImageLibrary
) -> None:
    recipe = chain[-1].recipe(library=library)
    assert json.loads(json.dumps(recipe)) == recipe
    assert (recipe["type"], recipe["version"]) == ("fal_recipe", 1)
    fox, snow, hat, last = recipe["steps"]
    assert fox["model"] == QWEN
    assert fox["options"] == {
        "prompt": "a fox",
        "num_images": 2,
        "guidance_scale": 3,
        "image_size": {"width": 512, "height": 512},
        "seed": chain[0].seed,
    }
    assert [each["handle"] for each in fox["images"]] == ["img_1", "img_2"]
    assert snow["options"]["image_urls"] == [{"step": 1, "image": 1}]
    assert hat["options"]["prompt"] == "a hat"
    assert last["options"]["image_urls"] == [
        {"step": 2, "image": 0},
        {"step": 3, "image": 0},
    ]
    assert last["request_id"] == chain[-1].request_id


def test_without_a_library_the_inputs_are_urls(chain: list[ImageResult]) -> None:
    [step] = chain[-1].recipe()["steps"]
    urls = [chain[2].images[0].url, chain[1].images[0].url]
    assert step["options"]["image_urls"] == [{"url": url} for url in urls]


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_replay_makes_the_same_image(
    way: str,
    chain: list[ImageResult],
    library: ImageLibrary,
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    recipe = chain[-1].recipe(library=library)
    fresh = ImageLibrary()
    if way == "sync":
        again = replay(recipe, fal=fal, library=fresh)
    else:
        again = await areplay(recipe, fal=fal, library=fresh)
        await fal.aclose()
    assert pixels(again) == pixels(chain[-1])
    assert again.request_id != chain[-1].request_id
    assert fal_sandbox.submits == 8
    assert len(fresh.results()) == 4
    steps = again.recipe(library=fresh)["steps"]
    assert [each["options"] for each in steps] == [
        each["options"] for each in recipe["steps"]
    ]


def test_a_variation_pays_only_for_the_steps_that_change(
    chain: list[ImageResult],
    library: ImageLibrary,
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    recipe = chain[-1].recipe(library=library)
    changed = replay(recipe, changes={2: {"prompt": "in rain"}}, fal=fal)
    assert pixels(changed) != pixels(chain[-1])
    assert fal_sandbox.submits == 4 + 2
    [rain, last] = [
        each.json for each in fal_sandbox.requests if each.method == "POST"
    ][-2:]
    assert rain["prompt"] == "in rain"
    assert rain["image_urls"] == [chain[0].images[1].url]
    assert rain["seed"] == chain[2].seed
    assert last["image_urls"][1] == chain[1].images[0].url
    replay(recipe, changes={2: {"prompt": "in fog"}}, remake_all=True, fal=fal)
    assert fal_sandbox.submits == 6 + 4
    other = replay(
        recipe, changes={4: {"model": "fal-ai/nano-banana-pro/edit"}}, fal=fal
    )
    assert other.model == "fal-ai/nano-banana-pro/edit"
    free = replay(recipe, changes={4: {"seed": None}}, fal=fal)
    assert "seed" not in free.options


def test_an_image_passed_as_bytes_is_identified_by_its_digest(
    fal: FalProvider, chain: list[ImageResult], fal_sandbox: Sandbox
) -> None:
    content = chain[1].images[0].read()
    edit = FalImageEdit(fal=fal, size="512x512")
    made = edit.invoke({"prompt": "night", "images": [content]})
    recipe = made.recipe(library=ImageLibrary())
    [source] = recipe["steps"][0]["options"]["image_urls"]
    assert list(source) == ["sha256"]
    before = fal_sandbox.submits
    with pytest.raises(FalInputImageError, match=source["sha256"]):
        replay(recipe, fal=fal)
    assert fal_sandbox.submits == before
    again = replay(recipe, fal=fal, images={source["sha256"]: content})
    assert pixels(again) == pixels(made)


def test_a_recipe_survives_a_thread(fal: FalProvider) -> None:
    """A prompt that was shortened for a checkpoint is read from the tool call."""
    prompt = "a fox, " + "very " * 300 + "red"
    tools = {tool.name: tool for tool in FalImageToolkit(fal=fal).get_tools()}
    call = {"name": "fal_text_to_image", "args": {"prompt": prompt}, "id": "1"}
    message = tools["fal_text_to_image"].invoke({**call, "type": "tool_call"})
    assert message.artifact["shortened"] is True
    messages = [AIMessage("", tool_calls=[call]), message]
    library = ImageLibrary()
    thread = Thread("one", messages=messages)
    assert library.images.handles(thread=thread) == ("img_1",)
    [result] = library.results(thread="one")
    assert result.prompt == prompt
    alone = ImageResult.from_artifact(message.artifact)
    recipe = alone.recipe()
    assert recipe["steps"][0]["is_shortened"] is True
    with pytest.raises(FalConfigurationError, match="not complete"):
        replay(recipe, fal=fal)
    whole = replay(recipe, changes={1: {"prompt": prompt}}, fal=fal)
    assert pixels(whole) == pixels(result.using(fal))


def test_a_replay_stays_within_the_budget(
    chain: list[ImageResult], library: ImageLibrary, fal: FalProvider
) -> None:
    recipe = chain[-1].recipe(library=library)
    with pytest.raises(FalBudgetExceededError):
        replay(recipe, fal=fal, budget=Budget(max_images=2))


@pytest.mark.parametrize(
    ("recipe", "problem"),
    [
        ({}, "not a recipe"),
        ({"type": "fal_recipe", "version": 1, "steps": []}, "not a recipe"),
        ({"type": "fal_recipe", "version": 2, "steps": [{}]}, "version 2"),
    ],
)
def test_anything_but_a_recipe_is_refused(recipe: Any, problem: str) -> None:
    with pytest.raises(FalConfigurationError, match=problem):
        replay(recipe)


def test_a_change_to_a_missing_step_is_refused(
    chain: list[ImageResult], fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    with pytest.raises(FalConfigurationError, match="step 5; the steps are 1 to 1"):
        replay(chain[-1].recipe(), changes={5: {"seed": 1}}, fal=fal)
    assert fal_sandbox.submits == 4


def test_metadata_is_kept_in_an_artifact(chain: list[ImageResult]) -> None:
    noted = chain[0].with_metadata(sources=["a.md", "b.md"])
    assert noted.metadata == {"sources": ["a.md", "b.md"]}
    restored = ImageResult.from_artifact(noted.to_artifact())
    assert restored.metadata == noted.metadata
    assert chain[0].metadata == {}
    with pytest.raises(ValueError, match="plain JSON"):
        chain[0].with_metadata(what=ToolMessage("a", tool_call_id="1"))
