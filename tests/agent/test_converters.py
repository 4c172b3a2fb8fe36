"""Every endpoint's tool through the chat packages' own converters: what survives.

A loss is a name, a JSON type, a choice of texts, or a description that does not come
out as it went in. Limits and defaults stand in the descriptions, in words.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from langchain_anthropic.chat_models import convert_to_anthropic_tool
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_google_genai._function_utils import (
    convert_to_genai_function_declarations,
)
from langchain_openai import ChatOpenAI

from langchain_fal_image import (
    FalImageEditTool,
    FalImageToolkit,
    FalSpeechTool,
    FalTextToImageTool,
    FalTranscriptionTool,
    FalWaitTool,
)
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.models._input_schema import get_simple_type
from langchain_fal_image.options import catalog
from langchain_fal_image.options.describe import describe_option
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import SERVED_KINDS
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.voice import find_voice_field

pytestmark = pytest.mark.chat_models

VOICE = ("voice", "speed", "vol", "pitch", "emotion", "english_normalization")
Facts = dict[str, tuple[str, tuple[str, ...], str]]
"""Of each argument: its JSON type (a list's with its items'), choices, description."""


@functools.cache
def endpoint(name: str) -> EndpointSchema:
    schema = catalog.get_schema(name)
    assert schema is not None
    return schema


def is_plain(field: Field) -> bool:
    return field.file is not None or get_simple_type(field) is not None


def too_rich(schema: EndpointSchema) -> list[str]:
    return [f.name for f in schema.fields.values() if f.required and not is_plain(f)]


ALL = [
    name
    for kind in SERVED_KINDS
    for name in catalog.list_endpoint_ids(kind)
    if catalog.get_schema(name)
]


def kind_of(schema: EndpointSchema) -> Any:
    if schema.kind == "image":
        return FalImageEditTool if schema.needs_image else FalTextToImageTool
    return FalSpeechTool if schema.kind == "speech" else FalTranscriptionTool


@functools.cache
def made(name: str) -> BaseTool:
    """Make the endpoint's tool with every option exposed that can be."""
    schema = endpoint(name)
    kind = kind_of(schema)
    images = schema.images_field
    names = [f.name for f in schema.fields.values() if is_plain(f)]
    if images is not None and schema.needs_image:
        names.remove(images.name)
    if schema.kind != "image":
        # These have arguments of their own, under the words of the call.
        standing = (schema.text_field, schema.audio_field)
        names = [each for each in names if schema.fields.get(each) not in standing]
        found = {each: find_voice_field(schema, each) for each in VOICE}
        names += [each for each, field in found.items() if field and is_plain(field)]
    bound: dict[str, Any] = {name: {} for name in too_rich(schema)}
    model = kind._runnable(schema.endpoint_id, options=bound)
    tool: BaseTool = kind(model=model, expose=names)
    return tool


def expected(tool: BaseTool) -> Facts:
    schema = tool.tool_call_schema.model_json_schema()  # type: ignore[union-attr]  # ours is a model
    return {name: fact(each) for name, each in schema["properties"].items()}


def fact(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...], str]:
    words = schema.get("description", "")
    while "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        assert len(kinds) == 1, schema
        [schema] = kinds
    kind = schema.get("type", "?")
    if isinstance(kind, list):
        [kind] = [each for each in kind if each != "null"]
    if kind == "array":
        kind = f"array of {schema['items'].get('type', '?')}"
    return kind, tuple(filter(None, schema.get("enum", ()))), words


def openai(tool: BaseTool) -> Facts:
    return of_openai(convert_to_openai_tool(tool)["function"])


def openai_strict(tool: BaseTool) -> Facts:
    bound: Any = ChatOpenAI(model="gpt-x", api_key="x").bind_tools([tool], strict=True)
    function = bound.kwargs["tools"][0]["function"]
    parameters = function["parameters"]
    assert function["strict"] is True
    assert set(parameters.get("required", ())) == set(parameters["properties"])
    assert parameters["additionalProperties"] is False
    for each in parameters["properties"].values():
        # Strict modes refuse these.
        assert "default" not in each
        assert not {"minLength", "maxLength", "pattern"} & set(walked(each))
    return of_openai(function)


def walked(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield key
            yield from walked(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from walked(each)


def of_openai(function: Any) -> Facts:
    parameters = function["parameters"]
    assert "$defs" not in parameters
    return {name: fact(each) for name, each in parameters["properties"].items()}


def anthropic(tool: BaseTool) -> Facts:
    converted: Any = convert_to_anthropic_tool(tool)
    properties = converted["input_schema"]["properties"]
    return {name: fact(each) for name, each in properties.items()}


def gemini(tool: BaseTool) -> Facts:
    [genai] = convert_to_genai_function_declarations([tool])
    [declaration] = genai.function_declarations or []
    parameters = declaration.parameters
    assert parameters is not None
    found = {}
    for name, each in (parameters.properties or {}).items():
        assert each.type is not None, name
        kind = each.type.value.lower()
        if kind == "array":
            assert each.items is not None, name
            assert each.items.type is not None, name
            kind = f"array of {each.items.type.value.lower()}"
        found[name] = kind, tuple(each.enum or ()), each.description or ""
    return found


CONVERTERS: tuple[Callable[[BaseTool], Facts], ...] = (
    openai,
    openai_strict,
    anthropic,
    gemini,
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("convert", CONVERTERS, ids=lambda each: each.__name__)
def test_the_tool_of_every_endpoint_survives_conversion(
    convert: Callable[[BaseTool], Facts],
) -> None:
    losses = []
    tools = arguments = 0
    for name in ALL:
        tool = made(name)
        facts = expected(tool)
        tools, arguments = tools + 1, arguments + len(facts)
        converted = convert(tool)
        losses += [
            f"{name} {each}: {facts.get(each)} became {converted.get(each)}"
            for each in facts.keys() | converted.keys()
            if facts.get(each) != converted.get(each)
        ]
    assert losses == []
    assert tools == len(ALL)
    assert arguments > 7500


def test_every_option_that_has_a_plain_type_can_be_exposed() -> None:
    refused = {
        (schema.endpoint_id, field.name)
        for schema in map(endpoint, ALL)
        for field in schema.fields.values()
        if not is_plain(field)
    }
    for name, option in refused:
        kind = kind_of(endpoint(name))
        with pytest.raises(FalConfigurationError, match="too complex"):
            kind(model=name, expose=(option,))
    rich = {
        shape
        for name, option in refused
        if (field := endpoint(name).fields.get(option))
        for shape in ("list of objects" if field.takes_list else "object",)
    }
    assert rich == {"list of objects", "object"}


def example(schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a plain schema."""
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            return example(each)
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "array":
            return [example(schema["items"])] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "https://v3.fal.media/a.png"


def test_the_required_arguments_are_enough_for_every_endpoint() -> None:
    called = 0
    for name in ALL:
        if too_rich(endpoint(name)):
            continue
        kind = kind_of(endpoint(name))
        tool = kind(model=name)
        schema = tool.args_schema.model_json_schema()
        arguments = {
            each: example(schema["properties"][each])
            for each in schema.get("required", ())
        }
        read = tool.args_schema(**arguments).model_dump(exclude_none=True)
        payload = tool.model.payload(read).payload
        assert set(endpoint(name).required) <= payload.keys()
        called += 1
    assert called > 500


def test_a_required_option_without_a_plain_type_must_be_bound() -> None:
    names = [name for name in ALL if too_rich(endpoint(name))]
    assert names
    for name in names:
        kind = kind_of(endpoint(name))
        with pytest.raises(FalConfigurationError, match="Bind it in code"):
            kind(model=name)


@pytest.mark.parametrize("convert", CONVERTERS, ids=lambda each: each.__name__)
def test_the_descriptions_repeat_limits_and_defaults(
    convert: Callable[[BaseTool], Facts],
) -> None:
    tool = FalTextToImageTool(
        model="fal-ai/qwen-image", expose=("guidance_scale", "output_format")
    )
    facts = convert(tool)
    schema = endpoint("fal-ai/qwen-image")
    for name in ("guidance_scale", "output_format"):
        field = schema.fields.get(name)
        assert field is not None
        assert facts[name][2] == describe_option(field)
    assert "; 0 to 20; default" in facts["guidance_scale"][2]
    assert "default" in facts["guidance_scale"][2]


@pytest.mark.parametrize("convert", CONVERTERS, ids=lambda each: each.__name__)
def test_a_size_is_a_preset_and_two_sides(
    convert: Callable[[BaseTool], Facts],
) -> None:
    facts = convert(FalTextToImageTool(expose=("imageSize",)))
    assert facts["image_size"][0] == "string"
    assert "landscape_4_3" in facts["image_size"][1]
    assert facts["width"][0] == facts["height"][0] == "integer"
    assert "together with height" in facts["width"][2]


@pytest.mark.parametrize("convert", CONVERTERS, ids=lambda each: each.__name__)
def test_a_choice_of_numbers_is_a_number_with_its_choices_in_words(
    convert: Callable[[BaseTool], Facts],
) -> None:
    document = {
        "openapi": "3.0.4",
        "info": {"title": "x", "version": "1"},
        "paths": {"/a/scaler": {"post": {"requestBody": {"content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/In"}}}}}}},
        "components": {"schemas": {"In": {
            "type": "object",
            "required": ["prompt"],
            "properties": {
                "prompt": {"type": "string"},
                "factor": {"type": "integer", "enum": [1, 2, 4], "default": 2},
                "kind": {"type": "string", "enum": ["only"]},
            },
        }}},
    }  # fmt: skip
    field = EndpointSchema.from_openapi(document).fields.get("factor")
    only = EndpointSchema.from_openapi(document).fields.get("kind")
    assert field is not None
    assert only is not None
    assert get_simple_type(field) is int
    assert describe_option(field) == "Factor; one of 1, 2, 4; default 2." or (
        "one of 1, 2, 4; default 2" in describe_option(field)
    )
    from langchain_fal_image.tools._args_schema import build_args_schema  # noqa: PLC0415

    schema = build_args_schema(
        "Arguments",
        EndpointSchema.from_openapi(document),
        standard=("prompt",),
        expose=["factor", "kind"],
    )
    facts = convert(FalTextToImageTool(args_schema=schema))
    assert facts["factor"][0] == "integer"
    assert "one of 1, 2, 4" in facts["factor"][2]
    assert facts["kind"][:2] == ("string", ("only",))


@pytest.mark.parametrize("convert", CONVERTERS, ids=lambda each: each.__name__)
def test_the_wait_tool_survives_conversion(
    convert: Callable[[BaseTool], Facts],
) -> None:
    tool = FalWaitTool()
    assert convert(tool) == expected(tool)
    names = [each.name for each in FalImageToolkit(wait=True).get_tools()]
    assert names == ["fal_text_to_image", "fal_image_edit", "fal_wait"]
