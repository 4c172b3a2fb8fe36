"""The error classes: messages, pickling, LangChain's retries."""

from __future__ import annotations

import pickle

import pytest
from langchain_core.exceptions import ModelError

from langchain_fal_image import errors
from langchain_fal_image._formats.safe_repr import safe_repr

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.FalError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling(kind: type[errors.FalError]) -> None:
    error = kind("It failed.", model="fal-ai/x", next_step="Do this.")
    error.request_id = "r-1"
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own pickle
    assert type(copy) is kind
    assert str(copy) == str(error) == "It failed. Do this."
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_error_is_retryable_by_default(
    kind: type[errors.FalError],
) -> None:
    error = kind("It failed.")
    assert isinstance(error, ModelError)
    assert error.is_retryable is False
    assert error.charged in {"no", "maybe", "yes"}


def test_errors_inherit_from_pythons_own() -> None:
    assert issubclass(errors.FalOptionError, ValueError)
    assert issubclass(errors.FalInputImageError, ValueError)
    assert issubclass(errors.FalTimeoutError, TimeoutError)


def test_an_option_error_lists_all_faults() -> None:
    faults = (
        errors.OptionFault("seed", "-1", "is too small", "0 or more"),
        errors.OptionFault("sed", "7", "is unknown", nearest="seed"),
    )
    text = str(errors.FalOptionError.from_faults(faults, model="fal-ai/x"))
    assert "seed=-1 is too small; allowed: 0 or more" in text
    assert "did you mean 'seed'?" in text


@pytest.mark.parametrize(
    "value",
    [
        b"secret bytes",
        "data:image/png;base64,c2VjcmV0IGJ5dGVz",
        {"image": b"secret bytes"},
        ["data:image/png;base64,c2VjcmV0IGJ5dGVz"],
    ],
)
def test_a_safe_repr_contains_no_bytes(value: object) -> None:
    text = safe_repr(value)
    assert "c2Vj" not in text
    assert "secret" not in text


def test_a_safe_repr_is_short() -> None:
    assert len(safe_repr("x" * 5000)) < 150
    assert len(safe_repr(["x" * 50] * 100)) <= 120
