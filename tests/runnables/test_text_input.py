"""What speech accepts as text: prompts, messages, results, chains and batches."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from langchain_fal_image import FalProvider
from langchain_fal_image.errors import FalOptionError
from langchain_fal_image.sandbox import Sandbox

URL = "https://v3.fal.media/files/a.mp3"


def sent_text(sandbox: Sandbox) -> list[Any]:
    return [each["text"] for each in sandbox.accepted.values()]


def test_text_prompts_and_messages_become_the_text(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    speech = fal.speech()
    prompt = ChatPromptTemplate([("system", "Be brief."), ("human", "{text}")])
    speech.invoke("one")
    speech.invoke(prompt.invoke({"text": "two"}))
    speech.invoke(AIMessage("three"))
    speech.invoke([HumanMessage("Say four."), AIMessage("four")])
    speech.invoke({"text": "five"})
    speech.invoke({"text": prompt.invoke({"text": "six"})})
    speech.invoke({"text": AIMessage([{"type": "text", "text": "seven"}])})
    assert sent_text(fal_sandbox) == [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
    ]


def sent_texts(sandbox: Sandbox) -> list[Any]:
    return [each["text"] for each in sandbox.accepted.values() if "text" in each]


async def test_speech_and_transcription_in_chains(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    llm = FakeListChatModel(responses=["A kite."])
    chain = ChatPromptTemplate([("human", "{text}")]) | llm
    assert (await (chain | fal.speech()).ainvoke({"text": "x"})).audios
    assert (chain | StrOutputParser() | fal.speech()).invoke({"text": "x"}).audios
    both = fal.speech() | fal.transcription() | fal.speech()
    assert both.invoke("There and back.").text == "There and back."
    assert sent_texts(fal_sandbox) == ["A kite.", "A kite.", *["There and back."] * 2]


def test_the_input_schema_names_the_required_input(fal: FalProvider) -> None:
    for model, required in (
        (fal.speech(), ["text"]),
        (fal.speech("fal-ai/minimax/voice-design"), ["prompt", "preview_text"]),
        (fal.transcription(), ["audio_url"]),
        (fal.speech("some/voice"), ["text"]),
        (fal.transcription("some/ear"), ["audio"]),
    ):
        schema = model.get_input_schema().model_json_schema()
        assert schema["required"] == required


def test_batches_of_speech_and_transcription(fal: FalProvider) -> None:
    results = fal.speech().batch(["a", "b b", "c c c"])
    assert [each.text for each in results] == ["a", "b b", "c c c"]
    texts = fal.transcription().batch(list(results), config={"max_concurrency": 2})
    assert [each.text for each in texts] == ["a", "b b", "c c c"]


@pytest.mark.parametrize("given", [7, None, b"text", ["text"], {7}, []])
def test_input_without_text_raises(
    given: Any, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    with pytest.raises(FalOptionError, match="a text, messages or a dict"):
        fal.speech().invoke(given)
    assert fal_sandbox.requests == []
