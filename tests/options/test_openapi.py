"""Schemas from OpenAPI documents: handwritten, the sandbox's and fal's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from payloads import SERVED

from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import resolve_options
from langchain_fal_image.sandbox.api import openapi

SCHEMAS: dict[str, Any] = {
    "ImageSize": {
        "type": "object",
        "properties": {
            "height": {"type": "integer", "exclusiveMinimum": 0, "maximum": 14142},
            "width": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        },
        "x-fal-order-properties": ["width", "height"],
    },
    "Style": {"type": "string", "enum": ["any", "photo"]},
    "Base": {"type": "object", "properties": {"seed": {"$ref": "#/c/s/Seed"}}},
    "Seed": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
    "Input": {
        "type": "object",
        "required": ["prompt", "image_urls"],
        "x-fal-order-properties": ["prompt", "image_urls", "style"],
        "properties": {
            "style": {"allOf": [{"$ref": "#/c/s/Style"}], "default": "any"},
            "prompt": {"type": "string", "minLength": 2, "maxLength": 9},
            "image_urls": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "mask_image_url": {"type": "string", "nullable": True},
            "size": {"anyOf": [{"$ref": "#/c/s/ImageSize"}, {"$ref": "#/c/s/Style"}]},
            "extra": {"type": "object", "additionalProperties": {"type": "number"}},
            "lora_url": {"type": "string"},
            "nested": {"$ref": "#/c/s/Base"},
        },
    },
    "Output": {"type": "object", "properties": {"image": {"type": "object"}}},
}


def make_document(**schemas: Any) -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}
        }

    return {
        "openapi": "3.0.4",
        "info": {"x-fal-metadata": {"endpointId": "me/mine/edit"}},
        "components": {"schemas": {**SCHEMAS, **schemas}},
        "paths": {
            "/me/mine/edit/requests/{request_id}/status": {"get": {"responses": {}}},
            "/me/mine/edit": {"post": {"requestBody": {"content": content("Input")}}},
            "/me/mine/edit/requests/{request_id}": {
                "get": {"responses": {"200": {"content": content("Output")}}}
            },
        },
    }


def test_a_document_becomes_a_schema() -> None:
    schema = EndpointSchema.from_openapi(make_document())
    assert schema.endpoint_id == "me/mine/edit"
    assert tuple(schema.fields)[:3] == ("prompt", "image_urls", "style")
    assert schema.required == ("prompt", "image_urls")
    assert schema.kind == "image"
    assert schema.needs_image
    assert schema.max_images == 2
    assert schema.mask_field is not None
    assert schema.mask_field.shape.is_nullable
    shapes = {name: field.shape for name, field in schema.fields.items()}
    assert (shapes["prompt"].min_length, shapes["prompt"].max_length) == (2, 9)
    assert shapes["style"].choices == ("any", "photo")
    sides = shapes["size"].object_fields
    assert list(sides) == ["width", "height"]
    width, height = sides.values()
    assert width.shape.exclusive_minimum == 0
    assert (height.shape.exclusive_minimum, height.shape.maximum) == (0, 14142)
    [seed] = shapes["nested"].fields.values()
    assert seed.shape.is_nullable
    assert shapes["extra"].extra is not None
    assert shapes["lora_url"].file is None


def test_a_schema_from_a_document_checks_options() -> None:
    schema = EndpointSchema.from_openapi(make_document())
    options = {
        "prompt": "abc",
        "images": ["https://a.example/b.png"],
        "nested": {"Seed": 1},
    }
    assert resolve_options(schema, [("input", options)]).payload == {
        "prompt": "abc",
        "image_urls": ["https://a.example/b.png"],
        "nested": {"seed": 1},
    }
    with pytest.raises(ValueError, match="2 wrong options"):
        resolve_options(schema, [("input", {**options, "prompt": "a", "style": "oil"})])


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"paths": {"/a/b": {"get": {}}}},
        make_document(Input={"$ref": "#/c/s/Nowhere"}),
        make_document(Input={"$ref": "#/c/s/Input"}),
        make_document(Base={"properties": {"again": {"$ref": "#/c/s/Base"}}}),
    ],
)
def test_an_invalid_document_is_a_value_error(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"describes no endpoint|refers to"):
        EndpointSchema.from_openapi(broken)


@pytest.mark.parametrize("endpoint_id", SERVED)
def test_the_sandboxs_document_is_equal_to_the_catalogs_schema(
    endpoint_id: str,
) -> None:
    found = openapi.make_document(endpoint_id)
    assert found is not None
    read, known = EndpointSchema.from_openapi(found), catalog.get_schema(endpoint_id)
    assert known is not None
    assert read.endpoint_id == endpoint_id
    # fal's pages add options that its documents do not have.
    pages = [name for name in known.fields if name not in read.fields]
    assert not pages or known.source.pages
    assert list(read.fields) == [each for each in known.fields if each not in pages]
    assert read.required == known.required
    assert read.kind == known.kind
    for name, field in read.fields.items():
        own = known.fields[name]
        assert field.file == own.file
        assert field.shape.choices == own.shape.choices or known.source.pages


PUBLISHED = sorted((Path(__file__).parent.parent / "contracts/openapi").glob("*.json"))


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_fals_document_is_the_catalogs_schema_with_more_limits(
    path: Path,
) -> None:
    read = EndpointSchema.from_openapi(json.loads(path.read_text())["document"])
    known = catalog.get_schema(read.endpoint_id)
    assert known is not None
    # The document is older than the types.
    assert set(known.fields) - set(read.fields) == {"enhance_prompt_mode"}
    assert set(read.fields) <= set(known.fields)
    assert read.required == known.required
    assert read.kind == known.kind
    assert read.category == known.category
    for field in read.fields.values():
        other = known.fields.get(field.name)
        assert other is not None
        assert field.shape.choices == other.shape.choices
        assert field.file == other.file
        assert other.default in (None, field.default)
        assert list(field.shape.object_fields) == list(other.shape.object_fields)
    # Limits that only the document has.
    more = {
        field.name: (field.shape.minimum, field.shape.maximum)
        for field in read.fields.values()
        if field.shape.maximum is not None
    }
    assert more == {"num_images": (1, 6), "max_images": (1, 6)}
    size = read.fields.get("image_size")
    assert size is not None
    for side in size.shape.object_fields.values():
        assert (side.shape.exclusive_minimum, side.shape.maximum) == (0, 14142)
