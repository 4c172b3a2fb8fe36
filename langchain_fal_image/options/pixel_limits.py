"""How many pixels a size has in all, against what the endpoint draws."""

from __future__ import annotations

from typing import Any

from langchain_fal_image.options.describe import totals
from langchain_fal_image.options.endpoint import Shape
from langchain_fal_image.options.geometry import pixels_of
from langchain_fal_image.options.issues import Findings
from langchain_fal_image.options.paths import dotted

__all__ = ["check_total"]


def check_total(
    shape: Shape, value: Any, path: tuple[str | int, ...], findings: Findings
) -> None:
    """Note a size with too few or too many pixels in all.

    Args:
        shape: The size's shape; without limits on pixels nothing is noted.
        value: A preset's name or an object; a side that is left out counts as its
            default.
        path: Its place in the payload.
        findings: Where the fault goes.
    """
    least, most = shape.min_pixels, shape.max_pixels
    if least is None and most is None:
        return
    if isinstance(value, dict):
        defaults = {field.name: field.default for field in shape.object_fields}
        value_in_full: Any = {
            side: value.get(side, defaults.get(side)) for side in ("width", "height")
        }
        pixels = pixels_of(value_in_full)
    else:
        pixels = pixels_of(value)
    if pixels is None:
        return
    total = pixels[0] * pixels[1]
    if least is not None and total < least:
        problem = f"has too few pixels ({total})"
    elif most is not None and total > most:
        problem = f"has too many pixels ({total})"
    else:
        return
    findings.fault(dotted(path), value, problem, allowed=totals(shape))
