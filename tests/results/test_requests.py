"""A request that is restored returns the result of its kind."""

from __future__ import annotations

import json
import pickle
from typing import Any

from langchain_fal_image import (
    FalProvider,
    FalRequest,
    SpeechResult,
    TranscriptionResult,
    create_fal,
)
from langchain_fal_image.results._parse import parse_output
from langchain_fal_image.sandbox import Sandbox


def test_a_request_returns_the_result_of_its_kind(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    speech = fal.speech().submit("Hello there.")
    again = fal.request(speech.endpoint_id, speech.request_id)
    result: Any = again.result()
    assert isinstance(result, SpeechResult)
    assert speech.result().text == "Hello there."
    transcription = fal.transcription().submit(result)
    stored = json.loads(json.dumps(transcription.to_dict()))
    restored: Any = type(transcription).from_dict(stored).using(fal).result()
    assert isinstance(restored, TranscriptionResult)
    assert restored.text == "Hello there."
    assert stored["kind"] == "transcription"
    assert "kind" not in fal.text_to_image(size="64x64").submit("x").to_dict()
    assert fal_sandbox.submits == 3


def test_a_request_to_an_unknown_endpoint_keeps_its_kind() -> None:
    stored = create_fal("k").request("acme/stt", "r").to_dict()
    restored = FalRequest.from_dict({**stored, "kind": "transcription"})
    again = pickle.loads(pickle.dumps(restored))  # noqa: S301 - our own
    assert again.kind == "transcription"
    result, _ = parse_output(
        {"text": "x"}, schema=None, kind=again.kind, model="acme/stt", request_id="r"
    )
    assert isinstance(result, TranscriptionResult)


async def test_a_request_returns_the_result_of_its_kind_async(fal: FalProvider) -> None:
    request = await fal.speech().asubmit("Hello there.")
    assert (await request.aresult()).text == "Hello there."
    transcription = await fal.transcription().asubmit(await request.aresult())
    assert (await transcription.aresult()).text == "Hello there."
