"""A trace has name, input, output, endpoint and price of a run, and no bytes."""

from __future__ import annotations

import base64
import json
from typing import Any
from unittest import mock

import langsmith
import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tracers.langchain import LangChainTracer

from langchain_fal_image import FalImageEdit, FalImageToolkit, FalTextToImage
from langchain_fal_image.sandbox import Sandbox


@pytest.fixture
def traces() -> tuple[LangChainTracer, Any]:
    """Return LangSmith's tracer and the HTTP session that it sends with."""
    session = mock.MagicMock()
    client = langsmith.Client(
        session=session,
        api_key="no-key",
        api_url="http://127.0.0.1:9",
        auto_batch_tracing=False,
        info={},
    )
    return LangChainTracer(client=client), session


def sent(session: Any) -> list[dict[str, Any]]:
    """Return the last update of each run."""
    runs = [
        json.loads(call.kwargs["data"])
        for call in session.request.call_args_list
        if call.kwargs.get("data")
    ]
    return list({run["id"]: run for run in runs}.values())


def test_a_trace_shows_input_output_model_and_price(
    traces: tuple[LangChainTracer, Any],
) -> None:
    tracer, session = traces
    with Sandbox(prices={"fal-ai/qwen-image": 0.02}) as sandbox:
        fal = sandbox.provider()
        fal.price("fal-ai/qwen-image")
        t2i = FalTextToImage(fal=fal)
        result = t2i.invoke({"prompt": "a kite", "seed": 7}, {"callbacks": [tracer]})
    [run] = sent(session)
    assert (run["name"], run["run_type"]) == ("FalTextToImage", "chain")
    assert run["inputs"] == {"prompt": "a kite", "seed": 7}
    output = run["outputs"]["output"]
    assert output["images"][0]["url"] == result.images[0].url
    assert output["request_id"] == result.request_id
    metadata = run["extra"]["metadata"]
    assert metadata["ls_provider"] == "fal"
    assert metadata["ls_model_name"] == "fal-ai/qwen-image"
    assert metadata["fal_price"] == "0.02 USD per image"


def test_a_trace_of_bytes_has_no_bytes(
    traces: tuple[LangChainTracer, Any], fal_sandbox: Sandbox
) -> None:
    tracer, session = traces
    fal = fal_sandbox.provider(api_key="canary-of-traces")
    pixels = FalTextToImage(fal=fal).invoke("a hill").images[0].read()
    edit = FalImageEdit(fal=fal, sync_mode=True)
    edit.invoke({"prompt": "blue", "images": pixels}, {"callbacks": [tracer]})
    block = {"type": "image", "base64": base64.b64encode(pixels).decode()}
    message = HumanMessage([{"type": "text", "text": "blue"}, block])
    edit.invoke(message, {"callbacks": [tracer]})
    tool = FalImageToolkit(fal=fal).get_tools()[0]
    tool.invoke({"prompt": "a kite"}, {"callbacks": [tracer]})
    runs = sent(session)
    names = {run["name"] for run in runs}
    assert names == {"FalImageEdit", "fal_text_to_image", "FalTextToImage"}
    text = json.dumps(runs)
    assert len(text) < 30_000
    assert block["base64"][:60] not in text
    assert "canary-of-traces" not in text
