"""Every endpoint of the catalog: spellings, checks, and the sandbox's own checks."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.resolve import resolve_options
from langchain_fal_image.sandbox.api import validation

IDS = catalog.list_endpoint_ids(kind=None)
IMAGE = "https://v3.fal.media/files/a.png"
# Read by another way than the one that built and reads the catalog.
ON_DISK = json.loads(
    files("langchain_fal_image.options").joinpath("catalog.json").read_text()
)
NAMED_IN_THE_PAGES = [
    *("fal-ai/qwen-image", "fal-ai/qwen-image-2/pro/text-to-image"),
    *("fal-ai/qwen-image-edit", "fal-ai/qwen-image-2/edit"),
    *("fal-ai/nano-banana-pro", "fal-ai/nano-banana-pro/edit"),
    *("fal-ai/flux/dev", "fal-ai/flux-pro/kontext", "fal-ai/flux-pro/kontext/max"),
    *("fal-ai/flux-lora", "fal-ai/ideogram/character", "fal-ai/omnigen-v2"),
    "fal-ai/bytedance/dreamina/v3.1/text-to-image",
    "fal-ai/recraft/v3/text-to-image",
    "fal-ai/wan/v2.2-a14b/text-to-image",
]


def test_all_endpoints_of_the_types_are_there() -> None:
    assert catalog.get_source() == "@fal-ai/client 1.10.1"
    assert len(IDS) == len(ON_DISK["endpoints"]) == 629
    assert len(catalog.list_endpoint_ids()) == 539
    assert ON_DISK["endpoints_in_all"] == 1207
    outputs = [each[2].split() for each in ON_DISK["endpoints"].values()]
    named = [{key.partition(".")[0] for key in keys} for keys in outputs]
    assert sum(bool(names & {"image", "images"}) for names in named) == 539


@pytest.mark.parametrize("endpoint_id", NAMED_IN_THE_PAGES)
def test_what_fals_pages_name_is_there(endpoint_id: str) -> None:
    assert catalog.get_schema(endpoint_id) is not None


def document(endpoint_id: str) -> dict[str, Any]:
    found = catalog.get_entry(endpoint_id)
    assert found is not None
    schema: dict[str, Any] = found["input"]
    return schema


def values(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Make values that a shape allows."""
    if "anyOf" in node:
        return st.one_of(*map(values, node["anyOf"]))
    if "enum" in node:
        return st.sampled_from([each for each in node["enum"] if each is not None])
    kinds = node.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        return objects(node)
    if kind == "array":
        least = node.get("minItems", 0)
        most = node.get("maxItems", least + 2)
        return st.lists(values(node.get("items", {})), min_size=least, max_size=most)
    if kind == "boolean":
        return st.booleans()
    if kind in {"integer", "number"}:
        least, most = node.get("minimum", 0), node.get("maximum", 2000)
        if kind == "integer":
            return st.integers(int(least), int(most))
        return st.floats(least, most, allow_nan=False).map(lambda each: round(each, 3))
    if "file" in node:
        return st.just(IMAGE)
    return st.text(
        "abc ", min_size=node.get("minLength", 0), max_size=node.get("maxLength", 9)
    )


def objects(node: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties = node.get("properties")
    if not properties:
        return st.just({})
    required = set(node.get("required", ()))
    made = {name: values(each) for name, each in properties.items()}
    return st.fixed_dictionaries(
        {name: each for name, each in made.items() if name in required},
        optional={name: each for name, each in made.items() if name not in required},
    )


@cache
def payloads(endpoint_id: str) -> st.SearchStrategy[dict[str, Any]]:
    schema = catalog.get_schema(endpoint_id)
    spoken = schema.text_field.name if schema and schema.text_field else None

    def said(payload: dict[str, Any]) -> dict[str, Any]:
        # fal takes a text of nothing but white space; this package refuses it.
        is_silent = spoken in payload and not payload[spoken].strip()
        return {**payload, str(spoken): "a"} if is_silent else payload

    return (
        objects(document(endpoint_id))
        .map(said)
        .filter(lambda payload: not validation.find_errors(endpoint_id, payload))
    )


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(each[:1].upper() + each[1:] for each in rest)


def respelled(value: Any, node: dict[str, Any], every: int) -> Any:
    """Spell every so many names in camelCase, at all depths that have names."""
    if isinstance(value, list):
        return [respelled(each, node.get("items", {}), every) for each in value]
    if not isinstance(value, dict):
        return value
    shapes = [node, *node.get("anyOf", ())]
    properties: dict[str, Any] = {}
    for shape in shapes:
        properties |= shape.get("properties", {})
    return {
        camel(name) if number % every == 0 else name: respelled(
            each, properties.get(name, {}), every
        )
        for number, (name, each) in enumerate(value.items())
    }


@settings(max_examples=4)
@pytest.mark.parametrize("endpoint_id", IDS)
@given(data=st.data())
def test_any_spelling_comes_out_as_the_same_body(
    endpoint_id: str, data: st.DataObject
) -> None:
    payload = data.draw(payloads(endpoint_id))
    schema = catalog.get_schema(endpoint_id)
    for every in (1, 2, 1000):
        given_ = respelled(payload, document(endpoint_id), every)
        resolved = resolve_options(schema, [("input", given_)])
        assert resolved.payload == payload
        assert resolved.warnings == ()
        assert validation.find_errors(endpoint_id, resolved.payload) == []


def base(endpoint_id: str) -> dict[str, Any]:
    """Make the smallest payload that is right."""
    schema = document(endpoint_id)
    return {name: least(schema["properties"][name]) for name in schema["required"]}


def least(node: dict[str, Any]) -> Any:
    node = node["anyOf"][0] if "anyOf" in node else node
    if "enum" in node:
        return node["enum"][0]
    kinds = node.get("type", "string")
    match kinds if isinstance(kinds, str) else kinds[0]:
        case "object":
            properties = node.get("properties", {})
            return {name: least(properties[name]) for name in node.get("required", ())}
        case "array":
            return [least(node.get("items", {}))] * max(1, node.get("minItems", 1))
        case "boolean":
            return True
        case "integer" | "number":
            return node.get("minimum", 1)
        case _:
            return IMAGE if "file" in node else "a" * node.get("minLength", 1)


def faults(endpoint_id: str, payload: dict[str, Any], **how: Any) -> dict[str, Any]:
    schema = catalog.get_schema(endpoint_id)
    with pytest.raises(FalOptionError) as caught:
        resolve_options(schema, [("input", payload)], **how)
    return {fault.option: fault for fault in caught.value.faults}


@pytest.mark.parametrize("endpoint_id", IDS)
def test_each_single_corruption_is_reported(endpoint_id: str) -> None:
    right = base(endpoint_id)
    schema = catalog.get_schema(endpoint_id)
    assert resolve_options(schema, [("input", right)]).payload == right
    properties = document(endpoint_id)["properties"]
    for name in document(endpoint_id)["required"]:
        missing = {key: value for key, value in right.items() if key != name}
        assert name in faults(endpoint_id, missing)
    for name, node in properties.items():
        if "enum" in node and all(isinstance(each, str) for each in node["enum"]):
            wrong = f"{node['enum'][0]}x"
            fault = faults(endpoint_id, {**right, name: wrong})[name]
            assert wrong in fault.value
            assert str(node["enum"][0]) in fault.allowed
        if str(node.get("type")) in {"boolean", "integer", "number"}:
            fault = faults(endpoint_id, {**right, name: "three"})[name]
            assert "three" in fault.value
            assert fault.allowed
        if node.get("type") == "string" and "file" not in node:
            assert name in faults(endpoint_id, {**right, name: 7})


@pytest.mark.parametrize("endpoint_id", IDS)
def test_a_misspelt_name_is_sent_with_the_nearest_one_or_refused(
    endpoint_id: str,
) -> None:
    right = base(endpoint_id)
    schema = catalog.get_schema(endpoint_id)
    name = max(document(endpoint_id)["properties"], key=len)
    typo = f"{name}x"
    resolved = resolve_options(schema, [("input", {**right, typo: 1})])
    assert resolved.payload == {**right, typo: 1}
    [warning] = resolved.warnings
    near = difflib.get_close_matches(typo, document(endpoint_id)["properties"], n=3)
    assert typo in warning
    assert any(each in warning for each in near)
    refused = faults(endpoint_id, {**right, typo: 1}, strict=True)
    assert refused[typo].nearest in near


@pytest.mark.parametrize("endpoint_id", IDS)
def test_images_go_where_that_is_clear_and_are_refused_where_not(
    endpoint_id: str,
) -> None:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    files_of = {field.name: field for field in schema.image_fields}
    right = {key: v for key, v in base(endpoint_id).items() if key not in files_of}
    given_ = {**right, "images": [IMAGE, IMAGE]}
    try:
        payload = resolve_options(schema, [("input", given_)]).payload
    except FalOptionError as error:
        told = str(error)
        if not files_of:
            why = "from text only" if schema.kind == "image" else "no images"
            assert why in told
        elif any(field.max_files == 1 for field in schema.image_fields):
            # One image too many, or several options to choose from.
            assert "images" in told
        else:
            pytest.fail(told)
        return
    [name] = [key for key, value in payload.items() if value == [IMAGE, IMAGE]]
    assert files_of[name].takes_list


def test_where_images_is_unclear_the_names_are_told() -> None:
    told = faults(
        "fal-ai/leffa/virtual-tryon", {"images": [IMAGE], "garment_type": "x"}
    )
    assert "garment_image_url, human_image_url" in told["images"].allowed
    named = {"garmentImageUrl": IMAGE, "human_image_url": IMAGE}
    schema = catalog.get_schema("fal-ai/leffa/virtual-tryon")
    rest = {"garment_type": base("fal-ai/leffa/virtual-tryon").get("garment_type")}
    resolved = resolve_options(schema, [("input", {**named, **rest})])
    assert {path[0] for path in resolved.files} == {
        "garment_image_url",
        "human_image_url",
    }


def test_several_images_on_one_image_url_are_refused() -> None:
    told = faults("fal-ai/flux-pro/kontext", {"prompt": "p", "images": [IMAGE, IMAGE]})
    assert "1" in told["image_url"].allowed


@pytest.mark.parametrize("endpoint_id", IDS)
@pytest.mark.parametrize(
    "words",
    [
        {"size": "1024x1024"},
        {"size": "1024x768"},
        {"aspectRatio": "1:1"},
        {"aspect_ratio": "16:9", "resolution": "2K"},
    ],
    ids=lambda words: " ".join(words.values()),
)
def test_a_size_is_what_the_endpoint_has_or_refused_with_what_it_has(
    endpoint_id: str, words: dict[str, str]
) -> None:
    schema = catalog.get_schema(endpoint_id)
    right = {key: v for key, v in base(endpoint_id).items() if "size" not in key}
    right = {key: v for key, v in right.items() if key not in {"width", "height"}}
    right = {key: v for key, v in right.items() if key != "aspect_ratio"}
    names = set(document(endpoint_id)["properties"])
    for nearest in (False, True):
        try:
            layers = [("input", {**right, **words})]
            payload = resolve_options(schema, layers, nearest_size=nearest).payload
        except FalOptionError as error:
            silent = [fault for fault in error.faults if not fault.allowed]
        else:
            silent = []
            assert set(payload) <= names
            assert set(payload) - set(right)
            assert validation.find_errors(endpoint_id, payload) == []
        assert silent == []
