"""Every endpoint takes what fal's JSON Schema of it takes, and nothing else.

Run as a script, this file prints how many inputs it compares; with `--all`, it compares
every corruption, not only 20 for each endpoint.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import cache
from typing import Any

import pytest
from invalid_inputs import Corruption, corrupt
from payloads import SERVED, get_input, respell
from valid_inputs import InputDrawer

from langchain_fal_image import create_fal
from langchain_fal_image.errors import FalInputError, FalOptionError
from langchain_fal_image.inputs.file import read_input_file
from langchain_fal_image.inputs.file_type import AUDIO, IMAGE
from langchain_fal_image.options import catalog, paths
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import ResolvedOptions, resolve_options

jsonschema = pytest.importorskip("jsonschema", reason="comes with the extra sandbox")

INPUTS = 20
"""How many inputs are drawn for each endpoint, and how many corruptions at most."""

# Limits that other pages of fal state, and fal's documents do not; see limits.json.
PAGE_LIMITS = {
    ("fal-ai/nano-banana-pro/edit", "image_urls"): "has too few images",
    ("fal-ai/qwen-image-2/edit", "image_size"): "pixels",
    ("fal-ai/qwen-image-2/edit", "image_urls"): "has too few images",
    ("fal-ai/qwen-image-2/edit", "seed"): "is too small",
    ("fal-ai/qwen-image-2/pro/text-to-image", "image_size"): "pixels",
    ("fal-ai/qwen-image-2/pro/text-to-image", "seed"): "is too small",
    ("fal-ai/whisper", "batch_size"): "is too small",
    ("fal-ai/whisper", "num_speakers"): "is too small",
}

# A required option that follows from another one: the size of the ratio.
FOLLOWS = ("fal-ai/bria/expand", "canvas_size")


@cache
def get_endpoint(endpoint_id: str) -> tuple[EndpointSchema, dict[str, Any], Any]:
    """Return the schema that checks, fal's JSON Schema, and a validator of that."""
    schema, node = catalog.get_schema(endpoint_id), get_input(endpoint_id)
    assert schema is not None
    return schema, node, jsonschema.Draft202012Validator(node)


def draw_inputs(endpoint_id: str) -> list[dict[str, Any]]:
    """Draw inputs that fal's JSON Schema accepts."""
    schema, node, validator = get_endpoint(endpoint_id)
    drawer = InputDrawer(node, endpoint_id)
    inputs = [drawer.draw() for _ in range(INPUTS)]
    fields = schema.fields.items()
    for each in inputs:
        # This package refuses a blank text that decides what fal makes and charges for.
        spoken = schema.text_field.name if schema.text_field else ""
        has_file = any(field.file and each.get(name) for name, field in fields)
        for text in {spoken, "prompt"} & each.keys():
            is_needed = text == spoken or text in schema.required or not has_file
            if is_needed and each[text] is not None and not each[text].strip():
                each[text] = "Good morning."
        validator.validate(each)
    return inputs


def resolve(
    endpoint_id: str, given: dict[str, Any], **settings: Any
) -> ResolvedOptions:
    return resolve_options(
        catalog.get_schema(endpoint_id), [("input", given)], **settings
    )


def breaks_page_limit(endpoint_id: str, given: dict[str, Any]) -> bool:
    """Return whether an input is refused only for limits in `PAGE_LIMITS`."""
    try:
        resolve(endpoint_id, given, strict=True)
    except FalOptionError as error:
        return all(
            PAGE_LIMITS.get((endpoint_id, fault.option), "-") in fault.problem
            for fault in error.faults
        )
    return False


def count_valid_inputs(endpoint_id: str) -> Counter[str]:
    """Compare the drawn inputs with their payloads; count what was compared."""
    counts = Counter[str]()
    node = get_input(endpoint_id)
    for given in draw_inputs(endpoint_id):
        if breaks_page_limit(endpoint_id, given):
            counts["refused for a limit of another page"] += 1
            continue
        for spelt in (given, respell(given, node, every=1)):
            resolved = resolve(endpoint_id, spelt)
            # As JSON, in which true is not 1 and 4.0 is not 4.
            sent = json.dumps(resolved.payload, sort_keys=True)
            assert sent == json.dumps(given, sort_keys=True)
            assert resolved.warnings == ()
        counts["accepted"] += 1
    return counts


@pytest.mark.parametrize("endpoint_id", SERVED)
def test_what_the_json_schema_accepts_is_sent_as_given(endpoint_id: str) -> None:
    counts = count_valid_inputs(endpoint_id)
    assert counts.total() == INPUTS
    # Page limits leave most inputs to compare.
    assert counts["accepted"] > INPUTS / 3


def test_every_limit_of_another_page_is_needed() -> None:
    found = set()
    for endpoint_id in {endpoint_id for endpoint_id, _ in PAGE_LIMITS}:
        for given in draw_inputs(endpoint_id):
            try:
                resolve(endpoint_id, given, strict=True)
            except FalOptionError as error:
                found |= {(endpoint_id, fault.option) for fault in error.faults}
    assert found == set(PAGE_LIMITS)


def find_outcome(endpoint_id: str, given: dict[str, Any], **settings: Any) -> str:
    """Return what happens to an input before a request: refused, warned or sent."""
    try:
        resolved = resolve(endpoint_id, given, **settings)
        read_files(endpoint_id, resolved)
    except (FalOptionError, FalInputError):
        return "refused"
    return "warned" if resolved.warnings else "sent"


@cache
def get_provider() -> Any:
    return create_fal(api_key="unused")


def read_files(endpoint_id: str, resolved: ResolvedOptions) -> None:
    """Recognize the files of a payload, as a call does before it sends anything."""
    schema, _, _ = get_endpoint(endpoint_id)
    for path in resolved.files:
        is_audio = schema.fields[str(path[0])].file == "audio"
        read_input_file(
            paths.get(resolved.payload, path),
            option=paths.format_path(path),
            session=get_provider(),
            file_type=AUDIO if is_audio else IMAGE,
        )


def expect_outcome(schema: EndpointSchema, corruption: Corruption) -> str:
    """Return what should happen to a corrupt input."""
    name, origin = corruption.place[0], schema.source.origin
    if (schema.endpoint_id, name) == FOLLOWS and corruption.fault == "missing":
        return "sent"
    field = schema.fields[str(name)]
    if origin == "document":
        return "refused"
    if corruption.is_nested:
        return "warned"
    if origin == "merged":
        # Text for an object with a ratio becomes the ratio in it, which is nested.
        is_ratio = name == "aspect_ratio" and "ratio" in field.shape.object_fields
        is_text = corruption.input.get(str(name)) == "text"
        return "warned" if is_ratio and is_text else "refused"
    # The types never required an option wrongly. A file must be one in any case. An
    # object as the prompt is the AI SDK's prompt, with parts of other names.
    is_prompt = name == "prompt" and isinstance(corruption.input.get("prompt"), dict)
    is_sure = corruption.fault == "missing" or is_prompt
    return "refused" if is_sure else "warned"


def count_corruptions(
    endpoint_id: str, most: int | None = INPUTS
) -> Counter[tuple[str, str]]:
    """Check what happens to corrupt inputs; count each outcome by its reason."""
    counts = Counter[tuple[str, str]]()
    schema, node, validator = get_endpoint(endpoint_id)
    for each in corrupt(node, validator, endpoint_id)[:most]:
        outcome = find_outcome(endpoint_id, each.input)
        expected = expect_outcome(schema, each)
        is_file = has_file(schema, each)
        assert outcome == expected or (is_file and outcome == "refused"), each
        strict = find_outcome(endpoint_id, each.input, strict=True)
        assert strict == "refused" or expected == "sent", each
        counts[schema.source.origin, outcome] += 1
    return counts


def has_file(schema: EndpointSchema, corruption: Corruption) -> bool:
    """Return whether the corrupt value is where a file belongs."""
    shape = schema.get_shape(corruption.place)
    inner = [shape, shape.list_items] if shape else []
    return any(a.file for each in inner if each for a in each.alternatives)


@pytest.mark.parametrize("endpoint_id", SERVED)
def test_what_the_json_schema_refuses_is_refused_or_warned_about(
    endpoint_id: str,
) -> None:
    counts = count_corruptions(endpoint_id)
    assert counts.total() == INPUTS


def main() -> None:
    """Print how many inputs are compared."""
    most = None if "--all" in sys.argv else INPUTS
    valid, broken = Counter[str](), Counter[tuple[str, str]]()
    for endpoint_id in SERVED:
        valid += count_valid_inputs(endpoint_id)
        broken += count_corruptions(endpoint_id, most)
    print(f"{len(SERVED)} endpoints")
    for outcome, number in valid.most_common():
        print(f"valid inputs {outcome}, in both spellings: {number}")
    for (origin, outcome), number in sorted(broken.items()):
        print(f"corrupt inputs, contract from {origin}, {outcome}: {number}")


if __name__ == "__main__":
    main()
