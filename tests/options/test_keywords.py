"""Patterns, formats, lists without equal items, closed objects, ratios of images."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from pydantic import UUID4, TypeAdapter, ValidationError
from small_schemas import make_schema

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options.describe import describe_option
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.limits import check_file
from langchain_fal_image.options.resolve import resolve_options
from langchain_fal_image.options.shape import FileLimits

COLOR = "^#([0-9A-Fa-f]{3}){1,2}$"
PROPERTIES: dict[str, Any] = {
    "color": {"type": "string", "pattern": COLOR},
    "part": {"type": "string", "pattern": "[0-9]+", "maxLength": 4},
    "odd": {"type": "string", "pattern": "(?<name"},
    "style_id": {"anyOf": [{"type": "string", "format": "uuid4"}, {"type": "null"}]},
    "callback": {"type": "string", "format": "uri"},
    "motions": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    "point": {
        "type": "object",
        "properties": {"x": {"type": "integer"}},
        "additionalProperties": False,
    },
}
UUIDS = [
    *(str(uuid.UUID(int=number)) for number in (0, 2**127)),
    "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "3FA85F64-5717-4562-B3FC-2C963F66AFA6",
    "3fa85f6457174562b3fc2c963f66afa6",
    "{3fa85f64-5717-4562-b3fc-2c963f66afa6}",
    "urn:uuid:3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "3fa85f64-5717-1562-b3fc-2c963f66afa6",
    "3fa85f64-5717-4562-b3fc",
    "photo",
    "",
]


def resolve(**options: Any) -> dict[str, Any]:
    return resolve_options(make_schema(PROPERTIES), [("input", options)]).payload


def catch_fault(**options: Any) -> str:
    with pytest.raises(FalOptionError) as caught:
        resolve(**options)
    [fault] = caught.value.faults
    return f"{fault.problem}; {fault.allowed}"


def test_a_pattern_is_searched_in_the_text() -> None:
    assert resolve(color="#fff", part="a12b") == {"color": "#fff", "part": "a12b"}
    assert f"text that matches {COLOR}" in catch_fault(color="white")
    assert "does not have the required form" in catch_fault(part="abc")
    assert "is too long" in catch_fault(part="12345")
    # Python cannot read every pattern; fal checks those.
    assert resolve(odd="x") == {"odd": "x"}


@pytest.mark.parametrize("text", UUIDS)
def test_a_uuid_is_what_pydantic_takes(text: str) -> None:
    try:
        TypeAdapter(UUID4).validate_python(text)
    except ValidationError:
        assert "not a UUID of version 4; a UUID" in catch_fault(style_id=text)
    else:
        assert resolve(style_id=text) == {"style_id": text}


def test_other_formats_are_left_to_fal() -> None:
    assert resolve(callback="any text") == {"callback": "any text"}


def test_a_list_may_demand_different_items() -> None:
    assert resolve(motions=["zoom", "pan"]) == {"motions": ["zoom", "pan"]}
    assert catch_fault(motions=["zoom", "zoom"]) == (
        "has the same element twice; a list of different elements"
    )


def test_an_object_may_allow_no_other_options() -> None:
    assert resolve(point={"x": 1}) == {"point": {"x": 1}}
    assert "is not a known option; x" in catch_fault(point={"x": 1, "z": 2})


def test_descriptions_state_the_new_limits() -> None:
    fields = make_schema(PROPERTIES).fields
    assert COLOR in describe_option(fields["color"])
    assert "a UUID" in describe_option(fields["style_id"])
    assert "different elements" in describe_option(fields["motions"])


def test_an_image_has_a_ratio_within_the_limits() -> None:
    schema = make_schema({"image_url": {"type": "string"}})
    field = schema.fields["image_url"]
    limits = FileLimits(min_ratio=0.4, max_ratio=2.5)
    shape = replace(field.shape, file="image", file_limits=limits)
    schema = EndpointSchema(
        endpoint_id="me/mine", fields={"image_url": replace(field, shape=shape)}
    )

    def check(width: int, height: int | None) -> str:
        fault = check_file(schema, ("image_url",), width=width, height=height)
        return f"{fault.problem}; {fault.allowed}" if fault else ""

    assert check(250, 100) == check(40, 100) == check(100, None) == check(5, 0) == ""
    assert check(251, 100) == "is too wide; width divided by height 0.4 to 2.5"
    assert "is too narrow" in check(39, 100)


def test_null_or_an_empty_text_for_an_optional_file_is_no_file() -> None:
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    schema = make_schema(
        {
            "image_url": {"type": "string"},
            "mask_url": nullable,
            "reference_image_urls": {
                "anyOf": [
                    {"type": "array", "items": {"type": "string"}},
                    {"type": "null"},
                ]
            },
            "elements": {
                "type": "array",
                "items": {"type": "object", "properties": {"image_url": nullable}},
            },
        },
        required=["image_url"],
    )
    url = "https://v3.fal.media/files/a.png"
    for empty in (None, ""):
        options = {
            "image_url": url,
            "mask_url": empty,
            "reference_image_urls": None,
            "elements": [{"image_url": empty}],
        }
        resolved = resolve_options(schema, [("input", options)])
        assert resolved.payload == options
        assert resolved.files == (("image_url",),)
        with pytest.raises(FalOptionError, match="image_url"):
            resolve_options(schema, [("input", {**options, "image_url": empty})])
