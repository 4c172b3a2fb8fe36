"""The speech options of @ai-sdk/fal's page: every value, and faults."""

from __future__ import annotations

from typing import Any

import pytest
from payloads import make_payload, to_camel_case

from langchain_fal_image import FalProvider, FalSpeech
from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.sandbox import Sandbox

MINIMAX = ("fal-ai/minimax/speech-02-hd", "fal-ai/minimax/speech-02-turbo")

EMOTIONS = ["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"]

BOOSTS = [
    *("Chinese", "Chinese,Yue", "English", "Arabic", "Russian", "Spanish", "French"),
    *("Portuguese", "German", "Turkish", "Dutch", "Ukrainian", "Vietnamese"),
    *("Indonesian", "Japanese", "Italian", "Korean", "Thai", "Polish", "Romanian"),
    *("Greek", "Czech", "Finnish", "Hindi", "auto"),
]

URL = "https://v3.fal.media/files/a.mp3"


@pytest.mark.parametrize("name", MINIMAX)
@pytest.mark.parametrize(
    ("inner", "value"),
    [
        *(("voice_id", "Wise_Woman"), ("speed", 0.5), ("speed", 2.0), ("vol", 0.01)),
        *(("vol", 10), ("pitch", -12), ("pitch", 12), ("english_normalization", True)),
        *(("emotion", each) for each in EMOTIONS),
    ],
)
def test_each_voice_option_goes_into_voice_setting(
    name: str, inner: str, value: Any
) -> None:
    model = FalSpeech(name, strict=True)
    for name_ in (inner, to_camel_case(inner)):
        for setting in ("voice_setting", "voiceSetting"):
            payload = make_payload(model, "Hello", **{setting: {name_: value}})
            assert payload["voice_setting"] == {inner: value}
        payload = make_payload(model, "Hello", **{name_: value})
        assert payload["voice_setting"] == {inner: value}


@pytest.mark.parametrize("name", MINIMAX)
@pytest.mark.parametrize("language", BOOSTS)
def test_each_language_boost_is_sent(name: str, language: str) -> None:
    model = FalSpeech(name, strict=True)
    payload = make_payload(model, "Hello", languageBoost=language)
    assert payload["language_boost"] == language


@pytest.mark.parametrize("name", MINIMAX)
def test_nested_options_of_speech_are_sent_in_fals_spelling(name: str) -> None:
    model = FalSpeech(name, strict=True)
    payload = make_payload(
        model,
        "Hello",
        audioSetting={"sampleRate": 44100, "bitrate": 64000, "format": "flac"},
        pronunciationDict={"toneList": ["Fuji/(fu1)(ji4)"]},
    )
    assert payload == {
        "output_format": "url",
        "text": "Hello",
        "audio_setting": {"sample_rate": 44100, "bitrate": 64000, "format": "flac"},
        "pronunciation_dict": {"tone_list": ["Fuji/(fu1)(ji4)"]},
    }


def test_a_pronunciation_dict_as_in_the_ai_sdk_is_sent_with_a_warning() -> None:
    words = {"pronunciation_dict": {"Fuji": "foo-jee"}}
    resolved = FalSpeech().payload("Hello", providerOptions={"fal": words})
    assert resolved.payload["pronunciation_dict"] == {"Fuji": "foo-jee"}
    assert "pronunciation_dict.Fuji" in resolved.warnings[0]
    with pytest.raises(
        FalOptionError, match=r"pronunciation_dict\.Fuji is not a known"
    ):
        FalSpeech().payload("Hello", **words)


@pytest.mark.parametrize("name", MINIMAX)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 2.1}, "speed=2.1 is too large; allowed: a number, 0.5 to 2"),
        ({"speed": 0.4}, "speed=0.4 is too small"),
        ({"vol": 11}, "vol=11 is too large; allowed: a number, 0.01 to 10"),
        ({"vol": -1}, "vol=-1 is too small"),
        ({"pitch": 13}, "pitch=13 is too large; allowed: a whole number, -12 to 12"),
        ({"pitch": -13}, "pitch=-13 is too small"),
        ({"emotion": "gleeful"}, "emotion='gleeful' is not a choice; allowed: happy"),
        ({"english_normalization": "never"}, "english_normalization='never' is text"),
        ({"voiceSetting": {"speed": 2.1}}, "voice_setting.speed=2.1"),
        ({"voiceSetting": "loud"}, "voice_setting='loud' is text, not an object"),
        ({"languageBoost": "Latin"}, "language_boost='Latin' is not a choice"),
        ({"audioSetting": {"format": "ogg"}}, "audio_setting.format='ogg'"),
        ({"outputFormat": "mp3"}, "output_format='mp3' is not a choice"),
        ({"text": ""}, "is too short"),
        ({"text": "x" * 5001}, "5001 characters"),
        ({"text": 7}, "text=7 is a number, not text"),
    ],
)
async def test_invalid_speech_options_raise_before_any_request(
    name: str,
    options: dict[str, Any],
    message: str,
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    model, input_ = fal.speech(name), {"text": "Hello", **options}
    with pytest.raises(FalOptionError) as caught:
        model.invoke(input_)
    assert message in str(caught.value)
    with pytest.raises(FalOptionError):
        await model.ainvoke(input_)
    with pytest.raises(FalOptionError):
        await model.asubmit(input_)
    assert fal_sandbox.requests == []


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
@pytest.mark.parametrize("name", [*MINIMAX, "fal-ai/dia-tts", "fal-ai/kokoro/french"])
def test_a_blank_text_is_a_fault(name: str, text: str) -> None:
    with pytest.raises(FalOptionError, match="is blank"):
        FalSpeech(name).payload({"text": text, "voice": "ff_siwis"})


def test_all_faults_of_the_voice_are_reported_at_once() -> None:
    with pytest.raises(FalOptionError) as caught:
        FalSpeech().payload("Hi", speed=2.1, pitch=13, vol=11, emotion="odd")
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize(
    ("name", "options", "payload"),
    [
        (
            "fal-ai/minimax/voice-design",
            {"text": "Hello", "prompt": "a deep voice"},
            {"preview_text": "Hello", "prompt": "a deep voice"},
        ),
        (
            "fal-ai/minimax/voice-clone",
            {"text": "Hello", "audioUrl": URL, "noiseReduction": True, "accuracy": 0.5},
            {
                "text": "Hello",
                "audio_url": URL,
                "noise_reduction": True,
                "accuracy": 0.5,
            },
        ),
        (
            "fal-ai/dia-tts/voice-clone",
            {"text": "[S1] Hello", "refAudioUrl": URL, "refText": "Hi there"},
            {"text": "[S1] Hello", "ref_audio_url": URL, "ref_text": "Hi there"},
        ),
        (
            "fal-ai/f5-tts",
            {"text": "Hello", "audio": URL, "modelType": "F5-TTS"},
            {"gen_text": "Hello", "ref_audio_url": URL, "model_type": "F5-TTS"},
        ),
    ],
)
def test_cloned_and_designed_voices_get_fals_names(
    name: str, options: dict[str, Any], payload: dict[str, Any]
) -> None:
    assert make_payload(FalSpeech(name, strict=True), options) == payload


def test_an_option_with_the_name_of_a_field_is_passed_in_options() -> None:
    clone = FalSpeech(
        "fal-ai/minimax/voice-clone", options={"model": "speech-02-turbo"}
    )
    payload = make_payload(clone, {"text": "Hi", "audio": URL})
    assert payload["model"] == "speech-02-turbo"
    with pytest.raises(FalOptionError, match="model='speech-99'"):
        clone.payload(
            {"audio": URL, "providerOptions": {"fal": {"model": "speech-99"}}}
        )
