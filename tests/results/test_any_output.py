"""Whatever fal returns is a result or an error."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest
from audio_files import wav
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image import (
    SpeechResult,
    TranscriptionResult,
)
from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.results._output import wrap_audio_bytes
from langchain_fal_image.results._parse import parse_output
from langchain_fal_image.sandbox import Sandbox

URL = "https://v3.fal.media/files/a.mp3"


def speech(output: Any) -> SpeechResult:
    return SpeechResult.from_output(output, model="fal-ai/x", request_id="r")


def text(output: Any) -> TranscriptionResult:
    return TranscriptionResult.from_output(output, model="fal-ai/y", request_id="r")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)

NAMES = [
    *("audio", "audios", "audio_file", "url", "text", "chunks", "words", "seed"),
    *("duration_ms", "custom_voice_id", "inferred_languages", "timings"),
]

PARTS = st.sampled_from(["url", "text", "timestamp", "speaker", "duration"])

NAMED = st.dictionaries(
    st.sampled_from(NAMES),
    JSON | st.lists(st.dictionaries(PARTS, JSON), max_size=3),
)


@given(output=NAMED | JSON)
def test_any_output_is_a_result_or_a_response_error(output: Any) -> None:
    for read in (speech, text):
        try:
            result: Any = read(wrap_audio_bytes(output))
        except FalResponseError as error:
            assert error.request_id == "r"  # noqa: PT017 - one of two outcomes
            continue
        assert repr(result)
        assert result.to_html()
        json.dumps(result.to_artifact())
        assert pickle.loads(pickle.dumps(result)) == result or has_nan(output)  # noqa: S301 - our own
        if isinstance(result, TranscriptionResult):
            result.to_documents()


def has_nan(output: Any) -> bool:
    return "NaN" in json.dumps(output)


def test_huge_numbers_are_left_out() -> None:
    huge = 10**400
    assert speech({"audio": URL, "duration_ms": huge}).duration is None
    chunk = {"text": "x", "timestamp": [0, huge]}
    assert text({"text": "x", "chunks": [chunk]}).segments[0].end is None


@pytest.mark.parametrize(
    "written",
    [
        wav(0.1).hex(),
        wav(0.1).hex().upper(),
        base64.b64encode(wav(0.1)).decode(),
    ],
    ids=["hex", "HEX", "base64"],
)
@pytest.mark.parametrize("is_inside", [True, False])
def test_audio_bytes_in_an_output_become_a_data_uri(
    written: str,
    is_inside: bool,  # noqa: FBT001 - a case
) -> None:
    output = wrap_audio_bytes(
        {"audio": {"url": written} if is_inside else written, "seed": 1}
    )
    found = output["audio"]["url"] if is_inside else output["audio"]
    assert base64.b64decode(found.removeprefix("data:;base64,")) == wav(0.1)


@pytest.mark.parametrize(
    "output",
    [
        *({"audio": URL}, {"audio": {"url": URL}}, {"audio": None}, {"audio": "abc"}),
        *({"text": "ab" * 100}, [1], None, {"audio": "?" * 100}, {"audio": [URL]}),
    ],
)
def test_other_outputs_stay_unchanged(output: Any) -> None:
    assert wrap_audio_bytes(output) == output


def test_bytes_under_other_names_are_removed() -> None:
    content = base64.b64encode(wav(0.2)).decode()
    output = {"audio": {"url": URL, "content": content}, "audio_base64": content}
    result, taken = parse_output(output, schema=None, model="a/b", request_id="r")
    assert result.url == URL
    assert content[:60] not in str(result.raw)
    assert list(taken.values()) == [wav(0.2)]


def test_an_unknown_endpoint_gets_the_input_unchanged() -> None:
    with Sandbox(unknown_endpoints=True) as sandbox, sandbox.provider() as fal:
        with pytest.raises(FalResponseError, match="has no audio"):
            # The sandbox draws for endpoints that nobody knows.
            fal.speech("some/voice").invoke({"prompt": "x", "text": "y"})
        [payload] = sandbox.accepted.values()
        assert payload == {"prompt": "x", "text": "y"}
