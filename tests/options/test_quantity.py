"""How many images a payload requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_schemas import make_schema

from langchain_fal_image import Budget
from langchain_fal_image.budget.ledger import RequestEstimate
from langchain_fal_image.errors import FalBudgetExceededError, FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.quantity import count_images
from langchain_fal_image.options.resolve import resolve_options

COUNTS = [
    *("num_images", "num_results", "num_samples", "number_of_images", "num_outputs"),
    *("num_variations", "batch_size", "n", "max_images", "num_layers"),
]
UP_TO_4 = {"type": "integer", "minimum": 1, "maximum": 4, "default": 1}
MAPS = ["basecolor", "normal", "roughness", "metalness", "height"]
MAP = {"type": "array", "items": {"type": "string", "enum": MAPS}, "default": MAPS}
MAPS_SCHEMA = {"maps": MAP}
MATERIAL = {"maps": MAP, "num_images": UP_TO_4}
SERIES = {
    "num_images": UP_TO_4,
    "result_type": {"type": "string", "enum": ["single", "series"]},
    "series_amount": {
        "anyOf": [{"type": "integer", "minimum": 2, "maximum": 9}, {"type": "null"}]
    },
}
FRAMES = {
    "num_frames": {"type": "integer", "minimum": 1, "maximum": 64, "default": 1},
    "output_type": {"type": "string", "enum": ["images", "video"], "default": "images"},
    "include_start": {"type": "boolean", "default": False},
    "include_end": {"type": "boolean", "default": False},
}
SIZES = {
    "target_sizes": {"type": "array", "items": {"type": "string"}},
    "num_images_per_size": UP_TO_4,
}
SEEDREAM = {"num_images": UP_TO_4, "max_images": {**UP_TO_4, "maximum": 6}}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [3, "3", 3.0, " 3 ", "3.0"])
def test_each_option_for_a_number_of_images_counts_in_any_type(
    name: str, value: Any
) -> None:
    schema = make_schema({"prompt": {"type": "string"}, name: UP_TO_4})
    assert schema.count_field is schema.fields[name]
    assert count_images(schema, {name: value}) == 3
    assert count_images(schema, {}) == 1
    for option in ("n", "num_images", "numImages", name):
        resolved = resolve_options(schema, [("input", {option: value})])
        assert resolved.payload == {name: 3}
        assert resolved.warnings == ()


def test_a_count_that_is_text_is_converted_and_counted() -> None:
    choices = {"type": "string", "enum": ["1", "2", "3", "4"], "default": "2"}
    schema = make_schema({"num_images": choices})
    assert count_images(schema, {}) == 2
    assert resolve_options(schema, [("input", {"n": 4})]).payload == {"num_images": "4"}
    assert count_images(schema, {"num_images": "4"}) == 4


@pytest.mark.parametrize(
    ("properties", "payload", "expected"),
    [
        ({"num_images": {**UP_TO_4, "default": 4}}, {}, 4),
        ({"num_images": {**UP_TO_4, "default": 4}}, {"num_images": 1}, 1),
        ({"num_layers": {"type": "integer", "default": 4}}, {}, 4),
        (SEEDREAM, {"num_images": 2, "max_images": "3"}, 6),
        (SERIES, {"num_images": 3}, 3),
        (SERIES, {"num_images": 3, "result_type": "series", "series_amount": 5}, 5),
        (SERIES, {"result_type": "series"}, 9),
        (SERIES, {"result_type": "series", "series_amount": None}, 9),
        (SERIES, {"result_type": "single", "series_amount": 5}, 1),
        (FRAMES, {}, 1),
        (FRAMES, {"num_frames": 8, "include_start": True, "include_end": True}, 10),
        (FRAMES, {"num_frames": 8, "output_type": "video"}, 1),
        (SIZES, {"target_sizes": ["1:1", "16:9"], "num_images_per_size": 3}, 6),
        (MAPS_SCHEMA, {}, 5),
        (MAPS_SCHEMA, {"maps": ["normal"]}, 1),
        (MATERIAL, {"num_images": 2}, 12),
        ({"max_frames": {"type": "integer", "default": 100}}, {}, 100),
        ({"num_inference_steps": {"type": "integer"}}, {"num_inference_steps": 50}, 1),
        ({"ensemble_size": {"type": "integer", "default": 10}}, {}, 1),
        ({"max_masks": {"type": "integer", "default": 3}}, {}, 1),
    ],
)
def test_options_that_multiply_the_images(
    properties: dict[str, Any], payload: dict[str, Any], expected: int
) -> None:
    assert count_images(make_schema(properties), payload) == expected


def test_an_unknown_endpoint_counts_by_the_usual_names() -> None:
    assert count_images(None, {"num_images": "2"}) == 2
    assert count_images(None, {"num_frames": 81, "prompt": "x"}) == 1


@given(
    st.sampled_from([None, SEEDREAM, SERIES, FRAMES, SIZES, MATERIAL]),
    st.dictionaries(
        st.sampled_from([*SEEDREAM, *SERIES, *FRAMES, *SIZES, *MATERIAL]),
        st.one_of(
            *(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
            *(st.lists(st.text()), st.just({}), st.just(10**5000), st.just("9" * 9999)),
            *(st.just("series"), st.just("1e400"), st.just("4" * 4000)),
        ),
    ),
)
def test_absurd_values_never_fail_a_budget(
    properties: dict[str, Any] | None, payload: dict[str, Any]
) -> None:
    schema = make_schema(properties) if properties is not None else None
    images = count_images(schema, payload)
    assert 1 <= images <= 10**9
    budget = Budget(max_images=10, assumed_price="0.039")
    estimate = RequestEstimate("me/mine", images=images)
    try:
        budget._reserve(estimate)
    except FalBudgetExceededError:
        assert images > 10
    else:
        assert budget.cost == images * Decimal("0.039")


def test_more_images_than_the_document_allows_are_refused() -> None:
    schema = make_schema({"num_images": UP_TO_4})
    for options in ({"num_images": 10**9}, {"n": "5"}, {"n": 0}):
        with pytest.raises(FalOptionError, match="1 to 4"):
            resolve_options(schema, [("input", options)])


@pytest.mark.parametrize("one", [1, "1", 1.0])
def test_one_image_is_what_an_endpoint_without_a_count_makes(one: Any) -> None:
    schema = make_schema({"prompt": {"type": "string"}})
    assert schema.count_field is None
    assert resolve_options(schema, [("input", {"n": one})]).payload == {}
    with pytest.raises(FalOptionError, match="no option for the number of images"):
        resolve_options(schema, [("input", {"n": "2"})])


def test_two_words_for_one_count_must_agree() -> None:
    schema = make_schema({"num_results": UP_TO_4})
    layers = [("input", {"n": 2, "num_images": 2, "num_results": 2})]
    assert resolve_options(schema, layers).payload == {"num_results": 2}
    with pytest.raises(FalOptionError, match="contradicts"):
        resolve_options(schema, [("input", {"n": 2, "num_results": 3})])
    layers = [("constructor", {"num_results": 3}), ("input", {"n": 2})]
    assert resolve_options(schema, layers).payload == {"num_results": 2}


# Options of image endpoints that have a number in their name, but do not change how
# many images the answer has.
NOT_COUNTS = {
    "agentic_max_iterations": "rounds of drafts, of which the best is returned",
    "agentic_samples_per_iteration": "drafts, of which the best is returned",
    "cas_amount": "sharpening",
    "cns_num_freq_bins": "noise",
    "max_colors": "colors in the image",
    "max_image_size": "pixels",
    "max_iterations": "of tracing",
    "max_length": "tokens",
    "max_masks": "masks, which are not in `images`",
    "max_sequence_length": "tokens",
    "max_shift": "noise",
    "max_tokens": "tokens",
    "n_avg": "steps",
    "n_max": "steps",
    "n_min": "steps",
    "num_inference_steps": "steps",
    "num_temporal_reasoning_steps": "steps",
    "number_of_steps": "steps",
    "steps_num": "steps",
    "t_max": "noise",
}
COUNTED = {
    *COUNTS,
    *("num_frames", "num_images_per_size", "max_frames", "series_amount"),
}


def test_each_option_with_a_number_in_its_name_is_counted_or_has_a_reason() -> None:
    words = {"n", "num", "number", "max", "count", "amount", "batch", "samples"}
    found = set()
    for endpoint_id in catalog.list_endpoint_ids():
        schema = catalog.get_schema(endpoint_id)
        for name in schema.fields if schema else ():
            if words & {*name.split("_")}:
                found.add(name)
    assert found - COUNTED == set(NOT_COUNTS) & found
