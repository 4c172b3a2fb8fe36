"""Text that is a number or a boolean, as pydantic's lax mode reads it."""

from __future__ import annotations

import contextlib
import math
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from small_schemas import make_schema

from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.options.resolve import resolve_options

SCHEMA = make_schema(
    {
        "whole": {"type": "integer"},
        "number": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "flag": {"type": "boolean"},
        "few": {"type": "integer", "minimum": 1, "maximum": 4},
        "even": {"type": "integer", "multipleOf": 2},
        "steps": {"type": "number", "multipleOf": 0.1},
        "text": {"type": "string"},
        "texts": {"type": "array", "items": {"type": "string"}},
        "free": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "auto": {
            "anyOf": [
                {"type": "string", "enum": ["auto"]},
                {"type": "integer", "minimum": 1, "maximum": 4},
            ]
        },
        "digits": {"type": "string", "enum": ["1", "2", "0.5"]},
        "rate": {"type": "integer", "enum": [8000, 16000]},
        "quality": {"type": "string", "enum": ["1k", "2k", "Large", "LARGE"]},
        "ratio_or_size": {
            "anyOf": [
                {"type": "object", "properties": {"width": {"type": "integer"}}},
                {"type": "string", "enum": ["square_hd", "auto"]},
            ]
        },
        "points": {"type": "array", "items": {"type": "integer"}},
        "loras": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "scale": {"type": "number", "maximum": 4},
                    "force": {"type": "boolean"},
                },
                "required": ["path"],
            },
        },
        "lists": {
            "anyOf": [
                {"type": "array", "items": {"type": "integer"}},
                {"type": "array", "items": {"type": "string"}},
            ]
        },
        "tokens": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
)
ADAPTERS = {
    "whole": TypeAdapter[Any](int),
    "number": TypeAdapter[Any](float),
    "flag": TypeAdapter[Any](bool),
}
SIGN, SPACE = "[+-]?", "[ \t\n\u00a0\u2003]?"
NUMBERS = st.from_regex(
    rf"{SPACE}{SIGN}[0-9]{{0,5}}([.][0-9]{{0,3}})?([eE]{SIGN}[0-9]{{1,3}})?{SPACE}",
    fullmatch=True,
)
WORDS = st.sampled_from(
    [
        *("true", "false", "yes", "no", "y", "n", "t", "f", "on", "off", "1", "0"),
        *("True", "YES", "oN", " true", "true ", "tru", "2", "-1", "01", "1.0", ""),
        *("inf", "nan", "Infinity", "1e400", "null", "None", "0x10", "1,5", "½", "٣"),
        *("1_000", "1__0", "_1", "1_", "42.", ".5", "+1", "--1", "1 2", "9" * 4301),
    ]
)


def read(name: str, value: Any, **settings: Any) -> Any:
    layers = [("input", {name: value})]
    return resolve_options(SCHEMA, layers, **settings).payload[name]


def catch_problem(name: str, value: Any) -> str:
    with pytest.raises(FalOptionError) as caught:
        read(name, value)
    [fault] = caught.value.faults
    return fault.problem


def read_with_pydantic(name: str, value: Any) -> Any:
    """Return what pydantic reads; None if it refuses or reads what JSON has not."""
    with contextlib.suppress(ValidationError):
        found = ADAPTERS[name].validate_python(value)
        return found if math.isfinite(found) else None
    return None


@given(st.sampled_from(sorted(ADAPTERS)), NUMBERS | WORDS | st.text(max_size=4))
def test_text_becomes_the_value_that_pydantic_reads(name: str, text: str) -> None:
    # pydantic reads "0-1" as 1 and "0__1" as 1: accidents of how it strips zeros.
    # Python strips four separators that it does not.
    assume(not re.search(r"0[+_-]|[\x1c-\x1f]", text))
    expected = read_with_pydantic(name, text)
    try:
        found = read(name, text)
    except FalOptionError:
        assert expected is None
    else:
        assert expected is not None
        assert found == expected
        assert isinstance(found, bool) == isinstance(expected, bool)


@given(st.sampled_from(["whole", "flag"]), st.integers(-2, 3) | st.floats(-1, 2))
def test_numbers_become_what_pydantic_reads(name: str, number: float) -> None:
    expected = read_with_pydantic(name, number)
    try:
        found = read(name, number)
    except FalOptionError:
        assert expected is None
    else:
        assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("whole", "42", 42),
        ("whole", " 42\n", 42),
        ("whole", "42.0", 42),
        ("whole", "-7", -7),
        ("whole", 42.0, 42),
        ("number", "42", 42),
        ("number", "3.5", 3.5),
        ("number", "1e3", 1000.0),
        ("number", 3, 3),
        ("flag", "false", False),
        ("flag", "Yes", True),
        ("flag", 1, True),
        ("flag", 0.0, False),
        ("auto", "4", 4),
        ("auto", "auto", "auto"),
        ("auto", "AUTO", "auto"),
        ("digits", 2, "2"),
        ("digits", 2.0, "2"),
        ("digits", 0.5, "0.5"),
        ("rate", "16000", 16000),
        ("rate", "16000.0", 16000),
        ("rate", 16000.0, 16000),
        ("points", ["1", 2.0], [1, 2]),
        ("ratio_or_size", "Square_HD", "square_hd"),
        ("ratio_or_size", {"width": "512"}, {"width": 512}),
        ("tokens", {"a": "1"}, {"a": 1}),
        (
            "loras",
            [{"path": "1", "scale": "0.8", "force": "true"}],
            [{"path": "1", "scale": 0.8, "force": True}],
        ),
        ("lists", ["1", "2"], ["1", "2"]),
        ("lists", [1, 2], [1, 2]),
    ],
)
def test_a_value_is_read_as_the_contract_wants_it(
    name: str, value: Any, expected: Any
) -> None:
    assert repr(read(name, value)) == repr(expected)
    assert resolve_options(SCHEMA, [("input", {name: value})]).warnings == ()


@pytest.mark.parametrize("text", ["42", "true", " 4 ", "1e3", "21:9", "1K"])
@pytest.mark.parametrize("name", ["text", "free", "either"])
def test_an_open_text_is_sent_as_given(name: str, text: str) -> None:
    assert read(name, text) == text
    assert read("texts", [text]) == [text]


def test_a_choice_is_never_changed_and_another_letter_case_becomes_one() -> None:
    assert read("quality", "1k") == "1k"
    assert read("quality", "1K") == "1k"
    assert read("quality", "LARGE") == "LARGE"
    # Two choices differ only in letter case: neither is the one that was meant.
    assert "is not a choice" in catch_problem("quality", "large")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("whole", True, "true or false, not a whole number"),
        ("number", False, "true or false, not a number"),
        ("digits", True, "true or false, not one of the choices"),
        ("rate", True, "true or false, not one of the choices"),
        ("flag", 2, "a number, not true or false"),
        ("flag", "maybe", "text, not true or false"),
        ("whole", "42.5", "text, not a whole number"),
        ("number", "nan", "text, not a number"),
        ("few", "5", "is too large"),
        ("few", "three", "text, not a whole number"),
        ("auto", "5", "is not a choice"),
        ("digits", 3, "a number, not one of the choices"),
        ("rate", "44100", "text, not one of the choices"),
        ("text", 7, "a number, not text"),
    ],
)
def test_a_value_that_cannot_be_read_is_one_fault(
    name: str, value: Any, problem: str
) -> None:
    assert problem in catch_problem(name, value)


def test_a_fault_of_a_union_lists_all_that_is_allowed() -> None:
    with pytest.raises(FalOptionError, match="allowed: auto or a whole number, 1 to 4"):
        read("auto", "5")


def test_the_fault_names_the_value_that_was_given() -> None:
    with pytest.raises(FalOptionError, match="few='5' is too large"):
        read("few", "5")


def test_without_checks_no_value_changes_its_type() -> None:
    for name, value in (
        ("few", "99"),
        ("flag", 1),
        ("digits", 1),
        ("rate", "8000"),
        ("quality", "1K"),
    ):
        assert repr(read(name, value, check=False)) == repr(value)


def test_a_number_beyond_floats_is_read_without_an_error() -> None:
    assert read("even", 10**400) == 10**400
    assert "is not a multiple of 2" in catch_problem("even", 10**400 + 1)
    assert read("steps", 10**400) == 10**400
    assert read("steps", 1e308) == 1e308


@pytest.mark.parametrize("name", ["whole", "few", "text", "auto", "rate", "new"])
def test_an_integer_that_cannot_be_written_as_json_is_a_fault(name: str) -> None:
    with pytest.raises(FalOptionError, match=r"too many digits|not text"):
        resolve_options(SCHEMA, [("constructor", {name: 10**5000})])
