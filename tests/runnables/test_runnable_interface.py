"""The runnables keep what LangChain promises of a runnable."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import ConfigurableField
from langchain_core.tracers.base import BaseTracer

from langchain_fal_image import (
    FalImageEdit,
    FalProvider,
    FalTextToImage,
)
from langchain_fal_image.errors import FalConfigurationError, FalOptionError
from langchain_fal_image.sandbox import Sandbox

QWEN = "fal-ai/qwen-image"

PRO = "fal-ai/nano-banana-pro"


def sent(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the payloads that were submitted, in order."""
    return [
        each.json
        for each in sandbox.requests
        if each.method == "POST" and each.path.startswith(("/queue/", "/run/"))
    ]


def test_batch_keeps_to_its_concurrency() -> None:
    with Sandbox(run_seconds=0.05) as sandbox:
        t2i = FalTextToImage(fal=sandbox.provider())
        prompts = [f"image {number}" for number in range(8)]
        results = t2i.batch(prompts, {"max_concurrency": 2})
        assert [result.prompt for result in results] == prompts
        assert sandbox.most_in_flight <= 2
        assert sandbox.submits == 8


async def test_abatch_keeps_to_its_concurrency() -> None:
    with Sandbox(run_seconds=0.05) as sandbox:
        fal = sandbox.provider()
        t2i = FalTextToImage(fal=fal)
        prompts = [f"image {number}" for number in range(8)]
        results = await t2i.abatch(prompts, {"max_concurrency": 2})
        assert [result.prompt for result in results] == prompts
        assert sandbox.most_in_flight <= 2
        await fal.aclose()


def test_falls_back_to_another_endpoint(fal: FalProvider) -> None:
    strict = FalTextToImage(fal=fal, model=PRO, num_images=9)
    safe = strict.with_fallbacks([FalTextToImage(fal=fal)])
    assert safe.invoke("a hill").model == QWEN


def test_configurable_fields_lose_no_option(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    t2i = FalTextToImage(fal=fal, guidance_scale=4, seed=3).configurable_fields(
        model=ConfigurableField(id="fal_model"),
        strict=ConfigurableField(id="fal_strict"),
    )
    t2i.with_config(configurable={"fal_strict": True}).invoke("a hill")
    assert sent(fal_sandbox) == [{"prompt": "a hill", "guidance_scale": 4, "seed": 3}]
    other = FalTextToImage(fal=fal, num_images=2).configurable_fields(
        model=ConfigurableField(id="fal_model")
    )
    result = other.invoke("a hill", {"configurable": {"fal_model": PRO}})
    assert result.model == PRO
    assert len(result.images) == 2


def test_copies_lose_no_option(fal: FalProvider) -> None:
    t2i = FalTextToImage(fal=fal, guidance_scale=4, mode="sync")
    for copy in (t2i.model_copy(), t2i.model_copy(deep=True)):
        assert copy == t2i
        assert copy.fal is fal
        assert copy.options == {"guidance_scale": 4}


def test_a_pickled_runnable_works_and_has_no_key(
    fal_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fal = fal_sandbox.provider(api_key="canary-key")
    t2i = FalTextToImage(fal=fal, guidance_scale=4)
    stored = pickle.dumps(t2i)
    assert b"canary" not in stored
    monkeypatch.setenv("FAL_KEY", "another")
    copy = pickle.loads(stored)  # noqa: S301 - our own pickle
    assert copy.invoke("a hill").options["guidance_scale"] == 4


async def test_streams_queue_updates_as_events(fal: FalProvider) -> None:
    chain = FalTextToImage(fal=fal) | FalImageEdit(fal=fal, prompt="night")
    events = [
        event
        async for event in chain.astream_events("a hill", version="v2")
        if event["event"] == "on_custom_event"
    ]
    assert {event["name"] for event in events} == {"fal_queue_update"}
    first: Any = events[0]["data"]
    assert first["status"] == "IN_QUEUE"
    assert first["request_id"]
    data: list[Any] = [event["data"] for event in events]
    statuses = [each["status"] for each in data]
    assert statuses.count("COMPLETED") == 2
    assert json.dumps(data)


def test_a_trace_has_inputs_and_outputs_but_no_bytes(
    fal: FalProvider, tmp_path: Path
) -> None:
    content = FalTextToImage(fal=fal).invoke("a hill").images[0].read()
    runs: list[Any] = []

    class Keep(BaseTracer):
        def _persist_run(self, run: Any) -> None:
            runs.append(run)

    edit = FalImageEdit(fal=fal, model="fal-ai/qwen-image-edit")
    config: Any = {"callbacks": [Keep()], "tags": ["t"], "metadata": {"who": "me"}}
    edit.invoke({"prompt": "night", "images": [content]}, config)
    [run] = runs
    text = repr(run.inputs) + repr(run.outputs)
    assert "night" in text
    assert f"<{len(content)} bytes>" in text
    assert "base64" not in text
    assert "PNG" not in text
    assert run.tags == ["t"]
    assert run.extra["metadata"]["who"] == "me"


def test_layers_override_in_order(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    t2i = FalTextToImage(fal=fal, guidance_scale=2, seed=1, acceleration="none")
    bound = t2i.bind(seed=2, acceleration="regular")
    bound.invoke(
        {
            "prompt": "p",
            "guidanceScale": 3.5,
            "acceleration": "high",
            "providerOptions": {"fal": {"acceleration": "none"}},
        }
    )
    assert sent(fal_sandbox) == [
        {"prompt": "p", "guidance_scale": 3.5, "seed": 2, "acceleration": "none"}
    ]


def test_the_input_schema_lists_the_options() -> None:
    schema = FalTextToImage(model=PRO).get_input_schema().model_json_schema()
    assert schema["required"] == ["prompt"]
    assert set(schema["properties"]) >= {"prompt", "aspect_ratio", "resolution"}


def test_invalid_constructor_options_raise() -> None:
    with pytest.raises(FalConfigurationError, match="seed has two values"):
        FalTextToImage(options={"seed": 1}, seed=2)


def test_options_sent_on_purpose_are_sent_with_a_warning(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    unknown = {"guidence_scale": 4}
    result = FalTextToImage(fal=fal, options=unknown).invoke("a hill")
    assert sent(fal_sandbox)[0]["guidence_scale"] == 4
    assert any("guidance_scale" in warning for warning in result.warnings)
    with pytest.raises(FalOptionError, match="guidance_scale"):
        FalTextToImage(fal=fal, strict=True, options=unknown).invoke("a hill")
