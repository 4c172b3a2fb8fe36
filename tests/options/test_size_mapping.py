"""Sizes and ratios become the option that an endpoint has, whatever its shape."""

from __future__ import annotations

from typing import Any

import pytest
from size_inputs import (
    CHRONO,
    EMU,
    EXPAND,
    FACE_ID,
    FIBO,
    FLUX,
    FOOOCUS,
    GPT_2,
    GPT_MINI,
    GROK,
    KONTEXT,
    KREA,
    LUMA,
    NANO_2,
    REALTIME,
    REFRAME,
    RESIZE,
    SEEDREAM,
    SHOT,
    ULTRA,
    WAN,
    resolve,
)

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.json_schema import parse_fields
from langchain_fal_image.options.resolve import ResolvedOptions, resolve_options

Options = dict[str, Any]


PIXELS = {"width": 640, "height": 480}


def size(width: int, height: int) -> Options:
    return {"image_size": {"width": width, "height": height}}


@pytest.mark.parametrize(
    "ratio", ["21:9", "9:21", "16:10", "auto", "2.35:1", "1024x768"]
)
@pytest.mark.parametrize("endpoint_id", [ULTRA, FOOOCUS])
def test_an_open_text_is_sent_as_given(endpoint_id: str, ratio: str) -> None:
    resolved = resolve(endpoint_id, {"aspectRatio": ratio})
    assert resolved == ResolvedOptions(payload={"aspect_ratio": ratio})


@pytest.mark.parametrize(
    ("endpoint_id", "given", "sent"),
    [
        (GROK, "1k", "1k"),
        (GROK, "1K", "1k"),
        (NANO_2, "1k", "1K"),
        (NANO_2, "0.5k", "0.5K"),
        (FIBO, "4mp", "4MP"),
        (CHRONO, "720P", "720p"),
    ],
)
def test_a_resolution_leaves_in_the_endpoints_spelling(
    endpoint_id: str, given: str, sent: str
) -> None:
    resolved = resolve(endpoint_id, {"resolution": given})
    assert resolved == ResolvedOptions(payload={"resolution": sent})


@pytest.mark.parametrize(
    ("endpoint_id", "options", "sent"),
    [
        (GPT_MINI, {"aspect_ratio": "3:2"}, {"image_size": "1536x1024"}),
        (GPT_MINI, {"aspect_ratio": "6:4"}, {"image_size": "1536x1024"}),
        (GPT_MINI, {"aspect_ratio": "1:1"}, {"image_size": "1024x1024"}),
        (GPT_MINI, {"aspect_ratio": "auto"}, {"image_size": "auto"}),
        (GPT_MINI, {"size": "auto"}, {"image_size": "auto"}),
        (GPT_MINI, {"size": (1024, 1536)}, {"image_size": "1024x1536"}),
        (GPT_MINI, size(1024, 1024), {"image_size": "1024x1024"}),
        (REALTIME, {"aspect_ratio": "1:1"}, {"image_size": "square_hd"}),
        (GPT_2, {"aspect_ratio": "auto"}, {"image_size": "auto"}),
        (SEEDREAM, {"resolution": "4k"}, {"image_size": "auto_4K"}),
        (REFRAME, {"aspect_ratio": "16:9"}, {"image_size": "landscape_16_9"}),
        (REFRAME, {"size": "640x480"}, size(640, 480)),
        (LUMA, {"aspect_ratio": "32:18"}, {"aspect_ratio": "16:9"}),
        (KREA, {"aspect_ratio": "47:20"}, {"aspect_ratio": "2.35:1"}),
        (KONTEXT, {"aspect_ratio": "3:2"}, {"resolution_mode": "3:2"}),
        (KONTEXT, {"size": "match_input"}, {"resolution_mode": "match_input"}),
        (FACE_ID, {"aspect_ratio": "16:10"}, {"width": 1024, "height": 640}),
        (FACE_ID, {"image_size": [512, 768]}, {"width": 512, "height": 768}),
        (SHOT, {"size": "1200x800"}, {"shot_size": [1200, 800]}),
        (SHOT, {"shot_size": "1200x800"}, {"shot_size": [1200, 800]}),
        (SHOT, {"aspect_ratio": "1:1"}, {"shot_size": [1024, 1024]}),
        (EXPAND, {"size": "1200x674"}, {"canvas_size": [1200, 674]}),
        (EXPAND, {"canvas_size": [1200, 674]}, {"canvas_size": [1200, 674]}),
        (
            EXPAND,
            {"aspect_ratio": "3:2"},
            {"aspect_ratio": "3:2", "canvas_size": [1248, 832]},
        ),
        (RESIZE, {"size": "1920x1080"}, {"target_sizes": ["1920x1080"]}),
        (FOOOCUS, {"size": "1152x896"}, {"aspect_ratio": "1152x896"}),
        (WAN, {"size": (640, 480)}, size(640, 480)),
        (WAN, {"aspect_ratio": "16:9"}, {"aspect_ratio": "16:9"}),
        (FLUX, {"aspect_ratio": "16:9", "resolution": "1080p"}, size(1920, 1080)),
        (FLUX, {"resolution": "1280x720"}, size(1280, 720)),
    ],
)
def test_sizes_and_ratios_reach_the_option_that_the_endpoint_has(
    endpoint_id: str, options: Options, sent: Options
) -> None:
    assert resolve(endpoint_id, options) == ResolvedOptions(payload=sent)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"size": "auto"}, "auto"),
        ({"resolution": (640, 480)}, PIXELS),
        ({"aspect_ratio": "16:9"}, "landscape_16_9"),
    ],
)
def test_a_resolution_that_takes_sizes_is_a_size_option(
    options: Options, sent: Any
) -> None:
    sides = {"width": {"type": "integer"}, "height": {"type": "integer"}}
    presets = ["auto", "square_hd", "landscape_4_3", "landscape_16_9"]
    branches = [
        {"type": "object", "properties": sides},
        {"type": "string", "enum": presets},
    ]
    fields = parse_fields({"properties": {"resolution": {"anyOf": branches}}})
    schema = EndpointSchema(endpoint_id="a/b", fields=fields)
    resolved = resolve_options(schema, [("options", options)])
    assert resolved == ResolvedOptions(payload={"resolution": sent})


@pytest.mark.parametrize(
    ("endpoint_id", "given", "ratio", "resolution"),
    [
        (FIBO, "1024x1024", "1:1", "1MP"),
        (FIBO, "1536x1024", "3:2", "4MP"),
        (EMU, "1280x720", "16:9", "720p"),
        (EMU, "640x480", "4:3", "480p"),
        (EMU, "2048x2048", "1:1", "720p"),
        (GROK, "2048x1024", "2:1", "2k"),
        (ULTRA, "2000x1000", "2:1", None),
    ],
)
def test_a_size_becomes_a_ratio_and_the_smallest_resolution_that_covers_it(
    endpoint_id: str, given: str, ratio: str, resolution: str | None
) -> None:
    resolved = resolve(endpoint_id, {"size": given})
    more = {"resolution": resolution} if resolution else {}
    assert resolved.payload == {"aspect_ratio": ratio, **more}
    assert "pixels may differ" in resolved.warnings[0]


@pytest.mark.parametrize(
    "given",
    [
        *((1024, 768), [1024, 768], "1024x768", "1024\u00d7768", " 1024 X 768 "),
        *(("1024", "768"), (1024.0, 768), {"width": "1024", "height": "768"}),
        {"height": 768, "width": 1024.0},
    ],
)
@pytest.mark.parametrize("name", ["size", "image_size", "imageSize"])
def test_a_size_is_a_pair_a_text_or_an_object(name: str, given: Any) -> None:
    assert resolve(FLUX, {name: given}).payload == size(1024, 768)
    assert resolve(SHOT, {name: given}).payload == {"shot_size": [1024, 768]}


def test_width_and_height_are_numbers_or_text() -> None:
    sides = {"width": "1024", "height": 768}
    assert resolve(FLUX, sides).payload == size(1024, 768)


@pytest.mark.parametrize(
    ("endpoint_id", "options", "named", "allowed"),
    [
        (GPT_MINI, {"aspect_ratio": "16:9"}, "'16:9'", "3:2 (1536x1024), 2:3"),
        (GPT_MINI, {"size": (800, 600)}, "[800, 600]", "1024x1024, 1536x1024"),
        (GPT_MINI, {"aspect_ratio": "wide"}, "'wide'", "16:9"),
        (FACE_ID, {"aspect_ratio": "21:9"}, "'21:9'", "width 512 to 1024"),
        (KONTEXT, {"aspect_ratio": "2:1"}, "'2:1'", "1:1, 16:9, 21:9, 3:2"),
        (RESIZE, {"aspect_ratio": "1:1"}, "'1:1'", "size, such as"),
        (EXPAND, {"size": "9x5", "aspect_ratio": "1:1"}, "contradicts", "one of"),
        (FLUX, {"size": (1024, 768, 3)}, "[1024, 768, 3]", "1024x768"),
        (FLUX, {"size": (0, 768)}, "[0, 768]", "1024x768"),
        (FLUX, {"size": (10**400, 7)}, "size=", "1024x768"),
    ],
)
def test_a_size_that_the_endpoint_does_not_have_names_those_that_it_has(
    endpoint_id: str, options: Options, named: str, allowed: str
) -> None:
    with pytest.raises(FalOptionError) as caught:
        resolve(endpoint_id, options)
    assert named in str(caught.value)
    assert allowed in caught.value.faults[0].allowed


@pytest.mark.parametrize(
    ("endpoint_id", "options", "sent"),
    [
        (GPT_MINI, {"aspect_ratio": "16:9"}, {"image_size": "1536x1024"}),
        (GPT_MINI, {"size": "800x600"}, {"image_size": "1024x1024"}),
        (FACE_ID, {"aspect_ratio": "21:9"}, {"width": 1024, "height": 512}),
        (FACE_ID, {"size": "2048x1024"}, {"width": 1024, "height": 512}),
        (KONTEXT, {"aspect_ratio": "2:1"}, {"resolution_mode": "16:9"}),
        (GROK, {"resolution": "4K"}, {"resolution": "2k"}),
    ],
)
def test_nearest_size_takes_the_nearest_of_each_shape(
    endpoint_id: str, options: Options, sent: Options
) -> None:
    resolved = resolve(endpoint_id, options, nearest_size=True)
    assert resolved.payload == sent
    assert "the nearest, is sent" in resolved.warnings[0]


@pytest.mark.parametrize(
    ("endpoint_id", "own", "options"),
    [
        (KONTEXT, {"resolution_mode": "auto"}, {"aspect_ratio": "1:1"}),
        (SHOT, {"shotSize": [1, 1]}, {"size": (640, 480)}),
        (RESIZE, {"target_sizes": ["1x1"]}, {"size": (640, 480)}),
    ],
)
def test_an_endpoints_own_size_option_is_replaced_with_the_group(
    endpoint_id: str, own: Options, options: Options
) -> None:
    assert resolve(endpoint_id, own, options) == resolve(endpoint_id, options)
    assert resolve(endpoint_id, options, own) == resolve(endpoint_id, own)
