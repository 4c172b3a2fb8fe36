"""Speech: forms of the output, bytes, files and artifacts."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from langchain_fal_image import (
    FalProvider,
    SpeechResult,
)
from langchain_fal_image.errors import FalDownloadError, FalResponseError

URL = "https://v3.fal.media/files/a.mp3"


def speech(output: Any) -> SpeechResult:
    return SpeechResult.from_output(output, model="fal-ai/x", request_id="r")


@pytest.mark.parametrize(
    ("output", "duration"),
    [
        ({"audio": {"url": URL}, "duration_ms": 3240}, 3.24),
        ({"audio": {"url": URL, "duration": 3.5}}, 3.5),
        ({"audio": {"url": URL}, "duration": 2}, 2.0),
        ({"audio": URL}, None),
        ({"audio_file": {"url": URL}}, None),
        ({"audio_url": {"url": URL, "duration": True}}, None),
        ({"audio": [{"url": URL}, {"no": "url"}]}, None),
        ({"audio": {"url": URL}, "duration_ms": "long"}, None),
        ({"audio": {"url": URL}, "duration_ms": -5}, None),
        ({"audio": None, "audios": [{"url": URL}], "duration": 9}, 9.0),
    ],
)
def test_each_form_of_output(output: Any, duration: float | None) -> None:
    result = speech(output)
    assert result.url == URL
    assert result.duration == duration
    assert len(result.audios) == 1


def test_several_files_are_all_kept() -> None:
    result = speech({"audio": [{"url": URL}, {"url": URL + "2"}], "seed": 7})
    assert [each.url for each in result.audios] == [URL, URL + "2"]
    assert [each.index for each in result.audios] == [0, 1]
    assert result.seed == 7


@pytest.mark.parametrize("output", [{}, None, [], "x", {"audio": {}}, {"audio": []}])
def test_an_output_without_audio_raises(output: Any) -> None:
    with pytest.raises(FalResponseError, match="has no audio") as caught:
        speech(output)
    assert caught.value.request_id == "r"
    assert caught.value.charged == "maybe"


def test_a_designed_voice_without_audio_is_a_result() -> None:
    result = speech({"custom_voice_id": "v1"})
    assert result.voice_id == "v1"
    assert result.audios == ()
    with pytest.raises(FalResponseError, match="only the voice 'v1'"):
        result.read()
    restored = SpeechResult.from_artifact(result.to_artifact())
    assert restored.voice_id == "v1"


def test_bytes_go_to_the_store_not_into_the_result(fal: FalProvider) -> None:
    result = fal.speech(outputFormat="hex").invoke("Hello")
    assert result.url is None
    assert result.read()[:4] == b"RIFF"
    assert result.mime_type == "audio/wav"
    for shown in (repr(result), str(result.raw), json.dumps(result.to_artifact())):
        assert "52494646" not in shown
        assert len(shown) < 1024
    copied = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own
    with pytest.raises(FalDownloadError, match="store does not have them"):
        copied.using(fal.__class__()).read()


def test_a_notebook_shows_a_player(fal: FalProvider) -> None:
    result = fal.speech().invoke("Fish & <chips>")
    shown = result._repr_html_()
    assert f'<audio controls preload="metadata" src="{result.url}"' in shown
    assert "Fish &amp; &lt;chips&gt;" in shown
    assert "base64" not in shown
    assert "data:audio/wav;base64," in result.to_html(embed=True)


@pytest.mark.parametrize(
    "options",
    [
        {"pronunciation_dict": {"tone_list": ["omg/(oh4)(my4)"] * 90}},
        {"pronunciation_dict": {f"word{n}": f"(w{n})" for n in range(90)}},
    ],
)
def test_an_artifact_always_keeps_the_audio(
    options: dict[str, Any], fal: FalProvider
) -> None:
    result = fal.speech(options=options).invoke("Hello")
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= 1024
    restored = SpeechResult.from_artifact(artifact, fal=fal)
    assert restored.audio == result.audio
    assert restored.text == "Hello"


def test_an_artifact_of_speech_is_small_and_complete(fal: FalProvider) -> None:
    result = fal.speech(speed=1.2).invoke("word " * 900)
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= 1024
    assert artifact["shortened"] is True
    restored = SpeechResult.from_artifact(json.loads(json.dumps(artifact)), fal=fal)
    assert restored.is_shortened
    assert restored.audio == result.audio
    assert restored.read() == result.read()
    assert restored.options["voice_setting"] == {"speed": 1.2}
    with pytest.raises(ValueError, match="fal_speech_result"):
        SpeechResult.from_artifact({"type": "fal_image_result"})
