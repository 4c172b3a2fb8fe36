"""The sandbox's images: reproducible, and different when they should be."""

from __future__ import annotations

import io

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops, ImageStat

from langchain_fal_image.sandbox.drawing.image import draw_images
from langchain_fal_image.sandbox.input_file import InputFile

MODEL = "fal-ai/qwen-image"


def draw(
    prompt: str = "Mount Fuji",
    *inputs: PIL.Image.Image | str,
    seed: int = 1,
    index: int = 0,
    size: tuple[int, int] = (160, 120),
    format: str = "png",  # noqa: A002 - as the function that is tested
) -> PIL.Image.Image:
    drawn = draw_images(
        prompt,
        endpoint_id=MODEL,
        seed=seed,
        count=index + 1,
        size_options={"size": f"{size[0]}x{size[1]}"},
        inputs=[to_file(each) for each in inputs],
        format=format,
    )[index]
    image = PIL.Image.open(io.BytesIO(drawn.content))
    assert image.size == (drawn.width, drawn.height)
    return image


def to_file(source: PIL.Image.Image | str) -> InputFile:
    if isinstance(source, str):
        return InputFile(["image_url"], source, None)
    file = io.BytesIO()
    source.save(file, format="png")
    return InputFile(["image_url"], "data:", file.getvalue())


def measure_difference(first: PIL.Image.Image, second: PIL.Image.Image) -> float:
    changed = ImageChops.difference(first.convert("L"), second.convert("L"))
    return ImageStat.Stat(changed).mean[0]


def correlate(first: PIL.Image.Image, second: PIL.Image.Image) -> float:
    """Correlate the brightness of two small images without their captions."""

    def measure_brightness(image: PIL.Image.Image) -> list[float]:
        scene = image.convert("L").crop((0, 0, image.width, image.height * 4 // 5))
        pixels = list(scene.resize((24, 16)).tobytes())
        mean = sum(pixels) / len(pixels)
        return [each - mean for each in pixels]

    a, b = measure_brightness(first), measure_brightness(second)
    length = (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
    return float(sum(x * y for x, y in zip(a, b, strict=True)) / length)


def test_the_same_request_draws_the_same_image() -> None:
    assert draw().tobytes() == draw().tobytes()


@pytest.mark.parametrize(
    "other",
    [draw("a cat"), draw(seed=2), draw(index=1)],
    ids=["prompt", "seed", "index"],
)
def test_another_prompt_seed_or_index_draws_another_image(
    other: PIL.Image.Image,
) -> None:
    assert measure_difference(draw(), other) > 3


@pytest.mark.parametrize(
    "size", [(64, 64), (512, 512), (900, 300), (300, 900), (33, 97)]
)
def test_the_size_is_exact(size: tuple[int, int]) -> None:
    assert draw(size=size).size == size


@pytest.mark.parametrize(
    "prompt", ["make it night", "add a red kite", "snow", "sunset", "as you like it"]
)
def test_an_edit_changes_its_input_and_keeps_it_recognisable(prompt: str) -> None:
    before = draw("Mount Fuji in spring, cherry blossoms")
    after = draw(prompt, before)
    assert correlate(before, after) > 0.45
    assert measure_difference(before, after) > 2
    assert correlate(draw("a cat", seed=5), after) < correlate(before, after)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_an_edit_shows_each_of_its_inputs(count: int) -> None:
    inputs = [draw(seed=seed) for seed in range(count)]
    whole = draw("together", *inputs)
    for index in range(count):
        others = [*inputs]
        others[index] = PIL.Image.new("RGB", (160, 120), "red")
        assert measure_difference(whole, draw("together", *others)) > 1


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_a_file_has_the_requested_format(name: str) -> None:
    image = draw(format=name)
    assert image.format == name.upper()
    assert image.mode == "RGB"


def test_a_stand_in_replaces_an_input_that_is_elsewhere() -> None:
    url = "https://x.example/a/b.png?c=1"
    edited = draw("snow", url)
    assert measure_difference(edited, draw("snow", url)) == 0
    assert measure_difference(edited, draw("snow", "https://x.example/z.png")) > 0


@settings(max_examples=25, deadline=None)
@given(prompt=st.text(max_size=300))
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    assert draw(prompt).size == (160, 120)
    assert draw(prompt, draw("a hill")).size == (160, 120)
