"""Layers of options, and the options of the AI SDK's calls."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import SERVED, make_schema

from langchain_fal_image.errors import FalConfigurationError, FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.casing import to_snake_case
from langchain_fal_image.options.resolve import resolve_options

QWEN = catalog.get_schema("fal-ai/qwen-image")
QWEN_EDIT = catalog.get_schema("fal-ai/qwen-image-edit")
QWEN_2_EDIT = catalog.get_schema("fal-ai/qwen-image-2/edit")
PROMPT = {"prompt": "x"}


def resolve_layers(
    *layers: tuple[str, dict[str, Any]], schema: Any = QWEN
) -> dict[str, Any]:
    return resolve_options(schema, [("base", PROMPT), *layers]).payload


@given(
    st.dictionaries(
        st.sampled_from(
            ["guidance_scale", "num_inference_steps", "seed", "num_images"]
        ),
        st.integers(2, 4),
    ),
    st.dictionaries(
        st.sampled_from(["guidanceScale", "numInferenceSteps", "seed", "numImages"]),
        st.integers(2, 4),
    ),
)
def test_later_layers_win_in_any_spelling(
    lower: dict[str, int], upper: dict[str, int]
) -> None:
    expected = (
        PROMPT | lower | {to_snake_case(name): value for name, value in upper.items()}
    )
    assert resolve_layers(("constructor", lower), ("input", upper)) == expected


def test_call_options_and_own_options_replace_each_other() -> None:
    assert resolve_layers(("constructor", {"num_images": 4}), ("input", {"n": 2})) == {
        "prompt": "x",
        "num_images": 2,
    }
    assert (
        resolve_layers(
            ("constructor", {"image_url": "a"}),
            ("input", {"images": ["b"]}),
            schema=QWEN_EDIT,
        )["image_url"]
        == "b"
    )


def test_provider_options_are_a_layer_right_after_the_one_that_has_them() -> None:
    own = {"guidance_scale": 1, "providerOptions": {"fal": {"guidanceScale": 2}}}
    assert resolve_layers(("constructor", own))["guidance_scale"] == 2
    assert resolve_layers(("constructor", own), ("input", {"guidanceScale": 3})) == {
        "prompt": "x",
        "guidance_scale": 3,
    }
    other = {"provider_options": {"openai": {"quality": "hd"}}}
    assert resolve_layers(("input", other)) == PROMPT


def test_none_means_not_given() -> None:
    lower = ("constructor", {"num_images": 2, "guidance_scale": None})
    upper = ("input", {"num_images": None, "loras": [{"path": "a", "scale": None}]})
    assert resolve_layers(lower, upper) == {
        "prompt": "x",
        "num_images": 2,
        "loras": [{"path": "a"}],
    }


def test_none_is_sent_if_the_endpoint_accepts_null() -> None:
    entry = {
        "input": {
            "properties": {
                "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "strength": {"type": ["number", "null"], "maximum": 1},
            }
        }
    }
    schema = make_schema(entry["input"])
    options = {"seed": None, "strength": None}
    assert resolve_options(schema, [("input", options)]).payload == options
    with pytest.raises(FalOptionError, match="strength=2"):
        resolve_options(schema, [("input", {"strength": 2})])


def test_equal_values_in_two_spellings_are_accepted() -> None:
    options = {
        "guidance_scale": 4,
        "guidanceScale": 4.0,
        "n": 2,
        "num_images": 2,
        "loras": [{"path": "a", "Path": "a"}],
    }
    assert resolve_layers(("input", options)) == {
        "prompt": "x",
        "guidance_scale": 4,
        "num_images": 2,
        "loras": [{"path": "a"}],
    }


def test_nested_names_get_fals_spelling_if_the_schema_has_them() -> None:
    options = {"loras": ({"Path": "a", "weightName": "b"},)}
    resolved = resolve_options(QWEN, [("constructor", PROMPT | options)])
    assert resolved.payload["loras"] == [{"path": "a", "weight_name": "b"}]
    assert "loras[0].weight_name" in resolved.warnings[0]
    with pytest.raises(FalOptionError, match=r"loras\[0\]\.weightName is not a known"):
        resolve_options(QWEN, [("input", PROMPT | options)])


def test_names_in_a_free_form_object_are_unchanged() -> None:
    entry = {
        "input": {
            "properties": {
                "tokens": {
                    "type": "object",
                    "additionalProperties": {"type": "integer"},
                }
            }
        }
    }
    schema = make_schema(entry["input"])
    options = {"tokens": {"myToken": 1}, "newOption": {"innerName": [{"aB": 1}]}}
    assert resolve_options(schema, [("constructor", options)]).payload == {
        "tokens": {"myToken": 1},
        "new_option": {"innerName": [{"aB": 1}]},
    }
    with pytest.raises(FalOptionError, match=r"tokens\.myToken='x'"):
        resolve_options(schema, [("input", {"tokens": {"myToken": "x"}})])


def test_an_own_option_wins_over_a_call_option_of_that_name() -> None:
    own = {
        name: {"type": "string"} for name in ("size", "n", "images", "mask", "width")
    }
    schema = make_schema({"properties": own})
    options = dict.fromkeys(own, "unchanged")
    assert resolve_options(schema, [("input", options)]).payload == options


def test_an_unknown_endpoint_gets_call_options_and_snake_case() -> None:
    resolved = resolve_options(
        None,
        [("input", {"guidanceScale": 99, "n": 2, "images": ["a", "b"], "mask": "m"})],
    )
    assert resolved.payload == {
        "guidance_scale": 99,
        "num_images": 2,
        "image_urls": ["a", "b"],
        "mask_url": "m",
    }
    assert resolved.files == (("image_urls", 0), ("image_urls", 1), ("mask_url",))
    single = resolve_options(None, [("input", {"files": b"bytes"})])
    assert single.payload == {"image_url": b"bytes"}
    assert single.files == (("image_url",),)


def test_files_of_an_unknown_endpoint_are_found_by_name() -> None:
    image = object()
    options = {
        "controlImageUrl": "https://example.com/a.png",
        "image": image,
        "mask": "auto",
        "returnImage": True,
        "loraUrl": "https://example.com/b",
    }
    resolved = resolve_options(None, [("input", options)])
    assert resolved.payload["image"] is image
    # The AI SDK's `mask` is an image, not a setting.
    assert resolved.files == (("control_image_url",), ("image",), ("mask_url",))


def test_usual_names_of_images_mean_the_endpoints_image_option() -> None:
    for name in ("image_url", "imageUrl", "image_urls", "image"):
        for schema, expected in (
            (QWEN_EDIT, {"image_url": "u"}),
            (QWEN_2_EDIT, {"image_urls": ["u"]}),
        ):
            payload = resolve_layers(("input", {name: "u"}), schema=schema)
            assert payload == PROMPT | expected


def test_images_of_any_type_are_passed_on_unchanged() -> None:
    class Array:
        """Like a NumPy array: a comparison has no truth value."""

        def __eq__(self, other: object) -> Any:
            return [True, False]

        __hash__ = None  # type: ignore[assignment]  # as arrays have it

    images = [b"bytes", Array(), {"url": "u"}, "data:image/png;base64,AA=="]
    options = {"images": images, "imageUrls": list(images)}
    resolved = resolve_options(QWEN_2_EDIT, [("input", PROMPT | options)])
    sent = resolved.payload["image_urls"]
    assert all(one is other for one, other in zip(sent, images, strict=True))
    assert len(resolved.files) == len(images)


def test_images_go_to_the_only_required_option() -> None:
    image = {"type": "string", "_fal_ui_field": "image"}
    entry = {
        "input": {
            "properties": {
                "references": {"type": "array", "items": image, "maxItems": 3},
                "image_url": image,
                "mask_url": {"type": "string", "_fal_ui_field": "image_mask"},
            },
            "required": ["image_url"],
        }
    }
    schema = make_schema(entry["input"])
    assert schema.max_images == 1
    assert resolve_options(
        schema, [("input", {"images": "a", "mask": "m"})]
    ).payload == {
        "image_url": "a",
        "mask_url": "m",
    }
    with pytest.raises(FalOptionError, match="image_url"):
        resolve_options(schema, [("input", {"images": ["a", "b"]})])
    with pytest.raises(FalOptionError, match="contradicts"):
        resolve_options(schema, [("input", {"images": list("abcd"), "image_url": "a"})])


def test_n_must_be_1_if_the_endpoint_has_no_option_for_it() -> None:
    entry = {"input": {"properties": {"prompt": {"type": "string"}}}}
    schema = make_schema(entry["input"])
    assert resolve_options(schema, [("input", PROMPT | {"n": 1})]).payload == PROMPT
    with pytest.raises(FalOptionError, match="n=2"):
        resolve_options(schema, [("input", {"n": 2})])


def test_the_callers_options_are_not_modified() -> None:
    options = {"prompt": "x", "loras": [{"path": "a", "newName": {"b": [1]}}]}
    payload = resolve_options(QWEN, [("constructor", options)]).payload
    payload["loras"][0]["new_name"]["b"].append(2)
    assert options == {"prompt": "x", "loras": [{"path": "a", "newName": {"b": [1]}}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


NAMES = (
    *("prompt", "n", "size", "imageSize", "aspectRatio", "images", "loras", "mask"),
    *("width", "height", "resolution", "seed", "providerOptions"),
)


@given(
    st.sampled_from([None, *SERVED]),
    st.dictionaries(
        st.sampled_from(NAMES) | st.text(),
        JSON | st.sampled_from(["16:9", "1024x768", "4:3", "2K", "square"]),
    ),
    st.fixed_dictionaries({"check": st.booleans(), "nearest_size": st.booleans()}),
)
def test_any_options_result_in_a_payload_or_an_option_error(
    endpoint_id: str | None, options: dict[str, Any], settings: dict[str, bool]
) -> None:
    schema = catalog.get_schema(endpoint_id) if endpoint_id else None
    with contextlib.suppress(FalOptionError, FalConfigurationError):
        payload = resolve_options(schema, [("input", options)], **settings).payload
        # A payload can have what `providerOptions` sent on purpose.
        again = resolve_options(schema, [("constructor", payload)], **settings)
        assert again.payload == payload
