"""Answers that are huge, deep or odd are read in little time and space."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image import ImageResult, SpeechResult, TranscriptionResult
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalDownloadError, FalError, FalResponseError
from langchain_fal_image.results._parse import parse_output

URL = "https://v3.fal.media/files/a.png"
KIB = 1024
FILES: dict[str, dict[str, Any]] = {
    "image": {"images": [{"url": URL, "width": 64, "height": 64}], "seed": 7},
    "speech": {"audio": {"url": URL}, "custom_voice_id": "v"},
    "transcription": {"text": "Hello there. " * 9, "chunks": [{"text": "Hello"}]},
}
LIMITS = {"image": KIB, "speech": KIB, "transcription": 64 * KIB}


@pytest.fixture(params=FILES)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def read(kind: Any, output: Any) -> Any:
    result, _ = parse_output(
        output,
        schema=None,
        kind=kind,
        model="fal-ai/x",
        request_id="r",
        options={"prompt": "a red kite"},
    )
    return result


def check(result: Any, *, limit: int) -> Any:
    """Check that every form of a result is small; return the restored result."""
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= limit
    assert len(repr(result)) < 20_000
    assert len(result._repr_html_()) < 500_000
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301 - our own
    restored = type(result).from_artifact(artifact)
    assert restored.files == result.files
    assert restored.options == result.options
    return restored


def nest(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = {"a": [value]}
    return value


HUGE: dict[str, dict[str, Any]] = {
    "many keys": {f"key_{number}": number for number in range(10_000)},
    "many texts": {f"key_{number}": "text " * 30 for number in range(5_000)},
    "many objects": {f"key_{number}": {"a": {"b": [1]}} for number in range(5_000)},
    "a long list": {"vector": [0.5] * 20_000},
    "a long text": {"reasoning": "word " * 100_000},
    "a long key": {"k" * 1_000_000: 1},
    "a long number": {"number": 10**4000},
    "many lists": {"lists": [[]] * 50_000},
    "deep": {"deep": nest(100_000)},
    "infinite": {"number": float("inf"), "list": [float("nan")]},
    "odd characters": {"\ud800": "\udfff and \0"},
    "odd fields": {"seed": 10**4000, "timings": [1], "description": {"a": 1}},
}


@pytest.mark.parametrize("name", HUGE)
def test_an_answer_with_huge_fields_is_small_everywhere(kind: Any, name: str) -> None:
    started = time.process_time()
    restored = check(read(kind, {**FILES[kind], **HUGE[name]}), limit=LIMITS[kind])
    assert time.process_time() - started < 10
    if kind == "transcription":
        assert restored.text == FILES[kind]["text"].strip()
        assert [each.text for each in restored.segments] == ["Hello"]
    if kind == "speech":
        assert restored.voice_id == "v"
    if kind == "image" and "seed" not in HUGE[name]:
        assert restored.seed == 7


def test_huge_fields_of_an_image_are_left_out() -> None:
    for extra in HUGE.values():
        entry = {"url": URL, "width": 64, **extra}
        result = read("image", {"depth_map": entry, "timings": {"inference": 2.5}})
        restored = check(result, limit=KIB)
        assert restored.image.width == 64
        assert restored.timings == {"inference": 2.5}


def test_fields_that_no_class_reads_stay_if_they_are_small() -> None:
    output = {**FILES["image"], "timings": {"inference": 2.5}, "vector": [0.5] * 900}
    restored = check(read("image", output), limit=KIB)
    assert restored.raw == {**FILES["image"], "timings": {"inference": 2.5}}
    assert restored.is_shortened


def test_a_long_prompt_leaves_the_answer_whole() -> None:
    output = {**FILES["image"], "timings": {"inference": 2.5}, "extra": list(range(40))}
    result = read("image", output)._with(options={"prompt": "kite " * 900})
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= KIB
    assert ImageResult.from_artifact(artifact).raw == output
    assert len(artifact["options"]["prompt"]) > 400


@pytest.mark.parametrize(
    "output",
    [
        {"images": [URL] * 20_000},
        {"images": [{"url": URL}] * 20_000},
        {f"map_{number}": {"url": URL, "width": 1} for number in range(20_000)},
    ],
)
def test_a_result_has_a_limited_number_of_files(output: Any) -> None:
    result = read("image", output)
    assert len(result.images) == 256
    check(result, limit=256 * KIB)


@pytest.mark.parametrize(
    ("entry", "image"),
    [
        ({"url": f"{URL}?{'x' * 10_000}"}, None),
        ({"url": f"{URL}?{'x' * 8000}"}, {}),
        ({"url": ""}, None),
        ({"sha256": "../../etc/passwd"}, None),
        ({"sha256": "a" * 64}, {"sha256": "a" * 64}),
        ({"url": URL, "sha256": "x"}, {"url": URL, "sha256": None}),
        ({"url": URL, "width": -5, "height": 2**60}, {"width": None, "height": None}),
        ({"url": URL, "file_name": "x" * 9999}, {"file_name": "x" * 255}),
        ({"url": URL, "content_type": 5, "file_size": 2.0}, {"file_size": 2}),
    ],
)
def test_a_field_of_an_unexpected_value_counts_as_missing(
    entry: Any, image: dict[str, Any] | None
) -> None:
    if image is None:
        with pytest.raises(FalResponseError):
            ImageResult.from_output({"images": [entry]}, model="fal-ai/x")
        return
    [found] = ImageResult.from_output({"images": [entry]}, model="fal-ai/x").images
    assert {name: getattr(found, name) for name in image} == image


def test_a_data_uri_after_spaces_is_taken_apart() -> None:
    uri = f" \n Data:image/gif;base64,{'R0lG' * 99}"
    result, contents = parse_output(
        {"images": [uri]}, schema=None, model="fal-ai/x", request_id="r"
    )
    assert list(contents) == [result.image.sha256]
    assert "R0lG" not in repr(result) + str(result.raw)


def test_an_error_about_a_deep_answer_can_be_pickled() -> None:
    with pytest.raises(FalResponseError) as caught:
        read("image", {"deep": nest(100_000)})
    assert pickle.loads(pickle.dumps(caught.value)).body  # noqa: S301 - our own


def test_html_has_a_limited_number_of_segments() -> None:
    chunks = [{"text": "word " * 9}] * 20_000
    shown = read("transcription", {"text": "x", "chunks": chunks})._repr_html_()
    assert len(shown) < 500_000
    assert "19000 more segments" in shown


@pytest.mark.parametrize("value", [nest(100_000), [1] * 10**6, {"a": "b" * 10**7}])
def test_the_representation_of_a_value_is_short(value: Any) -> None:
    assert len(safe_repr(value)) <= 120
    assert len(safe_repr([value, value])) <= 120


# --- Any change of an answer ---

SAMPLE: dict[str, Any] = {
    **{name: value for each in FILES.values() for name, value in each.items()},
    "timings": {"inference": 2.5},
    "has_nsfw_concepts": [False],
    "duration_ms": 345,
    "words": [{"text": "Hello", "start": 0.1, "end": 0.4, "speaker_id": "s"}],
    "language": "en",
}
ODD = st.sampled_from(
    [None, True, -1, 10**400, 1e308, float("nan"), "", "\ud800", "data:,x", URL]
) | st.builds(nest, st.integers(1, 200))


def list_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    deeper = [each for key, item in items for each in list_paths(item, (*path, key))]
    return [*([path] if path else []), *deeper]


@given(
    changes=st.lists(
        st.tuples(st.sampled_from(list_paths(SAMPLE)), ODD), min_size=1, max_size=4
    )
)
def test_any_change_of_an_answer_is_a_result_or_an_error(changes: list[Any]) -> None:
    output = copy.deepcopy(SAMPLE)
    for path, value in changes:
        holder: Any = output
        for key in path[:-1]:
            try:
                holder = holder[key]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(holder, dict) or (
                isinstance(holder, list) and path[-1] < len(holder)
            ):
                holder[path[-1]] = value
    for each in (ImageResult, SpeechResult, TranscriptionResult):
        try:
            result: Any = read(each.kind, output)
        except FalResponseError:
            continue
        assert repr(result)
        with contextlib.suppress(FalDownloadError):  # bytes that no store has
            assert result._repr_html_()
        json.dumps(result.to_artifact(), allow_nan=False).encode()
        with contextlib.suppress(FalError):  # a URL that is not one
            assert each.from_artifact(result.to_artifact()).files == result.files
