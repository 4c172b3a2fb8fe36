"""camelCase and snake_case to fal's spelling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import to_camel_case

from langchain_fal_image.options.casing import (
    match_name,
    normalize_name,
    to_snake_case,
)

# In camelCase, consecutive words of one letter are ambiguous: aBC is a_bc.
NAME = st.lists(
    st.from_regex(r"[a-z][a-z0-9]{1,7}", fullmatch=True), min_size=1, max_size=5
).map("_".join)


@given(NAME)
def test_camel_case_converts_back_to_snake_case(name: str) -> None:
    assert to_snake_case(to_camel_case(name)) == name
    assert to_snake_case(name) == name


@given(st.text())
def test_any_text_can_be_a_name(name: str) -> None:
    once = to_snake_case(name)
    assert to_snake_case(once) == once
    assert normalize_name(once) == normalize_name(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("imageURL", "image_url"),
        ("imageURLs", "image_urls"),
        ("IPAdapter", "IPAdapter"),
        ("num_Images", "num_images"),
        ("lora2Path", "lora2_path"),
        ("content-type", "content-type"),
    ],
)
def test_unusual_names_in_snake_case(name: str, expected: str) -> None:
    assert to_snake_case(name) == expected


@given(st.lists(NAME, min_size=1, max_size=8, unique_by=normalize_name), st.data())
def test_the_endpoints_own_spelling_wins(names: list[str], data: Any) -> None:
    name = data.draw(st.sampled_from(names))
    spelling = data.draw(
        st.sampled_from(
            [name, to_camel_case(name), name.replace("_", ""), name.upper()]
        )
    )
    assert match_name(spelling, names) == name


def test_an_endpoints_unusual_names_are_matched() -> None:
    names = ("imageURLs", "num_Images", "CFG")
    assert match_name("image_urls", names) == "imageURLs"
    assert match_name("numImages", names) == "num_Images"
    assert match_name("cfg", names) == "CFG"
    both = ("imageurl", "image_url")
    assert match_name("imageUrl", both) == "image_url"
    assert match_name("imageurl", both) == "imageurl"
    assert match_name("steps", names) is None
