"""One provider in many threads, event loops and processes; nothing grows."""

from __future__ import annotations

import asyncio
import gc
import os
import runpy
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from langchain_fal_image import FalProvider, FalTextToImage
from langchain_fal_image.sandbox import Sandbox

LONG_RUN = Path(__file__).resolve().parents[2] / "benchmarks" / "long_run.py"
SMALL = "64x64"


def test_many_threads_share_a_provider(fal: FalProvider, fal_sandbox: Sandbox) -> None:
    t2i = FalTextToImage(fal=fal, size=SMALL)
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(t2i.invoke, [f"hill {n}" for n in range(48)]))
    assert len({each.request_id for each in results}) == 48
    assert fal_sandbox.submits == 48


def test_many_event_loops_share_a_provider(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    t2i = FalTextToImage(fal=fal, size=SMALL)

    async def some() -> None:
        await asyncio.gather(*(t2i.ainvoke(f"hill {n}") for n in range(3)))

    for _ in range(3):
        asyncio.run(some())
    threads = [threading.Thread(target=lambda: asyncio.run(some())) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    t2i.invoke("the last")
    assert fal_sandbox.submits == 7 * 3 + 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("is_locked", [False, True])
def test_a_forked_process_uses_the_same_provider(
    is_locked: bool,  # noqa: FBT001 - a parameter of the test
    fal: FalProvider,
    fal_sandbox: Sandbox,
) -> None:
    t2i = FalTextToImage(fal=fal, size=SMALL)
    t2i.invoke("in the parent")
    clients = fal._driver._clients
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with clients._lock:
            held.set()
            go.wait(30)

    holder = threading.Thread(target=hold)
    if is_locked:
        # Another thread creates a client while the process forks.
        holder.start()
        held.wait(5)
    child = os.fork()
    if child == 0:
        try:
            t2i.invoke("in the child")
        except BaseException:  # noqa: BLE001 - a child must not return to pytest
            os._exit(1)
        os._exit(0)
    go.set()
    if is_locked:
        holder.join()
    _, status = os.waitpid(child, 0)
    assert status == 0
    t2i.invoke("in the parent again")
    assert fal_sandbox.submits == 3


@pytest.mark.slow
def test_descriptors_and_tasks_do_not_grow() -> None:
    measured = runpy.run_path(str(LONG_RUN))["long_run"](
        early=60, late=300, concurrency=8, way="async"
    )
    early, late = measured
    # A status stream keeps its connection a moment longer: up to one for each place in
    # flight. A leak would keep 240.
    assert late.descriptors <= early.descriptors + 8
    assert late.tasks <= early.tasks
    assert late.threads <= early.threads
    gc.collect()
