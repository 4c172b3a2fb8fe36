"""Every endpoint of the catalog, against the sandbox's independent checks."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import get_input, respell

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.resolve import resolve_options
from langchain_fal_image.sandbox.api import validation

IDS = catalog.list_endpoint_ids(kind=None)
IMAGE = "https://v3.fal.media/files/a.png"
# Parsed independently of the code that builds and reads the catalog.
ON_DISK = json.loads(
    files("langchain_fal_image.options").joinpath("catalog.json").read_text()
)
NAMED_IN_FALS_PAGES = [
    *("fal-ai/qwen-image", "fal-ai/qwen-image-2/pro/text-to-image"),
    *("fal-ai/qwen-image-edit", "fal-ai/qwen-image-2/edit"),
    *("fal-ai/nano-banana-pro", "fal-ai/nano-banana-pro/edit"),
    *("fal-ai/flux/dev", "fal-ai/flux-pro/kontext", "fal-ai/flux-pro/kontext/max"),
    *("fal-ai/flux-lora", "fal-ai/ideogram/character", "fal-ai/omnigen-v2"),
    "fal-ai/bytedance/dreamina/v3.1/text-to-image",
    "fal-ai/recraft/v3/text-to-image",
    "fal-ai/wan/v2.2-a14b/text-to-image",
]


def test_the_catalog_has_all_endpoints_of_the_types() -> None:
    assert catalog.get_source() == "@fal-ai/client 1.10.1"
    assert len(IDS) == len(ON_DISK["endpoints"]) == 629
    assert len(catalog.list_endpoint_ids()) == 539
    assert ON_DISK["endpoints_in_all"] == 1207
    outputs = [each[2].split() for each in ON_DISK["endpoints"].values()]
    named = [{key.partition(".")[0] for key in keys} for keys in outputs]
    assert sum(bool(names & {"image", "images"}) for names in named) == 539


@pytest.mark.parametrize("endpoint_id", NAMED_IN_FALS_PAGES)
def test_the_catalog_has_the_endpoints_of_fals_pages(endpoint_id: str) -> None:
    assert catalog.get_schema(endpoint_id) is not None


def draw_values(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for the values that a shape allows."""
    if "anyOf" in node:
        return st.one_of(*map(draw_values, node["anyOf"]))
    if "enum" in node:
        return st.sampled_from([each for each in node["enum"] if each is not None])
    types = node.get("type", "string")
    type_ = types if isinstance(types, str) else types[0]
    if type_ == "object":
        return draw_objects(node)
    if type_ == "array":
        least = node.get("minItems", 0)
        most = node.get("maxItems", least + 2)
        return st.lists(
            draw_values(node.get("items", {})), min_size=least, max_size=most
        )
    if type_ == "boolean":
        return st.booleans()
    if type_ in {"integer", "number"}:
        least, most = node.get("minimum", 0), node.get("maximum", 2000)
        if type_ == "integer":
            return st.integers(int(least), int(most))
        return st.floats(least, most, allow_nan=False).map(lambda each: round(each, 3))
    if "file" in node:
        return st.just(IMAGE)
    return st.text(
        "abc ", min_size=node.get("minLength", 0), max_size=node.get("maxLength", 9)
    )


def draw_objects(node: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties = node.get("properties")
    if not properties:
        return st.just({})
    required = set(node.get("required", ()))
    strategies = {name: draw_values(each) for name, each in properties.items()}
    return st.fixed_dictionaries(
        {name: each for name, each in strategies.items() if name in required},
        optional={
            name: each for name, each in strategies.items() if name not in required
        },
    )


@cache
def draw_payloads(endpoint_id: str) -> st.SearchStrategy[dict[str, Any]]:
    schema = catalog.get_schema(endpoint_id)
    text = schema.text_field.name if schema and schema.text_field else ""

    def fill_text(payload: dict[str, Any]) -> dict[str, Any]:
        # fal accepts a text of only white space; this package does not.
        is_blank = text in payload and not payload[text].strip()
        return {**payload, text: "a"} if is_blank else payload

    return (
        draw_objects(get_input(endpoint_id))
        .map(fill_text)
        .filter(lambda payload: not validation.find_errors(endpoint_id, payload))
    )


@settings(max_examples=4)
@pytest.mark.parametrize("endpoint_id", IDS)
@given(data=st.data())
def test_any_spelling_results_in_the_same_payload(
    endpoint_id: str, data: st.DataObject
) -> None:
    payload = data.draw(draw_payloads(endpoint_id))
    schema = catalog.get_schema(endpoint_id)
    for every in (1, 2, 1000):
        options = respell(payload, get_input(endpoint_id), every=every)
        resolved = resolve_options(schema, [("input", options)])
        assert resolved.payload == payload
        assert resolved.warnings == ()
        assert validation.find_errors(endpoint_id, resolved.payload) == []


def make_payload(endpoint_id: str) -> dict[str, Any]:
    """Return a minimal valid payload."""
    schema = get_input(endpoint_id)
    return {name: make_value(schema["properties"][name]) for name in schema["required"]}


def make_value(node: dict[str, Any]) -> Any:
    node = node["anyOf"][0] if "anyOf" in node else node
    if "enum" in node:
        return node["enum"][0]
    types = node.get("type", "string")
    match types if isinstance(types, str) else types[0]:
        case "object":
            properties = node.get("properties", {})
            return {
                name: make_value(properties[name]) for name in node.get("required", ())
            }
        case "array":
            return [make_value(node.get("items", {}))] * max(1, node.get("minItems", 1))
        case "boolean":
            return True
        case "integer" | "number":
            return node.get("minimum", 1)
        case _:
            return IMAGE if "file" in node else "a" * node.get("minLength", 1)


def catch_faults(
    endpoint_id: str, payload: dict[str, Any], **settings: Any
) -> dict[str, Any]:
    schema = catalog.get_schema(endpoint_id)
    with pytest.raises(FalOptionError) as caught:
        resolve_options(schema, [("input", payload)], **settings)
    return {fault.option: fault for fault in caught.value.faults}


@pytest.mark.parametrize("endpoint_id", IDS)
def test_each_single_corruption_is_a_fault(endpoint_id: str) -> None:
    valid = make_payload(endpoint_id)
    schema = catalog.get_schema(endpoint_id)
    assert resolve_options(schema, [("input", valid)]).payload == valid
    properties = get_input(endpoint_id)["properties"]
    for name in get_input(endpoint_id)["required"]:
        missing = {key: value for key, value in valid.items() if key != name}
        assert name in catch_faults(endpoint_id, missing)
    for name, node in properties.items():
        if "enum" in node and all(isinstance(each, str) for each in node["enum"]):
            wrong = f"{node['enum'][0]}x"
            fault = catch_faults(endpoint_id, {**valid, name: wrong})[name]
            assert wrong in fault.value
            assert str(node["enum"][0]) in fault.allowed
        if str(node.get("type")) in {"boolean", "integer", "number"}:
            fault = catch_faults(endpoint_id, {**valid, name: "three"})[name]
            assert "three" in fault.value
            assert fault.allowed
        if node.get("type") == "string" and "file" not in node:
            assert name in catch_faults(endpoint_id, {**valid, name: 7})


@pytest.mark.parametrize("endpoint_id", IDS)
def test_a_misspelt_name_is_a_warning_or_a_fault_with_the_nearest_name(
    endpoint_id: str,
) -> None:
    valid = make_payload(endpoint_id)
    schema = catalog.get_schema(endpoint_id)
    name = max(get_input(endpoint_id)["properties"], key=len)
    typo = f"{name}x"
    resolved = resolve_options(schema, [("input", {**valid, typo: 1})])
    assert resolved.payload == {**valid, typo: 1}
    [warning] = resolved.warnings
    near = difflib.get_close_matches(typo, get_input(endpoint_id)["properties"], n=3)
    assert typo in warning
    assert any(each in warning for each in near)
    found = catch_faults(endpoint_id, {**valid, typo: 1}, strict=True)
    assert found[typo].nearest in near


@pytest.mark.parametrize("endpoint_id", IDS)
def test_images_go_to_their_option_or_are_a_fault(
    endpoint_id: str,
) -> None:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    files_of = {field.name: field for field in schema.image_fields}
    valid = {
        key: v for key, v in make_payload(endpoint_id).items() if key not in files_of
    }
    options = {**valid, "images": [IMAGE, IMAGE]}
    try:
        payload = resolve_options(schema, [("input", options)]).payload
    except FalOptionError as error:
        message = str(error)
        if not files_of:
            assert "takes no images" in message
        elif any(field.max_files == 1 for field in schema.image_fields):
            # One image too many, or several options to choose from.
            assert "images" in message
        else:
            pytest.fail(message)
        return
    [name] = [key for key, value in payload.items() if value == [IMAGE, IMAGE]]
    assert files_of[name].takes_list


def test_images_for_several_options_are_a_fault_that_names_them() -> None:
    found = catch_faults(
        "fal-ai/leffa/virtual-tryon", {"images": [IMAGE], "garment_type": "x"}
    )
    assert "garment_image_url, human_image_url" in found["images"].allowed
    named = {"garmentImageUrl": IMAGE, "human_image_url": IMAGE}
    schema = catalog.get_schema("fal-ai/leffa/virtual-tryon")
    rest = {
        "garment_type": make_payload("fal-ai/leffa/virtual-tryon").get("garment_type")
    }
    resolved = resolve_options(schema, [("input", {**named, **rest})])
    assert {path[0] for path in resolved.files} == {
        "garment_image_url",
        "human_image_url",
    }


def test_several_images_for_one_image_url_are_a_fault() -> None:
    found = catch_faults(
        "fal-ai/flux-pro/kontext", {"prompt": "p", "images": [IMAGE, IMAGE]}
    )
    assert "1" in found["image_url"].allowed


@pytest.mark.parametrize("endpoint_id", IDS)
@pytest.mark.parametrize(
    "size",
    [
        {"size": "1024x1024"},
        {"size": "1024x768"},
        {"aspectRatio": "1:1"},
        {"aspect_ratio": "16:9", "resolution": "2K"},
    ],
    ids=lambda size: " ".join(size.values()),
)
def test_a_size_is_converted_or_a_fault_with_the_allowed_sizes(
    endpoint_id: str, size: dict[str, str]
) -> None:
    schema = catalog.get_schema(endpoint_id)
    valid = {
        key: v for key, v in make_payload(endpoint_id).items() if "size" not in key
    }
    valid = {key: v for key, v in valid.items() if key not in {"width", "height"}}
    valid = {key: v for key, v in valid.items() if key != "aspect_ratio"}
    names = set(get_input(endpoint_id)["properties"])
    for nearest in (False, True):
        try:
            layers = [("input", {**valid, **size})]
            payload = resolve_options(schema, layers, nearest_size=nearest).payload
        except FalOptionError as error:
            unclear = [fault for fault in error.faults if not fault.allowed]
        else:
            unclear = []
            assert set(payload) <= names
            assert set(payload) - set(valid)
            assert validation.find_errors(endpoint_id, payload) == []
        assert unclear == []
