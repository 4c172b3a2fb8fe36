"""A test for each row on images of docs/how-to/from-the-ai-sdk.md."""

from __future__ import annotations

from collections.abc import Iterator

import image_call_rows
import image_result_rows
import pytest
from service import QWEN, URL, Fal, Rows, rows_on_the_page

from langchain_fal_image import FalProvider, fal
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalOptionError,
)
from langchain_fal_image.wire.config import Limits

row = Rows()

EDIT = "fal-ai/qwen-image-2/edit"

PRO = "fal-ai/nano-banana-pro"

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x02\0\x08\x02" + b"\0" * 40


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in ("FAL_API_KEY", "FAL_KEY"):
        monkeypatch.delenv(name, raising=False)
    with monkeypatch.context() as patch:
        yield patch


def test_every_row_of_the_page_has_a_test() -> None:
    tested = [*KEY_ROWS, *row, *image_call_rows.row, *image_result_rows.row]
    assert rows_on_the_page()[0] == tested


@pytest.mark.parametrize("name", rows_on_the_page()[0])
def test_row(name: str, clean: pytest.MonkeyPatch) -> None:
    if name in KEY_ROWS:
        KEY_ROWS[name](Fal(), clean)
    else:
        {**row, **image_call_rows.row, **image_result_rows.row}[name](Fal())


def authorization(service: Fal, key: str | None) -> str:
    service.provider(key).image(QWEN).invoke("p")
    return service.requests[0].headers["authorization"]


def key_argument(service: Fal, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("FAL_API_KEY", "environment")
    assert authorization(service, "argument") == "Key argument"


def key_environment(service: Fal, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("FAL_KEY", "second")
    assert authorization(service, None) == "Key second"
    patch.setenv("FAL_API_KEY", "first")
    assert authorization(Fal(), None) == "Key first"


def key_empty(service: Fal, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("FAL_API_KEY", "")
    patch.setenv("FAL_KEY", "second")
    assert authorization(service, None) == "Key second"


def key_missing(service: Fal, patch: pytest.MonkeyPatch) -> None:
    model = service.provider(None).image(QWEN)
    with pytest.raises(FalConfigurationError, match=r"FAL_API_KEY \(or FAL_KEY\)"):
        model.invoke("p")


KEY_ROWS = {
    "key-argument": key_argument,
    "key-environment": key_environment,
    "key-empty": key_empty,
    "key-missing": key_missing,
}


@row
def base_url(service: Fal) -> None:
    proxied = service.provider(
        base_url="https://p.example/q/", run_url="https://p.example/r/"
    )
    proxied.image(QWEN).invoke("p")
    assert str(service.requests[0].url) == f"https://p.example/q/{QWEN}"
    service.requests.clear()
    proxied.image(QWEN, mode="sync").invoke("p")
    assert str(service.requests[0].url) == f"https://p.example/r/{QWEN}"


@row
def headers(service: Fal) -> None:
    own = {"X-Own": "1", "Authorization": "Bearer other"}
    service.provider(headers=own).image(QWEN).invoke("p")
    assert service.requests[0].headers["x-own"] == "1"
    assert service.requests[0].headers["authorization"] == "Bearer other"


@row
def user_agent(service: Fal) -> None:
    service.sent()
    service.provider().image(QWEN).invoke("p")
    agent = service.requests[0].headers["user-agent"]
    assert agent.startswith("langchain-fal-image/")


@row
def fetch(service: Fal) -> None:
    service.provider().image(QWEN).invoke("p")
    assert len(service.requests) == 3


@row
def image(service: Fal) -> None:
    provider = service.provider()
    assert type(provider.image(QWEN)).__name__ == "FalTextToImage"
    assert type(provider.image(EDIT)).__name__ == "FalImageEdit"
    assert type(provider.image_model(EDIT)).__name__ == "FalImageEdit"


@row
def no_such_model(service: Fal) -> None:
    provider = service.provider()
    for make in (
        provider.language_model,
        provider.embedding_model,
        provider.text_embedding_model,
    ):
        with pytest.raises(
            FalConfigurationError, match="not supported by this package"
        ):
            make("some-id")


@row
def video(service: Fal) -> None:
    provider = service.provider()
    for make in (provider.video, provider.video_model):
        with pytest.raises(FalConfigurationError, match="Video models are not"):
            make("luma-dream-machine")


@row
def default_instance(service: Fal) -> None:
    assert isinstance(fal, FalProvider)


@row
def n(service: Fal) -> None:
    assert service.sent(n=2) == {"num_images": 2}


@row
def n_unset(service: Fal) -> None:
    assert service.sent() == {}


@row
def n_many(service: Fal) -> None:
    service.provider().image(QWEN).invoke({"prompt": "p", "n": 4})
    assert [each.method for each in service.requests].count("POST") == 1


@row
def size(service: Fal) -> None:
    assert service.sent(size="1024x768") == {
        "image_size": {"width": 1024, "height": 768}
    }
    sent = service.sent(PRO, size="1024x768")
    assert sent == {"aspect_ratio": "4:3", "resolution": "1K"}


@row
def aspect_ratio_table(service: Fal) -> None:
    table = {
        "1:1": "square_hd",
        "16:9": "landscape_16_9",
        "9:16": "portrait_16_9",
        "4:3": "landscape_4_3",
        "3:4": "portrait_4_3",
        "16:10": {"width": 1280, "height": 800},
        "10:16": {"width": 800, "height": 1280},
        "21:9": {"width": 2560, "height": 1080},
        "9:21": {"width": 1080, "height": 2560},
    }
    for ratio, expected in table.items():
        assert service.sent(aspectRatio=ratio) == {"image_size": expected}


@row
def aspect_ratio_unknown(service: Fal) -> None:
    made = service.sent(aspectRatio="7:5")["image_size"]
    assert made["width"] / made["height"] == pytest.approx(7 / 5)
    with pytest.raises(FalOptionError, match="7:5"):
        service.sent(PRO, aspectRatio="7:5")


@row
def size_and_ratio(service: Fal) -> None:
    with pytest.raises(FalOptionError, match="contradicts"):
        service.sent(size="1024x768", aspectRatio="16:9")


@row
def seed(service: Fal) -> None:
    assert service.sent(seed=196619188014358660) == {"seed": 196619188014358660}


@row
def one_file(service: Fal) -> None:
    single = service.sent("fal-ai/qwen-image-edit", images=[URL])
    assert single == {"image_url": URL}
    assert service.sent(EDIT, files=[{"type": "url", "url": URL}]) == {
        "image_urls": [URL]
    }


@row
def several_files(service: Fal) -> None:
    other = URL.replace("a.png", "b.png")
    assert service.sent(EDIT, files=[URL, other]) == {"image_urls": [URL, other]}
    with pytest.raises(FalOptionError, match="too many images"):
        service.sent("fal-ai/qwen-image-edit", files=[URL, other])


@row
def use_multiple_images(service: Fal) -> None:
    options = {"fal": {"useMultipleImages": True}}
    sent = service.sent(EDIT, files=[URL, URL], providerOptions=options)
    assert sent == {"image_urls": [URL, URL]}
    unknown = "fal-ai/brand-new/edit"
    assert service.sent(unknown, images=[URL], providerOptions=options) == {
        "image_urls": [URL]
    }
    assert service.sent(unknown, images=[URL]) == {"image_url": URL}


@row
def binary_files(service: Fal) -> None:
    file = {"type": "file", "mediaType": "image/png", "data": PNG}
    [inline] = service.sent(EDIT, files=[file])["image_urls"]
    assert inline.startswith("data:image/png;base64,")
    limited = service.provider(limits=Limits(inline_bytes=10))
    flow = limited.image(EDIT)
    with pytest.raises(Exception, match="uploaded"):
        # The upload goes through our own guarded client, which finds no such host.
        flow.invoke({"prompt": "p", "files": [file]})
    assert "storage/upload/initiate" in str(service.requests[0].url)


@row
def mask(service: Fal) -> None:
    inpaint = "fal-ai/qwen-image-edit/inpaint"
    assert service.sent(inpaint, images=[URL], mask=URL) == {
        "image_url": URL,
        "mask_url": URL,
    }
    eraser = "fal-ai/fooocus/inpaint"
    assert service.sent(eraser, inpaintImageUrl=URL, mask=URL)["mask_image_url"] == URL


@row
def camel_case(service: Fal) -> None:
    loras = [{"path": "https://a.example/b"}]
    assert service.sent(negativePrompt="x", loras=loras) == {
        "negative_prompt": "x",
        "loras": [{"path": "https://a.example/b"}],
    }


@row
def snake_case(service: Fal) -> None:
    result = service.answered({"images": [URL]}, guidance_scale=4)
    assert result.warnings == ()


@row
def both_spellings(service: Fal) -> None:
    assert service.sent(guidance_scale=4, guidanceScale=4) == {"guidance_scale": 4}
    with pytest.raises(FalOptionError, match="contradicts"):
        service.sent(guidance_scale=4, guidanceScale=5)


@row
def guidance_scale(service: Fal) -> None:
    assert service.sent(guidanceScale=0) == {"guidance_scale": 0}


@row
def steps(service: Fal) -> None:
    assert service.sent(numInferenceSteps=250) == {"num_inference_steps": 250}


@row
def output_format(service: Fal) -> None:
    assert service.sent(PRO, outputFormat="webp") == {"output_format": "webp"}
    with pytest.raises(FalOptionError, match="webp"):
        service.sent(outputFormat="webp")


@row
def safety_tolerance(service: Fal) -> None:
    assert service.sent(PRO, safetyTolerance=2) == {"safety_tolerance": "2"}
    assert service.sent(PRO, safety_tolerance="2") == {"safety_tolerance": "2"}


@row
def null_options(service: Fal) -> None:
    assert service.sent(guidanceScale=None) == {}
    assert service.sent(seed=None) == {"seed": None}


@row
def unknown_options(service: Fal) -> None:
    unknown = {"guidenceScale": 4, "additionalParam": 5}
    options = {"providerOptions": {"fal": unknown}}
    result = service.answered({"images": [URL]}, **options)
    assert result.options["additional_param"] == 5
    assert any("sent as 'additional_param'" in each for each in result.warnings)
    assert any("'guidance_scale'" in warning for warning in result.warnings)
    strict = service.provider().image(QWEN, strict=True)
    with pytest.raises(FalOptionError, match="guidance_scale"):
        strict.invoke({"prompt": "p", **options})
    with pytest.raises(FalOptionError, match="guidenceScale is not a known option"):
        service.sent(guidenceScale=4)
    with pytest.raises(FalOptionError, match="additionalParam is not a known option"):
        service.sent(additionalParam=5)


@row
def provider_options(service: Fal) -> None:
    options = {"fal": {"numImages": 3}}
    assert service.sent(n=2, providerOptions=options) == {"num_images": 3}
