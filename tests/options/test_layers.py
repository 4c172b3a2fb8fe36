"""Spellings, call words and layers."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.casing import match_name, normalize_name, to_snake_case
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import resolve_options

QWEN = catalog.get_schema("fal-ai/qwen-image")
QWEN_EDIT = catalog.get_schema("fal-ai/qwen-image-edit")
QWEN_2_EDIT = catalog.get_schema("fal-ai/qwen-image-2/edit")
PROMPT = {"prompt": "x"}
# Words of one letter in a row cannot be told apart in camelCase: aBC is a_bc.
NAME = st.lists(
    st.from_regex(r"[a-z][a-z0-9]{1,7}", fullmatch=True), min_size=1, max_size=5
).map("_".join)


def camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def layered(*layers: tuple[str, dict[str, Any]], schema: Any = QWEN) -> dict[str, Any]:
    return resolve_options(schema, [("base", PROMPT), *layers]).payload


@given(NAME)
def test_snake_case_comes_back_from_camel_case(name: str) -> None:
    assert to_snake_case(camel(name)) == name
    assert to_snake_case(name) == name


@given(st.text())
def test_any_text_can_be_a_name(name: str) -> None:
    once = to_snake_case(name)
    assert to_snake_case(once) == once
    assert normalize_name(once) == normalize_name(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("imageURL", "image_url"),
        ("imageURLs", "image_urls"),
        ("IPAdapter", "IPAdapter"),
        ("num_Images", "num_images"),
        ("lora2Path", "lora2_path"),
        ("content-type", "content-type"),
    ],
)
def test_odd_names(name: str, expected: str) -> None:
    assert to_snake_case(name) == expected


@given(st.lists(NAME, min_size=1, max_size=8, unique_by=normalize_name), st.data())
def test_the_endpoints_own_spelling_wins(names: list[str], data: Any) -> None:
    name = data.draw(st.sampled_from(names))
    spelling = data.draw(
        st.sampled_from([name, camel(name), name.replace("_", ""), name.upper()])
    )
    assert match_name(spelling, names) == name


def test_an_endpoint_with_odd_names_gets_them() -> None:
    names = ("imageURLs", "num_Images", "CFG")
    assert match_name("image_urls", names) == "imageURLs"
    assert match_name("numImages", names) == "num_Images"
    assert match_name("cfg", names) == "CFG"
    both = ("imageurl", "image_url")
    assert match_name("imageUrl", both) == "image_url"
    assert match_name("imageurl", both) == "imageurl"
    assert match_name("steps", names) is None


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
def test_later_layers_win_whatever_the_spelling(
    lower: dict[str, int], upper: dict[str, int]
) -> None:
    expected = (
        PROMPT | lower | {to_snake_case(name): value for name, value in upper.items()}
    )
    assert layered(("constructor", lower), ("input", upper)) == expected


def test_call_words_and_own_words_replace_each_other() -> None:
    assert layered(("constructor", {"num_images": 4}), ("input", {"n": 2})) == {
        "prompt": "x",
        "num_images": 2,
    }
    assert (
        layered(
            ("constructor", {"image_url": "a"}),
            ("input", {"images": ["b"]}),
            schema=QWEN_EDIT,
        )["image_url"]
        == "b"
    )


def test_provider_options_are_a_layer_right_after_their_own() -> None:
    own = {"guidance_scale": 1, "providerOptions": {"fal": {"guidanceScale": 2}}}
    assert layered(("constructor", own))["guidance_scale"] == 2
    assert layered(("constructor", own), ("input", {"guidanceScale": 3})) == {
        "prompt": "x",
        "guidance_scale": 3,
    }
    other = {"provider_options": {"openai": {"quality": "hd"}}}
    assert layered(("input", other)) == PROMPT


def test_none_is_not_given() -> None:
    lower = ("constructor", {"seed": 7, "guidance_scale": None})
    upper = ("input", {"seed": None, "loras": [{"path": "a", "scale": None}]})
    assert layered(lower, upper) == {
        "prompt": "x",
        "seed": 7,
        "loras": [{"path": "a"}],
    }


def test_none_is_sent_where_the_endpoint_takes_null() -> None:
    entry = {
        "input": {
            "properties": {
                "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "strength": {"type": ["number", "null"], "maximum": 1},
            }
        }
    }
    schema = EndpointSchema.from_json_schema("a/b", entry)
    given = {"seed": None, "strength": None}
    assert resolve_options(schema, [("input", given)]).payload == given
    with pytest.raises(FalOptionError, match="strength=2"):
        resolve_options(schema, [("input", {"strength": 2})])


def test_equal_values_under_two_spellings_are_fine() -> None:
    given = {
        "guidance_scale": 4,
        "guidanceScale": 4.0,
        "n": 2,
        "num_images": 2,
        "loras": [{"path": "a", "Path": "a"}],
    }
    assert layered(("input", given)) == {
        "prompt": "x",
        "guidance_scale": 4,
        "num_images": 2,
        "loras": [{"path": "a"}],
    }


def test_names_inside_are_spelled_where_the_contract_knows_them() -> None:
    given = {"loras": ({"Path": "a", "weightName": "b"},)}
    resolved = resolve_options(QWEN, [("input", PROMPT | given)])
    assert resolved.payload["loras"] == [{"path": "a", "weight_name": "b"}]
    assert "loras[0].weight_name" in resolved.warnings[0]


def test_names_inside_a_free_form_map_are_left_alone() -> None:
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
    schema = EndpointSchema.from_json_schema("a/b", entry)
    given = {"tokens": {"myToken": 1}, "newOption": {"innerName": [{"aB": 1}]}}
    assert resolve_options(schema, [("input", given)]).payload == {
        "tokens": {"myToken": 1},
        "new_option": {"innerName": [{"aB": 1}]},
    }
    with pytest.raises(FalOptionError, match=r"tokens\.myToken='x'"):
        resolve_options(schema, [("input", {"tokens": {"myToken": "x"}})])


def test_an_own_option_named_like_a_call_word_stays_its_own() -> None:
    own = {
        name: {"type": "string"} for name in ("size", "n", "images", "mask", "width")
    }
    schema = EndpointSchema.from_json_schema("a/b", {"input": {"properties": own}})
    given = dict.fromkeys(own, "as it is")
    assert resolve_options(schema, [("input", given)]).payload == given


def test_an_unknown_endpoint_gets_call_words_and_snake_case() -> None:
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


def test_pictures_under_names_without_a_contract_are_found() -> None:
    picture = object()
    given = {
        "controlImageUrl": "https://example.com/a.png",
        "image": picture,
        "mask": "auto",
        "returnImage": True,
        "loraUrl": "https://example.com/b",
    }
    resolved = resolve_options(None, [("input", given)])
    assert resolved.payload["image"] is picture
    # The AI SDK's `mask` is a picture, not a word.
    assert resolved.files == (("control_image_url",), ("image",), ("mask_url",))


def test_other_endpoints_words_for_images_go_where_this_one_wants_them() -> None:
    for word in ("image_url", "imageUrl", "image_urls", "image"):
        for schema, expected in (
            (QWEN_EDIT, {"image_url": "u"}),
            (QWEN_2_EDIT, {"image_urls": ["u"]}),
        ):
            payload = layered(("input", {word: "u"}), schema=schema)
            assert payload == PROMPT | expected


def test_pictures_may_be_anything_and_are_passed_on_as_they_are() -> None:
    class Strange:
        """Like an array: comparing gives no truth value."""

        def __eq__(self, other: object) -> Any:
            return [True, False]

        __hash__ = None  # type: ignore[assignment]  # as arrays have it

    pictures = [b"bytes", Strange(), {"url": "u"}, "data:image/png;base64,AA=="]
    given = {"images": pictures, "imageUrls": list(pictures)}
    resolved = resolve_options(QWEN_2_EDIT, [("input", PROMPT | given)])
    sent = resolved.payload["image_urls"]
    assert all(one is other for one, other in zip(sent, pictures, strict=True))
    assert len(resolved.files) == len(pictures)


def test_images_go_into_the_one_that_is_required() -> None:
    picture = {"type": "string", "file": "image"}
    entry = {
        "input": {
            "properties": {
                "references": {"type": "array", "items": picture, "maxItems": 3},
                "image_url": picture,
                "mask_url": {"type": "string", "file": "mask"},
            },
            "required": ["image_url"],
        }
    }
    schema = EndpointSchema.from_json_schema("a/b", entry)
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


def test_one_image_is_the_only_number_where_none_can_be_chosen() -> None:
    entry = {"input": {"properties": {"prompt": {"type": "string"}}}}
    schema = EndpointSchema.from_json_schema("a/b", entry)
    assert resolve_options(schema, [("input", PROMPT | {"n": 1})]).payload == PROMPT
    with pytest.raises(FalOptionError, match="n=2"):
        resolve_options(schema, [("input", {"n": 2})])


def test_what_was_given_is_not_changed() -> None:
    given = {"prompt": "x", "loras": [{"path": "a", "newWord": {"b": [1]}}]}
    payload = resolve_options(QWEN, [("input", given)]).payload
    payload["loras"][0]["new_word"]["b"].append(2)
    assert given == {"prompt": "x", "loras": [{"path": "a", "newWord": {"b": [1]}}]}


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
    st.sampled_from([None, *catalog.list_endpoint_ids(kind=None)]),
    st.dictionaries(
        st.sampled_from(NAMES) | st.text(),
        JSON | st.sampled_from(["16:9", "1024x768", "4:3", "2K", "square"]),
    ),
    st.fixed_dictionaries({"check": st.booleans(), "nearest_size": st.booleans()}),
)
def test_whatever_is_given_there_is_a_payload_or_an_option_error(
    endpoint_id: str | None, options: dict[str, Any], how: dict[str, bool]
) -> None:
    schema = catalog.get_schema(endpoint_id) if endpoint_id else None
    with contextlib.suppress(FalOptionError):
        payload = resolve_options(schema, [("input", options)], **how).payload
        assert resolve_options(schema, [("input", payload)], **how).payload == payload
