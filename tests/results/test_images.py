"""Images and results: read, save and show them; they hold no bytes."""

from __future__ import annotations

import io

import PIL.Image
import pytest

from langchain_fal_image import FalProvider, FalTextToImage, GeneratedImage, ImageResult
from langchain_fal_image._formats.image import sniff_image
from langchain_fal_image.sandbox import Sandbox


@pytest.fixture
def image(fal: FalProvider) -> GeneratedImage:
    return FalTextToImage(fal=fal).invoke("a hill").images[0]


def test_reading_corrects_the_type_and_the_size(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    encoded = io.BytesIO()
    PIL.Image.new("RGB", (30, 20)).save(encoded, "WEBP")
    url = fal_sandbox.files.put("a.png", encoded.getvalue(), "image/png")
    image = GeneratedImage(url=url, mime_type="image/jpeg").using(fal)
    assert image.mime_type == "image/jpeg"
    image.read()
    assert (image.mime_type, image.width, image.height) == ("image/webp", 30, 20)


def test_an_image_opens_in_pillow_and_in_a_notebook(image: GeneratedImage) -> None:
    assert image.to_pil().size == (1024, 768)
    assert str(image.url) in image._repr_html_()


def test_an_image_without_a_url_is_shown_inline(fal: FalProvider) -> None:
    result = FalTextToImage(fal=fal, sync_mode=True, size="64x64").invoke("a hill")
    shown = result.images[0]._repr_html_()
    assert shown.startswith('<img src="data:image/png;base64,')


def test_html_is_escaped() -> None:
    result = ImageResult.from_output(
        {"images": ["https://v3.fal.media/a.png?x='><script>"]},
        model="fal-ai/x",
        options={"prompt": "<script>"},
    )
    assert "<script>" not in result._repr_html_()


def test_an_endpoint_that_returns_the_image_itself(fal: FalProvider) -> None:
    realtime = fal.text_to_image("fal-ai/flux-2/klein/realtime")
    schema = fal.contract("fal-ai/flux-2/klein/realtime")
    assert schema is not None
    needed: dict[str, str] = dict.fromkeys(schema.required, "a hill")
    images = {field.name for field in schema.image_fields}
    needed |= dict.fromkeys(images & set(needed), "https://v3.fal.media/a.png")
    result = realtime.invoke({"prompt": "a hill", **needed})
    assert sniff_image(result.images[0].read()) is not None
    assert len(str(result.raw)) < 2000
