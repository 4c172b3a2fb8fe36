"""Images and results: read, save and show them; they hold no bytes."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import PIL.Image
import pytest
from langchain_core.stores import InMemoryByteStore

from langchain_fal_image import FalProvider, FalTextToImage, GeneratedImage, ImageResult
from langchain_fal_image._formats.image import sniff_image
from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
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


def test_an_image_is_saved_under_the_expected_name(
    image: GeneratedImage, tmp_path: Path
) -> None:
    assert image.save(tmp_path / "fuji.png").name == "fuji.png"
    assert image.save(str(tmp_path / "fuji")).name == "fuji.png"
    assert image.save(tmp_path / "deep" / "er" / "a").parent.name == "er"
    assert image._with(handle="img_3").save(tmp_path).suffix == ".png"
    assert not list(tmp_path.glob(".*"))


def test_a_file_name_from_fal_cannot_leave_the_directory(
    image: GeneratedImage, tmp_path: Path
) -> None:
    hostile = image._with(file_name="../../evil.png")
    assert hostile.save(tmp_path) == tmp_path / "evil.png"


def test_a_missing_file_is_a_failed_download(
    image: GeneratedImage, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.files.remove(str(image.url))
    with pytest.raises(FalDownloadError, match="404"):
        image.read()
    assert fal_sandbox.submits == 1


def test_an_image_opens_in_pillow_and_in_a_notebook(image: GeneratedImage) -> None:
    assert image.to_pil().size == (1024, 768)
    assert str(image.url) in image._repr_html_()


def test_a_content_block_has_the_url(
    image: GeneratedImage,
) -> None:
    block = image.to_content_block()
    assert block == {
        "type": "image",
        "url": image.url,
        "mime_type": "image/png",
        "id": f"{image.request_id}-0",
    }


def test_bytes_in_the_response_go_to_the_store(fal_sandbox: Sandbox) -> None:
    store = InMemoryByteStore()
    fal = fal_sandbox.provider(store=store)
    [image] = FalTextToImage(fal=fal, sync_mode=True).invoke("a hill").images
    assert list(store.yield_keys()) == [image.sha256]
    assert image._repr_html_().startswith('<img src="data:image/png;base64,')
    with pytest.raises(FalConfigurationError, match="no URL"):
        image.to_content_block()
    stored = pickle.dumps(image)
    assert len(stored) < 1000
    lost = pickle.loads(stored).using(fal_sandbox.provider())  # noqa: S301 - our own
    with pytest.raises(FalDownloadError, match="are lost"):
        lost.read()


def test_html_is_escaped() -> None:
    result = ImageResult.from_output(
        {"images": ["https://v3.fal.media/a.png?x='><script>"]},
        model="fal-ai/x",
        options={"prompt": "<script>"},
    )
    assert "<script>" not in result._repr_html_()


def test_another_dict_is_not_an_artifact() -> None:
    with pytest.raises(ValueError, match="not the artifact"):
        ImageResult.from_artifact({"type": "other"})


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
