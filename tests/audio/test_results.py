"""What comes back: read leniently, without bytes, and restored from checkpoints."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from recordings import wav

from langchain_fal_image import (
    FalProvider,
    FalRequest,
    SpeechResult,
    TranscriptionResult,
    create_fal,
)
from langchain_fal_image.errors import FalDownloadError, FalResponseError
from langchain_fal_image.results._output import wrap_audio_bytes
from langchain_fal_image.results._parse import parse_output
from langchain_fal_image.results.transcription import Segment
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.wire.queue import QueuedRequest

URL = "https://v3.fal.media/files/a.mp3"
CHUNKS = [
    {"timestamp": [0.0, 2.5], "text": " Hello there.", "speaker": "SPEAKER_00"},
    {"timestamp": [2.5, None], "text": " And you?", "speaker": "SPEAKER_01"},
]


def speech(output: Any) -> SpeechResult:
    return SpeechResult.from_output(output, model="fal-ai/x", request_id="r")


def text(output: Any) -> TranscriptionResult:
    return TranscriptionResult.from_output(output, model="fal-ai/y", request_id="r")


# --- Speech ---


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
def test_each_form_of_an_answer(output: Any, duration: float | None) -> None:
    result = speech(output)
    assert result.url == URL
    assert result.duration == duration
    assert len(result.audios) == 1


def test_several_are_all_kept() -> None:
    result = speech({"audio": [{"url": URL}, {"url": URL + "2"}], "seed": 7})
    assert [each.url for each in result.audios] == [URL, URL + "2"]
    assert [each.index for each in result.audios] == [0, 1]
    assert result.seed == 7


@pytest.mark.parametrize("output", [{}, None, [], "x", {"audio": {}}, {"audio": []}])
def test_an_answer_without_audio_says_so(output: Any) -> None:
    with pytest.raises(FalResponseError, match="has no audio") as caught:
        speech(output)
    assert caught.value.request_id == "r"
    assert caught.value.charged == "maybe"


def test_a_voice_without_a_preview_is_a_result() -> None:
    result = speech({"custom_voice_id": "v1"})
    assert result.voice_id == "v1"
    assert result.audios == ()
    with pytest.raises(FalResponseError, match="only the voice 'v1'"):
        result.read()
    restored = SpeechResult.from_artifact(result.to_artifact())
    assert restored.voice_id == "v1"


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
def test_audio_inside_an_answer_is_made_a_data_uri(
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
def test_all_else_stays_as_it_is(output: Any) -> None:
    assert wrap_audio_bytes(output) == output


def test_bytes_go_to_the_store_and_not_into_the_result(fal: FalProvider) -> None:
    result = fal.speech(outputFormat="hex").invoke("Hello")
    assert result.url is None
    assert result.read()[:4] == b"RIFF"
    assert result.mime_type == "audio/wav"
    for told in (repr(result), str(result.raw), json.dumps(result.to_artifact())):
        assert "52494646" not in told
        assert len(told) < 1024
    copied = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own
    with pytest.raises(FalDownloadError, match="store does not have them"):
        copied.using(fal.__class__()).read()


def test_saved_under_the_right_name(fal: FalProvider, tmp_path: Path) -> None:
    result = fal.speech().invoke("Hello")
    assert result.save(tmp_path / "hello").name == "hello.wav"
    assert result.save(tmp_path).name == "sandbox.wav"
    assert (tmp_path / "hello.wav").read_bytes() == result.read()
    assert list(tmp_path.glob(".*")) == []


async def test_saved_async(fal: FalProvider, tmp_path: Path) -> None:
    result = await fal.speech().ainvoke("Hello")
    saved = await result.asave(tmp_path / "deep" / "hello.mp3")
    assert saved.read_bytes() == await result.aread()


def test_a_page_in_the_audios_place_is_refused(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    result = fal.speech().invoke("Hello")
    fal_sandbox.faults.next("file of another type", on="file")
    with pytest.raises(FalDownloadError, match="is not audio") as caught:
        result.read()
    assert caught.value.charged == "yes"
    assert result.read()[:4] == b"RIFF"
    assert fal_sandbox.submits == 1


def test_a_notebook_gets_a_player(fal: FalProvider) -> None:
    result = fal.speech().invoke("Fish & <chips>")
    shown = result._repr_html_()
    assert f'<audio controls preload="metadata" src="{result.url}"' in shown
    assert "Fish &amp; &lt;chips&gt;" in shown
    assert "base64" not in shown
    assert "data:audio/wav;base64," in result.to_html(embed=True)


def test_the_content_block(fal: FalProvider) -> None:
    result = fal.speech().invoke("Hello")
    block = result.audio.to_content_block()
    assert block == {
        "type": "audio",
        "url": result.url,
        "mime_type": "audio/wav",
        "id": f"{result.request_id}-0",
    }


@pytest.mark.parametrize(
    "options",
    [
        {"pronunciation_dict": {"tone_list": ["omg/(oh4)(my4)"] * 90}},
        {"pronunciation_dict": {f"word{n}": f"(w{n})" for n in range(90)}},
    ],
)
def test_an_artifact_never_gives_up_the_audio(
    options: dict[str, Any], fal: FalProvider
) -> None:
    result = fal.speech(options=options).invoke("Hello")
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= 1024
    restored = SpeechResult.from_artifact(artifact, fal=fal)
    assert restored.audio == result.audio
    assert restored.text == "Hello"


def test_audio_under_other_names_is_taken_out() -> None:
    content = base64.b64encode(wav(0.2)).decode()
    output = {"audio": {"url": URL, "content": content}, "audio_base64": content}
    result, taken = parse_output(output, schema=None, model="a/b", request_id="r")
    assert result.url == URL
    assert content[:60] not in str(result.raw)
    assert list(taken.values()) == [wav(0.2)]


def test_an_artifact_of_speech_is_small_and_whole(fal: FalProvider) -> None:
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


# --- Transcription ---


def test_segments_language_speakers_duration() -> None:
    result = text(
        {
            "text": " Hello there. And you?",
            "chunks": CHUNKS,
            "inferred_languages": ["en", "de"],
            "diarization_segments": [],
        }
    )
    assert result.text == "Hello there. And you?"
    assert result.segments == (
        Segment(" Hello there.", 0.0, 2.5, "SPEAKER_00"),
        Segment(" And you?", 2.5, None, "SPEAKER_01"),
    )
    assert result.language == "en"
    assert result.duration == 2.5
    assert result.speakers == ("SPEAKER_00", "SPEAKER_01")
    assert result.provider_metadata == {
        "fal": {"inferred_languages": ["en", "de"], "diarization_segments": []}
    }


@pytest.mark.parametrize(
    ("output", "language"),
    [
        ({"languages": ["fr"]}, "fr"),
        ({"language_code": "eng"}, "eng"),
        ({"inferred_languages": []}, None),
        ({"inferred_languages": [7]}, None),
        ({}, None),
    ],
)
def test_the_language(output: dict[str, Any], language: str | None) -> None:
    assert text({"text": "x", **output}).language == language


def test_words_are_segments_where_there_are_no_chunks() -> None:
    words = [
        {"text": "Hi", "type": "word", "start": 0, "end": 0.5, "speaker_id": "s0"},
        {"text": " ", "type": "spacing", "start": 0.5, "end": 0.6},
        {"text": "(laughs)", "type": "audio_event", "start": 0.6, "end": 1},
    ]
    result = text({"text": "Hi (laughs)", "words": words})
    assert [each.text for each in result.segments] == ["Hi", "(laughs)"]
    assert result.segments[0].speaker == "s0"
    assert result.duration == 1


def test_a_text_that_is_missing_is_made_of_the_chunks() -> None:
    assert text({"chunks": CHUNKS}).text == "Hello there. And you?"


@pytest.mark.parametrize("output", [{}, None, [], {"chunks": []}, {"text": 7}])
def test_an_answer_without_a_text_says_so(output: Any) -> None:
    with pytest.raises(FalResponseError, match="has no text"):
        text(output)


def test_silence_is_a_result() -> None:
    result = text({"text": "", "chunks": []})
    assert result.text == ""
    assert result.segments == ()
    assert result.duration is None
    assert result.to_documents() == []


def test_documents_carry_their_times() -> None:
    result = text({"text": "x", "chunks": CHUNKS, "inferred_languages": ["en"]})
    first, second = result.to_documents(source="a.mp3")
    assert first == Document(
        page_content="Hello there.",
        metadata={
            "source": "a.mp3",
            "model": "fal-ai/y",
            "request_id": "r",
            "language": "en",
            "segment": 0,
            "start": 0.0,
            "end": 2.5,
            "speaker": "SPEAKER_00",
        },
    )
    assert "end" not in second.metadata
    [whole] = text({"text": "All of it."}).to_documents()
    assert whole.page_content == "All of it."
    assert whole.metadata["start"] == 0.0


def test_an_artifact_of_a_transcription_restores_it() -> None:
    result = text({"text": "x", "chunks": CHUNKS, "inferred_languages": ["en"]})
    restored = TranscriptionResult.from_artifact(
        json.loads(json.dumps(result.to_artifact()))
    )
    assert restored == result


def test_an_artifact_of_a_long_recording_keeps_its_limit() -> None:
    chunks: list[dict[str, Any]] = [
        {"timestamp": [n, n + 1], "text": f" Sentence number {n} of a long day."}
        for n in range(5000)
    ]
    whole = "".join(each["text"] for each in chunks)
    result = text({"text": whole, "chunks": chunks})
    artifact = result.to_artifact()
    assert len(json.dumps(artifact)) <= 64 * 1024
    assert artifact["shortened"] is True
    restored = TranscriptionResult.from_artifact(artifact)
    assert restored.is_shortened
    assert 100 < len(restored.segments) < 5000
    assert result.text.startswith(restored.text[:1000])
    assert len(result.segments) == 5000


@pytest.mark.parametrize("sentence", [" Предложение номер {} дня.", " Sentence {}."])
def test_an_artifact_keeps_as_much_as_it_can(sentence: str) -> None:
    chunks: list[dict[str, Any]] = [
        {"timestamp": [n, n + 1], "text": sentence.format(n)} for n in range(4000)
    ]
    whole = "".join(each["text"] for each in chunks)
    output = {"text": whole, "chunks": chunks, "diarization_segments": chunks}
    artifact = text(output).to_artifact()
    assert 50_000 < len(json.dumps(artifact)) <= 64 * 1024
    restored = TranscriptionResult.from_artifact(artifact)
    assert len(restored.segments) > 100
    assert len(restored.text) > 4000
    assert whole.strip().startswith(restored.text)


def test_metadata_of_any_name_is_taken() -> None:
    metadata: dict[str, Any] = {"self": 1, "start": "never"}
    [document] = text({"text": "All of it."}).to_documents(**metadata)
    assert document.metadata["self"] == 1
    assert document.metadata["start"] == 0.0


def test_a_result_reads_as_its_text_in_a_chain(fal: FalProvider) -> None:
    prompt = ChatPromptTemplate([("human", "Sum up: {text}")])
    heard: Any = (fal.speech() | fal.transcription()).invoke("Hello there.")
    assert prompt.invoke(heard).to_string() == "Human: Sum up: Hello there."


def test_numbers_without_end_lose_nothing() -> None:
    huge = 10**400
    assert speech({"audio": URL, "duration_ms": huge}).duration is None
    chunk = {"text": "x", "timestamp": [0, huge]}
    assert text({"text": "x", "chunks": [chunk]}).segments[0].end is None


def test_a_notebook_gets_the_text_with_its_times() -> None:
    shown = text({"text": "x", "chunks": [*CHUNKS, {"text": "<b>"}]})._repr_html_()
    assert "0:02.5 SPEAKER_01" in shown
    assert "&lt;b&gt;" in shown


def test_times_beyond_an_hour() -> None:
    late = [{"timestamp": [3725.04, 3726], "text": "Late."}]
    assert "62:05.0" in text({"text": "x", "chunks": late})._repr_html_()


@pytest.mark.parametrize(
    ("level", "number"), [("none", 1), ("segment", 2), ("word", 4)]
)
def test_the_levels(level: str, number: int, fal: FalProvider) -> None:
    spoken = fal.speech().invoke("Hello there. And you?")
    result = fal.transcription(chunk_level=level).invoke(spoken)
    assert len(result.segments) == number


# --- Whatever fal may answer ---

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
def test_any_answer_is_a_result_or_an_error_that_says_so(output: Any) -> None:
    for read in (speech, text):
        try:
            result: Any = read(wrap_audio_bytes(output))
        except FalResponseError as error:
            assert error.request_id == "r"  # noqa: PT017 - one of two ends
            continue
        assert repr(result)
        assert result.to_html()
        json.dumps(result.to_artifact())
        assert pickle.loads(pickle.dumps(result)) == result or has_nan(output)  # noqa: S301 - our own
        if isinstance(result, TranscriptionResult):
            result.to_documents()


def has_nan(output: Any) -> bool:
    return "NaN" in json.dumps(output)


# --- Requests taken up again ---


def test_a_request_gives_the_result_of_its_kind(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    spoken = fal.speech().submit("Hello there.")
    again = fal.request(spoken.endpoint_id, spoken.request_id)
    result: Any = again.result()
    assert isinstance(result, SpeechResult)
    assert spoken.result().text == "Hello there."
    heard = fal.transcription().submit(result)
    stored = json.loads(json.dumps(heard.to_dict()))
    restored: Any = type(heard).from_dict(stored).using(fal).result()
    assert isinstance(restored, TranscriptionResult)
    assert restored.text == "Hello there."
    assert stored["kind"] == "transcription"
    assert "kind" not in fal.text_to_image(size="64x64").submit("x").to_dict()
    assert fal_sandbox.submits == 3


def test_a_request_to_an_endpoint_nobody_knows_keeps_its_kind() -> None:
    fal = create_fal("k")
    queued = QueuedRequest.for_id(
        fal.context.hosts, endpoint_id="acme/stt", request_id="r"
    )
    request = FalRequest[Any].of(queued, fal=fal, kind="transcription")
    again = pickle.loads(pickle.dumps(FalRequest.from_dict(request.to_dict())))  # noqa: S301 - our own
    assert again.kind == "transcription"
    result, _ = parse_output(
        {"text": "x"}, schema=None, kind=again.kind, model="acme/stt", request_id="r"
    )
    assert isinstance(result, TranscriptionResult)


async def test_a_request_gives_the_result_of_its_kind_async(fal: FalProvider) -> None:
    request = await fal.speech().asubmit("Hello there.")
    assert (await request.aresult()).text == "Hello there."
    heard = await fal.transcription().asubmit(await request.aresult())
    assert (await heard.aresult()).text == "Hello there."


def test_an_unknown_endpoint_is_read_as_it_looks() -> None:
    with Sandbox(unknown_endpoints=True) as sandbox, sandbox.provider() as fal:
        with pytest.raises(FalResponseError, match="has no audio"):
            # The sandbox draws for endpoints that nobody knows.
            fal.speech("some/voice").invoke({"prompt": "x", "text": "y"})
        [payload] = sandbox.accepted.values()
        assert payload == {"prompt": "x", "text": "y"}
