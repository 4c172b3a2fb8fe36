"""Durable batches: what a restart continues, reports and refuses."""

from __future__ import annotations

import asyncio
import functools
import json
from pathlib import Path
from typing import Any

import pytest
from durable_batches import PROMPTS, MakeBatch, count_states, make_batch

from langchain_fal_image import (
    Budget,
    FalImageEdit,
    FalProvider,
    FalTextToImage,
    errors,
)
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.sandbox import Sandbox


@pytest.fixture
def make(fal: FalProvider, tmp_path: Path) -> MakeBatch:
    return functools.partial(make_batch, tmp_path, fal)


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_batch_and_its_restart(
    way: str, make: MakeBatch, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    inputs: list[Any] = [*PROMPTS, {"prompt": "two", "n": 2}]
    for _ in range(2):
        if way == "sync":
            report = await asyncio.to_thread(make().run, inputs)
        else:
            report = await make().arun(inputs)
        assert count_states(report) == {"done": 7}
        assert report.is_complete
        assert fal_sandbox.submits == 7
    names = sorted(each.name for each in (tmp_path / "images").iterdir())
    assert names == [f"{n:05d}.png" for n in range(6)] + ["00006_1.png", "00006_2.png"]
    assert report.done[6].files == ("00006_1.png", "00006_2.png")
    assert json.loads(json.dumps(report.to_dict()))["done"][0]["summary"] == "hill 0"
    assert make().report() == report
    assert b"base64" not in (tmp_path / "run.sqlite").read_bytes()


def test_no_more_inputs_run_than_concurrency_allows(
    make: MakeBatch, fal_sandbox: Sandbox
) -> None:
    make(concurrency=2).run(PROMPTS)
    assert fal_sandbox.most_in_flight == 2


def test_a_failed_input_does_not_stop_the_others(
    make: MakeBatch, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("moderation")
    inputs = [{"prompt": "a", "guidance_scale": 99}, "b", "c"]
    report = make(concurrency=1).run(inputs)
    assert count_states(report) == {"done": 1, "failed": 2}
    assert "guidance_scale=99" in str(report)
    assert [each.error["type"] for each in report.failed if each.error] == [
        "FalOptionError",
        "FalModerationError",
    ]
    assert fal_sandbox.submits == 2
    assert make().run(inputs) == report
    assert fal_sandbox.submits == 2
    assert count_states(make(retry_failed=True).run(inputs)) == {"done": 2, "failed": 1}
    assert fal_sandbox.submits == 3


def test_an_input_that_fal_refused_to_queue_is_submitted_at_the_next_start(
    make: MakeBatch, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("503 from the app", on="submit")
    report = make(concurrency=1).run(PROMPTS)
    assert count_states(report) == {"done": 5, "waiting": 1}
    assert not report.is_complete
    assert count_states(make().run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


def test_an_uncertain_input_is_reported_and_not_submitted_again(
    make: MakeBatch, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("dropped after", on="submit")
    fal_sandbox.faults.next("dropped before", on="submit")
    report = make(concurrency=1).run(PROMPTS)
    assert count_states(report) == {"done": 4, "uncertain": 2}
    assert "uncertain 0 hill 0" in str(report)
    assert count_states(make().run(PROMPTS)) == {"done": 4, "uncertain": 2}
    assert fal_sandbox.submits == 5
    assert count_states(make(on_uncertain="resubmit").run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 7


def test_an_image_that_could_not_be_downloaded_is_downloaded_at_the_next_start(
    make: MakeBatch, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("missing file")
    report = make(concurrency=1).run(PROMPTS)
    assert count_states(report) == {"done": 5, "open": 1}
    assert count_states(make().run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


def test_a_budget_stops_a_batch_and_a_larger_one_continues_it(
    make: MakeBatch, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    def with_budget(max_images: int) -> DurableBatch:
        budget = Budget(max_images=max_images)
        model = FalTextToImage(fal=fal, size="64x64", budget=budget)
        return make(model=model, concurrency=1)

    with pytest.raises(errors.FalBudgetExceededError):
        with_budget(2).run(PROMPTS)
    assert count_states(make().report()) == {"done": 2, "waiting": 4}
    assert count_states(with_budget(4).run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


# --- Inputs and settings ---


def test_unusual_inputs_are_accepted(
    make: MakeBatch, fal: FalProvider, tmp_path: Path
) -> None:
    assert count_states(make().run([])) == {}
    unusual = ["", "\ud800 é 富士", "a" * 5000, {"prompt": "x", "seed": 1}]
    report = make(journal=tmp_path / "odd.sqlite").run(unusual)
    assert sum(count_states(report).values()) == 4
    assert make(journal=tmp_path / "odd.sqlite").run(unusual) == report
    photo = FalTextToImage(fal=fal, size="512x512").invoke("a cat").images[0].read()
    edits = FalImageEdit(fal=fal, prompt="night", size="512x512")
    inputs = [photo, {"prompt": "day", "images": [photo]}]
    report = make(model=edits, journal=tmp_path / "edits.sqlite").run(inputs)
    assert count_states(report) == {"done": 2}


async def test_run_inside_an_event_loop_names_arun(make: MakeBatch) -> None:
    with pytest.raises(errors.FalConfigurationError, match="running event loop"):
        make().run(PROMPTS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"on_uncertain": "guess"},
        {"on_interrupt": "panic"},
        {"follow": False},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], make: MakeBatch) -> None:
    with pytest.raises(errors.FalConfigurationError, match=next(iter(wrong))):
        make(**wrong)


# --- Webhooks ---


def test_a_webhook_completes_an_input(
    make: MakeBatch, fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"webhook_url": "https://me.example/hook"}
    report = make(**settings, follow=False).run(PROMPTS[:3])
    assert count_states(report) == {"open": 3}
    posts = [each for each in fal_sandbox.requests if each.method == "POST"]
    assert {each.query for each in posts} == {
        "fal_webhook=https%3A%2F%2Fme.example%2Fhook"
    }
    first, second, _ = report.open
    output = fal.request("fal-ai/qwen-image", str(first.request_id)).result().raw
    hook = {"request_id": first.request_id, "status": "OK", "payload": dict(output)}
    assert make().complete(hook) is True
    assert make().complete(hook) is False
    failed = {"request_id": second.request_id, "status": "ERROR", "payload": None}
    assert make().complete(failed) is True
    with pytest.raises(errors.FalJournalError, match="has no request"):
        make().complete({"request_id": "unknown", "status": "OK"})
    assert (tmp_path / "images" / "00000.png").exists()
    assert count_states(make(**settings).run(PROMPTS[:3])) == {"done": 3}
    assert fal_sandbox.submits == 3


def test_a_runnable_that_makes_no_images_is_refused(
    fal: FalProvider, tmp_path: Path
) -> None:
    speech: Any = fal.speech()
    with pytest.raises(errors.FalConfigurationError, match="FalSpeech does not"):
        DurableBatch(speech, journal=tmp_path / "run.sqlite")
    assert not (tmp_path / "run.sqlite").exists()
