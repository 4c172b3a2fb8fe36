"""Prices of endpoints, from fal's platform API."""

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
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Flow, HttpRequest, TransportFailure
from langchain_fal_image.wire.error_responses import build_error
from langchain_fal_image.wire.exchange import REPEATABLE, exchange
from langchain_fal_image.wire.queue import check_endpoint_id

__all__ = ["Price", "Prices", "parse_amount"]

_log = logging.getLogger("langchain_fal_image")
_MAX_AGE_S = 24 * 60 * 60
_MAX_AGE_UNKNOWN_S = 5 * 60
_TIMEOUT_S = 10.0
_MEGAPIXEL = 1_000_000
_CHARACTERS = re.compile(
    r"(?:([1-9][0-9,]{0,12}) ?)?(k|m|thousand|million)? ?char(?:acter)?"
)
_UNIT = re.compile(r"[\w ,./()%+-]{1,64}")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_MAX_PRICE = 1_000_000
_MAX_LENGTH = 40
_MAX_PLACES = 20
_SCALES = {"": 1, "k": 1000, "thousand": 1000, "m": 1_000_000, "million": 1_000_000}


@dataclass(frozen=True, slots=True)
class Price:
    """The price of an endpoint.

    Attributes:
        unit_price: The price of one unit, in `currency`.
        unit: What fal counts, such as `image` or `megapixel`.
        currency: Such as `USD`.
    """

    unit_price: Decimal
    unit: str
    currency: str = "USD"

    def estimate(
        self, *, images: int, pixels: int | None = None, characters: int | None = None
    ) -> Decimal | None:
        """Return the cost of a request; None if its number of units is not known yet.

        Args:
            images: The number of images; 0 for a request without images.
            pixels: The pixels of each image, if known. A megapixel is 1,000,000 pixels.
            characters: The length of the text to speak, if known.
        """
        unit = self.unit.lower().removesuffix("s")
        per_characters = _CHARACTERS.fullmatch(unit)
        if per_characters and characters is not None:
            number = Decimal((per_characters[1] or "1").replace(",", ""))
            scale = _SCALES[per_characters[2] or ""]
            return self.unit_price * characters / (number * scale)
        if not images:
            return None
        if unit in {"image", "generated image", "output image"}:
            return self.unit_price * images
        if unit in {"megapixel", "mp", "processed megapixel"} and pixels:
            return self.unit_price * images * pixels / _MEGAPIXEL
        return None

    def __str__(self) -> str:
        """Return the price as text, such as `0.02 USD per image`."""
        return f"{self.unit_price.normalize():f} {self.currency} per {self.unit}"


class Prices:
    """The prices that fal reports, cached for a day."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Price | None]] = {}
        self._lock = threading.Lock()

    def cached(self, endpoint_id: str) -> Price | None:
        """Return a cached price, without a request."""
        with self._lock:
            at, price = self._known.get(endpoint_id, (0.0, None))
        return price if time.time() - at < _MAX_AGE_S else None

    def fetch(self, context: Context, endpoint_id: str) -> Flow[Price | None]:
        """Fetch a price, unless it is cached; return None if it is unknown.

        A price is unknown if the key has no access to prices, fal lists none, or fal
        cannot be reached. An unknown price is requested again after five minutes.
        """
        endpoint_id = check_endpoint_id(endpoint_id)
        with self._lock:
            at, price = self._known.get(endpoint_id, (0.0, None))
        age = time.time() - at
        if age < (_MAX_AGE_UNKNOWN_S if price is None else _MAX_AGE_S):
            return price
        try:
            price = yield from self._request_price(context, endpoint_id)
        except FalConfigurationError:
            raise
        except FalError as error:
            _log.info("the price of %s is unknown: %s", endpoint_id, error.message)
            price = None
        with self._lock:
            self._known[endpoint_id] = (time.time(), price)
        return price

    def _request_price(self, context: Context, endpoint_id: str) -> Flow[Price | None]:
        url = (
            f"{context.hosts.platform}/models/pricing"
            f"?endpoint_id={quote(endpoint_id, safe='')}"
        )
        request = HttpRequest(
            method="GET",
            url=url,
            read_timeout=_TIMEOUT_S,
            max_bytes=context.limits.answer_bytes,
        )
        try:
            response = yield from exchange(
                context,
                request,
                rule=REPEATABLE,
                deadline=context.start_deadline(_TIMEOUT_S),
            )
        except TransportFailure as error:
            message = f"The request to fal's platform API failed: {error}"
            raise FalError(message) from error
        if not response.is_success:
            raise build_error(response, model=endpoint_id)
        return _parse_price(response.json_or_none(), endpoint_id)


def _parse_price(body: Any, endpoint_id: str) -> Price | None:
    prices = body.get("prices") if isinstance(body, Mapping) else None
    for entry in prices if isinstance(prices, list) else ():
        if not isinstance(entry, Mapping) or entry.get("endpoint_id") != endpoint_id:
            continue
        unit, currency = entry.get("unit"), entry.get("currency", "USD")
        unit_price = parse_amount(entry.get("unit_price"), most=_MAX_PRICE)
        is_named = _is_match(_UNIT, unit) and _is_match(_CURRENCY, currency)
        if unit_price is not None and is_named:
            return Price(unit_price, str(unit), str(currency).upper())
    return None


def _is_match(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def parse_amount(value: Any, *, most: int) -> Decimal | None:
    """Return an amount that fal reports; None if it is not a number from 0 to `most`.

    Decimals may have huge exponents, with which arithmetic and formatting fail.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        text = str(value)
        amount = Decimal(text) if len(text) <= _MAX_LENGTH else Decimal(-1)
    except (InvalidOperation, ValueError):  # or an integer that is too long for a text
        return None
    exponent = amount.as_tuple().exponent
    is_plain = isinstance(exponent, int) and exponent >= -_MAX_PLACES
    return abs(amount) if is_plain and 0 <= amount <= most else None
