"""A test for each row on speech of docs/how-to/from-the-ai-sdk.md."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from service import Fal, Rows, rows_on_the_page

from langchain_fal_image import create_fal
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalDownloadError,
    FalError,
    FalOptionError,
    FalTimeoutError,
)
from langchain_fal_image.options import catalog

URL = "https://v3.fal.media/files/a.mp3"
HD = "fal-ai/minimax/speech-02-hd"
MP3 = b"ID3\x04" + b"\0" * 60


class Listener(Fal):
    """A fal whose endpoints make speech and transcriptions."""

    def __init__(self) -> None:
        super().__init__()
        self.output = {"audio": {"url": URL}, "duration_ms": 1500}

    def speak(self, model: str = HD, /, **options: Any) -> dict[str, Any]:
        """Generate speech and return the body of the submit."""
        self.provider().speech(model).invoke({"text": "t", **options})
        return self.body()

    def transcribe(
        self, model: str = "whisper", given: Any = URL, **options: Any
    ) -> Any:
        self.output = {"text": "x", "chunks": []}
        self.provider().transcription(model, **options).invoke(given)
        return self.body()

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.requests[0].content)
        self.requests.clear()
        return body

    def result(self, output: Any, model: str = "whisper") -> Any:
        self.output = output
        return self.provider().transcription(model).invoke(URL)


row = Rows()


def test_every_row_of_the_page_has_a_test() -> None:
    assert rows_on_the_page()[1] == list(row)


@pytest.mark.parametrize("name", rows_on_the_page()[1])
def test_row(name: str) -> None:
    row[name](Listener())


# --- Transcription ---


@row
def transcription_id(service: Listener) -> None:
    for name in ("whisper", "fal-ai/whisper"):
        service.provider().transcription(name).submit(URL)
        assert service.requests.pop().url.path == "/fal-ai/whisper"


@row
def transcription_input(service: Listener) -> None:
    assert service.transcribe(given=URL)["audio_url"] == URL
    assert service.transcribe(given=MP3)["audio_url"].startswith(
        "data:audio/mpeg;base64,"
    )
    large = MP3 + bytes(2 * 1024 * 1024)
    with pytest.raises(FalError, match="uploaded"):
        # The upload goes through our own guarded client, which finds no such host.
        service.provider().transcription().invoke(large)
    assert "storage/upload/initiate" in str(service.requests[0].url)


@row
def transcription_options(service: Listener) -> None:
    body = service.transcribe(task="translate", prompt="names: Ada")
    assert (body["task"], body["prompt"]) == ("translate", "names: Ada")
    body = service.transcribe("wizper", maxSegmentLen=10, mergeChunks=False)
    assert (body["max_segment_len"], body["merge_chunks"]) == (10, False)


@row
def transcription_spelling(service: Listener) -> None:
    assert service.transcribe(batchSize=10) == service.transcribe(batch_size=10)


@row
def transcription_defaults(service: Listener) -> None:
    assert service.transcribe() == {"diarize": True, "audio_url": URL}
    body = service.transcribe(batchSize=10)
    assert body == {"diarize": True, "batch_size": 10, "audio_url": URL}
    schema = catalog.get_schema("fal-ai/whisper")
    assert schema is not None
    level = schema.fields.get("chunk_level")
    assert level is not None
    assert level.default == "segment"


@row
def transcription_language(service: Listener) -> None:
    assert "language" not in service.transcribe(batchSize=10)
    assert service.transcribe(language="de")["language"] == "de"
    assert service.transcribe("wizper", language=None)["language"] is None


@row
def transcription_patience(service: Listener) -> None:
    assert service.provider().context.timeouts.total == 600

    def never(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"request_id": "r"})
        return httpx.Response(202, json={"status": "IN_QUEUE", "request_id": "r"})

    client = httpx.Client(transport=httpx.MockTransport(never))
    request = create_fal("k", http_client=client).transcription().submit(URL)
    with pytest.raises(FalTimeoutError) as caught:
        request.result(timeout=0.05)
    assert caught.value.request.request_id == "r"


@row
def transcription_segments(service: Listener) -> None:
    chunk = {"text": " Hi", "timestamp": [None, 2.0], "speaker": "SPEAKER_00"}
    [segment] = service.result({"text": "Hi", "chunks": [chunk]}).segments
    assert (segment.text, segment.start, segment.end) == (" Hi", None, 2.0)
    assert segment.speaker == "SPEAKER_00"


@row
def transcription_language_detected(service: Listener) -> None:
    assert service.result({"text": "x", "inferred_languages": ["en"]}).language == "en"
    assert service.result({"text": "x", "languages": ["de"]}, "wizper").language == "de"


@row
def transcription_duration(service: Listener) -> None:
    chunks = [{"text": "a", "timestamp": [0, 2]}, {"text": "b", "timestamp": [2, 3.5]}]
    assert service.result({"text": "ab", "chunks": chunks}).duration == 3.5


# --- Speech ---


@row
def speech_id(service: Listener) -> None:
    service.provider().speech("fal-ai/dia-tts").invoke("t")
    assert service.requests[0].url.host == "queue.fal.run"
    assert service.requests[0].url.path == "/fal-ai/dia-tts"


@row
def speech_text(service: Listener) -> None:
    assert service.speak("fal-ai/dia-tts") == {"text": "t"}
    body = service.speak("fal-ai/minimax/voice-design", prompt="deep")
    assert body == {"prompt": "deep", "preview_text": "t"}
    assert service.speak("fal-ai/zonos", referenceAudioUrl=URL)["prompt"] == "t"


@row
def speech_voice_and_speed(service: Listener) -> None:
    body = service.speak(voice="Wise_Woman", speed=1.2)
    assert body["voice_setting"] == {"voice_id": "Wise_Woman", "speed": 1.2}
    assert not {"voice", "speed"} & body.keys()


@row
def speech_voice_setting(service: Listener) -> None:
    one = service.speak(voice_setting={"voice_id": "a", "pitch": 1})
    assert one == service.speak(voiceSetting={"voiceId": "a", "pitch": 1})
    assert one == service.speak(voice="a", pitch=1)
    typo = {"voice_setting": {"piitch": 1}}
    speech = service.provider().speech(HD, providerOptions={"fal": typo})
    assert any("did you mean 'pitch'" in each for each in speech.payload("t").warnings)
    with pytest.raises(FalOptionError, match="did you mean 'pitch'"):
        service.speak(**typo)


@row
def speech_ranges(service: Listener) -> None:
    for wrong in ({"speed": 2.1}, {"vol": 11}, {"pitch": 13}, {"emotion": "bored"}):
        with pytest.raises(FalOptionError):
            service.speak(voice_setting=wrong)
    assert service.requests == []


@row
def speech_language_boost(service: Listener) -> None:
    for language in ("auto", "Chinese,Yue", "Hindi", "Swedish"):
        body = service.speak(languageBoost=language)
        assert body["language_boost"] == language


@row
def speech_pronunciation(service: Listener) -> None:
    body = service.speak(pronunciationDict={"toneList": ["a/(b)"]})
    assert body["pronunciation_dict"] == {"tone_list": ["a/(b)"]}
    options = {"fal": {"pronunciation_dict": {"omg": "oh my god"}}}
    speech = service.provider().speech(HD)
    resolved = speech.payload("t", providerOptions=options)
    assert resolved.payload["pronunciation_dict"] == {"omg": "oh my god"}
    assert resolved.warnings


@row
def speech_output_format(service: Listener) -> None:
    assert service.speak()["output_format"] == "url"
    assert service.speak(outputFormat="hex")["output_format"] == "hex"
    service.output = {"audio": {"url": (MP3 * 2).hex()}}
    result = service.provider().speech(HD, outputFormat="hex").invoke("t")
    assert result.url is None
    assert result.read() == MP3 * 2


@row
def speech_other_formats(service: Listener) -> None:
    with pytest.raises(FalOptionError, match="allowed: url, hex"):
        service.speak(outputFormat="mp3")


@row
def speech_language(service: Listener) -> None:
    with pytest.raises(FalOptionError, match="did you mean 'language_boost'"):
        service.speak(language="en")
    with pytest.raises(FalConfigurationError, match="did you mean 'language_boost'"):
        service.provider().speech(HD, language="en")


@row
def speech_download(service: Listener) -> None:
    service.output = {"audio": {"url": "http://127.0.0.1:1/a.mp3"}}
    result = service.provider().speech(HD).invoke("t")
    submits = len(service.requests)
    with pytest.raises(FalDownloadError):
        result.read()
    assert len(service.requests) == submits


@row
def speech_duration(service: Listener) -> None:
    assert service.provider().speech(HD).invoke("t").duration == 1.5


# --- Both ---


@row
def audio_call_options(service: Listener) -> None:
    own = {"X-Fal-Store-IO": "0"}
    speech = service.provider().speech(HD, headers=own)
    speech.invoke({"text": "t", "maxRetries": 0})
    assert all(each.headers["x-fal-store-io"] == "0" for each in service.requests)
    body = service.body()
    assert not {"headers", "max_retries"} & body.keys()
    with pytest.raises(FalOptionError, match="cancel_open"):
        service.speak(abortSignal=object())
    with pytest.raises(FalOptionError, match="callbacks"):
        service.transcribe(telemetry={"isEnabled": True})
    assert service.transcribe(maxRetries=1, headers=own) == service.transcribe()


@row
def audio_unused_options(service: Listener) -> None:
    with pytest.raises(FalOptionError, match="instructions is not a known option"):
        service.speak(instructions="slow")
    options = {"fal": {"timestampGranularities": ["word"]}}
    words = service.provider().transcription(providerOptions=options)
    assert "sent as 'timestamp_granularities'" in words.payload(URL).warnings[0]


@row
def audio_response(service: Listener) -> None:
    service.headers = {"x-own": "1"}
    speech = service.provider().speech(HD).invoke("t")
    text = service.result({"text": "x", "chunks": []})
    for result, model in ((speech, HD), (text, "fal-ai/whisper")):
        assert result.response.model_id == model
        assert result.response.headers["x-own"] == "1"
        assert result.response.timestamp
        assert result.response.timestamp.tzinfo
        assert result.raw
