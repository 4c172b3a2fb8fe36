"""Voice options: where they go, layers and limits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import make_payload, to_camel_case
from pydantic import TypeAdapter, ValidationError

from langchain_fal_image import FalSpeech
from langchain_fal_image.errors import FalOptionError

MINIMAX = ("fal-ai/minimax/speech-02-hd", "fal-ai/minimax/speech-02-turbo")

EMOTIONS = ["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"]


def in_fal(**options: Any) -> dict[str, Any]:
    return {"providerOptions": {"fal": options}}


def test_voice_options_go_to_the_endpoints_option() -> None:
    chatterbox = FalSpeech("resemble-ai/chatterboxhd/text-to-speech")
    assert make_payload(chatterbox, "Hi", voice="Aurora") == {
        "text": "Hi",
        "voice": "Aurora",
    }
    assert make_payload(FalSpeech(), "Hi", voice="Deep_Man")["voice_setting"] == {
        "voice_id": "Deep_Man"
    }
    kling = FalSpeech("fal-ai/kling-video/v1/tts")
    assert make_payload(kling, "Hi", speed=1.5)["voice_speed"] == 1.5
    assert make_payload(kling, "Hi", voice="AOT")["voice_id"] == "AOT"


def test_a_later_layer_replaces_only_its_parts_of_the_voice() -> None:
    model = FalSpeech(voice="Wise_Woman", voice_setting={"speed": 1.5, "vol": 2})
    payload = make_payload(model, {"text": "Hi", "speed": 0.8})
    expected = {"speed": 0.8, "vol": 2, "voice_id": "Wise_Woman"}
    assert payload["voice_setting"] == expected
    more = make_payload(
        model, {"text": "Hi", "voiceSetting": {"pitch": 1, "Speed": 1.1}}
    )
    assert more["voice_setting"] == {
        "pitch": 1,
        "speed": 1.1,
        "vol": 2,
        "voice_id": "Wise_Woman",
    }
    options = {"text": "Hi", "voice": "A", **in_fal(voiceSetting={"speed": 1.1})}
    assert make_payload(FalSpeech(), options)["voice_setting"] == {
        "voice_id": "A",
        "speed": 1.1,
    }
    format_ = FalSpeech(audio_setting={"format": "flac"})
    payload = make_payload(format_, "Hi", audioSetting={"sampleRate": 8000})
    assert payload["audio_setting"] == {"format": "flac", "sample_rate": 8000}


def test_two_values_for_one_part_of_the_voice_contradict() -> None:
    with pytest.raises(FalOptionError, match="contradicts"):
        FalSpeech(speed=1.5, voiceSetting={"speed": 1.2}).payload("Hi")
    kling = FalSpeech("fal-ai/kling-video/v1/tts")
    for model, options in (
        (FalSpeech(), {"voice": "A", "voice_id": "B"}),
        (FalSpeech(), {"voice": "A", "voiceId": "B"}),
        (kling, {"voice": "AOT", "voice_id": "genshin_kirara"}),
        (kling, {"speed": 1.1, "voice_speed": 1.5}),
    ):
        with pytest.raises(FalOptionError, match="contradicts"):
            model.payload({"text": "Hi", **options})
    same = FalSpeech(speed=1.5, voiceSetting={"speed": 1.5}).payload("Hi")
    assert same.payload["voice_setting"] == {"speed": 1.5}


def test_a_typo_in_a_voice_option_is_reported() -> None:
    typo = {"emotoin": "sad"}
    for options in (typo, {"voice_setting": typo}):
        with pytest.raises(FalOptionError, match="did you mean 'emotion'"):
            FalSpeech().payload("Hi", **options)
        warned = FalSpeech(options=options).payload("Hi").warnings[0]
        assert "did you mean 'emotion'" in warned


def test_parts_of_a_merged_object_keep_the_layer_they_came_from() -> None:
    new = {"voice_setting": {"breath": 1}}
    sent = {"voice_setting": {"breath": 1, "speed": 2}}
    speech = FalSpeech(options=new)
    assert speech.payload("Hi", speed=2).payload.items() >= sent.items()
    resolved = FalSpeech(speed=2).payload("Hi", providerOptions={"fal": new})
    assert resolved.payload.items() >= sent.items()
    voice = {"providerOptions": {"fal": {"speed": 2}}}
    for model, options in (
        (speech, {"voice_setting": {"memo": "x"}}),
        (FalSpeech(speed=2), new),
        (FalSpeech(), {**new, **voice}),
    ):
        with pytest.raises(FalOptionError, match="is not a known option"):
            model.payload("Hi", **options)


VOICE_OPTIONS = {
    "voice_id": st.text("abcXYZ_", min_size=1, max_size=9),
    "speed": st.floats(0.5, 2, width=32),
    "vol": st.integers(1, 10),
    "pitch": st.integers(-12, 12),
    "emotion": st.sampled_from(EMOTIONS),
    "english_normalization": st.booleans(),
}

SETTINGS = st.fixed_dictionaries({}, optional=VOICE_OPTIONS)


@given(
    first=SETTINGS,
    second=SETTINGS,
    spell=st.sampled_from([to_camel_case, str]),
    setting=st.sampled_from(["voiceSetting", "voice_setting", None]),
)
def test_voice_options_of_two_layers_are_merged(
    first: dict[str, Any],
    second: dict[str, Any],
    spell: Callable[[str], str],
    setting: str | None,
) -> None:
    respelled = {spell(name): value for name, value in first.items()}
    options = {setting: respelled} if setting else respelled
    model = FalSpeech(strict=True, options=options)
    payload = make_payload(model, {"text": "Hi", **second})
    assert payload.get("voice_setting", {}) == {**first, **second}


@given(
    name=st.sampled_from(["speed", "vol", "pitch"]),
    value=st.one_of(st.floats(), st.integers(-100, 100), st.text(max_size=3)),
)
def test_a_number_of_the_voice_is_sent_or_a_fault(name: str, value: Any) -> None:
    number, is_valid = None, False
    low, high = {"speed": (0.5, 2), "vol": (0.01, 10), "pitch": (-12, 12)}[name]
    # pydantic, which fal runs on, reads text that is a number.
    adapter = TypeAdapter[Any](int if name == "pitch" else float)
    with contextlib.suppress(ValidationError):
        number = adapter.validate_python(value)
        is_valid = low <= number <= high
    if is_valid:
        payload = FalSpeech().payload("Hi", **{name: value}).payload
        assert payload["voice_setting"][name] == number
    else:
        with pytest.raises(FalOptionError, match=rf"voice_setting\.{name}"):
            FalSpeech().payload("Hi", **{name: value})
