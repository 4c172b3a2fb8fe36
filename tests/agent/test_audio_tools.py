"""An agent that listens, draws and speaks: handles, answers, failures."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.store.memory import InMemoryStore
from script import Call, Script, draw, said, thread, tool_messages, wait

from langchain_fal_image import (
    Budget,
    FalImageToolkit,
    FalProvider,
    FalSpeechTool,
    FalTranscriptionTool,
    ImageLibrary,
    ImageResult,
    SpeechResult,
    TranscriptionResult,
)
from langchain_fal_image.errors import FalConfigurationError, FalInputAudioError
from langchain_fal_image.sandbox import Sandbox

SCENE = "A red kite flies over a small harbour."
TEXT = {"type": "text", "text": "Draw what I say here."}


def speak(text: str, **arguments: Any) -> Call:
    return "fal_speech", {"text": text, **arguments}


def listen(audio: str, **arguments: Any) -> Call:
    return "fal_transcription", {"audio": audio, **arguments}


def agent_of(fal: FalProvider, *answers: Any, **more: Any) -> Any:
    """Make an agent with a library of its own, as a new process would."""
    library = ImageLibrary()
    settings: dict[str, Any] = {"library": library, "budget": more.pop("budget", None)}
    tools = [
        *FalImageToolkit(fal=fal, wait=True, **settings).get_tools(),
        FalSpeechTool(fal=fal, wait_tool="fal_wait", **settings),
        FalTranscriptionTool(fal=fal, wait_tool="fal_wait", **settings),
    ]
    more.setdefault("checkpointer", InMemorySaver())
    return create_agent(Script(answers=list(answers)), tools, **more)


@pytest.fixture
def recording(fal: FalProvider) -> tuple[str, bytes]:
    """Give a recording: where it lies, and its bytes."""
    spoken = fal.speech().invoke(SCENE)
    return str(spoken.url), spoken.read()


def forms(url: str, content: bytes) -> dict[str, dict[str, Any]]:
    text = base64.b64encode(content).decode()
    kind = {"mime_type": "audio/wav"}
    return {
        "standard, URL": {"type": "audio", "url": url, **kind},
        "standard, base64": {"type": "audio", "base64": text, **kind},
        "older": {"type": "audio", "source_type": "base64", "data": text, **kind},
        "OpenAI": {
            "type": "input_audio",
            "input_audio": {"data": text, "format": "wav"},
        },
        "Gemini": {"type": "media", "data": text, **kind},
        "file": {"type": "file", "base64": text, **kind},
    }


def told(state: Any) -> list[str]:
    return [each.text for each in tool_messages(state)]


# --- The main job, with a voice ---


@pytest.mark.parametrize("form", forms("", b""))
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_from_a_recording_to_a_picture_to_a_voice(
    form: str,
    way: str,
    fal_sandbox: Sandbox,
    recording: tuple[str, bytes],
    tmp_path: Path,
) -> None:
    fal = fal_sandbox.provider()
    before = fal_sandbox.submits
    agent = agent_of(
        fal,
        [listen("audio_1")],
        lambda messages: [draw(messages[-1].text.rpartition("\n")[2])],
        lambda messages: [speak(messages[-2].tool_calls[0]["args"]["prompt"])],
        "There you are.",
    )
    given = said(TEXT, forms(*recording)[form])
    state = (
        await asyncio.to_thread(agent.invoke, given, thread("one"))
        if way == "sync"
        else await agent.ainvoke(given, thread("one"))
    )
    heard, drawn, spoken = tool_messages(state)
    assert heard.text.endswith(f"What was said:\n{SCENE}")
    assert "img_1: " in drawn.text
    assert "audio_2: " in spoken.text
    assert fal_sandbox.submits == before + 3
    image = ImageResult.from_artifact(drawn.artifact, fal=fal)
    assert image.prompt == SCENE
    assert image.images[0].save(tmp_path / "kite").exists()
    audio = SpeechResult.from_artifact(spoken.artifact, fal=fal)
    assert audio.text == SCENE
    assert audio.save(tmp_path / "kite").suffix == ".wav"
    for message in (heard, drawn, spoken):
        assert isinstance(message.content, str)
        assert len(message.content) < 1000
        assert len(json.dumps(message.artifact)) <= 1024
        assert "base64" not in str(message)
    assert heard.artifact["inputs"][0]["handle"] == "audio_1"


# --- Handles ---


def test_images_and_audio_are_counted_apart(
    fal: FalProvider, recording: tuple[str, bytes]
) -> None:
    agent = agent_of(
        fal,
        [speak("One."), draw("a hill"), speak("Two.")],
        [listen("audio_3"), listen("AUDIO 1"), listen("img_1"), listen("audio_9")],
        "Done.",
    )
    state = agent.invoke(said(TEXT, forms(*recording)["OpenAI"]), thread("one"))
    one, hill, two, third, first, image, unknown = told(state)
    assert {each.split("audio_")[1][0] for each in (one, two)} == {"2", "3"}
    assert "img_1: " in hill
    assert third.endswith(("One.", "Two."))
    assert first.endswith(SCENE)
    for each in (image, unknown):
        assert "audio_1 (pasted by the user), audio_2, audio_3" in each
        assert "Nothing was charged." in each


def test_another_conversation_has_its_own(fal: FalProvider) -> None:
    agent = agent_of(fal, [speak("One.")], "Done.", [listen("audio_1")], "Done.")
    agent.invoke(said(TEXT), thread("one"))
    state = agent.invoke(said(TEXT), thread("two"))
    assert "Unknown audio 'audio_1'; this conversation has none." in told(state)[0]


def test_a_url_with_a_slip_in_it_is_told_by_its_handle(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    library = ImageLibrary()
    spoken = library.add(fal.speech().invoke("One."))
    tool = FalTranscriptionTool(fal=fal, library=library)
    assert tool.invoke({"audio": f"<{spoken.url}>."}).endswith("One.")
    wrong = str(spoken.url).replace("sandbox.wav", "sandbx.wav")
    assert "Use the handle of the audio: audio_1." in tool.invoke({"audio": wrong})
    assert fal_sandbox.submits == 2
    assert library.audio.handles() == ("audio_1",)
    assert library.audio.get("audio_1").url == spoken.url
    with pytest.raises(FalInputAudioError, match="This conversation has audio_1"):
        library.audio.get("audio_2")


def test_a_recording_that_a_model_wrote_itself_is_refused(
    fal: FalProvider, recording: tuple[str, bytes], fal_sandbox: Sandbox
) -> None:
    before = fal_sandbox.submits
    written = base64.b64encode(recording[1]).decode()
    for name in (written, f"data:audio/wav;base64,{written}"):
        text = FalTranscriptionTool(fal=fal).invoke({"audio": name})
        assert "Name the audio by its handle or URL" in text
        assert len(text) < 400
    assert fal_sandbox.submits == before


def test_a_new_process_knows_the_audio_of_the_thread(
    fal: FalProvider, recording: tuple[str, bytes], tmp_path: Path
) -> None:
    with SqliteSaver.from_conn_string(str(tmp_path / "thread.sqlite")) as saver:
        first = agent_of(fal, [speak("One.")], "Done.", checkpointer=saver)
        block = forms(*recording)["standard, base64"]
        first.invoke(said(TEXT, block), thread("one"))
        second = agent_of(
            fal,
            [listen("audio_2"), listen("audio_1"), speak("Three.")],
            "Done.",
            checkpointer=saver,
        )
        state = second.invoke(said(TEXT), thread("one"))
        _, two, one, three = told(state)
        assert two.endswith("One.")
        assert one.endswith(SCENE)
        assert "audio_3: " in three


def test_a_store_knows_what_the_messages_have_lost(fal: FalProvider) -> None:
    saver, store = InMemorySaver(), InMemoryStore()
    settings: dict[str, Any] = {"checkpointer": saver, "store": store}
    first = agent_of(fal, [speak("One."), draw("a hill")], "Done.", **settings)
    first.invoke(said(TEXT), thread("one"))
    lost = {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), HumanMessage("Hi")]}
    second = agent_of(fal, [listen("audio_1"), speak("Two.")], "Done.", **settings)
    second.update_state(thread("one"), lost)
    state = second.invoke(said(TEXT), thread("one"))
    heard, spoken = told(state)
    assert heard.endswith("One.")
    assert "audio_2: " in spoken


def test_a_summary_keeps_its_numbers(fal: FalProvider) -> None:
    agent = agent_of(fal, [speak("One.")], "Done.")
    summary = HumanMessage("Summary: audio_1 to audio_4 were spoken, img_2 was drawn.")
    state = agent.invoke({"messages": [summary]}, thread("one"))
    assert "audio_5: " in told(state)[0]


def test_a_file_that_only_the_chats_provider_has(fal: FalProvider) -> None:
    agent = agent_of(fal, [listen("audio_1")], "Done.")
    block = {"type": "audio", "file_id": "file-1"}
    state = agent.invoke(said(TEXT, block), thread("one"))
    assert "Only the provider of the chat model has" in told(state)[0]


def test_a_handle_that_only_an_input_tells_is_not_given_again(
    fal: FalProvider, recording: tuple[str, bytes]
) -> None:
    saver = InMemorySaver()
    first = agent_of(fal, [listen("audio_1")], "Done.", checkpointer=saver)
    block = forms(*recording)["standard, URL"]
    state = first.invoke(said(TEXT, block), thread("one"))
    pasted = state["messages"][0]
    first.update_state(thread("one"), {"messages": [RemoveMessage(id=pasted.id)]})
    second = agent_of(fal, [speak("Two.")], "Done.", checkpointer=saver)
    state = second.invoke(said({"type": "text", "text": "Hi"}), thread("one"))
    assert "audio_2: " in told(state)[-1]


def test_an_artifact_that_somebody_spoiled_stops_nothing(fal: FalProvider) -> None:
    saver = InMemorySaver()
    first = agent_of(fal, [speak("One.")], "Done.", checkpointer=saver)
    state = first.invoke(said(TEXT), thread("one"))
    [message] = tool_messages(state)
    broken = message.model_copy(update={"artifact": {**message.artifact, "raw": {}}})
    first.update_state(thread("one"), {"messages": [broken]})
    second = agent_of(fal, [speak("Two."), draw("a hill")], "Done.", checkpointer=saver)
    state = second.invoke(said(TEXT), thread("one"))
    assert "audio_2: " in told(state)[1]
    assert "img_1: " in told(state)[2]


# --- What a model reads ---


def test_who_said_what(fal: FalProvider) -> None:
    library = ImageLibrary()
    dia = fal.speech("fal-ai/dia-tts")
    library.add(dia.invoke("[S1] Hello. How are you? [S2] Fine. [S1] Good."))
    text = FalTranscriptionTool(fal=fal, library=library).invoke({"audio": "audio_1"})
    assert text.partition("What was said:\n")[2].splitlines() == [
        "SPEAKER_00: Hello. How are you?",
        "SPEAKER_01: Fine.",
        "SPEAKER_00: Good.",
    ]


def test_a_long_text_is_cut_and_says_so(fal: FalProvider) -> None:
    library = ImageLibrary()
    library.add(fal.speech().invoke("word " * 300))
    tool = FalTranscriptionTool(fal=fal, library=library, longest=100)
    call: Any = {"args": {"audio": "audio_1"}, "name": "x", "id": "1"}
    message = tool.invoke({**call, "type": "tool_call"})
    assert "The first 100 characters; 1399 more are left out here." in message.text
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
        ({"text": "x", "pitch": 1}, "'pitch' is no argument; use text, speed, emotion"),
    ],
)
def test_wrong_arguments_of_speech(
    arguments: dict[str, Any], words: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    text = FalSpeechTool(fal=fal).invoke(arguments)
    assert text.startswith("Nothing was spoken: wrong arguments.\n")
    assert words in text
    assert "Nothing was charged." in text
    assert fal_sandbox.requests == []


def test_what_a_developer_exposes(fal: FalProvider) -> None:
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


async def test_a_request_that_takes_too_long_is_waited_for(
    fal_sandbox: Sandbox,
) -> None:
    with Sandbox(run_seconds=1.0) as slow:
        fal = slow.provider(timeout=0.3)
        patient = slow.provider()
        library = ImageLibrary()
        tools = [
            FalSpeechTool(fal=fal, library=library, wait_tool="fal_wait"),
            FalImageToolkit(fal=patient, library=library, wait=True).get_tools()[2],
        ]
        answers = [[speak("One.")], [wait("req_1")], "Done."]
        saver = InMemorySaver()
        agent: Any = create_agent(Script(answers=answers), tools, checkpointer=saver)
        state = await agent.ainvoke(said(TEXT), thread("one"))
        late, spoken = tool_messages(state)
        assert late.text.startswith("Nothing was spoken. ")
        assert "Call fal_wait with request='req_1'" in late.text
        assert "do not ask for the audio anew" in late.text
        assert late.artifact["type"] == "fal_request"
        assert "audio_1: " in spoken.text
        assert SpeechResult.from_artifact(spoken.artifact).text == "One."
        assert slow.submits == 1
        await fal.aclose()
        await patient.aclose()


async def test_the_same_call_made_again_is_not_paid_again(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("malformed", on="result", times=2)
    agent = agent_of(
        fal,
        [speak("One.")],
        "Done.",
        middleware=[ToolRetryMiddleware(max_retries=2, initial_delay=0)],
    )
    state = await agent.ainvoke(said(TEXT), thread("one"))
    assert fal_sandbox.submits == 1
    assert told(state)


def test_what_fal_refuses_is_told(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    detail = [
        {
            "loc": ["body", "audio_url"],
            "msg": "Unsupported audio format",
            "type": "unsupported_audio_format",
        }
    ]
    fal_sandbox.faults.respond("result", 422, {"detail": detail})
    text = FalTranscriptionTool(fal=fal).invoke({"audio": "https://x.example/a.mp3"})
    assert text.startswith("Nothing was written down. ")
    assert "Unsupported audio format" in text
    assert fal_sandbox.submits == 1


def test_a_budget_counts_what_was_spoken() -> None:
    prices = {"fal-ai/minimax/speech-02-hd": (0.1, "1000 characters")}
    with Sandbox(prices=prices) as sandbox:
        fal = sandbox.provider()
        budget = Budget(max_cost=0.1, max_images=0)
        tool = FalSpeechTool(fal=fal, budget=budget)
        assert "audio_1" in tool.invoke({"text": "x" * 600})
        refused = tool.invoke({"text": "x" * 600})
        assert refused.startswith("Nothing was spoken. The budget allows")
        assert sandbox.submits == 1
        assert budget.images == 0
        assert "audio_1" in budget.summary()


def test_an_unknown_price_is_never_nothing() -> None:
    with Sandbox() as sandbox:
        fal = sandbox.provider()
        strict = FalTranscriptionTool(fal=fal, budget=Budget(max_cost=1))
        url = "https://x.example/a.mp3"
        assert "price" in strict.invoke({"audio": url})
        assumed = Budget(max_cost=1, assumed_price=0.6)
        tool = FalTranscriptionTool(fal=fal, budget=assumed)
        assert "What was said" in tool.invoke({"audio": url})
        assert "would go over it" in tool.invoke({"audio": url})
        assert sandbox.submits == 1
