"""Durable batches that are interrupted: by Ctrl-C, a cancellation or a timeout."""

from __future__ import annotations

import asyncio
import functools
import itertools
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from durable_batches import PROMPTS, MakeBatch, count_states, make_batch

from langchain_fal_image import FalProvider, FalTextToImage, create_fal
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.wire.config import Polling


@pytest.fixture
def make(fal: FalProvider, tmp_path: Path) -> MakeBatch:
    return functools.partial(make_batch, tmp_path, fal)


CTRL_C = """
import signal, sys
from langchain_fal_image import FalTextToImage, create_fal
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.wire.config import Timeouts
# Processes in the background of a shell ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
url, folder, on_interrupt = sys.argv[1:]
fal = create_fal("sandbox", base_url=f"{url}/queue", timeout=Timeouts(cancel=60))
model = FalTextToImage(fal=fal, size="64x64")
batch = DurableBatch(model, journal=f"{folder}/run.sqlite", images=f"{folder}/images",
                     progress=False, concurrency=3, on_interrupt=on_interrupt)
try:
    batch.run([f"hill {n}" for n in range(6)])
except KeyboardInterrupt:
    sys.exit(77)
"""


def interrupt_batch(sandbox: Sandbox, folder: Path, on_interrupt: str) -> None:
    """Run a batch in a process of its own, and send Ctrl-C after three submits."""
    arguments = [sandbox.url, str(folder), on_interrupt]
    with subprocess.Popen([sys.executable, "-c", CTRL_C, *arguments]) as child:
        try:
            sandbox.wait_for(lambda each: each.submits == 3, timeout=120)
            child.send_signal(signal.SIGINT)
            assert child.wait(120) == 77
        finally:
            child.kill()


def test_ctrl_c_keeps_open_requests_for_the_next_start(
    make: MakeBatch, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    fal_sandbox.faults.next("stream stalls", times=3)
    interrupt_batch(fal_sandbox, tmp_path, "keep")
    assert [each for each in fal_sandbox.requests if each.method == "PUT"] == []
    assert count_states(make().report()) == {"open": 3, "waiting": 3}
    assert count_states(make().run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


def test_ctrl_c_cancels_open_requests_if_wanted(
    make: MakeBatch, tmp_path: Path
) -> None:
    with Sandbox(run_seconds=3600) as sandbox:
        interrupt_batch(sandbox, tmp_path, "cancel")
        cancels = [each for each in sandbox.requests if each.method == "PUT"]
    assert len(cancels) == 3
    assert count_states(make().report()) == {"failed": 3, "waiting": 3}


def test_a_timeout_leaves_the_request_for_the_next_start(
    make: MakeBatch, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.respond("status", 200, {"status": "IN_PROGRESS"}, times=10_000)
    polling = Polling(stream_attempts=0, first_pause=0.001, longest_pause=0.001)
    with fal_sandbox.provider(polling=polling) as impatient:
        # A second passes with each look at the clock.
        seconds = itertools.count()
        impatient.context = replace(impatient.context, now=lambda: next(seconds))
        model = FalTextToImage(fal=impatient, size="64x64", timeout=300)
        report = make(model=model).run(PROMPTS)
    assert count_states(report) == {"open": 6}
    assert all(each.request_id for each in report.open)
    fal_sandbox.faults.clear()
    assert count_states(make().run(PROMPTS)) == {"done": 6}
    assert fal_sandbox.submits == 6


async def test_repeated_cancellation_does_not_lose_the_request_id(
    make: MakeBatch,
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
