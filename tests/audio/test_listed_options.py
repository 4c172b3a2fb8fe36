"""Each option and default that the AI SDK's page lists, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image import FalProvider, FalSpeech, FalTranscription
from langchain_fal_image.errors import FalConfigurationError, FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.shape import Field
from langchain_fal_image.sandbox import Sandbox

LISTENS = ("fal-ai/whisper", "fal-ai/wizper")
MINIMAX = ("fal-ai/minimax/speech-02-hd", "fal-ai/minimax/speech-02-turbo")
SPEAKS = (
    *MINIMAX,
    "fal-ai/minimax/voice-clone",
    "fal-ai/minimax/voice-design",
    "fal-ai/dia-tts",
    "fal-ai/dia-tts/voice-clone",
    "resemble-ai/chatterboxhd/text-to-speech",
)
EMOTIONS = ["happy", "sad", "angry", "fearful", "disgusted", "surprised", "neutral"]
BOOSTS = [
    *("Chinese", "Chinese,Yue", "English", "Arabic", "Russian", "Spanish", "French"),
    *("Portuguese", "German", "Turkish", "Dutch", "Ukrainian", "Vietnamese"),
    *("Indonesian", "Japanese", "Italian", "Korean", "Thai", "Polish", "Romanian"),
    *("Greek", "Czech", "Finnish", "Hindi", "auto"),
]
URL = "https://v3.fal.media/files/a.mp3"


def option(endpoint_id: str, name: str) -> Field:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    found = schema.get_field(name)
    assert found is not None
    return found


def in_fal(**options: Any) -> dict[str, Any]:
    return {"providerOptions": {"fal": options}}


def sent(model: FalSpeech | FalTranscription, given: Any, **options: Any) -> Any:
    """Give what would be sent, without a warning."""
    resolved = model.payload(given, **options)
    assert resolved.warnings == ()
    return resolved.payload


# --- Transcription ---


@pytest.mark.parametrize("name", ["whisper", "wizper"])
def test_the_prefix_may_be_left_out(name: str) -> None:
    assert FalTranscription(name).model == f"fal-ai/{name}"
    assert FalTranscription(f"fal-ai/{name}").model == f"fal-ai/{name}"
    assert FalTranscription(model=name).endpoint is not None
    scribe = FalTranscription("elevenlabs/speech-to-text")
    assert scribe.model == "fal-ai/elevenlabs/speech-to-text"
    assert FalTranscription("somebody/else").model == "somebody/else"


@pytest.mark.parametrize("name", LISTENS)
@pytest.mark.parametrize(
    ("camel", "snake", "value"),
    [
        ("language", "language", "fr"),
        ("language", "language", "zh"),
        ("language", "language", None),
        ("diarize", "diarize", False),
        ("chunkLevel", "chunk_level", "segment"),
        ("chunkLevel", "chunk_level", "word"),
        ("version", "version", "3"),
        ("batchSize", "batch_size", 10),
        ("numSpeakers", "num_speakers", 2),
    ],
)
def test_each_option_of_a_transcription(
    name: str, camel: str, snake: str, value: Any
) -> None:
    model = FalTranscription(name, strict=True)
    for spelled in (camel, snake):
        assert sent(model, URL, **{spelled: value})[snake] == value
    in_providers = {"audio": URL, "providerOptions": {"fal": {camel: value}}}
    assert sent(model, in_providers)[snake] == value


@pytest.mark.parametrize("name", LISTENS)
@pytest.mark.parametrize(
    ("snake", "default"),
    [
        ("diarize", True),
        ("chunk_level", "segment"),
        ("version", "3"),
        ("batch_size", 64),
        ("num_speakers", None),
    ],
)
def test_each_default_of_a_transcription(name: str, snake: str, default: Any) -> None:
    assert option(name, snake).default == default


@pytest.mark.parametrize("name", LISTENS)
def test_a_recording_is_sent_with_what_differs_from_fals_own_defaults(
    name: str,
) -> None:
    # fal tells speakers apart only when asked; the page says it is on by default.
    assert sent(FalTranscription(name), URL) == {"diarize": True, "audio_url": URL}
    off = FalTranscription(name, diarize=False)
    assert sent(off, URL) == {"diarize": False, "audio_url": URL}


@pytest.mark.parametrize("name", LISTENS)
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"chunkLevel": "sentence"}, "chunk_level='sentence' is not a choice"),
        ({"language": "english"}, "language='english' is not a choice"),
        ({"batchSize": 0}, "batch_size=0 is too small"),
        ({"batchSize": 1.5}, "not a whole number"),
        ({"numSpeakers": 0}, "num_speakers=0 is too small"),
        ({"diarize": "yes"}, "diarize='yes' is text, not true or false"),
        ({"version": 3.5}, "version=3.5"),
    ],
)
async def test_wrong_values_of_a_transcription_are_refused_before_any_request(
    name: str,
    options: dict[str, Any],
    told: str,
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    model = fal.transcription(name, **options)
    with pytest.raises(FalOptionError, match=told):
        model.invoke(URL)
    with pytest.raises(FalOptionError, match=told):
        await model.ainvoke(URL)
    with pytest.raises(FalOptionError, match=told):
        model.submit(URL)
    assert fal_sandbox.requests == []


def test_only_whisper_gives_the_whole_as_one_chunk() -> None:
    assert sent(FalTranscription("whisper"), URL, chunk_level="none")
    with pytest.raises(FalOptionError, match="allowed: segment, word"):
        FalTranscription("wizper").payload(URL, chunk_level="none")


def test_an_unknown_option_is_told_with_the_likely_one() -> None:
    warned = FalTranscription().payload(URL, diarise=True).warnings
    assert any("did you mean 'diarize'" in each for each in warned)
    with pytest.raises(FalOptionError, match="diarize"):
        FalTranscription(strict=True).payload(URL, diarise=True)


# --- Speech ---


@pytest.mark.parametrize("name", MINIMAX)
@pytest.mark.parametrize(
    ("inner", "value"),
    [
        *(("voice_id", "Wise_Woman"), ("speed", 0.5), ("speed", 2.0), ("vol", 0)),
        *(("vol", 10), ("pitch", -12), ("pitch", 12), ("english_normalization", True)),
        *(("emotion", each) for each in EMOTIONS),
    ],
)
def test_each_option_of_the_voice(name: str, inner: str, value: Any) -> None:
    first, *rest = inner.split("_")
    camel = first + "".join(each.title() for each in rest)
    model = FalSpeech(name, strict=True)
    for spelled in (inner, camel):
        for setting in ("voice_setting", "voiceSetting"):
            payload = sent(model, "Hello", **{setting: {spelled: value}})
            assert payload["voice_setting"] == {inner: value}
        beside = sent(model, "Hello", **{spelled: value})
        assert beside["voice_setting"] == {inner: value}


@pytest.mark.parametrize("name", MINIMAX)
@pytest.mark.parametrize("language", BOOSTS)
def test_each_language_boost(name: str, language: str) -> None:
    model = FalSpeech(name, strict=True)
    payload = sent(model, "Hello", languageBoost=language)
    assert payload["language_boost"] == language


@pytest.mark.parametrize("name", MINIMAX)
def test_the_other_options_of_speech(name: str) -> None:
    model = FalSpeech(name, strict=True)
    payload = sent(
        model,
        "Hello",
        audioSetting={"sampleRate": 44100, "bitrate": 64000, "format": "flac"},
        pronunciationDict={"toneList": ["Fuji/(fu1)(ji4)"]},
    )
    assert payload == {
        "output_format": "url",
        "text": "Hello",
        "audio_setting": {"sample_rate": "44100", "bitrate": "64000", "format": "flac"},
        "pronunciation_dict": {"tone_list": ["Fuji/(fu1)(ji4)"]},
    }


def test_a_dictionary_in_the_ai_sdks_form_is_sent_with_a_warning() -> None:
    resolved = FalSpeech().payload("Hello", pronunciation_dict={"Fuji": "foo-jee"})
    assert resolved.payload["pronunciation_dict"] == {"Fuji": "foo-jee"}
    assert "pronunciation_dict.Fuji" in resolved.warnings[0]


@pytest.mark.parametrize("name", MINIMAX)
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"speed": 2.1}, "speed=2.1 is too large; allowed: a number, 0.5 to 2"),
        ({"speed": 0.4}, "speed=0.4 is too small"),
        ({"vol": 11}, "vol=11 is too large; allowed: a number, 0 to 10"),
        ({"vol": -1}, "vol=-1 is too small"),
        ({"pitch": 13}, "pitch=13 is too large; allowed: a number, -12 to 12"),
        ({"pitch": -13}, "pitch=-13 is too small"),
        ({"emotion": "gleeful"}, "emotion='gleeful' is not a choice; allowed: happy"),
        ({"english_normalization": "no"}, "english_normalization='no' is text"),
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
async def test_wrong_values_of_speech_are_refused_before_any_request(
    name: str,
    options: dict[str, Any],
    told: str,
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    model, given = fal.speech(name), {"text": "Hello", **options}
    with pytest.raises(FalOptionError) as caught:
        model.invoke(given)
    assert told in str(caught.value)
    with pytest.raises(FalOptionError):
        await model.ainvoke(given)
    with pytest.raises(FalOptionError):
        await model.asubmit(given)
    assert fal_sandbox.requests == []


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
@pytest.mark.parametrize("name", [*MINIMAX, "fal-ai/dia-tts", "fal-ai/kokoro/french"])
def test_a_text_that_says_nothing_is_refused(name: str, text: str) -> None:
    with pytest.raises(FalOptionError, match="says nothing"):
        FalSpeech(name).payload({"text": text, "voice": "ff_siwis"})


def test_a_slip_in_a_word_for_the_voice_is_told() -> None:
    warned = FalSpeech().payload("Hi", emotoin="sad").warnings[0]
    assert "did you mean 'emotion'" in warned
    with pytest.raises(FalOptionError, match="voice_id, vol, voice"):
        FalSpeech(strict=True).payload("Hi", emotoin="sad")


def test_known_ids_need_no_prefix() -> None:
    assert FalSpeech("minimax/speech-02-hd").model == "fal-ai/minimax/speech-02-hd"
    assert FalSpeech("dia-tts").model == "fal-ai/dia-tts"
    assert FalSpeech("resemble-ai/x").model == "resemble-ai/x"


def test_an_unknown_kind_is_an_error(fal: FalProvider) -> None:
    kind: Any = "audio"
    with pytest.raises(FalConfigurationError, match="'image', 'speech', 'transcr"):
        fal.endpoints(kind=kind)


def test_image_words_are_refused_where_no_images_are_made() -> None:
    with pytest.raises(FalOptionError, match="takes no images"):
        FalSpeech().payload("Hi", images=[URL])
    with pytest.raises(FalOptionError, match="the number of results"):
        FalSpeech().payload("Hi", n=2)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(FalOptionError) as caught:
        FalSpeech().payload("Hi", speed=2.1, pitch=13, vol=11, emotion="odd")
    assert len(caught.value.faults) == 4


def test_the_words_for_a_voice_find_their_places() -> None:
    chatterbox = FalSpeech("resemble-ai/chatterboxhd/text-to-speech")
    assert sent(chatterbox, "Hi", voice="Aurora") == {"text": "Hi", "voice": "Aurora"}
    assert sent(FalSpeech(), "Hi", voice="Deep_Man")["voice_setting"] == {
        "voice_id": "Deep_Man"
    }
    kling = FalSpeech("fal-ai/kling-video/v1/tts")
    assert sent(kling, "Hi", speed=1.5)["voice_speed"] == 1.5
    assert sent(kling, "Hi", voice="AOT")["voice_id"] == "AOT"


def test_a_later_layer_changes_one_part_of_the_voice() -> None:
    model = FalSpeech(voice="Wise_Woman", voice_setting={"speed": 1.5, "vol": 2})
    payload = sent(model, {"text": "Hi", "speed": 0.8})
    expected = {"speed": 0.8, "vol": 2, "voice_id": "Wise_Woman"}
    assert payload["voice_setting"] == expected
    more = sent(model, {"text": "Hi", "voiceSetting": {"pitch": 1, "Speed": 1.1}})
    assert more["voice_setting"] == {
        "pitch": 1,
        "speed": 1.1,
        "vol": 2,
        "voice_id": "Wise_Woman",
    }
    given = {"text": "Hi", "voice": "A", **in_fal(voiceSetting={"speed": 1.1})}
    assert sent(FalSpeech(), given)["voice_setting"] == {"voice_id": "A", "speed": 1.1}
    format_ = FalSpeech(audio_setting={"format": "flac"})
    payload = sent(format_, "Hi", audioSetting={"sampleRate": 8000})
    assert payload["audio_setting"] == {"format": "flac", "sample_rate": "8000"}


def test_two_values_for_one_part_of_the_voice_contradict_each_other() -> None:
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


@pytest.mark.parametrize(
    ("name", "given", "payload"),
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
def test_the_inputs_of_cloned_and_designed_voices(
    name: str, given: dict[str, Any], payload: dict[str, Any]
) -> None:
    assert sent(FalSpeech(name, strict=True), given) == payload


def test_an_option_that_bears_the_name_of_a_field() -> None:
    clone = FalSpeech(
        "fal-ai/minimax/voice-clone", options={"model": "speech-02-turbo"}
    )
    payload = sent(clone, {"text": "Hi", "audio": URL})
    assert payload["model"] == "speech-02-turbo"
    with pytest.raises(FalOptionError, match="model='speech-99'"):
        clone.payload(
            {"audio": URL, "providerOptions": {"fal": {"model": "speech-99"}}}
        )


@pytest.mark.parametrize("name", [*LISTENS, *SPEAKS])
def test_every_listed_model_says_what_it_is_and_where_that_stands(name: str) -> None:
    entry = catalog.get_entry(name)
    schema = catalog.get_schema(name)
    assert entry is not None
    assert schema is not None
    assert schema.title != name
    assert schema.about
    assert entry["source"]
    assert schema.kind == ("transcription" if name in LISTENS else "speech")
    category = "speech-to-text" if name in LISTENS else "text-to-speech"
    assert schema.category == category


# --- Which factory ---


def test_an_endpoint_of_another_kind_is_refused_before_any_request(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    for make, name, use in (
        (fal.image, "fal-ai/whisper", "fal.transcription"),
        (fal.image, SPEAKS[0], "fal.speech"),
    ):
        with pytest.raises(FalConfigurationError, match=use):
            make(name)
    for model, use in (
        (fal.speech("fal-ai/qwen-image"), "fal.image"),
        (fal.speech("fal-ai/whisper"), "fal.transcription"),
        (fal.transcription(SPEAKS[0]), "fal.speech"),
        (fal.text_to_image(SPEAKS[0]), "fal.speech"),
    ):
        with pytest.raises(FalConfigurationError, match=use):
            model.invoke("Hello")
    assert fal_sandbox.requests == []


def test_endpoints_are_found_by_what_they_make(fal: FalProvider) -> None:
    images = fal.endpoints()
    audio = {each.endpoint_id for each in fal.endpoints(kind="speech")}
    texts = {each.endpoint_id for each in fal.endpoints(kind="transcription")}
    assert set(SPEAKS) <= audio
    assert set(LISTENS) <= texts
    assert not (audio | texts) & {each.endpoint_id for each in images}
    assert {
        each.endpoint_id for each in fal.endpoints("minimax hd", kind="speech")
    } >= {"fal-ai/minimax/speech-02-hd"}


# --- Properties ---


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)


WORDS = {
    "voice_id": st.text("abcXYZ_", min_size=1, max_size=9),
    "speed": st.floats(0.5, 2, width=32),
    "vol": st.integers(0, 10),
    "pitch": st.integers(-12, 12),
    "emotion": st.sampled_from(EMOTIONS),
    "english_normalization": st.booleans(),
}
SETTINGS = st.fixed_dictionaries({}, optional=WORDS)


@given(
    first=SETTINGS,
    second=SETTINGS,
    spell=st.sampled_from([camel, str]),
    setting=st.sampled_from(["voiceSetting", "voice_setting", None]),
)
def test_words_for_a_voice_in_two_layers_are_joined(
    first: dict[str, Any],
    second: dict[str, Any],
    spell: Callable[[str], str],
    setting: str | None,
) -> None:
    spelled = {spell(name): value for name, value in first.items()}
    options = {setting: spelled} if setting else spelled
    model = FalSpeech(strict=True, options=options)
    payload = sent(model, {"text": "Hi", **second})
    assert payload.get("voice_setting", {}) == {**first, **second}


@given(
    name=st.sampled_from(["speed", "vol", "pitch"]),
    value=st.one_of(st.floats(), st.integers(-100, 100), st.text(max_size=3)),
)
def test_a_number_of_the_voice_is_sent_or_refused(name: str, value: Any) -> None:
    low, high = {"speed": (0.5, 2), "vol": (0, 10), "pitch": (-12, 12)}[name]
    fits = isinstance(value, int | float) and low <= value <= high
    if fits:
        payload = FalSpeech().payload("Hi", **{name: value}).payload
        assert payload["voice_setting"][name] == value
    else:
        with pytest.raises(FalOptionError, match=rf"voice_setting\.{name}"):
            FalSpeech().payload("Hi", **{name: value})
