"""The number of images, for tools and budgets of any endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_fal_image import Budget, FalProvider, FalTextToImageTool
from langchain_fal_image.sandbox import Sandbox

REIMAGINE = "fal-ai/bria/reimagine"
PROMPT = {"prompt": "a kite"}


def make_tool(fal: FalProvider, endpoint_id: str, **options: Any) -> FalTextToImageTool:
    return FalTextToImageTool(model=fal.text_to_image(endpoint_id, **options))


def sent_payload(sandbox: Sandbox) -> dict[str, Any]:
    [payload] = sandbox.accepted.values()
    found: dict[str, Any] = payload
    return found


@pytest.mark.parametrize(
    ("endpoint_id", "name"),
    [
        ("fal-ai/qwen-image", "num_images"),
        (REIMAGINE, "num_results"),
        ("fal-ai/ip-adapter-face-id", "num_samples"),
    ],
)
def test_a_tool_offers_num_images_whatever_the_endpoint_calls_it(
    fal: FalProvider, fal_sandbox: Sandbox, endpoint_id: str, name: str
) -> None:
    tool = make_tool(fal, endpoint_id)
    assert "num_images" in tool.args
    assert name == "num_images" or name not in tool.args
    description = tool.args["num_images"]["description"]
    assert name.replace("_", " ") in description or name == "num_images"
    assert "one image per call" not in tool.description
    tool.invoke({**PROMPT, "num_images": 2})
    assert sent_payload(fal_sandbox)[name] == 2


@pytest.mark.parametrize(
    "bound", [{"num_results": 2}, {"n": 2}, {"num_images": 2}, {"numResults": 2}]
)
def test_a_bound_count_is_not_offered(
    fal: FalProvider, fal_sandbox: Sandbox, bound: dict[str, int]
) -> None:
    tool = make_tool(fal, REIMAGINE, **bound)
    assert "num_images" not in tool.args
    tool.invoke(PROMPT)
    assert sent_payload(fal_sandbox)["num_results"] == 2


def test_a_tool_says_how_many_images_an_endpoint_without_a_count_makes(
    fal: FalProvider,
) -> None:
    tool = make_tool(fal, "fal-ai/luma-photon")
    assert "num_images" not in tool.args
    assert "It makes one image per call." in tool.description


def test_a_budget_counts_what_the_endpoint_calls_it(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    tool = FalTextToImageTool(
        model=fal.text_to_image(REIMAGINE), budget=Budget(max_images=2)
    )
    refused = tool.invoke({**PROMPT, "num_images": 3})
    assert "budget allows 2 images" in refused
    assert fal_sandbox.submits == 0
