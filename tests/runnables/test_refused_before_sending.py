"""Invalid options and images raise before any request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from langchain_fal_image import FalProvider, create_fal
from langchain_fal_image.errors import FalInputImageError, FalOptionError

QWEN = "fal-ai/qwen-image"
PRO = "fal-ai/nano-banana-pro"
EDIT = "fal-ai/qwen-image-2/edit"
URL = "https://v3.fal.media/files/a.png"
LORA = {"path": "https://example.com/lora.safetensors"}


@pytest.fixture
def offline() -> FalProvider:
    def refuse(request: httpx.Request) -> httpx.Response:
        pytest.fail(f"{request.method} {request.url} was sent")

    transport = httpx.MockTransport(refuse)
    return create_fal(
        "k",
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )


CASES = [
    (PRO, {"num_images": 5}, ["num_images=5", "1", "4"]),
    (PRO, {"aspect_ratio": "7:5"}, ["aspect_ratio='7:5'", "16:9", "21:9"]),
    (PRO, {"resolution": "8K"}, ["resolution='8K'", "1K", "2K", "4K"]),
    (PRO, {"size": "1000x700"}, ["size='1000x700'", "4:3"]),
    (QWEN, {"guidance_scale": 21}, ["guidance_scale=21", "0", "20"]),
    (QWEN, {"num_inference_steps": 251}, ["num_inference_steps=251", "2", "250"]),
    (QWEN, {"loras": [LORA] * 4}, ["loras=", "3"]),
    (QWEN, {"acceleration": "ultra"}, ["acceleration='ultra'", "regular"]),
    (QWEN, {"seed": 1, "Seed": 2}, ["seed", "Seed", "1", "2"]),
    (QWEN, {"guidanceScale": 4, "guidance_scale": 5}, ["guidanceScale", "4", "5"]),
    (EDIT, {"images": [URL] * 7}, ["7", "6"]),
    (EDIT, {"images": [URL], "prompt": "x" * 801}, ["prompt=", "800"]),
    (
        EDIT,
        {"images": [URL], "negative_prompt": "x" * 501},
        ["negative_prompt=", "500"],
    ),
    (
        EDIT,
        {"images": [URL], "image_size": {"width": 200, "height": 200}},
        ["image_size="],
    ),
    (
        EDIT,
        {"images": [URL], "image_size": {"width": 4096, "height": 4096}},
        ["image_size="],
    ),
    (EDIT, {"images": [URL], "seed": -1}, ["seed=-1", "0"]),
    (EDIT, {}, ["image_urls"]),
    ("fal-ai/qwen-image-edit", {}, ["image_url"]),
    ("fal-ai/qwen-image-edit", {"images": [URL, URL]}, ["2", "1"]),
    (
        QWEN,
        {"guidance_scale": 21, "acceleration": "ultra", "num_images": "three"},
        ["guidance_scale=21", "acceleration='ultra'", "num_images='three'"],
    ),
]


@pytest.mark.parametrize(("model", "options", "named"), CASES)
async def test_an_invalid_option_raises_with_its_value_and_the_allowed_ones(
    model: str, options: dict[str, Any], named: list[str], offline: FalProvider
) -> None:
    runnable = offline.image(model)
    given = {"prompt": "p", **options}
    with pytest.raises(FalOptionError) as refused:
        runnable.invoke(given)
    with pytest.raises(FalOptionError) as refused_async:
        await runnable.ainvoke(given)
    for caught in (refused, refused_async):
        text = str(caught.value)
        assert all(part in text for part in named), text
        assert caught.value.charged == "no"
        assert "nothing was sent" in text
        assert all(fault.option and fault.problem for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ("/etc/passwd", "no directory is allowed"),
        ("http://127.0.0.1/a.png", "not a public address"),
        ("http://localhost/a.png", "private network"),
        ("file:///etc/passwd", "not http or https"),
        (b"no image at all", "known image format"),
        ("data:image/png;base64,!", "known image format"),
        (object(), "is not an image"),
        ({"type": "text", "text": "x"}, "no image by URL"),
    ],
)
def test_an_invalid_input_image_raises(
    image: Any, text: str, offline: FalProvider
) -> None:
    with pytest.raises(FalInputImageError, match=text):
        offline.image(EDIT).invoke({"prompt": "p", "images": [image]})


def test_an_image_outside_the_endpoints_limits_raises(offline: FalProvider) -> None:
    tiny = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (100).to_bytes(4) + (90).to_bytes(4)
    with pytest.raises(FalOptionError, match="384"):
        offline.image(EDIT).invoke({"prompt": "p", "images": [tiny + b"\x08\x02" * 9]})
