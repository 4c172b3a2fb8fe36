"""Misspelt names, and images under the call's name, at every endpoint."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from payloads import SERVED, get_input
from valid_inputs import URL, InputDrawer

from langchain_fal_image.errors import FalOptionError, OptionFault
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import resolve_options


def get_schema(endpoint_id: str) -> EndpointSchema:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    return schema


def make_minimal_payload(endpoint_id: str) -> dict[str, Any]:
    """Return a valid input with required options only."""
    return InputDrawer(get_input(endpoint_id), endpoint_id).draw()


def find_faults(
    endpoint_id: str, given: dict[str, Any], **settings: Any
) -> dict[str, OptionFault]:
    with pytest.raises(FalOptionError) as caught:
        resolve_options(get_schema(endpoint_id), [("input", given)], **settings)
    return {fault.option: fault for fault in caught.value.faults}


@pytest.mark.parametrize("endpoint_id", SERVED)
def test_a_misspelt_name_is_a_fault_or_a_warning_with_the_nearest_name(
    endpoint_id: str,
) -> None:
    valid, names = (
        make_minimal_payload(endpoint_id),
        get_input(endpoint_id)["properties"],
    )
    typo = f"{max(names, key=len)}x"
    given = {**valid, typo: 1}
    near = difflib.get_close_matches(typo, names, n=3)
    assert find_faults(endpoint_id, given)[typo].nearest in near
    on_purpose = [("input", {**valid, "providerOptions": {"fal": {typo: 1}}})]
    resolved = resolve_options(get_schema(endpoint_id), on_purpose)
    assert resolved.payload == given
    [warning] = resolved.warnings
    assert typo in warning
    assert any(each in warning for each in near)
    stray = {**valid, "internal_memo_of_the_chain": "x"}
    assert list(find_faults(endpoint_id, stray)) == ["internal_memo_of_the_chain"]


IMAGE_ENDPOINTS = [each for each in SERVED if get_schema(each).kind == "image"]


@pytest.mark.parametrize("endpoint_id", IMAGE_ENDPOINTS)
def test_images_go_to_their_option_or_are_a_fault_that_says_why(
    endpoint_id: str,
) -> None:
    schema = get_schema(endpoint_id)
    fields = {field.name: field for field in schema.image_fields}
    valid = make_minimal_payload(endpoint_id)
    rest = {name: value for name, value in valid.items() if name not in fields}
    given = {**rest, "images": [URL, URL]}
    try:
        resolved = resolve_options(schema, [("input", given)])
    except FalOptionError as error:
        problem = str(error)
    else:
        [name] = [key for key, value in resolved.payload.items() if value == [URL, URL]]
        problem = "; ".join(resolved.warnings)
        # Types of fal's client alone do not refuse a list.
        is_unsure = schema.source.origin == "types" and "too many images" in problem
        assert fields[name].takes_list or is_unsure
        return
    if not fields:
        assert "takes no images" in problem
    elif schema.images_field is None:
        assert all(name in problem for name in fields)
    else:
        # One image too many, or another image is missing as well.
        assert schema.images_field.max_files == 1
        assert schema.images_field.name in problem


def test_images_for_several_options_are_a_fault_that_names_them() -> None:
    name = "fal-ai/leffa/virtual-tryon"
    found = find_faults(name, {"images": [URL]})
    assert "human_image_url, garment_image_url" in found["images"].allowed
    valid = make_minimal_payload(name)
    valid["garmentImageUrl"] = valid.pop("garment_image_url")
    resolved = resolve_options(get_schema(name), [("input", valid)])
    assert {path[0] for path in resolved.files} == {
        "garment_image_url",
        "human_image_url",
    }


def test_several_images_for_one_image_url_are_a_fault() -> None:
    given = {"prompt": "p", "images": [URL, URL]}
    assert "1" in find_faults("fal-ai/flux-pro/kontext", given)["image_url"].allowed
