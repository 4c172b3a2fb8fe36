"""What an endpoint's work costs, as fal's platform API says it."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from langchain_fal_image.errors import FalConfigurationError, FalError
from langchain_fal_image.wire.context import Context, exchange
from langchain_fal_image.wire.effects import Flow, TransportFailure
from langchain_fal_image.wire.error_responses import build_error
from langchain_fal_image.wire.retry import REPEATABLE

__all__ = ["Price", "Prices"]

_log = logging.getLogger("langchain_fal_image")
_KEPT_S = 24 * 60 * 60
_ASKED_AGAIN_S = 5 * 60
_PATIENCE_S = 5.0
_MEGAPIXEL = 1_000_000
_CHARACTERS = re.compile(r"(?:([\d,]+) ?)?(k|m|thousand|million)? ?char(?:acter)?")
_SCALES = {"": 1, "k": 1000, "thousand": 1000, "m": 1_000_000, "million": 1_000_000}


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of an endpoint's work costs.

    Attributes:
        unit_price: In `currency`.
        unit: fal's word for what is counted, such as `image` or `megapixel`.
        currency: Such as `USD`.
    """

    unit_price: Decimal
    unit: str
    currency: str = "USD"

    def of(
        self, *, images: int, pixels: int | None = None, characters: int | None = None
    ) -> Decimal | None:
        """Say what a request costs; None where the unit does not tell beforehand.

        Args:
            images: How many; 0 for a request that makes none.
            pixels: Of each, where known. A megapixel is taken as 1,000,000 pixels.
            characters: How many are to be spoken, where known.
        """
        unit = self.unit.lower().removesuffix("s")
        spoken = _CHARACTERS.fullmatch(unit)
        if spoken and characters is not None:
            number = Decimal((spoken[1] or "1").replace(",", ""))
            return self.unit_price * characters / (number * _SCALES[spoken[2] or ""])
        if not images:
            return None
        if unit in {"image", "generated image", "output image"}:
            return self.unit_price * images
        if unit in {"megapixel", "mp", "processed megapixel"} and pixels:
            return self.unit_price * images * pixels / _MEGAPIXEL
        return None

    def __str__(self) -> str:
        """Write it for a person or a model."""
        return f"{self.unit_price.normalize():f} {self.currency} per {self.unit}"


class Prices:
    """Asks fal for prices and keeps them for a day."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Price | None]] = {}
        self._lock = threading.Lock()

    def known(self, endpoint_id: str) -> Price | None:
        """Give a price at hand, without asking."""
        with self._lock:
            at, price = self._known.get(endpoint_id, (0.0, None))
        return price if time.time() - at < _KEPT_S else None

    def ask(self, context: Context, endpoint_id: str) -> Flow[Price | None]:
        """Ask for a price, unless it is at hand.

        Where fal does not say (a key without access, an endpoint without a price, no
        connection), it is unknown; it is asked for again five minutes later.

        Args:
            context: See `Context`.
            endpoint_id: Such as `fal-ai/qwen-image`.

        Returns:
            The price, or None where it is unknown.
        """
        with self._lock:
            at, price = self._known.get(endpoint_id, (0.0, None))
        age = time.time() - at
        if age < (_ASKED_AGAIN_S if price is None else _KEPT_S):
            return price
        try:
            price = yield from self._asked(context, endpoint_id)
        except FalConfigurationError:
            raise
        except FalError as error:
            _log.info("the price of %s is unknown: %s", endpoint_id, error.message)
            price = None
        with self._lock:
            self._known[endpoint_id] = (time.time(), price)
        return price

    def _asked(self, context: Context, endpoint_id: str) -> Flow[Price | None]:
        url = (
            f"{context.hosts.platform}/models/pricing"
            f"?endpoint_id={quote(endpoint_id, safe='')}"
        )
        request = context.build_request("GET", url, read_timeout=_PATIENCE_S)
        try:
            response = yield from exchange(
                context,
                request,
                rule=REPEATABLE,
                deadline=context.deadline(_PATIENCE_S),
            )
        except TransportFailure as error:
            message = f"fal's platform API could not be asked: {error}"
            raise FalError(message) from error
        if not response.ok:
            raise build_error(response, model=endpoint_id)
        return _read(response.json_or_none(), endpoint_id)


def _read(answer: Any, endpoint_id: str) -> Price | None:
    prices = answer.get("prices") if isinstance(answer, Mapping) else None
    for entry in prices if isinstance(prices, list) else ():
        if not isinstance(entry, Mapping) or entry.get("endpoint_id") != endpoint_id:
            continue
        unit, currency = entry.get("unit"), entry.get("currency", "USD")
        try:
            unit_price = Decimal(str(entry.get("unit_price")))
        except InvalidOperation:
            return None
        words = isinstance(unit, str) and isinstance(currency, str)
        if words and unit_price.is_finite() and unit_price >= 0:
            return Price(unit_price, str(unit), str(currency).upper())
    return None
