"""Reserve room in a budget while a request runs.

These functions are not methods of `Budget`, because users do not call them. Each
accepts None as the budget, which means no limit.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Self

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image._session.prices import parse_amount
from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.budget.ledger import RequestEstimate
from langchain_fal_image.errors import Charged, FalError

__all__ = ["Reservation", "set_handles", "settle_request"]

_log = logging.getLogger("langchain_fal_image")
_MAX_UNITS = 10**9


class Reservation:
    """A context manager that reserves room for a request and settles it at the end.

    Args:
        budget: The budget; None reserves nothing.
        estimate: What the request is expected to produce.

    Attributes:
        images: The number of images that fal returned; None while that is unknown.
        request_id: fal's request id.
        seed: The seed that fal used.

    Raises:
        FalBudgetExceededError: On entering, if the request would exceed the budget.
    """

    def __init__(self, budget: Budget | None, estimate: RequestEstimate) -> None:
        self._budget = budget
        self._estimate = estimate
        self._units: Decimal | None = None
        self.images: int | None = None
        self.request_id: str | None = None
        self.seed: int | None = None

    def set_billed_units(self, units: str | None) -> None:
        """Record the units that fal billed; without them, the estimate counts."""
        self._units = parse_amount(units, most=_MAX_UNITS)
        if units and self._units is None:
            _log.warning("fal billed %s units; the estimate counts", safe_repr(units))

    def __enter__(self) -> Self:
        if self._budget is not None:
            self._entry = self._budget._reserve(self._estimate)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._budget is None:
            return
        charged: Charged = "maybe"
        if error is None:
            charged = "yes" if self.images is not None else "maybe"
        elif isinstance(error, FalError):
            charged = error.charged
        self._budget._settle(
            self._entry,
            charged=charged,
            images=self.images,
            units=self._units,
            request_id=self.request_id or getattr(error, "request_id", None),
            seed=self.seed,
        )


def settle_request(
    budget: Budget | None, request_id: str | None, *, images: int, seed: int | None
) -> None:
    """Record that a request of unknown outcome succeeded.

    Args:
        budget: The budget.
        request_id: fal's request id; an id that is not in the budget is ignored.
        images: The number of images that fal returned.
        seed: The seed that fal used.
    """
    entry = budget._find_entry(request_id) if budget is not None else None
    if budget is not None and entry is not None:
        budget._settle(entry, charged="yes", images=images, seed=seed)


def set_handles(
    budget: Budget | None, request_id: str | None, handles: Iterable[str]
) -> None:
    """Record the handles of a request's results, such as `img_1`.

    Args:
        budget: The budget.
        request_id: fal's request id; an id that is not in the budget is ignored.
        handles: The handles.
    """
    entry = budget._find_entry(request_id) if budget is not None else None
    if budget is not None and entry is not None:
        budget._set_handles(entry, handles)
