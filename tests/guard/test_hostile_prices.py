"""Prices and billed units from fal's answers never break or lower a budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image import Budget, FalProvider, FalTextToImage, create_fal

QWEN = "fal-ai/qwen-image"
PRICE = {"endpoint_id": QWEN, "unit_price": 0.02, "unit": "image", "currency": "USD"}
IMAGES = {"images": [{"url": "https://v3.fal.media/files/a.png"}]}


@contextmanager
def serve(
    price: dict[str, Any] | None = None, units: str | bytes | None = None
) -> Iterator[FalProvider]:
    """Yield a provider whose fal answers with a price and with billed units."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "pricing" in request.url.path:
            body = json.dumps({"prices": [{**PRICE, **(price or {})}]})
            return httpx.Response(200, content=body)
        headers: Any = {} if units is None else {"x-fal-billable-units": units}
        return httpx.Response(200, json=IMAGES, headers=headers)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        yield create_fal("k", http_client=client)


def spend(fal: FalProvider) -> Budget:
    budget = Budget(max_cost=1, assumed_price="0.5")
    FalTextToImage(fal=fal, budget=budget, mode="sync").invoke("a hill")
    assert budget.summary()
    assert repr(budget)
    return budget


@pytest.mark.parametrize(
    "units",
    [
        *("-1000", "-0.5", "NaN", "-NaN", "sNaN", "Infinity", "-Infinity"),
        *("1e999999", "1e30", "1e-999999", "9" * 200, "4, 4", "x", "", "1000000001"),
    ],
)
def test_units_that_cannot_be_are_not_counted(
    units: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(units=units) as fal:
        assert spend(fal).cost == Decimal("0.02")
    assert ("the estimate counts" in caplog.text) == bool(units)


@pytest.mark.parametrize(
    ("units", "cost"), [("3", "0.06"), ("0.5", "0.01"), ("0", "0"), ("-0", "0")]
)
def test_the_units_that_fal_billed_count(units: str, cost: str) -> None:
    with serve(units=units) as fal:
        assert str(spend(fal).cost.normalize()) == cost


@pytest.mark.parametrize(
    "price",
    [
        *({"unit_price": "1e999999"}, {"unit_price": "1e-999999"}, {"unit_price": "x"}),
        *({"unit_price": 10**4000}, {"unit_price": "-Infinity"}, {"unit_price": True}),
        *({"unit_price": [1] * 999}, {"unit_price": "1e30"}, {"unit_price": -0.02}),
        *({"unit": "image" * 99}, {"unit": "a\nb"}, {"unit": 5}, {"unit": ""}),
        *({"currency": "US dollars"}, {"currency": None}, {"currency": 5}),
    ],
    ids=lambda price: str(price)[:30],
)
def test_a_price_that_cannot_be_is_unknown(price: dict[str, Any]) -> None:
    with serve(price) as fal:
        assert fal.price(QWEN) is None
        assert spend(fal).cost == Decimal("0.5")


@pytest.mark.parametrize(
    "unit",
    ["0 characters", ", characters", "00 chars", "\u0660 chars", "k", "1,,,k chars"],
)
def test_an_odd_unit_is_a_price_without_an_estimate(unit: str) -> None:
    with serve({"unit": unit}) as fal:
        price = fal.price(QWEN)
        assert price is not None
        price.estimate(images=0, characters=100)
        assert spend(fal).cost == Decimal("0.5")


NUMBERS = st.text("0123456789eE+-._ ", max_size=12) | st.floats().map(str) | st.text()


@given(units=NUMBERS.filter(str.isascii), price=NUMBERS | st.floats() | st.integers())
def test_any_units_and_price_are_a_cost_of_at_least_0(units: str, price: Any) -> None:
    with serve({"unit_price": price}, units.encode()) as fal:
        assert spend_any(fal).cost >= 0


def spend_any(fal: FalProvider) -> Budget:
    budget = Budget(assumed_price=0)
    FalTextToImage(fal=fal, budget=budget, mode="sync").invoke("a hill")
    assert len(budget.summary()) < 1000
    return budget
