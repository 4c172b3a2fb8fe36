"""What a run has spent and may spend."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.budget.ledger import Asked, Spending
from langchain_fal_image.errors import (
    Charged,
    FalBudgetExceededError,
    FalConfigurationError,
)

__all__ = ["Budget"]

_HEAD: tuple[str, ...] = ("endpoint", "handle", "images", "seed", "time", "cost")

Money = int | float | str | Decimal


class Budget:
    """A limit on images and money, shared by any number of tools and runnables.

    Room is reserved before a request is sent and given back only where nothing was
    charged, so that calls running at once never go over it together. Safe across
    threads and tasks; a pickled copy has an account of its own.

    Prices are fal's own, asked for where the key allows it; a price that fal does not
    tell is unknown, never 0.

    Args:
        max_images: How many images may be paid for; None sets no limit.
        max_cost: How much may be spent, in `currency`; None sets no limit. A request
            whose price is unknown is then refused, unless there is an `assumed_price`.
        assumed_price: What to take an image for where fal does not tell its price; or
            a request that makes none, such as speech.
        currency: Of `max_cost` and `assumed_price`; a price in another one counts as
            unknown.

    Raises:
        FalConfigurationError: A limit is negative or no number.
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
            message = f"max_images={max_images!r} is no number of images."
            raise FalConfigurationError(
                message, next_step="Give a whole number from 0, or None for no limit."
            )
        self.max_images = max_images
        self.max_cost = _money("max_cost", max_cost)
        self.assumed_price = _money("assumed_price", assumed_price)
        self.currency = currency.upper()
        self._spent: dict[int, tuple[Asked, Spending]] = {}
        self._next = 0
        self._lock = threading.Lock()

    @property
    def images(self) -> int:
        """How many images were paid for, or may have been, or are being made."""
        with self._lock:
            return self._images()

    @property
    def cost(self) -> Decimal:
        """What was spent, may have been, or is being spent, where it is known."""
        with self._lock:
            return self._cost()

    def spendings(self) -> tuple[Spending, ...]:
        """Give the account: every request that was or may have been charged."""
        with self._lock:
            return tuple(spending for _, spending in self._spent.values())

    def reserve(self, asked: Asked) -> int:
        """Take room for a request that is about to be sent.

        Args:
            asked: What it asks for.

        Returns:
            The entry's number, for `settle`.

        Raises:
            FalBudgetExceededError: There is not that much room, or nobody knows
                whether there is; nothing changed.
        """
        cost, is_assumed = self._estimate(asked)
        with self._lock:
            self._check(asked, cost)
            self._next += 1
            self._spent[self._next] = (
                asked,
                Spending(
                    asked.model,
                    asked.images,
                    time.time(),
                    cost=cost,
                    is_assumed=is_assumed,
                ),
            )
            return self._next

    def settle(
        self,
        entry: int,
        *,
        charged: Charged,
        images: int | None = None,
        units: Decimal | None = None,
        request_id: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Say how a request ended.

        Args:
            entry: What `reserve` gave.
            charged: `"no"` gives the room back.
            images: How many images fal made, where that is known.
            units: How many units fal billed, where it said so.
            request_id: fal's id of it.
            seed: The seed fal used.
        """
        with self._lock:
            if entry not in self._spent:
                return
            if charged == "no":
                del self._spent[entry]
                return
            asked, spending = self._spent[entry]
            if images is not None:
                asked = replace(asked, images=images)
            cost, is_assumed = self._estimate(asked)
            if units is not None and self._is_priced(asked):
                cost, is_assumed = units * asked.price.unit_price, False  # type: ignore[union-attr]  # _is_priced says so
            self._spent[entry] = (
                asked,
                replace(
                    spending,
                    charged=charged,
                    images=asked.images,
                    cost=cost,
                    is_assumed=is_assumed,
                    request_id=request_id or spending.request_id,
                    seed=seed,
                    seconds=time.time() - spending.at,
                ),
            )

    def settle_request(
        self, request_id: str | None, *, images: int, seed: int | None = None
    ) -> None:
        """Say that a request whose end was unknown gave its images after all.

        Args:
            request_id: fal's id; one that is not on this account changes nothing.
            images: How many fal made.
            seed: The seed fal used.
        """
        with self._lock:
            entry = self._entry(request_id)
        if entry is not None:
            self.settle(entry, charged="yes", images=images, seed=seed)

    def name(self, request_id: str | None, handles: Iterable[str]) -> None:
        """Note under which names the images of a request are known.

        Args:
            request_id: fal's id; one that is not on this account changes nothing.
            handles: Such as `img_1`.
        """
        with self._lock:
            entry = self._entry(request_id)
            if entry is not None:
                asked, spending = self._spent[entry]
                named = replace(spending, handles=tuple(handles))
                self._spent[entry] = (asked, named)

    def summary(self) -> str:
        """Write the account as a table, a line for each request."""
        spendings = self.spendings()
        rows = [_HEAD, *(self._row(each) for each in spendings)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=True)
            )
            for row in rows
        ]
        limit = "no limit" if self.max_images is None else f"of {self.max_images}"
        lines.append(f"images: {sum(each.images for each in spendings)} ({limit})")
        lines.append(self._total(spendings))
        return "\n".join(line.rstrip() for line in lines)

    def _row(self, each: Spending) -> tuple[str, ...]:
        clock = time.strftime("%H:%M:%S", time.localtime(each.at))
        took = "" if each.seconds is None else f", {each.seconds:.1f} s"
        cost = "unknown" if each.cost is None else self._told(each.cost)
        if each.is_assumed:
            cost += ", assumed"
        if each.charged != "yes":
            cost += ", maybe charged"
        return (
            each.model,
            ", ".join(each.handles) or "-",
            str(each.images),
            "-" if each.seed is None else str(each.seed),
            f"{clock}{took}",
            cost,
        )

    def _total(self, spendings: tuple[Spending, ...]) -> str:
        known = [each.cost for each in spendings if each.cost is not None]
        unknown = len(spendings) - len(known)
        limit = (
            "no limit" if self.max_cost is None else f"of {self._told(self.max_cost)}"
        )
        total = f"cost: {self._told(sum(known, Decimal(0)))} ({limit})"
        if not known and unknown:
            total = f"cost: unknown ({limit})"
        elif unknown:
            total += f", and {unknown} of unknown price"
        if assumed := [each.cost for each in spendings if each.is_assumed]:
            total += f"; assumed: {self._told(sum(filter(None, assumed), Decimal(0)))}"
        return total

    def _told(self, money: Decimal) -> str:
        return f"{money.normalize():f} {self.currency}"

    # --- Room, with the lock held ---

    def _images(self) -> int:
        return sum(spending.images for _, spending in self._spent.values())

    def _cost(self) -> Decimal:
        costs = (spending.cost for _, spending in self._spent.values())
        return sum((cost for cost in costs if cost is not None), Decimal(0))

    def _entry(self, request_id: str | None) -> int | None:
        return next(
            (
                entry
                for entry, (_, spending) in self._spent.items()
                if request_id is not None and spending.request_id == request_id
            ),
            None,
        )

    def _is_priced(self, asked: Asked) -> bool:
        return asked.price is not None and asked.price.currency == self.currency

    def _estimate(self, asked: Asked) -> tuple[Decimal | None, bool]:
        if self._is_priced(asked):
            cost = asked.price.of(  # type: ignore[union-attr]  # _is_priced says so
                images=asked.images, pixels=asked.pixels, characters=asked.characters
            )
            if cost is not None:
                return cost, False
        if self.assumed_price is not None:
            return self.assumed_price * max(1, asked.images), True
        return None, False

    def _check(self, asked: Asked, cost: Decimal | None) -> None:
        images = self._images()
        if self.max_images is not None and images + asked.images > self.max_images:
            message = (
                f"The budget allows {self.max_images} images; {images} are spent or "
                f"under way, so {asked.images} more would go over it. Nothing was sent."
            )
            left = self.max_images - images
            step = (
                f"Ask for at most {left}, or ask a person for a larger budget."
                if left > 0
                else None
            )
            raise FalBudgetExceededError(message, model=asked.model, next_step=step)
        if self.max_cost is None:
            return
        if cost is None:
            told = f" ({asked.price})" if asked.price else ""
            message = (
                f"What this costs at {asked.model} is not known beforehand{told}, and "
                f"the budget allows {self._told(self.max_cost)}. Nothing was sent."
            )
            raise FalBudgetExceededError(
                message,
                model=asked.model,
                next_step="A person must give the budget an assumed_price, "
                "or a key that may read fal's prices.",
            )
        total = self._cost()
        if total + cost > self.max_cost:
            message = (
                f"The budget allows {self._told(self.max_cost)}; {self._told(total)} "
                f"are spent or under way, so {self._told(cost)} more would go over it. "
                f"Nothing was sent."
            )
            raise FalBudgetExceededError(message, model=asked.model)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        limits = {"max_images": self.max_images, "max_cost": self.max_cost}
        told = "".join(f"{name}={value}, " for name, value in limits.items())
        return f"Budget({told}images={self.images}, cost={self._told(self.cost)})"


def _money(name: str, value: Money | None) -> Decimal | None:
    if value is None:
        return None
    try:
        money = Decimal(str(value))
    except InvalidOperation:
        money = Decimal(-1)
    if isinstance(value, bool) or not money.is_finite() or money < 0:
        message = f"{name}={safe_repr(value)} is no amount of money."
        raise FalConfigurationError(
            message, next_step="Give a number from 0, or None for no limit."
        )
    return money
