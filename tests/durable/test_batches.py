"""Durable batches: what a restart does, and what ends in a clear error."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_fal_image import (
    Budget,
    FalImageEdit,
    FalProvider,
    FalTextToImage,
    create_fal,
    errors,
)
from langchain_fal_image.durable import BatchReport, DurableBatch
from langchain_fal_image.sandbox import Sandbox

PROMPTS = [f"hill {number}" for number in range(6)]
Make = Callable[..., DurableBatch]


@pytest.fixture
def make(fal: FalProvider, tmp_path: Path) -> Make:
    def made(**settings: Any) -> DurableBatch:
        fitting = {
            "journal": tmp_path / "run.sqlite",
            "images": tmp_path / "pictures",
            "progress": False,
            **settings,
        }
        model = fitting.pop("model", None) or FalTextToImage(fal=fal, size="64x64")
        return DurableBatch(model, **fitting)

    return made


def states(report: BatchReport) -> dict[str, int]:
    return {name: len(found) for name, found in vars(report).items() if found}


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_batch_and_its_restart(
    way: str, make: Make, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    inputs: list[Any] = [*PROMPTS, {"prompt": "two", "n": 2}]
    for _ in range(2):
        if way == "sync":
            report = await asyncio.to_thread(make().run, inputs)
        else:
            report = await make().arun(inputs)
        assert states(report) == {"done": 7}
        assert report.is_complete
        assert fal_sandbox.submits == 7
    names = sorted(each.name for each in (tmp_path / "pictures").iterdir())
    assert names == [f"{n:05d}.png" for n in range(6)] + ["00006_1.png", "00006_2.png"]
    assert report.done[6].files == ("00006_1.png", "00006_2.png")
    assert json.loads(json.dumps(report.to_dict()))["done"][0]["summary"] == "hill 0"
    assert make().report() == report
    assert b"base64" not in (tmp_path / "run.sqlite").read_bytes()


def test_no_more_at_once_than_asked(make: Make, fal_sandbox: Sandbox) -> None:
    make(concurrency=2).run(PROMPTS)
    assert fal_sandbox.most_in_flight == 2


def test_an_inputs_own_failure_is_its_own(make: Make, fal_sandbox: Sandbox) -> None:
    fal_sandbox.faults.next("moderation")
    inputs = [{"prompt": "a", "guidance_scale": 99}, "b", "c"]
    report = make(concurrency=1).run(inputs)
    assert states(report) == {"done": 1, "failed": 2}
    assert "guidance_scale=99" in str(report)
    assert [each.error["type"] for each in report.failed if each.error] == [
        "FalOptionError",
        "FalModerationError",
    ]
    assert fal_sandbox.submits == 2
    assert make().run(inputs) == report
    assert fal_sandbox.submits == 2
    assert states(make(retry_failed=True).run(inputs)) == {"done": 2, "failed": 1}
    assert fal_sandbox.submits == 3


def test_what_was_surely_not_taken_is_submitted_at_the_next_start(
    make: Make, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("503 from the app", on="submit")
    report = make(concurrency=1).run(PROMPTS)
    assert states(report) == {"done": 5, "waiting": 1}
    assert not report.is_complete
    assert states(make().run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


def test_what_is_uncertain_is_left_for_a_decision(
    make: Make, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("dropped after", on="submit")
    fal_sandbox.faults.next("dropped before", on="submit")
    report = make(concurrency=1).run(PROMPTS)
    assert states(report) == {"done": 4, "uncertain": 2}
    assert "uncertain 0 hill 0" in str(report)
    assert states(make().run(PROMPTS)) == {"done": 4, "uncertain": 2}
    assert fal_sandbox.submits == 5
    assert states(make(on_uncertain="resubmit").run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 7


def test_a_timeout_leaves_the_request_for_the_next_start(
    make: Make, tmp_path: Path
) -> None:
    with Sandbox(run_seconds=0.8) as sandbox:
        hasty = FalTextToImage(fal=sandbox.provider(), size="64x64", timeout=0.2)
        report = make(model=hasty).run(PROMPTS)
        assert states(report) == {"open": 6}
        assert all(each.request_id for each in report.open)
        patient = FalTextToImage(fal=sandbox.provider(), size="64x64")
        assert states(make(model=patient).run(PROMPTS)) == {"done": 6}
        assert sandbox.submits == 6


def test_an_image_that_could_not_be_read_is_read_again(
    make: Make, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("missing file")
    report = make(concurrency=1).run(PROMPTS)
    assert states(report) == {"done": 5, "open": 1}
    assert states(make().run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


def test_a_budget_stops_it_and_a_larger_one_goes_on(
    make: Make, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    def with_budget(most: int) -> DurableBatch:
        budget = Budget(max_images=most)
        model = FalTextToImage(fal=fal, size="64x64", budget=budget)
        return make(model=model, concurrency=1)

    with pytest.raises(errors.FalBudgetExceededError):
        with_budget(2).run(PROMPTS)
    assert states(make().report()) == {"done": 2, "waiting": 4}
    assert states(with_budget(4).run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


# --- What else may be given ---


def test_odd_inputs(make: Make, fal: FalProvider, tmp_path: Path) -> None:
    assert states(make().run([])) == {}
    odd = ["", "\ud800 é 富士", "a" * 5000, {"prompt": "x", "seed": 1}]
    report = make(journal=tmp_path / "odd.sqlite").run(odd)
    assert sum(states(report).values()) == 4
    assert make(journal=tmp_path / "odd.sqlite").run(odd) == report
    photo = FalTextToImage(fal=fal, size="512x512").invoke("a cat").images[0].read()
    edits = FalImageEdit(fal=fal, prompt="night", size="512x512")
    given = [photo, {"prompt": "day", "images": [photo]}]
    report = make(model=edits, journal=tmp_path / "edits.sqlite").run(given)
    assert states(report) == {"done": 2}


async def test_run_inside_a_loop_says_what_to_call(make: Make) -> None:
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
def test_wrong_settings_are_refused(wrong: dict[str, Any], make: Make) -> None:
    with pytest.raises(errors.FalConfigurationError, match=next(iter(wrong))):
        make(**wrong)


# --- Clear ends ---


def test_a_changed_batch_is_refused(
    make: Make, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    make().run(PROMPTS)
    for changed, words in (
        ([*PROMPTS, "more"], "6 inputs, not 7"),
        (["other", *PROMPTS[1:]], "another input at index 0"),
    ):
        with pytest.raises(errors.FalJournalError, match=words):
            make().run(changed)
    other = FalTextToImage(fal=fal, size="128x128")
    with pytest.raises(errors.FalJournalError, match="other options"):
        make(model=other).run(PROMPTS)
    assert states(make().report()) == {"done": 6}
    assert fal_sandbox.submits == 6


def test_a_second_process_is_refused(make: Make, tmp_path: Path) -> None:
    make().run(PROMPTS)
    held = "from pathlib import Path; from langchain_fal_image.durable.journal import"
    code = f"{held} Journal; j = Journal(Path({str(tmp_path / 'run.sqlite')!r}));"
    code += "print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(errors.FalJournalError, match="in use by another process"):
            make().run(PROMPTS)
        other.kill()
    assert states(make().run(PROMPTS)) == {"done": 6}


@pytest.mark.parametrize("kind", ["text", "cut", "overwritten", "another's", "newer"])
def test_a_damaged_journal_is_left_as_it_is(
    kind: str, make: Make, tmp_path: Path, fal_sandbox: Sandbox
) -> None:
    path = tmp_path / "run.sqlite"
    make().run([f"hill {number} {'x' * 900}" for number in range(40)])
    whole = path.read_bytes()
    if kind == "text":
        path.write_text("dear diary, " * 100)
    elif kind == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "overwritten":
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    else:
        path.unlink()
        with sqlite3.connect(path) as base:
            base.execute("create table cats (name text)")
            if kind == "newer":
                base.execute("create table inputs (number integer)")
                base.execute("create table meta (name text, value text)")
                base.execute("insert into meta values ('version', '7')")
        base.close()
    before = path.read_bytes()
    submits = fal_sandbox.submits
    with pytest.raises(errors.FalJournalError) as caught:
        make().run(PROMPTS)
    assert caught.value.next_step
    assert path.read_bytes() == before
    assert fal_sandbox.submits == submits


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_for_images_loses_nothing(
    make: Make, tmp_path: Path, fal_sandbox: Sandbox
) -> None:
    large = [{"prompt": "a hill", "size": "1024x768"}, "a lake"]
    # The journal is small, an image is not.
    with (
        files_up_to(60_000),
        pytest.raises(errors.FalJournalError, match="cannot be written") as caught,
    ):
        make(concurrency=1).run(large)
    assert caught.value.charged == "yes"
    assert caught.value.request_id
    assert list((tmp_path / "pictures").glob("*.png")) == []
    assert states(make().run(large)) == {"done": 2}
    assert fal_sandbox.submits == 2


def test_a_full_disk_for_the_journal_names_the_request(
    make: Make, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    inputs = [f"hill {number} {'long ' * 190}" for number in range(12)]
    with files_up_to(24_576), pytest.raises(errors.FalJournalError) as caught:
        make(concurrency=1).run(inputs)
    assert "cannot be written" in caught.value.message
    known = {each.request_id for each in make().report().open}
    known |= {each.request_id for each in make().report().done}
    lost = set(fal_sandbox.accepted) - known
    assert lost <= {caught.value.request_id}
    if caught.value.request is not None:
        assert caught.value.request.using(fal).result().images
    report = make().run(inputs)
    assert len(report.done) + len(report.uncertain) == 12
    assert fal_sandbox.submits <= 12


CTRL_C = """
import sys
from langchain_fal_image import FalTextToImage, create_fal
from langchain_fal_image.durable import DurableBatch
url, place, on_interrupt = sys.argv[1:]
fal = create_fal("sandbox", base_url=f"{url}/queue")
model = FalTextToImage(fal=fal, size="64x64")
batch = DurableBatch(model, journal=f"{place}/run.sqlite", images=f"{place}/pictures",
                     progress=False, concurrency=3, on_interrupt=on_interrupt)
try:
    batch.run([f"hill {n}" for n in range(6)])
except KeyboardInterrupt:
    sys.exit(77)
"""


@pytest.mark.parametrize("on_interrupt", ["keep", "cancel"])
def test_ctrl_c_stops_cleanly(on_interrupt: str, make: Make, tmp_path: Path) -> None:
    with Sandbox(run_seconds=1.5) as sandbox:
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CTRL_C), sandbox.url, str(tmp_path),
             on_interrupt], env={**os.environ},
        ) as child:  # fmt: skip
            sandbox.wait_for(lambda each: each.submits == 3, timeout=20)
            child.send_signal(signal.SIGINT)
            assert child.wait(10) == 77
        cancels = [each for each in sandbox.requests if each.method == "PUT"]
        model = FalTextToImage(fal=sandbox.provider(), size="64x64")
        if on_interrupt == "keep":
            assert cancels == []
            assert states(make(model=model).report()) == {"open": 3, "waiting": 3}
            assert states(make(model=model).run(PROMPTS)) == {"done": 6}
            assert sandbox.submits == 6
        else:
            assert len(cancels) == 3
            found = states(make(model=model).report())
            assert found == {"failed": 3, "waiting": 3}


async def test_however_often_it_is_told_to_stop_the_id_is_written_down(
    make: Make,
) -> None:
    submitted, answer = asyncio.Event(), asyncio.Event()

    async def fal_is_slow(request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        submitted.set()
        await answer.wait()
        return httpx.Response(200, json={"request_id": "r-1"})

    client = httpx.AsyncClient(transport=httpx.MockTransport(fal_is_slow))
    model = FalTextToImage(fal=create_fal("k", http_async_client=client))
    batch = make(model=model)
    task = asyncio.create_task(batch.arun(PROMPTS[:1]))
    await submitted.wait()
    for _ in range(3):
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    [entry] = batch.report().open
    assert entry.request_id == "r-1"


# --- Webhooks ---


def test_a_webhook_completes_an_input(
    make: Make, fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"webhook_url": "https://me.example/hook"}
    report = make(**settings, follow=False).run(PROMPTS[:3])
    assert states(report) == {"open": 3}
    posts = [each for each in fal_sandbox.requests if each.method == "POST"]
    assert {each.query for each in posts} == {
        "fal_webhook=https%3A%2F%2Fme.example%2Fhook"
    }
    first, second, _ = report.open
    output = fal.request("fal-ai/qwen-image", str(first.request_id)).result().raw
    hook = {"request_id": first.request_id, "status": "OK", "payload": dict(output)}
    assert make().complete(hook) is True
    assert make().complete(hook) is False
    wrong = {"request_id": second.request_id, "status": "ERROR", "payload": None}
    assert make().complete(wrong) is True
    with pytest.raises(errors.FalJournalError, match="has no request"):
        make().complete({"request_id": "unknown", "status": "OK"})
    assert (tmp_path / "pictures" / "00000.png").exists()
    assert states(make(**settings).run(PROMPTS[:3])) == {"done": 3}
    assert fal_sandbox.submits == 3


def test_what_makes_no_images_is_refused(fal: FalProvider, tmp_path: Path) -> None:
    speech: Any = fal.speech()
    with pytest.raises(errors.FalConfigurationError, match="FalSpeech does not"):
        DurableBatch(speech, journal=tmp_path / "run.sqlite")
    assert not (tmp_path / "run.sqlite").exists()
