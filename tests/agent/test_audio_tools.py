"""An agent that listens, draws and speaks: handles, answers, failures."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from script import (
    SCENE,
    Ways,
    agent_of,
    audio_blocks,
    draw,
    make_speech,
    said,
    speak,
    thread,
    tool_messages,
    transcribe,
)

from langchain_fal_image import (
    Budget,
    FalProvider,
    FalSpeechTool,
    FalTranscriptionTool,
    ImageLibrary,
    ImageResult,
    SpeechResult,
    TranscriptionResult,
)
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.sandbox import Sandbox

TEXT = {"type": "text", "text": "Draw what I say here."}


@pytest.fixture
def speech(fal: FalProvider) -> tuple[str, bytes]:
    return make_speech(fal)


# --- The main job, with a voice ---


@pytest.mark.parametrize("form", audio_blocks("", b""))
@Ways
async def test_from_speech_to_an_image_to_speech(
    form: str,
    way: str,
    fal_sandbox: Sandbox,
    speech: tuple[str, bytes],
    tmp_path: Path,
) -> None:
    fal = fal_sandbox.provider()
    before = fal_sandbox.submits
    agent = agent_of(
        fal,
        [transcribe("audio_1")],
        lambda messages: [draw(messages[-1].text.rpartition("\n")[2])],
        lambda messages: [speak(messages[-2].tool_calls[0]["args"]["prompt"])],
        "There you are.",
    )
    given = said(TEXT, audio_blocks(*speech)[form])
    state = (
        await asyncio.to_thread(agent.invoke, given, thread("one"))
        if way == "sync"
        else await agent.ainvoke(given, thread("one"))
    )
    transcribed, drawn, spoken = tool_messages(state)
    assert transcribed.text.endswith(f"Transcript:\n{SCENE}")
    assert "img_1: " in drawn.text
    assert "audio_2: " in spoken.text
    assert fal_sandbox.submits == before + 3
    image = ImageResult.from_artifact(drawn.artifact, fal=fal)
    assert image.prompt == SCENE
    assert image.images[0].save(tmp_path / "kite").exists()
    audio = SpeechResult.from_artifact(spoken.artifact, fal=fal)
    assert audio.text == SCENE
    assert audio.save(tmp_path / "kite").suffix == ".wav"
    for message in (transcribed, drawn, spoken):
        assert isinstance(message.content, str)
        assert len(message.content) < 1000
        assert len(json.dumps(message.artifact)) <= 1024
        assert "base64" not in str(message)
    assert transcribed.artifact["inputs"][0]["handle"] == "audio_1"


# --- What a chat model reads ---


def test_a_transcription_names_its_speakers(fal: FalProvider) -> None:
    library = ImageLibrary()
    dia = fal.speech("fal-ai/dia-tts")
    library.add(dia.invoke("[S1] Hello. How are you? [S2] Fine. [S1] Good."))
    text = FalTranscriptionTool(fal=fal, library=library).invoke({"audio": "audio_1"})
    assert text.partition("Transcript:\n")[2].splitlines() == [
        "SPEAKER_00: Hello. How are you?",
        "SPEAKER_01: Fine.",
        "SPEAKER_00: Good.",
    ]


def test_a_long_transcription_is_cut_and_says_so(fal: FalProvider) -> None:
    library = ImageLibrary()
    library.add(fal.speech().invoke("word " * 300))
    tool = FalTranscriptionTool(fal=fal, library=library, max_characters=100)
    call: Any = {"args": {"audio": "audio_1"}, "name": "x", "id": "1"}
    message = tool.invoke({**call, "type": "tool_call"})
    assert "The first 100 characters; 1399 more are omitted." in message.text
    assert len(message.text) < 300
    whole = TranscriptionResult.from_artifact(message.artifact)
    assert len(whole.text) == 1499


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"text": ""}, "text='': it is empty"),
        ({}, "text: Field required"),
        ({"text": "x", "speed": 2.1}, "speed=2.1: Input should be less than or equal"),
        ({"text": "x", "emotion": "glad"}, "emotion='glad': Input should be 'happy'"),
        (
            {"text": "x", "pitch": 1},
            "unknown argument 'pitch'; use text, speed",
        ),
    ],
)
def test_wrong_arguments_of_speech(
    arguments: dict[str, Any], words: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    text = FalSpeechTool(fal=fal).invoke(arguments)
    assert text.startswith("No audio was made: wrong arguments.\n")
    assert words in text
    assert "Nothing was charged." in text
    assert fal_sandbox.requests == []


def test_a_developer_exposes_and_binds_options(fal: FalProvider) -> None:
    tool = FalSpeechTool(fal=fal, expose=("pitch", "vol", "language_boost", "voice"))
    assert {"text", "speed", "emotion", "pitch", "vol", "voice"} <= set(tool.args)
    text = tool.invoke({"text": "Hi", "pitch": 3, "voice": "Deep_Man"})
    assert "audio_1" in text
    refused = tool.invoke({"text": "Hi", "pitch": 13})
    assert "pitch=13: Input should be less than or equal to 12" in refused
    with pytest.raises(FalConfigurationError, match="no such option"):
        FalSpeechTool(fal=fal, expose=("loudness",))
    camel = FalSpeechTool(fal=fal, expose=("englishNormalization", "voice"))
    assert {"english_normalization", "voice"} <= set(camel.args)
    for settings in (
        {"voice": "Aurora", "speed": 1.1, "emotion": "sad"},
        {"voice_setting": {"voiceId": "Aurora", "speed": 1.1, "emotion": "sad"}},
        {"voiceSetting": {"voice_id": "Aurora", "speed": 1.1, "emotion": "sad"}},
    ):
        bound = FalSpeechTool(model=fal.speech(options=settings))
        assert list(bound.args) == ["text"]
    with pytest.raises(FalConfigurationError, match="output_format='hex'"):
        FalSpeechTool(model=fal.speech(output_format="hex"))
    with pytest.raises(FalConfigurationError, match=r"fal\.speech\('fal-ai/csm-1b'"):
        FalSpeechTool(model="fal-ai/csm-1b")


def test_an_endpoint_of_another_kind_is_refused_when_the_tool_is_made() -> None:
    with pytest.raises(FalConfigurationError, match=r"fal\.transcription"):
        FalSpeechTool(model="fal-ai/whisper")
    with pytest.raises(FalConfigurationError, match=r"fal\.image"):
        FalTranscriptionTool(model="fal-ai/qwen-image")


def test_the_descriptions_say_who_serves_and_what_it_costs() -> None:
    price = (0.1, "1000 characters")
    with Sandbox(prices={"fal-ai/minimax/speech-02-hd": price}) as sandbox:
        fal = sandbox.provider()
        fal.price("fal-ai/minimax/speech-02-hd")
        speech = FalSpeechTool(fal=fal).description
    assert "Served by MiniMax Speech-02 HD (fal-ai/minimax/speech-02-hd)." in speech
    assert "Costs 0.1 USD per 1000 characters." in speech
    assert "image" not in speech
    listens = FalTranscriptionTool().description
    assert "Served by Whisper (fal-ai/whisper)." in listens
    assert "audio_1" in listens


# --- Failures ---


def test_a_chat_model_reads_why_audio_is_refused(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    detail = [
        {
            "loc": ["body", "audio_url"],
            "msg": "Unsupported audio format",
            "type": "unsupported_audio_format",
        }
    ]
    fal_sandbox.faults.respond("result", 422, {"detail": detail})
    text = FalTranscriptionTool(fal=fal).invoke({"audio": "https://x.example/a.mp3"})
    assert text.startswith("Nothing was transcribed. ")
    assert "Unsupported audio format" in text
    assert fal_sandbox.submits == 1


def test_a_budget_counts_spoken_characters() -> None:
    prices = {"fal-ai/minimax/speech-02-hd": (0.1, "1000 characters")}
    with Sandbox(prices=prices) as sandbox:
        fal = sandbox.provider()
        budget = Budget(max_cost=0.1, max_images=0)
        tool = FalSpeechTool(fal=fal, budget=budget)
        assert "audio_1" in tool.invoke({"text": "x" * 600})
        refused = tool.invoke({"text": "x" * 600})
        assert refused.startswith("No audio was made. The budget allows")
        assert sandbox.submits == 1
        assert budget.images == 0
        assert "audio_1" in budget.summary()


def test_an_unknown_price_is_never_nothing() -> None:
    with Sandbox() as sandbox:
        fal = sandbox.provider()
        strict = FalTranscriptionTool(fal=fal, budget=Budget(max_cost=1))
        url = "https://x.example/a.mp3"
        refused = strict.invoke({"audio": url})
        assert "not known beforehand" in refused
        assert "assumed_price" not in refused
        assumed = Budget(max_cost=1, assumed_price=0.6)
        tool = FalTranscriptionTool(fal=fal, budget=assumed)
        assert "Transcript" in tool.invoke({"audio": url})
        assert "would exceed it" in tool.invoke({"audio": url})
        assert sandbox.submits == 1
