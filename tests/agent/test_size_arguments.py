"""Tools offer `aspect_ratio` for every endpoint where it can be chosen."""

from __future__ import annotations

import typing
from typing import Any

import pytest
from size_inputs import (
    AGE,
    CHRONO,
    EXPAND,
    FACE_ID,
    FLUX,
    GPT_MINI,
    KONTEXT,
    LUMA,
    REALTIME,
    REFRAME,
    RESIZE,
    SIZELESS,
    get_schema,
    list_shapes,
    resolve,
)

from langchain_fal_image.tools._args_schema import ToolArguments, build_args_schema
from langchain_fal_image.tools._messages import describe_endpoint

NO_CHOICE = "The size cannot be chosen."


def make_arguments(endpoint_id: str, **settings: Any) -> type[ToolArguments]:
    standard = ("prompt", "images", "aspect_ratio")
    schema = get_schema(endpoint_id)
    return build_args_schema("Arguments", schema, standard=standard, **settings)


def list_choices(arguments: type[ToolArguments]) -> tuple[str, ...]:
    """Return the ratios that a tool offers; empty if it has no such argument."""
    field = arguments.model_fields.get("aspect_ratio")
    if field is None:
        return ()
    offered = typing.get_args(field.annotation)
    texts = offered if field.is_required() else typing.get_args(offered[0])
    return tuple(texts)


@pytest.mark.parametrize(
    ("endpoint_id", "is_required"),
    [
        *((name, False) for name in (FLUX, GPT_MINI, KONTEXT, FACE_ID, AGE)),
        *((name, True) for name in (LUMA, REFRAME, EXPAND)),
    ],
)
def test_a_tool_offers_ratios_that_the_endpoint_takes(
    endpoint_id: str, *, is_required: bool
) -> None:
    arguments = make_arguments(endpoint_id)
    assert set(arguments.model_fields) == {"aspect_ratio"}
    assert arguments.model_fields["aspect_ratio"].is_required() is is_required
    ratios = list_choices(arguments)
    assert len(ratios) > 1
    for ratio in ratios:
        given = arguments(aspect_ratio=ratio).model_dump(exclude_none=True)
        assert resolve(endpoint_id, given).warnings == ()


@pytest.mark.parametrize("endpoint_id", [REALTIME, CHRONO, SIZELESS])
def test_a_tool_without_a_choice_of_ratios_has_no_such_argument(
    endpoint_id: str,
) -> None:
    assert set(make_arguments(endpoint_id).model_fields) == set()


def test_exact_sizes_are_asked_for_in_pixels() -> None:
    assert set(make_arguments(RESIZE).model_fields) == {"target_sizes"}


def test_a_required_size_that_is_exposed_or_bound_takes_the_place_of_the_ratio() -> (
    None
):
    exposed = make_arguments(REFRAME, expose=["imageSize"]).model_fields
    assert set(exposed) == {"image_size", "width", "height"}
    bound = make_arguments(REFRAME, bound={"image_size": "square"})
    assert set(bound.model_fields) == set()


def test_a_tool_says_that_the_size_cannot_be_chosen_only_where_it_cannot() -> None:
    for endpoint_id in list_shapes():
        schema = get_schema(endpoint_id)
        text = describe_endpoint(endpoint_id, schema, price=None)
        # `size` of fal-ai/imageutils/sam is a number, not the size of the image.
        assert (NO_CHOICE in text) is (schema.fields.keys() <= {"size"})


def test_each_ratio_that_a_tool_offers_is_sent_without_a_warning() -> None:
    offered = 0
    for endpoint_id in list_shapes():
        for ratio in list_choices(make_arguments(endpoint_id)):
            offered += 1
            assert resolve(endpoint_id, {"aspect_ratio": ratio}).warnings == ()
    assert offered > 600
