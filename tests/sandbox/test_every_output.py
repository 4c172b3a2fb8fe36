"""Every endpoint of the catalog runs: its output has the form that fal states."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from example_payloads import SERVED, make_payload

from langchain_fal_image.options import catalog
from langchain_fal_image.results._parse import parse_output
from langchain_fal_image.sandbox.api.files import Files
from langchain_fal_image.sandbox.api.model import generate_output
from langchain_fal_image.sandbox.api.validation import check_payload


@pytest.mark.parametrize("name", SERVED)
def test_the_output_has_the_form_of_the_document_and_is_parsed(name: str) -> None:
    contract = catalog.get_contract(name)
    assert contract is not None
    payload, errors = check_payload(name, make_payload(contract))
    assert errors == []
    output = generate_output(name, payload, files=Files(), seed=1)
    jsonschema.validate(output, contract.output)
    schema = catalog.get_schema(name)
    parse_output(output, schema=schema, model=name, request_id="1")


@pytest.mark.parametrize(
    ("name", "options", "number"),
    [
        ("fal-ai/qwen-image", {"num_images": "3"}, 3),
        ("fal-ai/bria/reimagine", {"num_results": 2}, 2),
        ("fal-ai/qwen-image-layered", {}, 4),
        ("fal-ai/bytedance/seedream/v4/edit", {"num_images": 2, "max_images": 2}, 4),
        ("fal-ai/rife", {"num_frames": 3, "output_type": "images"}, 3),
        ("fal-ai/patina/material", {"maps": ["normal", "height"]}, 3),
        ("sonilo/v1.1/text-to-music", {"num_samples": 2}, 2),
        ("sonauto/v2/text-to-music", {"num_songs": 2.0}, 2),
        ("fal-ai/omni-zero", {"number_of_images": 2}, 1),  # its output has one image
    ],
)
def test_as_many_results_are_made_as_requested(
    name: str, options: dict[str, Any], number: int
) -> None:
    contract = catalog.get_contract(name)
    assert contract is not None
    usual = make_payload(contract)
    given = {each: usual[each] for each in usual if not each.startswith("num_")}
    payload, errors = check_payload(name, {**given, **options})
    assert errors == []
    output = generate_output(name, payload, files=Files(), seed=1)
    schema = catalog.get_schema(name)
    result, _ = parse_output(output, schema=schema, model=name, request_id="1")
    found = result.images if contract.kind == "image" else result.audios
    assert len(found) == number
