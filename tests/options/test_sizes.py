"""Options for the size are converted to what each endpoint has."""

from __future__ import annotations

from typing import Any

import payloads
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import ResolvedOptions, resolve_options
from langchain_fal_image.options.sizes import list_aspect_ratios

QWEN_FAMILY = [
    "fal-ai/qwen-image",
    "fal-ai/qwen-image-2/pro/text-to-image",
    "fal-ai/qwen-image-edit",
    "fal-ai/qwen-image-2/edit",
]
NANO_FAMILY = ["fal-ai/nano-banana-pro", "fal-ai/nano-banana-pro/edit"]
NANO = "fal-ai/nano-banana-pro"
QWEN = "fal-ai/qwen-image"
QWEN_2_EDIT = "fal-ai/qwen-image-2/edit"


def get_schema(endpoint_id: str) -> EndpointSchema:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    return schema


def resolve_sizes(
    schema: EndpointSchema | str, *layers: dict[str, Any], **settings: Any
) -> ResolvedOptions:
    schema = get_schema(schema) if isinstance(schema, str) else schema
    base: dict[str, Any] = {"prompt": "a hill"}
    if schema.needs_image:
        base["images"] = ["https://example.com/a.png"]
    named = [(f"layer {number}", layer) for number, layer in enumerate(layers)]
    resolved = resolve_options(schema, [("base", base), *named], **settings)
    sizes = {"image_size", "aspect_ratio", "resolution", "width", "height", "size"}
    kept = {k: v for k, v in resolved.payload.items() if k in sizes}
    return ResolvedOptions(payload=kept, warnings=resolved.warnings)


def make_schema(**properties: Any) -> EndpointSchema:
    return payloads.make_schema({"type": "object", "properties": properties})


SIDES = make_schema(
    prompt={"type": "string"},
    width={"type": "integer", "minimum": 64, "maximum": 2048},
    height={"type": "integer", "minimum": 64, "maximum": 2048},
)
PRESET = {
    "type": "string",
    "enum": [
        *("square_hd", "square", "portrait_4_3", "portrait_16_9"),
        *("landscape_4_3", "landscape_16_9"),
    ],
}
PRESETS_ONLY = make_schema(prompt={"type": "string"}, image_size=PRESET)
PIXELS_BY_NAME = make_schema(
    prompt={"type": "string"},
    image_size={"type": "string", "enum": ["auto", "1024x1024", "1536x1024"]},
)
RATIO_ONLY = make_schema(
    prompt={"type": "string"},
    aspect_ratio={"type": "string", "enum": ["auto", "21:9", "16:9", "1:1"]},
)
SIZELESS = make_schema(prompt={"type": "string"})


@pytest.mark.parametrize("endpoint_id", QWEN_FAMILY)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"size": "1024x768"}, {"width": 1024, "height": 768}),
        ({"size": "1280 X 720"}, {"width": 1280, "height": 720}),
        ({"width": 640, "height": 480}, {"width": 640, "height": 480}),
        ({"imageSize": "1280x720"}, {"width": 1280, "height": 720}),
        ({"aspect_ratio": "16:9"}, "landscape_16_9"),
        ({"aspectRatio": "1:1"}, "square_hd"),
        ({"aspect_ratio": "4:3"}, "landscape_4_3"),
        ({"aspect_ratio": "3:4"}, "portrait_4_3"),
        ({"aspect_ratio": "9:16"}, "portrait_16_9"),
        ({"aspect_ratio": "32:18"}, "landscape_16_9"),
        ({"aspect_ratio": "16:10"}, {"width": 1280, "height": 800}),
        ({"aspect_ratio": "10:16"}, {"width": 800, "height": 1280}),
        ({"aspect_ratio": "21:9"}, {"width": 2560, "height": 1080}),
        ({"aspect_ratio": "9:21"}, {"width": 1080, "height": 2560}),
        ({"aspect_ratio": "3:2"}, {"width": 1248, "height": 832}),
        ({"aspect_ratio": "16:9", "resolution": "2K"}, {"width": 2048, "height": 1152}),
    ],
)
def test_the_qwen_family_gets_an_image_size(
    endpoint_id: str, options: dict[str, Any], expected: Any
) -> None:
    assert resolve_sizes(endpoint_id, options) == ResolvedOptions(
        payload={"image_size": expected}
    )


@pytest.mark.parametrize("endpoint_id", NANO_FAMILY)
@pytest.mark.parametrize(
    ("options", "ratio", "resolution"),
    [
        ({"size": "1024x768"}, "4:3", "1K"),
        ({"size": "1025x1025"}, "1:1", "2K"),
        ({"size": "1920x1080"}, "16:9", "2K"),
        ({"size": "2160x3840"}, "9:16", "4K"),
        ({"size": "2100x900"}, "21:9", "4K"),
        ({"image_size": "portrait_4_3"}, "3:4", "1K"),
        ({"image_size": {"width": 512, "height": 512}}, "1:1", "1K"),
        ({"width": 1600, "height": 900}, "16:9", "2K"),
        ({"size": "1024x768", "resolution": "1K"}, "4:3", "1K"),
        ({"size": "1024x768", "aspect_ratio": "4:3"}, "4:3", "1K"),
    ],
)
def test_nano_banana_gets_ratio_and_resolution_with_a_warning(
    endpoint_id: str, options: dict[str, Any], ratio: str, resolution: str
) -> None:
    resolved = resolve_sizes(endpoint_id, options)
    assert resolved.payload == {"aspect_ratio": ratio, "resolution": resolution}
    (warning,) = resolved.warnings
    assert "pixels may differ" in warning


@pytest.mark.parametrize("endpoint_id", NANO_FAMILY)
def test_nano_banana_gets_its_own_options_unchanged(endpoint_id: str) -> None:
    own = {"aspect_ratio": "16:9", "resolution": "4K"}
    assert resolve_sizes(endpoint_id, own) == ResolvedOptions(payload=own)
    assert resolve_sizes(endpoint_id, {"aspectRatio": "1920:1080"}).payload == {
        "aspect_ratio": "16:9"
    }


@pytest.mark.parametrize(
    ("schema", "options", "named", "allowed"),
    [
        (NANO, {"size": "1000x700"}, "size='1000x700'", "4:3"),
        (NANO, {"size": "5000x5000"}, "size='5000x5000'", "4096"),
        (NANO, {"size": "1024x768", "resolution": "4K"}, "contradicts", "one of"),
        (NANO, {"size": "1024x768", "aspect_ratio": "1:1"}, "contradicts", "one of"),
        (NANO, {"size": "1024x768", "width": 1, "height": 2}, "contradicts", "one of"),
        (QWEN, {"size": "1024x768", "resolution": "2K"}, "contradicts", "one of"),
        (QWEN, {"aspect_ratio": "auto"}, "aspect_ratio='auto'", "16:9"),
        (QWEN, {"aspect_ratio": "0:3"}, "aspect_ratio='0:3'", "16:9"),
        (QWEN, {"aspect_ratio": "4:3", "resolution": "HD"}, "'HD'", "1K, 2K or 4K"),
        (PRESETS_ONLY, {"size": "800x600"}, "size=", "landscape_4_3 (1024x768)"),
        (PIXELS_BY_NAME, {"size": "800x600"}, "size=", "1024x1024, 1536x1024"),
        (RATIO_ONLY, {"size": "800x600"}, "size='800x600'", "21:9, 16:9, 1:1"),
        (
            RATIO_ONLY,
            {"resolution": "2K", "aspect_ratio": "1:1"},
            "resolution='2K'",
            "out",
        ),
        (SIDES, {"size": "4096x100"}, "width=4096", "64 to 2048"),
        (SIZELESS, {"size": "800x600"}, "size='800x600'", "leave it out"),
        (SIZELESS, {"aspect_ratio": "1:1"}, "aspect_ratio='1:1'", "leave it out"),
    ],
)
def test_an_unsupported_size_is_a_fault_with_the_allowed_ones(
    schema: EndpointSchema | str, options: dict[str, Any], named: str, allowed: str
) -> None:
    with pytest.raises(FalOptionError) as caught:
        resolve_sizes(schema, options)
    (fault,) = caught.value.faults
    assert named in str(caught.value)
    assert allowed in fault.allowed


@pytest.mark.parametrize(
    ("schema", "options", "expected"),
    [
        (NANO, {"size": "1000x700"}, {"aspect_ratio": "3:2", "resolution": "1K"}),
        (NANO, {"size": "9000x9000"}, {"aspect_ratio": "1:1", "resolution": "4K"}),
        (NANO, {"aspect_ratio": "7:5"}, {"aspect_ratio": "4:3"}),
        (NANO, {"resolution": "8K"}, {"resolution": "4K"}),
        (
            QWEN_2_EDIT,
            {"size": "200x200"},
            {"image_size": {"width": 512, "height": 512}},
        ),
        (
            QWEN_2_EDIT,
            {"image_size": {"width": 4096, "height": 4096}},
            {"image_size": {"width": 2048, "height": 2048}},
        ),
        (PRESETS_ONLY, {"size": "1030x770"}, {"image_size": "landscape_4_3"}),
        (PIXELS_BY_NAME, {"size": "1600x1000"}, {"image_size": "1536x1024"}),
    ],
)
def test_nearest_size_takes_the_nearest_one_with_a_warning(
    schema: EndpointSchema | str, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    resolved = resolve_sizes(schema, options, nearest_size=True)
    assert resolved.payload == expected
    assert "the nearest, is sent" in resolved.warnings[0]


@pytest.mark.parametrize(
    ("schema", "options", "expected"),
    [
        (SIDES, {"size": "1024x768"}, {"width": 1024, "height": 768}),
        (SIDES, {"aspect_ratio": "16:9"}, {"width": 1024, "height": 576}),
        (SIDES, {"image_size": "square"}, {"width": 512, "height": 512}),
        (SIDES, {"width": 100}, {"width": 100}),
        (PRESETS_ONLY, {"size": "1024x768"}, {"image_size": "landscape_4_3"}),
        (PRESETS_ONLY, {"aspect_ratio": "9:16"}, {"image_size": "portrait_16_9"}),
        (PIXELS_BY_NAME, {"size": "1536x1024"}, {"image_size": "1536x1024"}),
        (PIXELS_BY_NAME, {"image_size": "auto"}, {"image_size": "auto"}),
        (RATIO_ONLY, {"size": "1600x900"}, {"aspect_ratio": "16:9"}),
    ],
)
def test_sizes_are_converted_for_endpoints_with_other_options(
    schema: EndpointSchema, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert resolve_sizes(schema, options).payload == expected


def test_an_unknown_endpoint_gets_size_as_image_size() -> None:
    options = {"size": "640x480", "aspectRatio": "4:3"}
    resolved = resolve_options(None, [("input", options)])
    assert resolved.payload == {
        "image_size": {"width": 640, "height": 480},
        "aspect_ratio": "4:3",
    }
    with pytest.raises(FalOptionError, match="contradicts"):
        resolve_options(None, [("input", {"size": "640x480", "imageSize": "square"})])


def test_size_options_replace_each_other_as_a_group() -> None:
    bound = {"image_size": "square"}
    assert resolve_sizes(QWEN, bound, {"aspectRatio": "16:9"}).payload == {
        "image_size": "landscape_16_9"
    }
    assert resolve_sizes(QWEN, {"size": "1x1"}, bound).payload == bound
    assert resolve_sizes(
        NANO, {"size": "1000x700"}, {"aspect_ratio": "1:1"}
    ).payload == {"aspect_ratio": "1:1"}


def test_a_bound_resolution_is_kept_with_a_later_ratio() -> None:
    resolved = resolve_sizes(NANO, {"resolution": "4K"}, {"aspect_ratio": "16:9"})
    assert resolved.payload == {"aspect_ratio": "16:9", "resolution": "4K"}
    assert resolved.warnings == ()
    resolved = resolve_sizes(NANO, {"aspect_ratio": "1:1"}, {"resolution": "2K"})
    assert resolved.payload == {"aspect_ratio": "1:1", "resolution": "2K"}


def test_a_size_that_replaces_a_resolution_is_a_warning() -> None:
    resolved = resolve_sizes(NANO, {"resolution": "4K"}, {"size": "1024x1024"})
    assert resolved.payload == {"aspect_ratio": "1:1", "resolution": "1K"}
    assert "replaces resolution='4K' from layer 0" in resolved.warnings[0]


def test_the_aspect_ratios_to_offer() -> None:
    assert list_aspect_ratios(get_schema(NANO))[:3] == ("auto", "21:9", "16:9")
    assert list_aspect_ratios(get_schema("fal-ai/nano-banana-pro/edit"))[0] == "auto"
    assert "16:10" in list_aspect_ratios(get_schema(QWEN))
    assert list_aspect_ratios(PRESETS_ONLY) == ("1:1", "16:9", "9:16", "4:3", "3:4")
    assert list_aspect_ratios(SIDES)
    assert list_aspect_ratios(SIZELESS) == ()


SIDE = st.integers(min_value=1, max_value=40)


@given(SIDE, SIDE)
def test_any_ratio_becomes_a_size_within_the_pixel_limits(
    width: int, height: int
) -> None:
    payload = resolve_sizes(QWEN_2_EDIT, {"aspect_ratio": f"{width}:{height}"}).payload
    assert payload["image_size"]


def make_files(schema: EndpointSchema) -> dict[str, object]:
    url = "https://v3.fal.media/a.png"
    values: dict[str, object] = {}
    for field in schema.fields.values():
        if field.required and field.file:
            values[field.name] = [url] if field.takes_list else url
    return values


def test_every_offered_ratio_is_accepted() -> None:
    """A tool offers these to a chat model: none may be a fault."""
    faults = []
    number = 0
    for name in payloads.SERVED:
        schema = get_schema(name)
        for ratio in list_aspect_ratios(schema):
            number += 1
            try:
                resolve_options(
                    schema, [("input", {**make_files(schema), "aspect_ratio": ratio})]
                )
            except FalOptionError as error:
                faults += [
                    (name, str(fault))
                    for fault in error.faults
                    if fault.problem != "is missing"
                ]
    assert faults == []
    assert number > 4000


def test_a_ratio_is_nested_where_the_endpoint_has_an_object() -> None:
    name = "fal-ai/image-apps-v2/age-modify"
    assert list_aspect_ratios(get_schema(name)) == ("1:1", "16:9", "9:16", "4:3", "3:4")
    image = {"image_url": "https://v3.fal.media/a.png"}
    for ratio in ("16:9", {"ratio": "16:9"}):
        options = {**image, "aspectRatio": ratio}
        resolved = resolve_options(get_schema(name), [("input", options)])
        assert resolved.payload["aspect_ratio"] == {"ratio": "16:9"}
    # A merged contract may be wrong inside objects, so only strict refuses.
    layers = [("input", {**image, "aspect_ratio": "2:1"})]
    assert "16:9" in resolve_options(get_schema(name), layers).warnings[0]
    with pytest.raises(FalOptionError, match="16:9"):
        resolve_options(get_schema(name), layers, strict=True)
