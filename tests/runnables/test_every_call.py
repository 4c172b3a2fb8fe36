"""Every public call, sync and async, on the sandbox."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_fal_image import (
    FalImageEdit,
    FalImageToolkit,
    FalProvider,
    FalRequest,
    FalTextToImage,
    GeneratedImage,
    ImageResult,
)


async def gathered(items: Any) -> list[Any]:
    return [item async for item in items]


class World:
    """What the calls need: a finished image and a submitted request."""

    def __init__(self, fal: FalProvider, path: Path) -> None:
        self.fal = fal
        self.path = path
        self.t2i = FalTextToImage(fal=fal)
        self.edit = FalImageEdit(fal=fal, prompt="make it night")
        self.result: ImageResult = self.t2i.invoke("a hill")
        self.image: GeneratedImage = self.result.images[0]
        self.request: FalRequest = self.t2i.submit("a hill")
        self.draws, self.edits = FalImageToolkit(fal=fal).get_tools()
        self.draws.invoke("a hill")


Calls = dict[str, tuple[Callable[[World], Any], Callable[[World], Any]]]
CALLS: Calls = {
    "invoke": (lambda w: w.t2i.invoke("a"), lambda w: w.t2i.ainvoke("a")),
    "edit": (lambda w: w.edit.invoke(w.result), lambda w: w.edit.ainvoke(w.result)),
    "batch": (lambda w: w.t2i.batch(["a", "b"]), lambda w: w.t2i.abatch(["a", "b"])),
    "batch_as_completed": (
        lambda w: list(w.t2i.batch_as_completed(["a"])),
        lambda w: gathered(w.t2i.abatch_as_completed(["a"])),
    ),
    "stream": (
        lambda w: list(w.t2i.stream("a")),
        lambda w: gathered(w.t2i.astream("a")),
    ),
    "sequence": (
        lambda w: (w.t2i | w.edit).invoke("a"),
        lambda w: (w.t2i | w.edit).ainvoke("a"),
    ),
    "price": (lambda w: w.fal.price("a/b"), lambda w: w.fal.aprice("a/b")),
    "submit": (lambda w: w.t2i.submit("a"), lambda w: w.t2i.asubmit("a")),
    "status": (lambda w: w.request.status(), lambda w: w.request.astatus()),
    "events": (
        lambda w: list(w.request.events()),
        lambda w: gathered(w.request.aevents()),
    ),
    "result": (lambda w: w.request.result(), lambda w: w.request.aresult()),
    "cancel": (lambda w: w.request.cancel(), lambda w: w.request.acancel()),
    "read": (lambda w: w.image.read(), lambda w: w.image.aread()),
    "save": (lambda w: w.image.save(w.path), lambda w: w.image.asave(w.path)),
    "describe": (
        lambda w: w.fal.describe("fal-ai/qwen-image"),
        lambda w: w.fal.adescribe("fal-ai/qwen-image"),
    ),
    "cancel_open": (lambda w: w.fal.cancel_open(), lambda w: w.fal.acancel_open()),
    "draw tool": (
        lambda w: w.draws.invoke({"prompt": "a"}),
        lambda w: w.draws.ainvoke({"prompt": "a"}),
    ),
    "edit tool": (
        lambda w: w.edits.invoke({"prompt": "a", "images": ["img_1"]}),
        lambda w: w.edits.ainvoke({"prompt": "a", "images": ["img_1"]}),
    ),
    "close": (lambda w: w.fal.close(), lambda w: w.fal.aclose()),
}


def kind(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [kind(each) for each in value]
    return type(value).__name__


@pytest.mark.parametrize("name", CALLS)
def test_sync_and_async_return_the_same_types(
    name: str, fal: FalProvider, tmp_path: Path
) -> None:
    world = World(fal, tmp_path)
    sync, asynchronous = CALLS[name]

    async def awaited() -> Any:
        found = asynchronous(world)
        return await found if inspect.isawaitable(found) else found

    first, second = sync(world), asyncio.run(awaited())
    if name == "events":
        # How many changes there are to see is a matter of time.
        first, second = first[-1:], second[-1:]
    assert kind(first) == kind(second)


def test_every_sync_call_and_its_async_form_are_tested() -> None:
    # Refreshing changes the catalog of the process; test_refresh.py covers both forms.
    elsewhere = {"run", "iterate", "refresh_catalog"}
    for cls in (FalRequest, GeneratedImage, FalProvider, FalTextToImage):
        own = {name for name in vars(cls) if not name.startswith("_")}
        for name in own:
            if f"a{name}" in own:
                assert name in CALLS or name in elsewhere, name
