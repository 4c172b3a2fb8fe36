"""Options inside objects as arguments of tools, such as fill_image.fill_image_url."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_fal_image import (
    FalImageEditTool,
    FalImageToolkit,
    FalProvider,
    ImageLibrary,
)
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.sandbox import Sandbox

FILL = "fal-ai/flux-lora-fill"
TRYON = "fal-ai/fashn/tryon/v1.6"


@pytest.fixture
def library(fal: FalProvider) -> ImageLibrary:
    """Return a library that holds img_1 and img_2."""
    library = ImageLibrary()
    draws = FalImageToolkit(fal=fal, library=library).get_tools()[0]
    for _ in range(2):
        draws.invoke({"prompt": "a hill"})
    return library


def find_sent(sandbox: Sandbox) -> dict[str, Any]:
    posts = [each.json for each in sandbox.requests if each.method == "POST"]
    sent: dict[str, Any] = posts[-1]
    return sent


def test_a_handle_reaches_an_option_inside_an_object(
    fal: FalProvider, fal_sandbox: Sandbox, library: ImageLibrary
) -> None:
    model = fal.image_edit(FILL, fillImage={"usePrompt": True})
    tool = FalImageEditTool(
        fal=fal, library=library, model=model, expose=["fillImage.fillImageUrl"]
    )
    assert tool.args["fill_image_url"]["description"].endswith("(img_1) or URL.")
    arguments = {"images": ["img_1"], "mask_url": "img_2", "prompt": "a moon"}
    text = tool.invoke({**arguments, "fill_image_url": ["img_2"]})
    assert "img_3" in text, text
    url = library.images.get("img_2").url
    assert find_sent(fal_sandbox)["fill_image"] == {
        "use_prompt": True,
        "fill_image_url": [url],
    }
    text = tool.invoke({**arguments, "fill_image_url": ["img_9"]})
    assert "Unknown image 'img_9'" in text
    tool.invoke(arguments)
    assert find_sent(fal_sandbox)["fill_image"] == {"use_prompt": True}


def test_images_without_url_in_their_name_take_handles(
    fal: FalProvider, fal_sandbox: Sandbox, library: ImageLibrary
) -> None:
    tool = FalImageEditTool(fal=fal, library=library, model=TRYON)
    text = tool.invoke({"model_image": "img_1", "garment_image": "img_2"})
    assert "img_3" in text, text
    sent = find_sent(fal_sandbox)
    urls = [library.images.get(name).url for name in ("img_1", "img_2")]
    assert [sent["model_image"], sent["garment_image"]] == urls


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fill_image", "expose what is inside it: fill_image.fill_image_url"),
        ("fill_image.fill_image", "Did you mean 'fill_image.fill_image_url'"),
        ("fil_image.fill_image_url", "Did you mean 'fill_image'"),
        ("prompt.text", "no such option"),
    ],
)
def test_an_object_or_an_unknown_path_cannot_be_exposed(
    fal: FalProvider, name: str, hint: str
) -> None:
    with pytest.raises(FalConfigurationError, match=hint):
        FalImageEditTool(fal=fal, model=FILL, expose=[name])
