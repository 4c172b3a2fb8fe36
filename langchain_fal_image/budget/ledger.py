"""One request on a budget's account: what it asks for, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Self

from langchain_fal_image._session.prices import Price
from langchain_fal_image.errors import Charged, FalError

if TYPE_CHECKING:
    from langchain_fal_image.budget.budget import Budget

__all__ = ["Asked", "Spending", "Spent"]


@dataclass(frozen=True, slots=True)
class Spending:
    """One request on a budget's account.

    Attributes:
        model: The endpoint id.
        images: How many images it asked for, then how many fal made.
        at: When room was reserved, in seconds since 1970.
        charged: `"maybe"` while it runs and where its end is unknown; a request
            that was not charged leaves the account.
        cost: What it costs, in the budget's currency; None where that is unknown.
        is_assumed: Whether the cost is the developer's `assumed_price`, not fal's.
        request_id: fal's id, once known.
        handles: The names of its images in their conversation, once they have some.
        seed: The seed fal used.
        seconds: How long it took, from the reservation to its end.
    """

    model: str
    images: int
    at: float
    charged: Charged = "maybe"
    cost: Decimal | None = None
    is_assumed: bool = False
    request_id: str | None = None
    handles: tuple[str, ...] = ()
    seed: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        model: The endpoint id.
        images: How many images.
        pixels: Of each, where known.
        characters: How many are to be spoken, where known.
        price: fal's, where known.
    """

    model: str
    images: int = 1
    pixels: int | None = None
    characters: int | None = None
    price: Price | None = None


class Spent:
    """Holds room in a budget while a request runs, and settles it at the end."""

    def __init__(self, budget: Budget | None, asked: Asked) -> None:
        self._budget = budget
        self._asked = asked
        self.images: int | None = None
        self.units: Decimal | None = None
        self.request_id: str | None = None
        self.seed: int | None = None

    def billed(self, units: str | None) -> None:
        """Note how many units fal says it billed, where it is a number."""
        try:
            found = Decimal(units) if units else None
        except InvalidOperation:
            return
        self.units = found if found is None or found.is_finite() else None

    def __enter__(self) -> Self:
        if self._budget:
            self._entry = self._budget.reserve(self._asked)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self._budget:
            return
        charged: Charged = "maybe"
        if error is None:
            charged = "yes" if self.images is not None else "maybe"
        elif isinstance(error, FalError):
            charged = error.charged
        self._budget.settle(
            self._entry,
            charged=charged,
            images=self.images,
            units=self.units,
            request_id=self.request_id or getattr(error, "request_id", None),
            seed=self.seed,
        )
