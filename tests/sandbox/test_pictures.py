"""The sandbox's pictures: the same every time, different where they should be."""

from __future__ import annotations

import io

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops, ImageStat

from langchain_fal_image.sandbox.drawing.image import draw, edit, encode, stand_in

MODEL = "fal-ai/qwen-image"


def drawn(prompt: str = "Mount Fuji", seed: int = 1, **place: int) -> PIL.Image.Image:
    size = {"index": 0, "width": 160, "height": 120, **place}
    return draw(prompt, endpoint=MODEL, seed=seed, **size)


def edited(prompt: str, *inputs: PIL.Image.Image) -> PIL.Image.Image:
    return edit(
        prompt, inputs=inputs, endpoint=MODEL, seed=1, index=0, width=160, height=120
    )


def difference(first: PIL.Image.Image, second: PIL.Image.Image) -> float:
    changed = ImageChops.difference(first.convert("L"), second.convert("L"))
    return ImageStat.Stat(changed).mean[0]


def likeness(first: PIL.Image.Image, second: PIL.Image.Image) -> float:
    """Correlate the brightness of two pictures, seen from afar, captions left out."""

    def seen(picture: PIL.Image.Image) -> list[float]:
        small = picture.convert("L").crop(
            (0, 0, picture.width, picture.height * 4 // 5)
        )
        pixels = list(small.resize((24, 16)).tobytes())
        mean = sum(pixels) / len(pixels)
        return [each - mean for each in pixels]

    a, b = seen(first), seen(second)
    length = (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
    return float(sum(x * y for x, y in zip(a, b, strict=True)) / length)


def test_the_same_words_give_the_same_picture() -> None:
    assert drawn().tobytes() == drawn().tobytes()


@pytest.mark.parametrize(
    "other",
    [drawn("a cat"), drawn(seed=2), drawn(index=1)],
    ids=["prompt", "seed", "index"],
)
def test_other_words_seeds_and_places_give_others(other: PIL.Image.Image) -> None:
    assert difference(drawn(), other) > 3


@pytest.mark.parametrize(
    "size", [(64, 64), (512, 512), (900, 300), (300, 900), (33, 97)]
)
def test_the_size_is_exact(size: tuple[int, int]) -> None:
    assert drawn(width=size[0], height=size[1]).size == size


@pytest.mark.parametrize(
    "prompt", ["make it night", "add a red kite", "snow", "sunset", "as you like it"]
)
def test_an_edit_keeps_its_input_recognisable_and_changes_it(prompt: str) -> None:
    before = drawn("Mount Fuji in spring, cherry blossoms")
    after = edited(prompt, before)
    assert likeness(before, after) > 0.45
    assert difference(before, after) > 2
    assert likeness(drawn("a cat", seed=5), after) < likeness(before, after)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_all_of_several_inputs_are_to_be_seen(count: int) -> None:
    base = [drawn(seed=seed) for seed in range(count)]
    whole = edited("together", *base)
    for place in range(count):
        others = [*base]
        others[place] = PIL.Image.new("RGB", (160, 120), "red")
        assert difference(whole, edited("together", *others)) > 1


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_file_is_what_it_says(kind: str) -> None:
    picture = PIL.Image.open(io.BytesIO(encode(drawn(), format=kind)))
    assert picture.format == kind.upper()
    assert picture.mode == "RGB"


def test_a_stand_in_is_a_picture() -> None:
    assert stand_in("https://x.example/a/b.png?c=1").size == (1024, 768)


@settings(max_examples=25, deadline=None)
@given(prompt=st.text(max_size=300))
def test_no_prompt_is_too_odd(prompt: str) -> None:
    assert drawn(prompt).size == (160, 120)
    assert edited(prompt, drawn("a hill")).size == (160, 120)
