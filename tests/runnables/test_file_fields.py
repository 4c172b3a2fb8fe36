"""Every image option takes an image in every form."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from langchain_fal_image import FalProvider, FalTextToImage, ImageResult
from langchain_fal_image.options import catalog, paths
from langchain_fal_image.sandbox import Sandbox

TRY_ON = "fal-ai/leffa/virtual-tryon"
URL = "https://v3.fal.media/files/a.png"


def encoded() -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (512, 512), "navy").save(file, "PNG")
    return file.getvalue()


def forms(made: ImageResult, path: Path) -> dict[str, Any]:
    return {
        "url": URL,
        "bytes": encoded(),
        "pillow": PIL.Image.new("RGB", (512, 512), "navy"),
        "path": path,
        "path as text": str(path),
        "generated image": made.images[0],
        "result": made,
        "data URI": f"data:image/png;base64,{base64.b64encode(encoded()).decode()}",
        "content block": {"type": "image", "url": URL},
        "openai block": {"type": "image_url", "image_url": {"url": URL}},
    }


NAMES = [
    *("url", "bytes", "pillow", "path", "path as text", "generated image", "result"),
    *("data URI", "content block", "openai block"),
]


@pytest.fixture
def allowed(fal_sandbox: Sandbox, tmp_path: Path) -> FalProvider:
    return fal_sandbox.provider(allowed_dirs=[tmp_path])


@pytest.mark.parametrize("form", NAMES)
def test_every_form_of_image_fits_any_image_option(
    form: str, allowed: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    made = FalTextToImage(fal=allowed).invoke("a hill")
    path = tmp_path / "given.png"
    path.write_bytes(encoded())
    image = forms(made, path)[form]
    named = {"humanImageUrl": image, "garment_image_url": image}
    schema = catalog.get_schema(TRY_ON)
    assert schema is not None
    kind = schema.fields.get("garment_type")
    rest = {"garment_type": kind.shape.choices[0]} if kind else {}
    result = allowed.image(TRY_ON).invoke({**named, **rest})
    assert result.images
    assert len(result.inputs) == 2
    sent = fal_sandbox.requests[-3].json
    for name in ("human_image_url", "garment_image_url"):
        assert sent[name].startswith(("https://", "data:image/", fal_sandbox.url))


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize(
    "case",
    [
        ("fal-ai/fashn/tryon/v1.6", {"model_image": URL}, ("garment_image",)),
        (
            "fal-ai/flux-control-lora-depth",
            {"prompt": "p"},
            ("control_lora_image_url",),
        ),
        (
            "fal-ai/flux-lora-fill",
            {"prompt": "p", "images": [URL], "mask": URL},
            ("fill_image", "fill_image_url"),
        ),
    ],
)
def test_images_are_recognized_under_any_name_and_inside_objects(
    case: tuple[str, dict[str, Any], tuple[str, ...]],
    form: str,
    allowed: FalProvider,
    fal_sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    endpoint_id, options, path = case
    made = FalTextToImage(fal=allowed).invoke("a hill")
    file = tmp_path / "given.png"
    file.write_bytes(encoded())
    image = forms(made, file)[form]
    value = {path[1]: image} if path[1:] else image
    model = allowed.image_edit(endpoint_id, **options)
    request = model.submit({path[0]: value})
    sent = paths.get(fal_sandbox.requests[-1].json, path)
    # fill_image_url takes one image or a list of images.
    url = sent[0] if isinstance(sent, list) else sent
    assert url.startswith(("https://", "data:image/", fal_sandbox.url))
    assert request.request_id


def test_a_mask_takes_bytes(allowed: FalProvider, fal_sandbox: Sandbox) -> None:
    edit = allowed.image("fal-ai/qwen-image-edit/inpaint")
    edit.invoke({"prompt": "p", "images": [URL], "mask": encoded()})
    sent = fal_sandbox.requests[0].json
    assert sent["mask_url"].startswith("data:image/png;base64,")
