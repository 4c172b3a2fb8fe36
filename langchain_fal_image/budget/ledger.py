"""Estimates of requests, and records of what they cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from langchain_fal_image._session.prices import Price
from langchain_fal_image.errors import Charged

__all__ = ["RequestEstimate", "Spending", "format_money", "format_table"]

_COLUMNS: tuple[str, ...] = ("endpoint", "handle", "images", "seed", "time", "cost")


@dataclass(frozen=True, slots=True)
class RequestEstimate:
    """What a request is expected to produce, before it is sent.

    Attributes:
        model: The endpoint id.
        images: The number of images; 0 for audio.
        pixels: The pixels of each image, if known.
        characters: The length of the text to speak, if known.
        price: fal's price, if known.
    """

    model: str
    images: int = 1
    pixels: int | None = None
    characters: int | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """One request that was or may have been charged.

    Attributes:
        model: The endpoint id.
        images: The number of images: requested, then returned by fal.
        at: When the request started, in seconds since 1970.
        charged: `"yes"`, or `"maybe"` while the request runs or if its outcome is
            unknown.
        cost: In the budget's currency; None if unknown.
        is_assumed: Whether the cost is the budget's `assumed_price`, not fal's price.
        request_id: fal's request id, once known.
        handles: The handles of the result's files; empty if they have none.
        seed: The seed that fal used.
        seconds: How long the request took.
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


def format_money(amount: Decimal, currency: str) -> str:
    """Format an amount of money, such as `0.04 USD`."""
    return f"{amount.normalize():f} {currency}"


def format_table(
    spendings: Sequence[Spending],
    *,
    max_images: int | None,
    max_cost: Decimal | None,
    currency: str,
) -> str:
    """Format spendings as a table with a line per request, and their totals."""
    rows = [_COLUMNS, *(_format_row(each, currency) for each in spendings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    limit = "no limit" if max_images is None else f"of {max_images}"
    lines.append(f"images: {sum(each.images for each in spendings)} ({limit})")
    limit = "no limit" if max_cost is None else f"of {format_money(max_cost, currency)}"
    lines.append(_format_total(spendings, limit, currency))
    return "\n".join(line.rstrip() for line in lines)


def _format_row(each: Spending, currency: str) -> tuple[str, ...]:
    clock = time.strftime("%H:%M:%S", time.localtime(each.at))
    seconds = "" if each.seconds is None else f", {each.seconds:.1f} s"
    cost = "unknown" if each.cost is None else format_money(each.cost, currency)
    if each.is_assumed:
        cost += ", assumed"
    if each.charged != "yes":
        cost += ", maybe charged"
    return (
        each.model,
        ", ".join(each.handles) or "-",
        str(each.images),
        "-" if each.seed is None else str(each.seed),
        f"{clock}{seconds}",
        cost,
    )


def _format_total(spendings: Sequence[Spending], limit: str, currency: str) -> str:
    known = [each.cost for each in spendings if each.cost is not None]
    unknown = len(spendings) - len(known)
    if not known and unknown:
        return f"cost: unknown ({limit})"
    total = f"cost: {format_money(sum(known, Decimal(0)), currency)} ({limit})"
    if unknown:
        total += f", and {unknown} of unknown price"
    assumed = [each.cost for each in spendings if each.is_assumed and each.cost]
    if assumed:
        total += f"; assumed: {format_money(sum(assumed, Decimal(0)), currency)}"
    return total
