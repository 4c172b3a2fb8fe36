"""Every endpoint of the catalog runs: its output has the form that fal states."""

from __future__ import annotations

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
