"""Audio input of transcriptions and voices: every form, and what raises."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from audio_files import MP3, wav
from langchain_core.documents.base import Blob
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tracers.schemas import Run

from langchain_fal_image import FalProvider, FalTranscription, create_fal
from langchain_fal_image.errors import FalInputAudioError, FalInputError, FalOptionError
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.wire.config import Limits

URL = "https://v3.fal.media/files/a.mp3"

B64 = base64.b64encode(MP3).decode()

DATA = f"data:audio/mpeg;base64,{B64}"


def sent_audio(sandbox: Sandbox) -> list[Any]:
    return [each["audio_url"] for each in sandbox.accepted.values()]


BLOCKS: dict[str, Any] = {
    "langchain by URL": {"type": "audio", "url": URL, "mime_type": "audio/mpeg"},
    "langchain": {"type": "audio", "base64": B64, "mime_type": "audio/mpeg"},
    "langchain 0": {
        "type": "audio",
        "source_type": "base64",
        "data": B64,
        "mime_type": "audio/mpeg",
    },
    "openai": {"type": "input_audio", "input_audio": {"data": B64, "format": "mp3"}},
    "gemini": {"type": "media", "mime_type": "audio/mpeg", "data": B64},
    "file": {"type": "file", "mime_type": "audio/mpeg", "base64": B64},
}

RECORDINGS: dict[str, Any] = {
    "a URL": URL,
    "a data URI": DATA,
    "bytes": MP3,
    "a bytearray": bytearray(MP3),
    "a memoryview": memoryview(MP3),
    "options with a URL": {"audio": URL},
    "options with bytes": {"audio": MP3},
    "fal's name": {"audio_url": MP3},
    "fal's name in camelCase": {"audioUrl": URL},
    "providerOptions": {"providerOptions": {"fal": {"audioUrl": URL}}},
    "a blob": Blob.from_data(MP3),
    "options with a blob": {"audio": Blob.from_data(MP3)},
    **{f"block: {name}": block for name, block in BLOCKS.items()},
    **{f"message: {name}": HumanMessage([block]) for name, block in BLOCKS.items()},
    "messages": [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": "What?"}, BLOCKS["openai"]]),
        AIMessage("ok"),
    ],
    "a prompt": ChatPromptTemplate([HumanMessage([BLOCKS["langchain"]])]).invoke({}),
}


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_every_form_of_audio_input_is_sent(
    name: str, way: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    model, given = fal.transcription(), RECORDINGS[name]
    result = model.invoke(given) if way == "sync" else await model.ainvoke(given)
    assert result.segments
    assert sent_audio(fal_sandbox) in ([URL], [DATA])
    [reference] = result.inputs
    assert (reference.url == URL) != (reference.sha256 is not None)
    assert "base64" not in repr(result)
    assert B64[:50] not in str(result.to_artifact())


def test_a_file_in_an_allowed_directory_is_read(
    tmp_path: Path, fal_sandbox: Sandbox
) -> None:
    file = tmp_path / "meeting.mp3"
    file.write_bytes(MP3)
    fal = fal_sandbox.provider(allowed_dirs=[tmp_path])
    for given in (file, str(file), {"audio": file}, Blob.from_path(file)):
        assert fal.transcription().invoke(given).segments
    assert sent_audio(fal_sandbox) == [DATA] * 4


@pytest.mark.parametrize("given", ["/etc/passwd", Path("/etc/passwd"), "x.mp3"])
def test_a_file_outside_the_allowed_directories_raises(
    given: Any, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    for each in (given, {"audio": given}, Blob.from_path(str(given))):
        with pytest.raises(FalInputAudioError, match="allowed_dirs"):
            fal.transcription().invoke(each)
    assert fal_sandbox.requests == []


NOT_TAKEN: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "0 bytes are not in a known recording"),
    "a page": (b"<html>not here</html>", "not in a known recording format"),
    "an image": (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "not in a known recording format"),
    "a broken data URI": ("data:audio/mpeg;base64,!", "known recording"),
    "this machine": ("http://127.0.0.1/a.mp3", "not a public address"),
    "a cloud's metadata": ("http://169.254.169.254/latest", "not a public address"),
    "a file's URL": ("file:///etc/passwd", "refused"),
    "a file id": ({"type": "audio", "file_id": "f1"}, "no recording by URL or base64"),
    "a message without": (HumanMessage("no audio here"), "have no recording"),
    "a message with two": (
        HumanMessage([BLOCKS["openai"], BLOCKS["gemini"]]),
        "2 recordings",
    ),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
async def test_invalid_audio_raises_before_any_request(
    name: str, fal_sandbox: Sandbox
) -> None:
    given, match = NOT_TAKEN[name]
    fal = create_fal("k", base_url="https://queue.example")
    with pytest.raises(FalInputAudioError, match=match) as caught:
        fal.transcription().invoke(given)
    with pytest.raises(FalInputAudioError, match=match):
        await fal.transcription().ainvoke(given)
    assert caught.value.charged == "no"
    assert caught.value.next_step
    assert fal_sandbox.requests == []


@pytest.mark.parametrize("given", [7, None, True, [], ["a"]])
def test_input_of_another_type_raises(given: Any, fal: FalProvider) -> None:
    with pytest.raises(FalOptionError, match="a recording, messages with one"):
        fal.transcription().invoke(given)


def test_base64_is_decoded_and_never_repeated_in_an_error(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    assert fal.transcription().invoke(B64).segments
    assert sent_audio(fal_sandbox) == [DATA]
    nothing = base64.b64encode(bytes(range(256)) * 40).decode()
    with pytest.raises(FalInputAudioError) as caught:
        fal.transcription().invoke(nothing)
    assert len(str(caught.value)) < 400
    assert nothing[:100] not in str(caught.value)


def test_a_directory_raises(tmp_path: Path, fal_sandbox: Sandbox) -> None:
    fal = fal_sandbox.provider(allowed_dirs=[tmp_path])
    with pytest.raises(FalInputAudioError, match="it is a directory"):
        fal.transcription().invoke(tmp_path)


def test_results_can_be_options_of_the_constructor(fal: FalProvider) -> None:
    speech = fal.speech().invoke("My voice.")
    clone = fal.speech("fal-ai/minimax/voice-clone", audio=speech)
    assert clone.invoke("Hi").voice_id
    assert fal.transcription(audio=speech).invoke({}).text == "My voice."
    message = HumanMessage([BLOCKS["openai"]])
    assert fal.transcription().invoke({"audio": message}).segments
    design = fal.speech("fal-ai/minimax/voice-design", prompt="deep")
    assert design.invoke({"preview_text": AIMessage("Hello")}).text == "Hello"


def test_a_private_url_raises_in_any_option(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    private = "http://169.254.169.254/latest"
    cases: list[tuple[Any, Any]] = [
        (fal.speech("fal-ai/elevenlabs/audio-isolation"), {"video_url": private}),
        (fal.transcription("acme/stt"), {"audio": private}),
        (fal.transcription("acme/stt"), private),
        (fal.speech("acme/tts"), {"text": "x", "voice_audio_url": private}),
    ]
    for model, given in cases:
        with pytest.raises(FalInputError, match="not a public address"):
            model.invoke(given)
    assert fal_sandbox.submits == 0


def test_an_unknown_endpoint_takes_audio() -> None:
    unknown = FalTranscription("acme/stt")
    for given in (MP3, {"audio": MP3}, {"audio_url": MP3}):
        assert unknown.payload(given).payload == {"audio_url": MP3}
        assert unknown.payload(given).files == (("audio_url",),)


def test_an_image_is_not_audio(fal: FalProvider) -> None:
    image = fal.text_to_image(size="64x64").invoke("a hill")
    with pytest.raises(FalInputAudioError, match="is not a recording"):
        fal.transcription().invoke(image)
    with pytest.raises(FalInputAudioError, match="is not a recording"):
        fal.transcription().invoke({"audio": image.images[0]})


def test_large_audio_is_uploaded_once(fal_sandbox: Sandbox) -> None:
    fal = fal_sandbox.provider(limits=Limits(inline_bytes=1000))
    result = fal.transcription().invoke(wav(2))
    [url] = sent_audio(fal_sandbox)
    assert url.startswith(fal_sandbox.url)
    assert url.endswith(".wav")
    assert result.inputs[0].url == url
    assert result.duration == pytest.approx(2, abs=0.3)
    again = fal.transcription().invoke(url)
    assert again.text == result.text


def test_speech_without_a_url_is_transcribed(fal: FalProvider) -> None:
    speech = fal.speech(output_format="hex").invoke("Bytes, not a URL.")
    assert speech.url is None
    assert speech.audio.sha256
    assert fal.transcription().invoke(speech).text == "Bytes, not a URL."


def test_voice_cloning_takes_bytes(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    clone = fal.speech("fal-ai/minimax/voice-clone", audio=wav(10))
    result = clone.invoke("Hello")
    assert result.voice_id
    [payload] = fal_sandbox.accepted.values()
    assert payload["audio_url"].startswith("data:audio/wav;base64,")
    assert result.options["audio_url"].startswith("sha256:")


def test_a_trace_of_audio_input_has_no_bytes(fal: FalProvider) -> None:
    runs: list[Run] = []

    def keep(run: Run) -> None:
        runs.append(run)

    model = fal.transcription().with_listeners(on_end=keep)
    model.invoke(MP3)
    model.invoke(HumanMessage([BLOCKS["openai"]]))
    model.invoke({"audio": DATA})
    model.invoke(B64)
    model.invoke({"audio": B64})
    model.invoke({"audio": BLOCKS["langchain"]})
    for block in BLOCKS.values():
        model.invoke(block)
    for run in runs:
        assert B64[:60] not in str(run.inputs)
        assert B64[:60] not in str(run.outputs)


def test_a_file_object_is_not_audio(fal: FalProvider) -> None:
    with pytest.raises(FalInputAudioError, match="Pass an https URL"):
        fal.transcription().invoke(io.BytesIO(MP3))
