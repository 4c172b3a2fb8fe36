"""Arithmetic of sizes."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image.options.geometry import compute_size, fit_pixel_limits

SIDE = st.integers(min_value=1, max_value=40)


@given(SIDE, SIDE)
def test_a_ratio_becomes_a_megapixel_in_multiples_of_16(
    width: int, height: int
) -> None:
    ratio = Fraction(width, height)
    sides = compute_size(ratio)
    assert all(side % 16 == 0 for side in sides)
    assert 0.5 < sides[0] * sides[1] / 1024**2 < 2
    assert abs(Fraction(*sides) / ratio - 1) < Fraction(1, 5)


@given(st.integers(1, 9999), st.integers(1, 9999))
def test_a_scaled_size_is_within_the_pixel_limits(width: int, height: int) -> None:
    least, most = 512 * 512, 2048 * 2048
    scaled = fit_pixel_limits((width, height), least=least, most=most)
    assert least <= scaled[0] * scaled[1]
    if max(width, height) < 100 * min(width, height):
        assert scaled[0] * scaled[1] <= most
