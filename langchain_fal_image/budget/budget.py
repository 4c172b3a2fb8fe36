"""A limit on images and cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.budget.ledger import (
    RequestEstimate,
    Spending,
    format_money,
    format_table,
)
from langchain_fal_image.errors import (
    Charged,
    FalBudgetExceededError,
    FalConfigurationError,
)

__all__ = ["Budget"]

Money = int | float | str | Decimal


class Budget:
    """A limit on images and cost, shared by any number of tools and runnables.

    The images and the cost of a request are reserved before it is sent, and released
    only if it was not charged, so that concurrent requests never exceed the limit
    together. Safe to share between threads and tasks. A pickled copy counts separately.

    Prices are fetched from fal if the key has access to them. An unknown price never
    counts as 0.

    Args:
        max_images: The maximum number of charged images; None means no limit.
        max_cost: The maximum cost, in `currency`; None means no limit. Requests of
            unknown price are then refused, unless `assumed_price` is set.
        assumed_price: The price of an image if fal's price is unknown; for a request
            without images, such as speech, the price of the request.
        currency: The currency of `max_cost` and `assumed_price`. A price in another
            currency counts as unknown.

    Raises:
        FalConfigurationError: A limit is negative or not a number.
    """

    def __init__(
        self,
        *,
        max_images: int | None = None,
        max_cost: Money | None = None,
        assumed_price: Money | None = None,
        currency: Literal["USD", "EUR"] | str = "USD",  # noqa: PYI051 - the usual ones, for an editor
    ) -> None:
        if max_images is not None and (
            not isinstance(max_images, int)
            or isinstance(max_images, bool)
            or max_images < 0
        ):
            message = f"max_images={max_images!r} is not a number of images."
            raise FalConfigurationError(
                message, next_step="Use a whole number from 0, or None for no limit."
            )
        self.max_images = max_images
        self.max_cost = _parse_money("max_cost", max_cost)
        self.assumed_price = _parse_money("assumed_price", assumed_price)
        self.currency = currency.upper()
        self._entries: dict[int, tuple[RequestEstimate, Spending]] = {}
        self._last_entry = 0
        self._lock = threading.Lock()

    @property
    def images(self) -> int:
        """The number of images that were or may have been charged, or are reserved."""
        with self._lock:
            return self._total_images()

    @property
    def cost(self) -> Decimal:
        """The cost of all requests that were charged, may have been, or are reserved.

        Requests of unknown cost are not included.
        """
        with self._lock:
            return self._total_cost()

    def spendings(self) -> tuple[Spending, ...]:
        """Return the requests that were or may have been charged."""
        with self._lock:
            return tuple(spending for _, spending in self._entries.values())

    def summary(self) -> str:
        """Return the spendings as a table with a line per request, and their totals."""
        return format_table(
            self.spendings(),
            max_images=self.max_images,
            max_cost=self.max_cost,
            currency=self.currency,
        )

    # --- For reservation.py ---

    def _reserve(self, estimate: RequestEstimate) -> int:
        """Reserve room for a request; return the number of the new entry."""
        cost, is_assumed = self._estimate_cost(estimate)
        spending = Spending(
            estimate.model,
            estimate.images,
            time.time(),
            cost=cost,
            is_assumed=is_assumed,
        )
        with self._lock:
            self._check_room(estimate, cost)
            self._last_entry += 1
            self._entries[self._last_entry] = (estimate, spending)
            return self._last_entry

    def _settle(
        self,
        entry: int,
        *,
        charged: Charged,
        images: int | None = None,
        units: Decimal | None = None,
        request_id: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Record how a request ended; `charged="no"` removes its entry."""
        with self._lock:
            if entry not in self._entries:
                return
            if charged == "no":
                del self._entries[entry]
                return
            estimate, spending = self._entries[entry]
            if images is not None:
                estimate = replace(estimate, images=images)
            cost, is_assumed = self._estimate_cost(estimate)
            if units is not None and self._is_priced(estimate):
                cost, is_assumed = units * estimate.price.unit_price, False  # type: ignore[union-attr]  # _is_priced checks it
            self._entries[entry] = (
                estimate,
                replace(
                    spending,
                    charged=charged,
                    images=estimate.images,
                    cost=cost,
                    is_assumed=is_assumed,
                    request_id=request_id or spending.request_id,
                    seed=seed,
                    seconds=time.time() - spending.at,
                ),
            )

    def _find_entry(self, request_id: str | None) -> int | None:
        """Return the number of a request's entry; None if it has none."""
        if request_id is None:
            return None
        with self._lock:
            return next(
                (
                    entry
                    for entry, (_, spending) in self._entries.items()
                    if spending.request_id == request_id
                ),
                None,
            )

    def _set_handles(self, entry: int, handles: Iterable[str]) -> None:
        """Record the handles of a request's results."""
        with self._lock:
            if entry in self._entries:
                estimate, spending = self._entries[entry]
                spending = replace(spending, handles=tuple(handles))
                self._entries[entry] = (estimate, spending)

    # --- With the lock held ---

    def _total_images(self) -> int:
        return sum(spending.images for _, spending in self._entries.values())

    def _total_cost(self) -> Decimal:
        costs = (spending.cost for _, spending in self._entries.values())
        return sum((cost for cost in costs if cost is not None), Decimal(0))

    def _check_room(self, estimate: RequestEstimate, cost: Decimal | None) -> None:
        self._check_images(estimate)
        if self.max_cost is None:
            return
        limit = format_money(self.max_cost, self.currency)
        if cost is None:
            price = f" ({estimate.price})" if estimate.price else ""
            message = (
                f"The cost of this request to {estimate.model} is not known "
                f"beforehand{price}, and the budget allows {limit}. Nothing was sent."
            )
            raise FalBudgetExceededError(
                message,
                model=estimate.model,
                next_step="Set the budget's assumed_price, or use a key that can read "
                "fal's prices.",
            )
        total = self._total_cost()
        if total + cost > self.max_cost:
            message = (
                f"The budget allows {limit}; {format_money(total, self.currency)} are "
                f"spent or reserved, so {format_money(cost, self.currency)} more would "
                f"exceed it. Nothing was sent."
            )
            raise FalBudgetExceededError(message, model=estimate.model)

    def _check_images(self, estimate: RequestEstimate) -> None:
        images = self._total_images()
        if self.max_images is None or images + estimate.images <= self.max_images:
            return
        message = (
            f"The budget allows {self.max_images} images; {images} are spent or "
            f"reserved, so {estimate.images} more would exceed it. Nothing was sent."
        )
        left = self.max_images - images
        raise FalBudgetExceededError(
            message,
            model=estimate.model,
            next_step=f"Request at most {left}, or ask for a larger budget."
            if left > 0
            else None,
        )

    # --- Cost ---

    def _is_priced(self, estimate: RequestEstimate) -> bool:
        return estimate.price is not None and estimate.price.currency == self.currency

    def _estimate_cost(self, estimate: RequestEstimate) -> tuple[Decimal | None, bool]:
        """Return the cost (None if unknown), and whether it is assumed."""
        if self._is_priced(estimate):
            cost = estimate.price.estimate(  # type: ignore[union-attr]  # _is_priced checks it
                images=estimate.images,
                pixels=estimate.pixels,
                characters=estimate.characters,
            )
            if cost is not None:
                return cost, False
        if self.assumed_price is not None:
            return self.assumed_price * max(1, estimate.images), True
        return None, False

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return (
            f"Budget(max_images={self.max_images}, max_cost={self.max_cost}, "
            f"images={self.images}, cost={format_money(self.cost, self.currency)})"
        )


def _parse_money(name: str, value: Money | None) -> Decimal | None:
    if value is None:
        return None
    try:
        money = Decimal(str(value))
    except InvalidOperation:
        money = Decimal(-1)
    if isinstance(value, bool) or not money.is_finite() or money < 0:
        message = f"{name}={safe_repr(value)} is not an amount of money."
        raise FalConfigurationError(
            message, next_step="Use a number from 0, or None for no limit."
        )
    return money
