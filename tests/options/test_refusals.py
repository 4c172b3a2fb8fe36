"""Options that raise before anything is sent, and what the error says."""

from __future__ import annotations

import math
from typing import Any

import pytest
from payloads import SERVED

from langchain_fal_image.errors import FalOptionError, OptionFault
from langchain_fal_image.options import catalog
from langchain_fal_image.options.limits import check_file
from langchain_fal_image.options.resolve import resolve_options

QWEN = "fal-ai/qwen-image"
QWEN_EDIT = "fal-ai/qwen-image-edit"
QWEN_2_PRO = "fal-ai/qwen-image-2/pro/text-to-image"
QWEN_2_EDIT = "fal-ai/qwen-image-2/edit"
NANO = "fal-ai/nano-banana-pro"
NANO_EDIT = "fal-ai/nano-banana-pro/edit"
IMAGE = "https://example.com/a.png"


def make_options(endpoint_id: str) -> dict[str, Any]:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    return {"prompt": "a kite"} | ({"images": IMAGE} if schema.needs_image else {})


def send(options: dict[str, Any]) -> dict[str, Any]:
    """Return options that send others on purpose."""
    return {"providerOptions": {"fal": options}}


def catch_error(
    endpoint_id: str, options: dict[str, Any], **settings: Any
) -> FalOptionError:
    with pytest.raises(FalOptionError) as caught:
        resolve_options(
            catalog.get_schema(endpoint_id), [("input", options)], **settings
        )
    assert caught.value.model == endpoint_id
    return caught.value


@pytest.mark.parametrize(
    ("endpoint_id", "options", "named", "allowed"),
    [
        (NANO, {"num_images": 5}, "num_images=5", "1 to 4"),
        (NANO_EDIT, {"num_images": 5}, "num_images=5", "1 to 4"),
        (NANO, {"num_images": 0}, "num_images=0", "1 to 4"),
        (NANO, {"n": 5}, "(given as n)", "1 to 4"),
        (NANO, {"aspect_ratio": "7:5"}, "aspect_ratio='7:5'", "21:9, 16:9, 3:2"),
        (NANO, {"resolution": "8K"}, "resolution='8K'", "1K, 2K, 4K"),
        (QWEN, {"guidance_scale": 21}, "guidance_scale=21", "0 to 20"),
        (QWEN, {"guidanceScale": 20.01}, "guidance_scale=20.01", "0 to 20"),
        (QWEN, {"num_inference_steps": 251}, "num_inference_steps=251", "2 to 250"),
        (QWEN, {"num_inference_steps": 1}, "num_inference_steps=1", "2 to 250"),
        (QWEN, {"loras": [{"path": "a"}] * 4}, "loras=", "at most 3"),
        (QWEN, {"loras": [{"scale": 1}]}, "loras[0].path", "text"),
        (QWEN, {"acceleration": "ultra"}, "acceleration='ultra'", "none, regular, hi"),
        (QWEN, {"output_format": "webp"}, "output_format='webp'", "jpeg, png"),
        (QWEN_2_EDIT, {"images": [IMAGE] * 7}, "image_urls=", "1 to 6 images"),
        (QWEN_2_EDIT, {"prompt": "x" * 801}, "prompt='x", "800 characters"),
        (QWEN_2_EDIT, {"negative_prompt": "x" * 501}, "negative_prompt=", "500 chara"),
        (QWEN_2_PRO, {"negative_prompt": "x" * 501}, "negative_prompt=", "500 chara"),
        (
            QWEN_2_EDIT,
            {"image_size": {"width": 200, "height": 200}},
            "image_size={'width': 200, 'height': 200}",
            "262144 to 4194304 pixels",
        ),
        (
            QWEN_2_EDIT,
            {"imageSize": {"width": 4096, "height": 4096}},
            "image_size={'width': 4096, 'height': 4096}",
            "262144 to 4194304 pixels",
        ),
        (
            QWEN_2_PRO,
            {"image_size": {"width": 500}},
            "image_size={'width': 500}",
            "262144 to 4194304 pixels",
        ),
        (QWEN_2_EDIT, {"size": "200x200"}, "(given as size)", "262144 to 4194304"),
        (QWEN_2_EDIT, {"seed": -1}, "seed=-1", "0 to 2147483647"),
        (QWEN_2_EDIT, {"seed": 2**31}, "seed=2147483648", "0 to 2147483647"),
        (QWEN_2_EDIT, {"image_size": "huge"}, "image_size='huge'", "square_hd"),
        (QWEN_EDIT, {"images": [IMAGE] * 2}, "image_url=", "1 image"),
        (QWEN, {"images": IMAGE}, "images=", "no images"),
        (QWEN_2_EDIT, {"mask": IMAGE}, "mask=", "no mask"),
    ],
)
def test_a_value_outside_the_limits_is_one_fault(
    endpoint_id: str, options: dict[str, Any], named: str, allowed: str
) -> None:
    error = catch_error(endpoint_id, make_options(endpoint_id) | options)
    assert len(error.faults) == 1
    assert named in str(error)
    assert allowed in error.faults[0].allowed


@pytest.mark.parametrize(
    ("endpoint_id", "options"),
    [
        (QWEN_2_EDIT, {"prompt": "x" * 800, "negative_prompt": "y" * 500}),
        (QWEN_2_EDIT, {"image_size": {"width": 512, "height": 512}}),
        (QWEN_2_EDIT, {"image_size": {"width": 2048, "height": 2048}}),
        (QWEN_2_EDIT, {"image_size": "square", "seed": 0}),
        (QWEN_2_EDIT, {"images": [IMAGE] * 6, "seed": 2**31 - 1}),
        (QWEN_2_PRO, {"prompt": "x" * 6000}),
        (QWEN, {"guidance_scale": 0, "num_inference_steps": 250, "loras": []}),
        (QWEN, {"guidance_scale": 20.0, "seed": 196619188014358660}),
        (NANO_EDIT, {"images": [IMAGE] * 14, "num_images": 4}),
    ],
)
def test_the_limits_are_inclusive(endpoint_id: str, options: dict[str, Any]) -> None:
    layers = [("input", make_options(endpoint_id) | options)]
    resolved = resolve_options(catalog.get_schema(endpoint_id), layers, strict=True)
    assert resolved.warnings == ()


@pytest.mark.parametrize(
    ("endpoint_id", "field"),
    [
        (QWEN_EDIT, "image_url"),
        (QWEN_2_EDIT, "image_urls"),
        (NANO_EDIT, "image_urls"),
    ],
)
@pytest.mark.parametrize(
    "options", [{}, {"images": []}, {"images": None}, {"imageUrls": []}]
)
def test_an_edit_needs_an_image(
    endpoint_id: str, field: str, options: dict[str, Any]
) -> None:
    error = catch_error(endpoint_id, {"prompt": "make it night"} | options)
    assert [fault.option for fault in error.faults] == [field]
    assert "image" in error.faults[0].allowed


@pytest.mark.parametrize("endpoint_id", SERVED)
def test_each_missing_required_option_is_a_fault(endpoint_id: str) -> None:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    if schema.required:
        named = {fault.option for fault in catch_error(endpoint_id, {}).faults}
        assert named == set(schema.required)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"guidance_scale": 4, "guidanceScale": 5}, ["guidance_scale=4", "Scale=5"]),
        ({"num_images": 1, "n": 2}, ["num_images=1", "n=2"]),
        ({"size": "640x480", "image_size": "square"}, ["size='640x480'", "image_size"]),
        ({"size": "640x480", "aspectRatio": "1:1"}, ["size=", "aspectRatio='1:1'"]),
        ({"enable_safety_checker": True, "enableSafetyChecker": 1}, ["True", "=1"]),
        (
            {"loras": [{"path": "a", "scale": 1, "Scale": 2}]},
            ["loras[0].scale=1", "loras[0].Scale=2"],
        ),
    ],
)
def test_two_values_for_one_option_in_one_layer_contradict(
    options: dict[str, Any], parts: list[str]
) -> None:
    message = str(catch_error(QWEN, make_options(QWEN) | options))
    assert "contradicts" in message
    assert all(part in message for part in parts)


def test_a_likely_typo_is_reported_with_the_faults() -> None:
    error = catch_error(QWEN, {"prompt": "p", "guidenceScale": 4, "num_images": 9})
    assert "num_images=9" in str(error)
    assert "guidance_scale" in str(error)


def test_all_faults_are_reported_at_once() -> None:
    error = catch_error(
        NANO,
        {"num_images": 5, "aspect_ratio": "7:5", "resolution": "8K", "seed": "x"},
    )
    assert {fault.option for fault in error.faults} == {
        "num_images",
        "aspect_ratio",
        "resolution",
        "prompt",
        "seed",
    }
    for fault in error.faults:
        assert str(fault) in str(error)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"num_images": "two"}, "text, not a whole number"),
        ({"num_images": True}, "true or false, not a whole number"),
        ({"num_inference_steps": 30.5}, "a number, not a whole number"),
        ({"guidance_scale": math.nan}, "not a finite number"),
        ({"guidance_scale": math.inf}, "not a finite number"),
        ({"num_images": math.inf}, "not a finite number"),
        ({"guidance_scale": "high"}, "text, not a number"),
        ({"sync_mode": 2}, "a number, not true or false"),
        ({"prompt": 7}, "a number, not text"),
        ({"prompt": ["a"]}, "a list, not text"),
        ({"loras": {"path": "a"}}, "an object, not a list"),
        ({"image_size": 512}, "a number, not an object with width, height or"),
        ({"prompt": "\ud800"}, "lone surrogate"),
        (send({"new_option": object()}), "sent as JSON"),
        (send({"new_option": {"deep": b"abc"}}), "sent as JSON"),
        (send({"new_option": {1: 2}}), "sent as JSON"),
        ({"new_option": object()}, "not a known option"),
        ({"new_option": 1, "providerOptions": {}}, "not a known option"),
        ({"providerOptions": "fal"}, "not a mapping"),
        ({"providerOptions": {"fal": 3}}, "not a mapping"),
        ({3: 4}, "a name that is not text"),
        ({"size": "large"}, "is not a size"),
        ({"size": "0x5"}, "is not a size"),
        ({"width": 512}, "without height"),
        ({"aspect_ratio": "wide"}, "is not a ratio"),
        ({"resolution": "2K"}, "does not determine the size"),
    ],
)
def test_a_value_of_the_wrong_type_is_one_fault(
    options: dict[Any, Any], problem: str
) -> None:
    error = catch_error(QWEN, make_options(QWEN) | options)
    assert len(error.faults) == 1
    assert problem in error.faults[0].problem


def test_a_whole_float_becomes_an_integer_and_an_integer_stays_one() -> None:
    options = {"prompt": "x", "num_inference_steps": 30.0, "guidance_scale": 3}
    payload = resolve_options(catalog.get_schema(QWEN), [("input", options)]).payload
    assert repr(payload["num_inference_steps"]) == "30"
    assert repr(payload["guidance_scale"]) == "3"


def test_without_checks_only_what_is_not_json_is_a_fault() -> None:
    options = {"numImages": 50, "guidanceScale": "high", "whatever": 1}
    resolved = resolve_options(
        catalog.get_schema(NANO), [("input", options)], check=False
    )
    assert resolved.payload == {
        "num_images": 50,
        "guidance_scale": "high",
        "whatever": 1,
    }
    assert resolved.warnings == ()
    error = catch_error(NANO, {"whatever": b"bytes"}, check=False)
    assert error.faults[0].option == "whatever"


def test_the_message_has_no_bytes_and_no_data_uri() -> None:
    secret = "data:image/png;base64," + "QUJD" * 50
    error = catch_error(
        QWEN, {"prompt": "x", "images": [secret, b"ABCABC"], "mask": b"XY"}
    )
    assert "QUJD" not in str(error)
    assert "ABC" not in str(error)


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"width": 383, "height": 400}, "is too small"),
        ({"width": 400, "height": 5001}, "is too large"),
        ({"size": 10 * 1024 * 1024 + 1}, "has 10485761 bytes"),
        ({"mime_type": "image/gif"}, "is image/gif"),
        ({"has_alpha": True}, "has transparency"),
    ],
)
def test_an_image_outside_the_limits(facts: dict[str, Any], problem: str) -> None:
    schema = catalog.get_schema(QWEN_2_EDIT)
    fault = check_file(schema, ("image_urls", 3), **facts)
    assert isinstance(fault, OptionFault)
    assert fault.option == "image_urls[3]"
    assert fault.problem == problem
    assert "384 to 5000 pixels" in fault.allowed


def test_an_image_within_the_limits_or_without_limits() -> None:
    fine: dict[str, Any] = {
        "size": 10 * 1024 * 1024,
        "mime_type": "image/png",
        "has_alpha": False,
    }
    schema = catalog.get_schema(QWEN_2_EDIT)
    path = ("image_urls", 0)
    assert check_file(schema, path, width=384, height=5000, **fine) is None
    assert check_file(schema, path) is None
    tiny: dict[str, Any] = {"width": 1, "height": 1, "mime_type": "image/gif"}
    assert check_file(catalog.get_schema(QWEN_EDIT), ("image_url",), **tiny) is None
    assert check_file(schema, ("unknown", 0), **tiny) is None
    assert check_file(None, path, **tiny) is None
