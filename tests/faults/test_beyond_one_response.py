"""Failures beyond a single response: connections, clocks, `Retry-After`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from faulty import JumpingClock, make_provider, set_clock

from langchain_fal_image import (
    FalProvider,
    FalTextToImage,
    ImageResult,
    Timeouts,
    errors,
)
from langchain_fal_image.sandbox import Sandbox

pytestmark = pytest.mark.parametrize("way", ["sync", "async"])


async def generate(fal: FalProvider, way: str) -> Any:
    """Return the result of a generation, or its error."""
    t2i = FalTextToImage(fal=fal, size="64x64")
    try:
        if way == "sync":
            return await asyncio.to_thread(t2i.invoke, "a hill")
        return await t2i.ainvoke("a hill")
    except errors.FalError as error:
        return error
    finally:
        await fal.aclose()


async def resume(error: errors.FalError, sandbox: Sandbox) -> ImageResult:
    request: Any = error.request
    async with sandbox.provider() as fal:
        result: ImageResult = await request.using(fal).aresult()
    return result


async def test_no_connection_can_be_opened(way: str) -> None:
    with Sandbox() as sandbox:
        with sandbox.refuse_connections():
            outcome = await generate(make_provider(sandbox), way)
        assert type(outcome) is errors.FalConnectionError
        assert (outcome.charged, outcome.is_retryable) == ("no", True)
        assert sandbox.submits == 0
        assert isinstance(await generate(sandbox.provider(), way), ImageResult)


async def test_no_connection_can_be_opened_after_the_submit(way: str) -> None:
    with Sandbox() as sandbox:
        fal = make_provider(sandbox)
        request = FalTextToImage(fal=fal, size="64x64").submit("a hill")
        result = asyncio.to_thread(request.result) if way == "sync" else None
        with sandbox.refuse_connections(), pytest.raises(errors.FalError) as caught:
            await (result or request.aresult())
        await fal.aclose()
        assert caught.value.charged == "maybe"
        assert caught.value.request == request
        assert (await resume(caught.value, sandbox)).images
        assert sandbox.submits == 1


@pytest.mark.parametrize("reading", range(2, 14))
async def test_the_monotonic_clock_jumps(reading: int, way: str) -> None:
    readings = iter(range(1, reading))
    with Sandbox() as sandbox:
        fal = make_provider(sandbox)
        set_clock(fal, JumpingClock(lambda: next(readings, None) is None))
        outcome = await generate(fal, way)
        assert sandbox.submits == 1
        if not isinstance(outcome, ImageResult):
            assert type(outcome) is errors.FalTimeoutError
            assert (await resume(outcome, sandbox)).images


async def test_a_retry_after_beyond_the_deadline_ends_a_submit(way: str) -> None:
    with Sandbox() as sandbox:
        sandbox.faults.respond("submit", 429, {}, headers={"retry-after": "3600"})
        began = time.monotonic()
        outcome = await generate(make_provider(sandbox, timeout=60), way)
        assert type(outcome) is errors.FalRateLimitError
        assert outcome.charged == "no"
        assert time.monotonic() - began < 40  # it did not wait for the deadline


async def test_a_retry_after_beyond_the_deadline_ends_a_result(way: str) -> None:
    with Sandbox() as sandbox:
        sandbox.faults.respond("result", 429, {}, headers={"retry-after": "3600"})
        fal = make_provider(sandbox, timeout=Timeouts(total=60, submit_grace=60))
        counts = sandbox.faults.counts
        set_clock(fal, JumpingClock(lambda: counts["result", "scripted"] > 0))
        outcome = await generate(fal, way)
        assert type(outcome) is errors.FalTimeoutError
        assert (await resume(outcome, sandbox)).images
        assert sandbox.submits == 1
