"""Each audio model on the sandbox: sync and async, runnable and tool."""

from __future__ import annotations

from typing import Any

import pytest
from audio_files import wav
from example_payloads import make_payload

from langchain_fal_image import (
    FalProvider,
    FalSpeechTool,
    FalTranscriptionTool,
    SpeechResult,
    TranscriptionResult,
)
from langchain_fal_image._formats.audio import sniff_audio
from langchain_fal_image.options import catalog
from langchain_fal_image.sandbox import Sandbox

TEXT = "A red kite flies over a small harbour."
SPEECH_MODELS: dict[str, dict[str, Any]] = {
    "fal-ai/minimax/voice-clone": {"audio": wav(10)},
    "fal-ai/minimax/voice-design": {"prompt": "a deep, calm voice"},
    "fal-ai/dia-tts/voice-clone": {"ref_audio_url": wav(3), "ref_text": "Hi"},
    "fal-ai/minimax/speech-02-hd": {"voice": "Wise_Woman", "speed": 1.2},
    "fal-ai/minimax/speech-02-turbo": {"language_boost": "auto"},
    "fal-ai/dia-tts": {},
    "resemble-ai/chatterboxhd/text-to-speech": {"voice": "Aurora"},
}
TRANSCRIPTION_MODELS = ("whisper", "wizper", "fal-ai/whisper", "fal-ai/wizper")


def check_speech(result: SpeechResult, content: bytes, sandbox: Sandbox) -> None:
    assert result.text == TEXT
    assert result.url == result.audio.url
    assert str(result.url).startswith(sandbox.url)
    assert result.mime_type == "audio/wav"
    found = sniff_audio(content)
    assert found is not None
    assert found.duration == pytest.approx(result.duration)
    assert sandbox.submits == 1
    assert sandbox.leaks == []


def check_transcription(result: TranscriptionResult, sandbox: Sandbox) -> None:
    assert result.text.startswith("The sandbox cannot hear this.")
    assert " ".join(each.text.strip() for each in result.segments) == result.text
    assert result.language == "en"
    assert 2 < (result.duration or 0) <= 4
    starts = [each.start for each in result.segments]
    assert starts == sorted(starts, key=lambda start: start or 0)
    assert sandbox.submits == 1
    assert sandbox.leaks == []


@pytest.mark.parametrize("name", SPEECH_MODELS)
def test_speech(name: str, fal: FalProvider, fal_sandbox: Sandbox) -> None:
    result = fal.speech(name).invoke({"text": TEXT, **SPEECH_MODELS[name]})
    check_speech(result, result.read(), fal_sandbox)


@pytest.mark.parametrize("name", SPEECH_MODELS)
async def test_speech_async(name: str, fal: FalProvider, fal_sandbox: Sandbox) -> None:
    result = await fal.speech(name).ainvoke({"text": TEXT, **SPEECH_MODELS[name]})
    check_speech(result, await result.aread(), fal_sandbox)


@pytest.mark.parametrize("name", SPEECH_MODELS)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_the_speech_tool(
    name: str, way: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    model = fal.speech(name, **SPEECH_MODELS[name])
    tool = FalSpeechTool(model=model)
    assert next(iter(tool.args)) == "text"
    arguments = {"name": tool.name, "args": {"text": TEXT}, "id": "1"}
    call: Any = {**arguments, "type": "tool_call"}
    message = tool.invoke(call) if way == "sync" else await tool.ainvoke(call)
    assert message.status == "success"
    assert message.content.startswith(f"Made audio with {name}.\naudio_1: ")
    assert len(message.content) < 1000
    result = SpeechResult.from_artifact(message.artifact, fal=fal)
    assert result.audio.handle == "audio_1"
    check_speech(result, await result.aread(), fal_sandbox)


@pytest.mark.parametrize("name", TRANSCRIPTION_MODELS)
def test_transcription(name: str, fal: FalProvider, fal_sandbox: Sandbox) -> None:
    check_transcription(fal.transcription(name).invoke(wav(4)), fal_sandbox)


@pytest.mark.parametrize("name", TRANSCRIPTION_MODELS)
async def test_transcription_async(
    name: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    check_transcription(await fal.transcription(name).ainvoke(wav(4)), fal_sandbox)


@pytest.mark.parametrize("name", TRANSCRIPTION_MODELS)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_the_transcription_tool(
    name: str, way: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    tool = FalTranscriptionTool(model=name, fal=fal)
    audio = "https://v3.fal.media/files/meeting.mp3"
    arguments = {"name": tool.name, "args": {"audio": audio}, "id": "1"}
    call: Any = {**arguments, "type": "tool_call"}
    message = tool.invoke(call) if way == "sync" else await tool.ainvoke(call)
    assert message.status == "success"
    assert "Transcript:\nThe sandbox cannot hear this." in message.content
    check_transcription(
        TranscriptionResult.from_artifact(message.artifact), fal_sandbox
    )


@pytest.mark.parametrize("name", catalog.list_endpoint_ids("speech"))
def test_every_speech_endpoint(name: str, fal: FalProvider) -> None:
    contract, schema = catalog.get_contract(name), catalog.get_schema(name)
    assert contract is not None
    assert schema is not None
    given = make_payload(contract)
    if schema.text_field:
        given[schema.text_field.name] = TEXT
    result = fal.speech(name).invoke(given)
    assert result.audios
    assert sniff_audio(result.read()) is not None


@pytest.mark.parametrize("name", catalog.list_endpoint_ids("transcription"))
def test_every_transcription_endpoint(name: str, fal: FalProvider) -> None:
    contract = catalog.get_contract(name)
    assert contract is not None
    speech = fal.speech(voice="x").invoke(TEXT)
    result = fal.transcription(name).invoke(speech)
    assert result.text == TEXT
    if {"chunks", "words"} & contract.output["properties"].keys():
        assert result.segments
        assert result.segments[-1].end == pytest.approx(result.duration)
        assert result.language == "en"
    else:
        assert result.segments == ()
