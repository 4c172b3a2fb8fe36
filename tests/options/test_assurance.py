"""How sure a contract is decides whether a value outside it is refused or sent."""

from __future__ import annotations

import math
from typing import Any

import pytest
from small_schemas import make_schema

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options.contract import Origin
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import ResolvedOptions, resolve_options

URL = "https://v3.fal.media/files/a.png"
PROPERTIES: dict[str, Any] = {
    "prompt": {"type": "string", "maxLength": 10},
    "style": {"type": "string", "enum": ["any", "photo"]},
    "seed": {"type": "integer", "minimum": 0},
    "guidance_scale": {"type": "number", "maximum": 20},
    "sync_mode": {"type": "boolean"},
    "style_id": {"type": "string", "format": "uuid4"},
    "speaker": {"type": "string", "pattern": "^\\w+$"},
    "size": {"type": "integer", "multipleOf": 8},
    "motions": {
        "type": "array",
        "items": {"type": "string", "enum": ["zoom", "pan"]},
        "uniqueItems": True,
        "maxItems": 2,
    },
    "image_url": {"type": "string"},
    "loras": {
        "type": "array",
        "maxItems": 2,
        "items": {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "scale": {"type": "number", "maximum": 4},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["path"],
        },
    },
}
TOP_LEVEL: list[dict[str, Any]] = [
    {"style": "oil"},
    {"style": 7},
    {"seed": -1},
    {"seed": "many"},
    {"seed": 1.5},
    {"seed": True},
    {"guidance_scale": 21},
    {"sync_mode": "maybe"},
    {"style_id": "photo"},
    {"speaker": "a b"},
    {"size": 12},
    {"motions": ["zoom", "zoom"]},
    {"motions": ["zoom", "pan", "zoom"]},
    {"motions": ["roll"]},
    {"motions": "zoom"},
    {"loras": [{"path": "a"}, {"path": "b"}, {"path": "c"}]},
    {"loras": {"path": "a"}},
    {"prompt": "more than ten"},
    {"image_url": [URL, URL]},
]
NESTED: list[dict[str, Any]] = [
    {"loras": [{"path": "a", "scale": 5}]},
    {"loras": [{"path": 7}]},
    {"loras": [{"path": "a", "tags": "x"}]},
    {"loras": [{"path": "a", "tags": [1]}]},
    {"loras": [{"scale": 1}]},
]
IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"guidance_scale": math.nan}, "not a finite number"),
    ({"guidance_scale": 10**5000}, "too many digits"),
    ({"prompt": "\ud800"}, "lone surrogate"),
    ({"providerOptions": {"fal": {"new": object()}}}, "cannot be sent as JSON"),
    (
        {"providerOptions": {"fal": {"loras": [{"path": "a", "new": b"x"}]}}},
        "cannot be sent as JSON",
    ),
    ({"loras": [{1: "x", "path": "a"}]}, "a key that is not text"),
    ({"seed": 1, "Seed": 2}, "contradicts"),
    ({"mask": URL}, "takes no mask"),
    ({"n": 2}, "no option for the number of images"),
    ({"providerOptions": 3}, "not a mapping"),
]


def make(origin: Origin, **settings: Any) -> EndpointSchema:
    return make_schema(PROPERTIES, origin=origin, **settings)


def resolve(
    origin: Origin, options: dict[str, Any], **settings: Any
) -> ResolvedOptions:
    return resolve_options(make(origin), [("input", options)], **settings)


def name_of(options: dict[str, Any]) -> str:
    return f"{options}"


@pytest.mark.parametrize("options", [*TOP_LEVEL, *NESTED], ids=name_of)
def test_a_value_outside_a_document_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(FalOptionError) as caught:
        resolve("document", options)
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize("options", [*TOP_LEVEL, *NESTED], ids=name_of)
def test_a_value_outside_the_types_is_sent_as_given_with_a_warning(
    options: dict[str, Any],
) -> None:
    resolved = resolve("types", options)
    assert repr(resolved.payload) == repr(options)
    [warning] = resolved.warnings
    assert next(iter(options)) in warning
    assert "sent as given" in warning
    assert "the types of fal's JavaScript client" in warning
    assert "strict=True" in warning


@pytest.mark.parametrize("options", TOP_LEVEL, ids=name_of)
def test_a_value_outside_a_merged_contract_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(FalOptionError):
        resolve("merged", options)


@pytest.mark.parametrize("options", NESTED, ids=name_of)
def test_a_value_inside_an_object_of_a_merged_contract_is_sent_with_a_warning(
    options: dict[str, Any],
) -> None:
    resolved = resolve("merged", options)
    assert resolved.payload == options
    [warning] = resolved.warnings
    assert "loras[0]." in warning
    assert "merged" in warning


@pytest.mark.parametrize("origin", ["types", "merged"])
@pytest.mark.parametrize("options", [*TOP_LEVEL, *NESTED], ids=name_of)
def test_strict_refuses_whatever_the_source(
    origin: Origin, options: dict[str, Any]
) -> None:
    with pytest.raises(FalOptionError):
        resolve(origin, options, strict=True)


@pytest.mark.parametrize("origin", ["document", "merged", "types"])
@pytest.mark.parametrize(("options", "problem"), IMPOSSIBLE)
def test_what_makes_a_request_impossible_is_refused_whatever_the_source(
    origin: Origin, options: dict[Any, Any], problem: str
) -> None:
    with pytest.raises(FalOptionError, match=problem):
        resolve(origin, options)


@pytest.mark.parametrize("origin", ["document", "merged", "types"])
def test_a_missing_required_option_is_refused_whatever_the_source(
    origin: Origin,
) -> None:
    schema = make(origin, required=["prompt", "image_url"])
    with pytest.raises(FalOptionError, match="prompt") as caught:
        resolve_options(schema, [("input", {})])
    assert [fault.option for fault in caught.value.faults] == ["prompt", "image_url"]


@pytest.mark.parametrize("origin", ["merged", "types"])
def test_an_unsure_contract_still_converts_what_then_fits(origin: Origin) -> None:
    options = {"seed": "7", "style": "Photo", "loras": [{"path": "a", "scale": "2"}]}
    resolved = resolve(origin, options)
    assert resolved.payload == {
        "seed": 7,
        "style": "photo",
        "loras": [{"path": "a", "scale": 2}],
    }
    assert resolved.warnings == ()


def test_files_in_a_list_for_one_file_are_still_files() -> None:
    options = {"image_url": [b"a", "img_1"]}
    resolved = resolve("types", options)
    assert resolved.payload == options
    assert resolved.files == (("image_url", 0), ("image_url", 1))
    assert resolve("document", options, check=False).files == resolved.files


def test_a_warning_does_not_list_hundreds_of_choices() -> None:
    voices = [f"voice_{number}" for number in range(300)]
    schema = make_schema({"voice": {"type": "string", "enum": voices}}, origin="types")
    [warning] = resolve_options(schema, [("input", {"voice": "bf_alice"})]).warnings
    assert len(warning) < 300
    with pytest.raises(FalOptionError, match="voice_299"):
        resolve_options(schema, [("input", {"voice": "bf_alice"})], strict=True)
