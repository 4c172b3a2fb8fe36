"""Arithmetic of sizes."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image.options.geometry import (
    SizeLimits,
    compute_size,
    fit_limits,
    fit_resolution,
    measure,
    parse_resolution,
)

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
    scaled = fit_limits((width, height), SizeLimits(pixels=(least, most)))
    assert least <= scaled[0] * scaled[1]
    if max(width, height) < 100 * min(width, height):
        assert scaled[0] * scaled[1] <= most


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_scaled_size_is_within_the_limits_of_its_sides(
    width: int, height: int
) -> None:
    limits = SizeLimits(width=(512, 1024), height=(500, 2000))
    scaled = fit_limits((width, height), limits)
    assert 512 <= scaled[0] <= 1024
    assert 500 <= scaled[1] <= 2000
    if 1 <= width / height <= 2:
        assert abs(scaled[0] / scaled[1] * height / width - 1) < 0.05


@given(SIDE, SIDE, st.integers(256, 4096), st.sampled_from(["K", "p", "MP"]))
def test_a_ratio_with_a_resolution_has_the_pixels_of_the_resolution(
    width: int, height: int, number: int, unit: str
) -> None:
    resolution = parse_resolution(
        f"{1 + number // 1024 if unit != 'p' else number}{unit}"
    )
    assert resolution is not None
    size = fit_resolution(Fraction(width, height), resolution)
    measured = measure(size, resolution[0])
    if unit == "MP":
        assert abs(measured / resolution[1] - 1) < 0.3
    elif width != height:
        assert resolution[1] in size
