"""The pricing route of fal's platform API."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from langchain_fal_image.sandbox.api.responses import error_response

__all__ = ["Pricing"]

_MAX_ENDPOINTS = 50


class Pricing:
    """Prices that a test or a demo sets.

    Args:
        prices: By endpoint id, a price in USD per image, or a price and its unit. Other
            endpoints have no price.
    """

    def __init__(self, prices: Mapping[str, float | tuple[float, str]]) -> None:
        self._prices = {
            name: price if isinstance(price, tuple) else (price, "image")
            for name, price in prices.items()
        }

    def respond(self, request: Request) -> Response:
        """Serve `GET /models/pricing?endpoint_id=…`."""
        endpoint_ids = request.query_params.getlist("endpoint_id")
        if not 1 <= len(endpoint_ids) <= _MAX_ENDPOINTS:
            detail = f"endpoint_id: expected 1 to {_MAX_ENDPOINTS} values"
            return error_response(400, detail, "bad_request")
        prices = [
            {
                "endpoint_id": name,
                "unit_price": self._prices[name][0],
                "unit": self._prices[name][1],
                "currency": "USD",
            }
            for name in endpoint_ids
            if name in self._prices
        ]
        return JSONResponse({"prices": prices, "next_cursor": None, "has_more": False})
