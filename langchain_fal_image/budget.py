"""What a run has spent and may spend."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from langchain_fal_image.errors import (
    Charged,
    FalBudgetExceededError,
    FalConfigurationError,
    FalError,
)

__all__ = ["Budget", "Spending", "Spent"]


@dataclass(frozen=True, slots=True)
class Spending:
    """One request on a budget's account.

    Attributes:
        model: The endpoint id.
        images: How many images it asked for, then how many fal made.
        at: When room was reserved, in seconds since 1970.
        charged: `"maybe"` while it runs and where its end is unknown; a request
            that was not charged leaves the account.
        request_id: fal's id, once known.
    """

    model: str
    images: int
    at: float
    charged: Charged = "maybe"
    request_id: str | None = None


class Budget:
    """A limit on images, shared by any number of tools and runnables.

    Room is reserved before a request is sent and given back only where nothing was
    charged, so that calls running at once never go over it together. Safe across
    threads and tasks; a pickled copy has an account of its own.

    Args:
        max_images: How many images may be paid for; None sets no limit and only
            keeps the account.

    Raises:
        FalConfigurationError: `max_images` is negative or no whole number.
    """

    def __init__(self, *, max_images: int | None = None) -> None:
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
        self._spent: dict[int, Spending] = {}
        self._next = 0
        self._lock = threading.Lock()

    @property
    def images(self) -> int:
        """How many images were paid for, or may have been, or are being made."""
        with self._lock:
            return self._total()

    def spendings(self) -> tuple[Spending, ...]:
        """Give the account: every request that was or may have been charged."""
        with self._lock:
            return tuple(self._spent.values())

    def summary(self) -> str:
        """Write the account as a table, a line for each request."""
        rows = [("model", "request", "images", "charged", "time")]
        rows += [
            (
                each.model,
                each.request_id or "-",
                str(each.images),
                each.charged,
                time.strftime("%H:%M:%S", time.localtime(each.at)),
            )
            for each in self.spendings()
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=True)
            )
            for row in rows
        ]
        limit = "no limit" if self.max_images is None else f"of {self.max_images}"
        lines.append(f"images: {self.images} ({limit})")
        return "\n".join(line.rstrip() for line in lines)

    def reserve(self, *, model: str, images: int) -> int:
        """Take room for a request that is about to be sent.

        Args:
            model: The endpoint id.
            images: How many images it asks for.

        Returns:
            The entry's number, for `settle`.

        Raises:
            FalBudgetExceededError: There is not that much room; nothing changed.
        """
        with self._lock:
            total = self._total()
            if self.max_images is not None and total + images > self.max_images:
                message = (
                    f"The budget allows {self.max_images} images; {total} are spent or "
                    f"under way, so {images} more would go over it. Nothing was sent."
                )
                raise FalBudgetExceededError(message, model=model)
            self._next += 1
            self._spent[self._next] = Spending(model, images, time.time())
            return self._next

    def settle(
        self,
        entry: int,
        *,
        charged: Charged,
        images: int | None = None,
        request_id: str | None = None,
    ) -> None:
        """Say how a request ended.

        Args:
            entry: What `reserve` gave.
            charged: `"no"` gives the room back.
            images: How many images fal made, where that is known.
            request_id: fal's id of it.
        """
        with self._lock:
            if charged == "no":
                del self._spent[entry]
                return
            spent = self._spent[entry]
            self._spent[entry] = replace(
                spent,
                charged=charged,
                images=spent.images if images is None else images,
                request_id=request_id,
            )

    def _total(self) -> int:
        return sum(each.images for each in self._spent.values())

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Budget(max_images={self.max_images}, images={self.images})"


class Spent:
    """Holds room in a budget while a request runs, and settles it at the end."""

    def __init__(
        self, budget: Budget | None, model: str, payload: Mapping[str, Any]
    ) -> None:
        self._budget = budget
        self._model = model
        asked = payload.get("num_images", 1)
        self._asked = asked if isinstance(asked, int) else 1
        self.images: int | None = None
        self.request_id: str | None = None

    def __enter__(self) -> Self:
        if self._budget:
            self._entry = self._budget.reserve(model=self._model, images=self._asked)
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
            request_id=self.request_id or getattr(error, "request_id", None),
        )
