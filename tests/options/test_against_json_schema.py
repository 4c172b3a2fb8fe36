"""The checks agree with a JSON Schema validator that reads fal's documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import get_input

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.resolve import resolve_options

jsonschema = pytest.importorskip("jsonschema", reason="comes with the extra sandbox")


# Documents without limits from other pages, in every form of size option.
ENDPOINTS = [
    "fal-ai/flux/dev",
    "fal-ai/flux-general",
    "fal-ai/flux-lora",
    "fal-ai/flux-pro/v1.1-ultra",
    "fal-ai/kling-image/o3/text-to-image",
    "fal-ai/recraft/v3/text-to-image",
    "wan/v2.6/text-to-image",
    "xai/grok-imagine-image",
]
FIELDS = [
    (endpoint_id, name)
    for endpoint_id in ENDPOINTS
    for name in get_input(endpoint_id)["properties"]
    if "image_url" not in name
]
LORA = st.fixed_dictionaries(
    {}, optional={"path": st.text(max_size=3), "scale": st.floats(0, 4) | st.text()}
)
VALUES = (
    st.booleans()
    | st.integers(-3, 6)
    | st.sampled_from([20, 21, 250, 251, 2**31 - 1, 2**31, 0.5, 2.0, 20.5])
    | st.sampled_from(["png", "webp", "none", "ultra", "1K", "8K", "16:9", "square_hd"])
    | st.sampled_from(["x" * 500, "x" * 501, "x" * 800, "x" * 801, ""])
    | st.lists(LORA, max_size=5)
    | st.fixed_dictionaries(
        {"width": st.integers(0, 2) | st.text(), "height": st.just(1024)}
    )
)


def is_valid(endpoint_id: str, payload: dict[str, Any]) -> bool:
    validator = jsonschema.Draft202012Validator(get_input(endpoint_id))
    return bool(validator.is_valid(payload))


@given(st.sampled_from(FIELDS), VALUES)
def test_a_fault_is_what_json_schema_rejects(
    field: tuple[str, str], value: Any
) -> None:
    endpoint_id, name = field
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    payload: dict[str, Any] = {"prompt": "x"}
    if schema.needs_image:
        payload[schema.image_fields[0].name] = (
            ["u"] if schema.image_fields[0].takes_list else "u"
        )
    payload[name] = value
    try:
        resolved = resolve_options(schema, [("input", payload)])
    except FalOptionError as error:
        # JSON Schema has no keyword for the product of width and height, and its
        # validators do not check formats. A blank text is valid, but paid for nothing.
        reasons = ("pixels", "UUID", "is blank")
        beyond = [each for each in reasons if each in str(error)]
        assert beyond or not is_valid(endpoint_id, payload)
    else:
        # The payload, not the options: a number can become a string of an enum.
        assert is_valid(endpoint_id, resolved.payload)
