"""Calls that fal takes, as its users write them, leave as they were written.

An earlier catalog, built from the types of fal's JavaScript client, refused or changed
each of these calls.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from canned_models import make_document
from payloads import get_input

from langchain_fal_image import (
    FalImageEdit,
    FalImageEditTool,
    FalProvider,
    FalTextToImage,
    FalTextToImageTool,
    create_fal,
)
from langchain_fal_image.errors import FalConfigurationError, FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.search import check_endpoint

URL = "https://v3.fal.media/files/a.png"
EDITS = ("qwen-image-edit-2509", "qwen-image-edit-plus")


@pytest.fixture(scope="module")
def fal() -> FalProvider:
    """A provider of which nothing is requested, so it needs no sandbox."""
    return create_fal(api_key="unused")


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("british-english", "bf_alice"),
        ("italian", "if_sara"),
        ("japanese", "jm_kumo"),
        ("mandarin-chinese", "zm_yunyang"),
        ("spanish", "ef_dora"),
        ("brazilian-portuguese", "pm_santa"),
    ],
)
def test_every_voice_of_kokoro_speaks(
    fal: FalProvider, language: str, voice: str
) -> None:
    name = f"fal-ai/kokoro/{language}"
    voices = get_input(name)["properties"]["voice"]["enum"]
    assert voice in voices
    for each in voices:
        resolved = fal.speech(name, voice=each).payload("Good morning.")
        assert resolved.payload == {"voice": each, "prompt": "Good morning."}
        assert resolved.warnings == ()


IMAGES: list[tuple[str, str, tuple[Any, ...]]] = [
    ("fal-ai/gpt-image-1/text-to-image", "image_size", ("auto",)),
    ("fal-ai/gpt-image-1/text-to-image", "quality", ("auto",)),
    ("fal-ai/gpt-image-1-mini", "image_size", ("auto",)),
    ("fal-ai/gpt-image-1-mini", "quality", ("auto",)),
    (
        "xai/grok-imagine-image",
        "aspect_ratio",
        ("2:1", "20:9", "19.5:9", "4:3", "3:4", "9:19.5", "9:20", "1:2"),
    ),
    ("xai/grok-imagine-image", "resolution", ("1k", "2k")),
    (
        "fal-ai/recraft/v3/text-to-image",
        "style",
        ("realistic_image/evening_light", "digital_illustration/pixel_art", "any"),
    ),
    (
        "imagineart/imagineart-1.5-preview/text-to-image",
        "aspect_ratio",
        ("3:1", "1:3", "4:3", "3:4", "3:2", "2:3"),
    ),
    (
        "imagineart/imagineart-1.5-pro-preview/text-to-image",
        "aspect_ratio",
        ("3:1", "1:3", "4:3", "3:4", "3:2", "2:3"),
    ),
    ("fal-ai/flux-2/klein/9b", "output_format", ("webp",)),
    ("fal-ai/longcat-image", "output_format", ("webp",)),
    ("fal-ai/flux-kontext-lora/text-to-image", "acceleration", ("high",)),
    # Open text, which stays as it was written.
    ("fal-ai/flux-pro/v1.1-ultra", "aspect_ratio", ("21:9", "9:21", "16:10", "7:3")),
    ("fal-ai/flux-pro/v1.1-ultra-finetuned", "aspect_ratio", ("21:9",)),
    ("fal-ai/flux-pro/v1.1-ultra/redux", "aspect_ratio", ("21:9",)),
    ("fal-ai/fooocus", "aspect_ratio", ("16:10", "1024x1024")),
]
REST: dict[str, dict[str, Any]] = {
    "fal-ai/flux-pro/v1.1-ultra-finetuned": {
        "finetune_id": "f",
        "finetune_strength": 1,
    },
    "fal-ai/flux-pro/v1.1-ultra/redux": {"image_url": URL},
}


@pytest.mark.parametrize(
    ("name", "option", "values"), IMAGES, ids=lambda each: str(each)[:40]
)
def test_every_choice_of_an_image_endpoint_is_sent(
    fal: FalProvider, name: str, option: str, values: tuple[Any, ...]
) -> None:
    given: dict[str, Any] = {"prompt": "a hill"} | REST.get(name, {})
    choices = get_input(name)["properties"][option].get("enum", ())
    for value in dict.fromkeys((*values, *choices)):
        options = {**given, option: value}
        resolved = fal.image(name).payload(options)
        assert resolved.payload == options
        assert resolved.warnings == ()


@pytest.mark.parametrize("language", ["Persian", "Filipino", "Tamil"])
def test_minimax_speaks_the_languages_of_its_document(
    fal: FalProvider, language: str
) -> None:
    name = "fal-ai/minimax/preview/speech-2.5-turbo"
    sent = fal.speech(name, language_boost=language).payload("Salam").payload
    assert sent["language_boost"] == language


@pytest.mark.parametrize("name", [f"{e}{end}" for e in EDITS for end in ("", "-lora")])
@pytest.mark.parametrize(
    "options", [{"output_format": "webp"}, {"acceleration": "high"}]
)
def test_a_value_that_fal_lacks_is_refused(
    fal: FalProvider, name: str, options: dict[str, str]
) -> None:
    edit = fal.image_edit(f"fal-ai/{name}", prompt="night", **options)
    with pytest.raises(FalOptionError, match="is not a choice"):
        edit.payload({"images": [URL]})


@pytest.mark.parametrize("name", ["", "/image-to-image", "/inpaint"])
def test_lora_has_its_own_adapters(fal: FalProvider, name: str) -> None:
    adapter = {
        "path": "h94/IP-Adapter",
        "ip_adapter_image_url": URL,
        "weight_name": "ip-adapter-plus_sdxl.bin",
        "unconditional_noising_factor": 0.5,
    }
    controlnet = {"path": "x/canny", "image_url": URL, "ip_adapter_index": 0}
    options: dict[str, Any] = {
        "model_name": "stabilityai/stable-diffusion-xl-base-1.0",
        "prompt": "a hill",
        "ip_adapter": [adapter],
        "controlnets": [controlnet],
    }
    if name:
        options["image_url"] = URL
    if name == "/inpaint":
        options["mask_url"] = URL
    resolved = fal.image(f"fal-ai/lora{name}").payload(options)
    assert resolved.payload == options
    assert resolved.warnings == ()


FILLS = [
    "fal-ai/flux-general",
    *(
        f"fal-ai/flux-general/{each}"
        for each in (
            *("image-to-image", "inpainting", "differential-diffusion"),
            "rf-inversion",
        )
    ),
    "fal-ai/flux-lora-fill",
]


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("value", [URL, [URL, URL]], ids=["one", "two"])
def test_an_image_to_fill_is_one_or_several(
    fal: FalProvider, name: str, value: Any
) -> None:
    schema = catalog.get_schema(name)
    assert schema is not None
    files = {each: URL for each in schema.required if each != "prompt"}
    options = {"prompt": "a hill", **files, "fill_image": {"fill_image_url": value}}
    resolved = fal.image(name).payload(options)
    assert resolved.payload == options
    assert resolved.warnings == ()
    # Each of them is a file: a path or bytes are sent as a URL.
    count = 2 if isinstance(value, list) else 1
    filled = [path for path in resolved.files if path[0] == "fill_image"]
    assert len(filled) == count


@pytest.mark.parametrize("level", ["none", "segment", "word"])
def test_wizper_takes_each_level_of_chunks(fal: FalProvider, level: str) -> None:
    model = fal.transcription("fal-ai/wizper", chunk_level=level)
    assert model.payload("https://v3.fal.media/files/a.mp3").payload["chunk_level"] == (
        level
    )


INTEGERS: list[tuple[str, str, dict[str, Any]]] = [
    *(
        (f"fal-ai/minimax/{name}", "Hello.", {"audio_setting": {"sample_rate": 32000}})
        for name in ("speech-02-hd", "speech-02-turbo", "preview/speech-2.5-turbo")
    ),
    ("xai/tts/v1", "Hello.", {"output_format": {"sample_rate": 24000}}),
    ("fal-ai/inworld-tts", "Hello.", {"sample_rate_hertz": 48000}),
    (
        "fal-ai/minimax-music/v2",
        "Jazz all night",
        {"audio_setting": {"bitrate": 256000}, "lyrics_prompt": "All night long"},
    ),
    ("sonauto/v2/text-to-music", "Jazz.", {"output_bit_rate": 128}),
]


@pytest.mark.parametrize(
    ("name", "text", "options"), INTEGERS, ids=lambda x: str(x)[:40]
)
def test_integers_of_speech_stay_integers(
    fal: FalProvider, name: str, text: str, options: dict[str, Any]
) -> None:
    sent = fal.speech(name, **options).payload(text).payload
    # As JSON, in which 32000 is not "32000" or 32000.0.
    assert json.dumps({each: sent[each] for each in options}) == json.dumps(options)


@pytest.mark.parametrize(
    ("name", "option", "prompt"),
    [
        ("fal-ai/sam2/image", "prompts", {}),
        ("fal-ai/sam-3/image", "point_prompts", {"prompt": "wheel"}),
    ],
)
def test_labels_of_points_stay_integers(
    fal: FalProvider, name: str, option: str, prompt: dict[str, str]
) -> None:
    points = [{"x": 10, "y": 20, "label": 1}, {"x": 1, "y": 2, "label": 0}]
    given = {"images": [URL], **prompt, option: points}
    sent = fal.image_edit(name).payload(given).payload
    assert json.dumps(sent[option]) == json.dumps(points)


TEXTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("fal-ai/flux/dev", {"seed": "42"}, {"seed": 42}),
    ("fal-ai/flux/dev", {"guidance_scale": "3.5"}, {"guidance_scale": 3.5}),
    ("fal-ai/flux/dev", {"num_images": "2"}, {"num_images": 2}),
    (
        "fal-ai/flux/dev",
        {"enable_safety_checker": "false"},
        {"enable_safety_checker": False},
    ),
]


@pytest.mark.parametrize(("name", "given", "sent"), TEXTS, ids=lambda x: str(x)[:40])
def test_numbers_as_text_are_read(
    fal: FalProvider, name: str, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    payload = fal.image(name, **given).payload("a hill").payload
    assert payload == {"prompt": "a hill", **sent}
    for key, value in sent.items():
        assert type(payload[key]) is type(value)


@pytest.mark.parametrize(
    ("name", "makes"),
    [
        ("fal-ai/veo3", "makes videos"),
        ("fal-ai/kling-video/o3/4k/text-to-video", "makes videos"),
        ("alibaba/happy-horse/image-to-video", "makes videos"),
        ("fal-ai/flux-lora-fast-training", "makes trained models"),
    ],
)
def test_another_kind_is_refused_before_anything_is_sent(
    fal: FalProvider, name: str, makes: str
) -> None:
    for create in (FalTextToImage, FalTextToImageTool, fal.image, fal.image_edit):
        with pytest.raises(FalConfigurationError, match=makes):
            create(model=name)


def test_a_document_of_a_new_endpoint_says_that_it_makes_videos() -> None:
    document = make_document("me/new", "text-to-video")
    schema = EndpointSchema.from_openapi(document)
    assert schema.kind == "video"
    with pytest.raises(FalConfigurationError, match="me/new makes videos"):
        check_endpoint("me/new", schema, "image")


GPT_IMAGE = (
    *("fal-ai/gpt-image-1/text-to-image", "fal-ai/gpt-image-1/edit-image"),
    *("fal-ai/gpt-image-1-mini", "fal-ai/gpt-image-1-mini/edit"),
    *("fal-ai/gpt-image-1.5", "fal-ai/gpt-image-1.5/edit"),
)


@pytest.mark.parametrize("name", GPT_IMAGE)
def test_a_ratio_chooses_the_size_of_gpt_image(fal: FalProvider, name: str) -> None:
    model = fal.image(name)
    given: dict[str, Any] = {"prompt": "a hill", "aspect_ratio": "3:2"}
    is_edit = isinstance(model, FalImageEdit)
    sent = model.payload(given | ({"images": [URL]} if is_edit else {})).payload
    assert sent["image_size"] == "1536x1024"
    tool = (FalImageEditTool if is_edit else FalTextToImageTool)(model=model)
    assert "aspect_ratio" in tool.args


@pytest.mark.parametrize("count", [5, 10**9])
def test_more_images_than_the_document_allows_are_refused(
    fal: FalProvider, count: int
) -> None:
    with pytest.raises(FalOptionError, match="num_images"):
        fal.image("fal-ai/flux/dev", num_images=count).payload("a hill")
