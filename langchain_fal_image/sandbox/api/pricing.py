"""fal's platform API, as far as it tells prices."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from langchain_fal_image.sandbox.api.responses import refused

__all__ = ["Pricing"]

_MOST_ENDPOINTS = 50


class Pricing:
    """Tells the prices that a test or a demo made up.

    Args:
        prices: Unit price in USD and unit by endpoint id; a bare number is a price
            for an image. Nothing else has a price here: none of fal's is known.
    """

    def __init__(self, prices: Mapping[str, float | tuple[float, str]]) -> None:
        self._prices = {
            name: price if isinstance(price, tuple) else (price, "image")
            for name, price in prices.items()
        }

    def answer(self, request: Request) -> Response:
        """Serve `GET /models/pricing?endpoint_id=…`."""
        asked = request.query_params.getlist("endpoint_id")
        if not 1 <= len(asked) <= _MOST_ENDPOINTS:
            detail = f"endpoint_id: give 1 to {_MOST_ENDPOINTS}"
            return refused(400, detail, "bad_request")
        prices = [
            {
                "endpoint_id": name,
                "unit_price": self._prices[name][0],
                "unit": self._prices[name][1],
                "currency": "USD",
            }
            for name in asked
            if name in self._prices
        ]
        return JSONResponse({"prices": prices, "next_cursor": None, "has_more": False})
