"""The sandbox checks payloads with fal's documents, and reads them as pydantic does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import httpx
import pydantic
import pytest

from langchain_fal_image.options import catalog
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.sandbox.api.files import Files
from langchain_fal_image.sandbox.api.input_files import find_files
from langchain_fal_image.sandbox.api.lax import normalize_schema, read_value
from langchain_fal_image.sandbox.api.model import generate_output
from langchain_fal_image.sandbox.api.validation import check_payload, find_entries

QWEN = "fal-ai/qwen-image"
MERGED = "fal-ai/qwen-image-2/edit"
SMALL = {"width": 64, "height": 64}
GE = "greater_than_equal"
UUID4 = "9f2c6a51-9c4a-4b64-a3d6-b1b3c8f6a111"
UUID1 = "9f2c6a51-9c4a-1b64-a3d6-b1b3c8f6a111"
TYPES = next(
    name
    for name in catalog.list_endpoint_ids("image")
    if (contract := catalog.get_contract(name))
    and contract.source.origin == "types"
    and contract.input["properties"].get("num_images")
    and contract.input.get("required") == ["prompt"]
)
VALUES: tuple[Any, ...] = (
    *("42", " 4 ", "4.0", "4.5", "x", "", "true", "no", "a", "ab", "abc"),
    *(0, 1, 2, 4, 5, 100, -1, 2.0, 2.5, True, False, None),
    *([], [1], ["1"], ["a", "a"], [1, 2, 3], {}, {"a": "1"}, {"a": [], "b": 1}),
)


class Side(pydantic.BaseModel):
    """An object."""

    a: int
    b: str | None = None


TYPES_OF_SCHEMAS: list[tuple[Mapping[str, Any], Any]] = [
    ({"type": "integer"}, int),
    (
        {"type": "integer", "minimum": 1, "maximum": 4},
        Annotated[int, pydantic.Field(ge=1, le=4)],
    ),
    (
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 5},
        Annotated[float, pydantic.Field(gt=0, lt=5)],
    ),
    (
        {"type": "integer", "multipleOf": 2},
        Annotated[int, pydantic.Field(multiple_of=2)],
    ),
    ({"type": "boolean"}, bool),
    (
        {"type": "string", "minLength": 2, "maxLength": 2},
        Annotated[str, pydantic.Field(min_length=2, max_length=2)],
    ),
    (
        {"type": "string", "pattern": "^a"},
        Annotated[str, pydantic.Field(pattern="^a")],
    ),
    ({"type": "string", "enum": ["a", "ab", "x"]}, Literal["a", "ab", "x"]),
    ({"type": "integer", "enum": [2, 100]}, Literal[2, 100]),
    ({"type": "integer", "const": 4}, Literal[4]),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, int | None),
    ({"type": "integer", "nullable": True}, int | None),
    ({"type": ["integer", "null"]}, int | None),
    (
        {"anyOf": [{"type": "number"}, {"type": "integer"}], "ge": 3, "le": 5},
        Annotated[float | int, pydantic.Field(ge=3, le=5)],
    ),
    (
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        Annotated[list[int], pydantic.Field(min_length=1, max_length=2)],
    ),
    ({"type": "object"}, dict[str, Any]),
    (
        {
            "type": "object",
            "properties": {
                "a": {"type": "integer"},
                "b": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
            "required": ["a"],
        },
        Side,
    ),
]


@pytest.mark.parametrize(("node", "type_"), TYPES_OF_SCHEMAS, ids=str)
def test_values_are_read_and_refused_as_by_pydantic(
    node: Mapping[str, Any], type_: Any
) -> None:
    adapter = pydantic.TypeAdapter(type_)
    schema = normalize_schema({"properties": {"option": node}})
    for value in VALUES:
        try:
            expected: Any = adapter.dump_python(
                adapter.validate_python(value, from_attributes=True), exclude_unset=True
            )
            errors: list[Any] = []
        except pydantic.ValidationError as error:
            expected = value
            errors = error.errors(include_url=False, include_input=False)
        read = read_value(schema, {"option": value})
        entries = find_entries(schema, read)
        found = [(each["type"], each["msg"], each.get("ctx")) for each in entries]
        wanted = [(each["type"], each["msg"], each.get("ctx")) for each in errors]
        assert found == wanted, value
        if not errors:
            assert read == {"option": expected}, value


@pytest.mark.parametrize(
    ("node", "value", "error_type"),
    [
        ({"format": "uuid4", "type": "string"}, "mine", "uuid_parsing"),
        ({"format": "uuid4", "type": "string"}, UUID1, "uuid_version"),
        ({"format": "uuid4", "type": "string"}, UUID4, None),
        ({"format": "uuid4", "type": "string"}, 7, "string_type"),
        ({"type": "number"}, "nan", "finite_number"),
        ({"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}]}, "4", GE),
        ({"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}]}, "5", None),
    ],
)
def test_formats_and_unions_have_the_errors_of_pydantic(
    node: Mapping[str, Any], value: Any, error_type: str | None
) -> None:
    schema = normalize_schema({"properties": {"option": node}})
    entries = find_entries(schema, read_value(schema, {"option": value}))
    assert [each["type"] for each in entries] == ([error_type] if error_type else [])


def test_a_set_takes_each_value_once() -> None:
    node = {"type": "array", "uniqueItems": True, "items": {"type": "string"}}
    assert read_value(node, ["Left", "Top", "Left"]) == ["Left", "Top"]


def test_the_models_get_the_values_as_read(fal_sandbox: Sandbox) -> None:
    payload = {"prompt": "p", "num_images": "2", "seed": "7", "image_size": SMALL}
    response = httpx.post(
        f"{fal_sandbox.url}/run/{QWEN}",
        json=payload,
        headers={"authorization": "Key x"},
        timeout=30,
    )
    assert len(response.json()["images"]) == 2
    assert response.json()["seed"] == 7
    assert list(fal_sandbox.accepted.values()) == [payload]


def test_a_contract_from_types_refuses_only_missing_options() -> None:
    wrong = {"prompt": "p", "num_images": "many", "seed": [], "image_size": 3}
    assert check_payload(TYPES, wrong) == (wrong, [])
    _, [entry] = check_payload(TYPES, {"num_images": 2})
    assert (entry["loc"], entry["type"]) == (["body", "prompt"], "missing")


@pytest.mark.parametrize(
    "name", [TYPES, "fal-ai/whisper", "CassetteAI/music-generator"]
)
@pytest.mark.parametrize(
    "value", [10**400, -1, "x", [], {}, [None], True, {"width": 9}]
)
def test_a_payload_that_is_not_checked_gets_an_output(name: str, value: Any) -> None:
    contract = catalog.get_contract(name)
    assert contract is not None
    assert contract.source.origin == "types"
    names = contract.input["properties"]
    payload = {each: value for each in names if "url" not in each}
    payload |= {"sync_mode": False, "audio_url": "https://x.example/a.mp3"}
    output = generate_output(name, payload, files=Files(), seed=1)
    assert output.keys() & {"images", "text", "audio_file"}


def test_a_merged_contract_is_not_sure_inside_objects() -> None:
    image = {"prompt": "p", "image_urls": ["https://x.example/a.png"]}
    wide = {**image, "image_size": {"width": 10**6, "height": 64}}
    assert check_payload(MERGED, wide)[1] == []
    _, [entry] = check_payload(MERGED, {**image, "num_images": 100})
    assert entry["type"] == "less_than_equal"


def test_what_only_pages_state_is_not_checked() -> None:
    image = {"prompt": "x" * 801, "image_urls": ["https://x.example/a.png"]}
    tiny = {"image_size": {"width": 64, "height": 64}}
    assert check_payload(MERGED, {**image, **tiny})[1] == []


@pytest.mark.parametrize(
    ("name", "files"),
    [
        (
            "fal-ai/flux-lora-fill",
            {("image_url",): "image", ("fill_image", "fill_image_url"): "image"},
        ),
        ("bria/embed-product", {("products", 0, "image_source"): "image"}),
        ("fal-ai/fashn/tryon/v1.6", {("garment_image",): "image"}),
        ("fal-ai/flux-lora", {}),
        ("fal-ai/sam-audio/visual-separate", {("audio_url",): "audio"}),
    ],
)
def test_files_are_found_under_any_name_and_inside_objects(
    name: str, files: dict[tuple[str | int, ...], str]
) -> None:
    contract = catalog.get_contract(name)
    assert contract is not None
    payload: dict[str, Any] = {
        "prompt": "p",
        "loras": [{"path": "https://x.example/image.safetensors"}],
        "mask_video_url": "https://x.example/a.mp4",
    }
    for path in files:
        if len(path) == 1:
            payload[str(path[0])] = "u"
        elif len(path) == 2:
            payload[str(path[0])] = {path[1]: "u"}
        else:
            payload[str(path[0])] = [{path[2]: "u"}]
    found = {tuple(path): kind for path, kind, _ in find_files(contract.input, payload)}
    assert found == files
