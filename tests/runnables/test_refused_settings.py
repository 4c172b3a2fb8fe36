"""Constructors refuse settings with a typo or a wrong value."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_fal_image import (
    FalImageEdit,
    FalImageToolkit,
    FalSpeech,
    FalTextToImage,
    FalTextToImageTool,
)
from langchain_fal_image.errors import FalConfigurationError

QWEN = "fal-ai/qwen-image"
TYPES = "fal-ai/qwen-image-2512"
UNKNOWN = "me/mine"
SECRET = "hidden-1"


@pytest.mark.parametrize("model", [{}, {"model": TYPES}, {"model": UNKNOWN}])
@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("modle", "model=…"),
        ("time_out", "timeout=…"),
        ("timeuot", "timeout=…"),
        ("stric", "strict=…"),
        ("Mode", "mode=…"),
        ("checkOptions", "check_options=…"),
        ("on_cancle", "on_cancel=…"),
        ("budgets", "budget=…"),
    ],
)
def test_a_typo_in_a_setting_is_refused(
    name: str, guess: str, model: dict[str, str]
) -> None:
    with pytest.raises(FalConfigurationError, match=f"did you mean {guess}"):
        FalTextToImage(**model, **{name: "x"})
    assert FalTextToImage(**model, options={name: "x"}).options == {name: "x"}


@pytest.mark.parametrize("name", ["model_name", "modelId", "endpoint", "endpoint_id"])
def test_other_names_of_the_model_are_refused(name: str) -> None:
    for model in ({}, {"model": TYPES}):
        with pytest.raises(FalConfigurationError, match="did you mean model=…"):
            FalTextToImage(**model, **{name: "fal-ai/flux/dev"})
    # Without a contract, they can be options.
    payload = FalTextToImage(UNKNOWN, **{name: "x"}).payload("p").payload
    assert "x" in payload.values()
    own = FalTextToImage("fal-ai/lightning-models", model_name="x").payload("p")
    assert own.payload["model_name"] == "x"


def test_settings_of_the_provider_are_named() -> None:
    with pytest.raises(FalConfigurationError, match=r"fal=create_fal\(base_url=…\)"):
        FalTextToImage(base_url="https://example.com")


def test_a_name_near_a_setting_and_an_option_names_both() -> None:
    with pytest.raises(
        FalConfigurationError, match="setting model=… or the option 'model'"
    ):
        FalImageEdit("fal-ai/birefnet/v2", models="x")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timeout": "x"}, "timeout='x': Input should be a valid number"),
        ({"timeout": 0}, "timeout=0: Input should be greater than 0"),
        ({"mode": "fast"}, "mode='fast': Input should be 'queue' or 'sync'"),
        ({"strict": []}, r"strict=\[\]: Input should be a valid boolean"),
        ({"options": "x"}, "options='x': Input should be a valid dictionary"),
        ({"options": {1: 2}}, "options="),
        ({"budget": 3}, "budget=3: Input should be an instance of Budget"),
        ({"fal": SECRET}, "fal: Input should be a provider"),
        ({"model": 7}, "model=7: Input should be a valid string"),
        ({"model": "flux"}, "'flux' is not an endpoint id"),
        ({"timeout": -1, "mode": 1}, "mode=1: .*; timeout=-1: "),
    ],
)
def test_a_wrong_setting_names_what_is_allowed(
    settings: dict[str, Any], message: str
) -> None:
    for create in (FalTextToImage, FalSpeech):
        with pytest.raises(FalConfigurationError, match=message) as caught:
            create(**settings)
        assert SECRET not in str(caught.value)
        assert caught.value.__context__ is None


@pytest.mark.parametrize("create", [FalTextToImageTool, FalImageToolkit])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"api_key": SECRET}, r"create_fal\(api_key=…\)"),
        ({"fal": SECRET}, "fal: Input should be a provider"),
        ({"visoin": True}, "did you mean vision=…"),
        ({"guidance_scale": 4}, r"FalTextToImage\(seed=7\)"),
        ({"vision": "maybe"}, "vision='maybe': Input should be a valid boolean"),
        ({"library": 3}, "library=3: Input should be an instance of ImageLibrary"),
    ],
)
def test_tools_refuse_wrong_settings(
    create: type[Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(FalConfigurationError, match=message) as caught:
        create(**settings)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("settings", [{"model": 5}, {"expose": 3}, {"model": object()}])
def test_a_tool_describes_a_wrong_model(settings: dict[str, Any]) -> None:
    with pytest.raises(FalConfigurationError, match="Wrong settings of FalText"):
        FalTextToImageTool(**settings)
