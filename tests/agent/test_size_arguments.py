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
    SCHEMAS,
    SIZELESS,
    resolve,
)

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import resolve_options
from langchain_fal_image.options.sizes import list_required_sizes
from langchain_fal_image.tools._args_schema import ToolArguments, build_args_schema
from langchain_fal_image.tools._messages import describe_endpoint

NO_CHOICE = "The size cannot be chosen."


def make_arguments(endpoint_id: str, **settings: Any) -> type[ToolArguments]:
    standard = ("prompt", "images", "aspect_ratio")
    schema = SCHEMAS[endpoint_id]
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
    for endpoint_id, schema in SCHEMAS.items():
        text = describe_endpoint(endpoint_id, schema, price=None)
        assert (NO_CHOICE in text) is (endpoint_id == SIZELESS)


def find_problems(schema: EndpointSchema, ratio: str) -> list[str]:
    layers = [("tool", {"aspect_ratio": ratio})]
    problems = [*resolve_options(schema, layers, check=False).warnings]
    try:
        resolve_options(schema, layers)
    except FalOptionError as error:
        # Other options, such as the prompt, are not passed here.
        problems += [str(each) for each in error.faults if each.value != "None"]
    return [f"{schema.endpoint_id}: {each}" for each in problems]


def test_each_ratio_that_any_tool_offers_is_sent_without_a_fault_or_a_warning() -> None:
    faults: list[str] = []
    offered = 0
    for endpoint_id in catalog.list_endpoint_ids(kind="image"):
        schema = catalog.get_schema(endpoint_id)
        if schema is None:  # its contract is not known
            continue
        others = set(schema.required) - set(list_required_sizes(schema))
        arguments = build_args_schema(
            "A", schema, standard=("aspect_ratio",), bound=dict.fromkeys(others)
        )
        for ratio in list_choices(arguments):
            offered += 1
            faults += find_problems(schema, ratio)
    assert faults == []
    assert offered > 4000
