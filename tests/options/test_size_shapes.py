"""Ratios to offer, and any size, for each shape of size option."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from size_inputs import (
    AGE,
    CHRONO,
    FACE_ID,
    FOOOCUS,
    GPT_1_5,
    GPT_2,
    GPT_MINI,
    LUMA,
    REALTIME,
    RESIZE,
    SHOT,
    SIZELESS,
    ULTRA,
    WAN,
    get_input,
    get_schema,
    list_shapes,
    resolve,
)

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options.sizes import list_aspect_ratios


@pytest.mark.parametrize(
    ("endpoint_id", "ratios"),
    [
        (GPT_MINI, ("auto", "1:1", "3:2", "2:3")),
        (GPT_1_5, ("1:1", "3:2", "2:3")),
        (ULTRA, ("21:9", *("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16"), "9:21")),
        (LUMA, ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")),
        (AGE, ("1:1", "16:9", "9:16", "4:3", "3:4")),
        (WAN, ("auto", "16:9", "9:16", "1:1")),
        # One ratio only, or sizes in pixels only, or no option for the ratio.
        *((name, ()) for name in (REALTIME, RESIZE, CHRONO, SIZELESS)),
    ],
)
def test_the_ratios_to_offer_are_those_of_the_endpoint(
    endpoint_id: str, ratios: tuple[str, ...]
) -> None:
    assert list_aspect_ratios(get_schema(endpoint_id)) == ratios


def test_common_ratios_are_offered_where_any_size_can_be_chosen() -> None:
    assert list_aspect_ratios(get_schema(GPT_2))[:3] == ("auto", "1:1", "16:9")
    assert "21:9" in list_aspect_ratios(get_schema(SHOT))
    within_limits = list_aspect_ratios(get_schema(FACE_ID))
    assert "16:9" in within_limits
    assert "21:9" not in within_limits
    assert "1280x720" in list_aspect_ratios(get_schema(FOOOCUS))


SHAPES = list_shapes()


@pytest.mark.parametrize("endpoint_id", SHAPES)
def test_each_offered_ratio_is_sent_without_a_warning(endpoint_id: str) -> None:
    for ratio in list_aspect_ratios(get_schema(endpoint_id)):
        resolved = resolve(endpoint_id, {"aspect_ratio": ratio})
        assert resolved.warnings == ()
        jsonschema.validate(resolved.payload, get_input(endpoint_id))


NUMBERS = st.integers(0, 6000) | st.integers() | st.floats()
SIDES = NUMBERS | st.text("0123456789", max_size=8)
RATIO_PARTS = st.integers(0, 99999) | st.sampled_from(["2.35", "19.5", "0.1"])
TEXTS = st.sampled_from(
    [
        *("auto", "auto_2K", "square_hd", "landscape_16_9", "portrait_3_2"),
        *("match_input", "1K", "1k", "2K", "4K", "720p", "480P", "1MP", "0K", "wide"),
    ]
)
PAIRS = st.tuples(SIDES, SIDES)
VALUES = st.one_of(
    TEXTS,
    PAIRS,
    PAIRS.map(list),
    PAIRS.map(lambda pair: {"width": pair[0], "height": pair[1]}),
    PAIRS.map(lambda pair: f"{pair[0]}x{pair[1]}"),
    st.tuples(RATIO_PARTS, RATIO_PARTS).map(lambda pair: f"{pair[0]}:{pair[1]}"),
    st.none() | st.booleans() | SIDES,
)
NAMES = ("size", "aspect_ratio", "image_size", "width", "height", "resolution")


@settings(max_examples=500)
@given(
    endpoint_id=st.sampled_from(SHAPES),
    options=st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3),
    nearest=st.booleans(),
)
def test_any_size_is_sent_in_the_endpoints_shape_or_refused(
    *, endpoint_id: str, options: dict[str, Any], nearest: bool
) -> None:
    try:
        resolved = resolve(endpoint_id, options, nearest_size=nearest, strict=True)
    except FalOptionError:
        return
    schema = get_input(endpoint_id)
    assert resolved.payload.keys() <= schema["properties"].keys()
    jsonschema.validate(resolved.payload, schema)
