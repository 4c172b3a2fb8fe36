"""docs/explanation/faults.md, row by row: each of its faults, sync and async."""

from __future__ import annotations

import asyncio
import email.utils
import io
import itertools
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from langchain_fal_image import (
    FalImageEdit,
    FalProvider,
    FalRequest,
    FalTextToImage,
    ImageResult,
    errors,
)
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.sandbox.faults.named import FAULTS
from langchain_fal_image.wire.config import Limits, Retry, Timeouts
from langchain_fal_image.wire.effects import HttpResponse
from langchain_fal_image.wire.retry import compute_pause

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "faults.md"
ROW = re.compile(
    r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE
)
LIMITS = Limits(download_bytes=1_000_000, inline_bytes=10)


@dataclass(frozen=True)
class Case:
    """One fault of a row.

    Attributes:
        fault: Its name.
        on: The operation.
        ends_in: `result`, `word`, or the error.
        charged: What the error says.
        has_request: Whether the error carries the request.
        times: For how many requests it holds.
    """

    fault: str
    on: str
    ends_in: str
    charged: str
    has_request: bool
    times: int

    def __str__(self) -> str:
        return f"{self.fault} at {self.on} x{self.times}"


def cases(title: str, times: int) -> list[Case]:
    section = (
        PAGE.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    )
    _, *rows = ROW.findall(section)
    return [
        Case(fault, on, ends_in, charged.strip(), request.strip() == "yes", times)
        for faults, places, _, ends_in, charged, request in rows
        for fault, on in itertools.product(faults.split(", "), places.split(", "))
    ]


ONCE = cases("Once", 1)
ALWAYS = cases("Again and again", 9999)


def test_the_table_names_every_fault_at_every_place() -> None:
    named = {(each.fault, each.on) for each in ONCE}
    assert named == {
        (name, on) for name, (places, _) in FAULTS.items() for on in places
    }
    assert len(ONCE) == len(named)


@pytest.fixture(scope="module")
def red_square() -> bytes:
    content = io.BytesIO()
    PIL.Image.new("RGB", (512, 512), "red").save(content, "PNG")
    return content.getvalue()


def call(fal: FalProvider, on: str, content: bytes) -> Any:
    """Do what meets the fault; give what came of it."""
    t2i = FalTextToImage(fal=fal, size="64x64")
    match on:
        case "file":
            return t2i.invoke("a hill").images[0].read()
        case "upload":
            given = {"prompt": "night", "images": [content], "size": "512x512"}
            return FalImageEdit(fal=fal).invoke(given)
        case "run":
            return FalTextToImage(fal=fal, mode="sync", n=2, size="64x64").invoke(
                "a hill"
            )
        case "cancel":
            return t2i.submit("a hill").cancel()
    return t2i.invoke({"prompt": "a hill", "n": 2})


async def acall(fal: FalProvider, on: str, content: bytes) -> Any:
    t2i = FalTextToImage(fal=fal, size="64x64")
    match on:
        case "file":
            return await (await t2i.ainvoke("a hill")).images[0].aread()
        case "upload":
            given = {"prompt": "night", "images": [content], "size": "512x512"}
            return await FalImageEdit(fal=fal).ainvoke(given)
        case "run":
            return await FalTextToImage(
                fal=fal, mode="sync", n=2, size="64x64"
            ).ainvoke("a hill")
        case "cancel":
            return await (await t2i.asubmit("a hill")).acancel()
    return await t2i.ainvoke({"prompt": "a hill", "n": 2})


async def outcome(fal: FalProvider, on: str, content: bytes, way: str) -> Any:
    try:
        if way == "sync":
            return await asyncio.to_thread(call, fal, on, content)
        return await acall(fal, on, content)
    except errors.FalError as error:
        return error
    finally:
        await fal.aclose()


def times(total: float) -> Timeouts:
    return Timeouts(total=total, stream_silence=0.2, submit_grace=1, download=1)


@pytest.mark.parametrize("case", ONCE + ALWAYS, ids=str)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_row(case: Case, way: str, red_square: bytes) -> None:
    with Sandbox(heartbeat_seconds=0.05) as sandbox:
        if case.on == "status":
            # States are asked for where the stream cannot be had.
            sandbox.faults.next("stream of nonsense", times=case.times)
        sandbox.faults.next(case.fault, on=case.on, times=case.times)  # type: ignore[arg-type]  # read from the page
        fal = sandbox.provider(
            timeout=times(20 if case.times == 1 else 1.2), limits=LIMITS
        )
        came = await outcome(fal, case.on, red_square, way)
        assert sandbox.faults.counts[case.on, case.fault] >= 1
        assert sandbox.submits <= 1
        assert sandbox.leaks == []
        if case.ends_in == "result":
            assert isinstance(came, ImageResult | bytes), came
            assert sandbox.submits == 1
            if isinstance(came, ImageResult) and case.on != "upload":
                expected = 1 if case.fault == "fewer images" else 2
                assert len(came.images) == expected
        elif case.ends_in == "word":
            assert came in {"OK", "CANCELLATION_REQUESTED", "ALREADY_COMPLETED"}
        else:
            assert type(came).__name__ == case.ends_in, came
            assert came.charged == case.charged
            assert isinstance(came.request, FalRequest) == case.has_request
            if not (case.on == "submit" and case.charged == "no"):
                assert not came.is_retryable
            assert came.next_step
        if isinstance(came, errors.FalError) and came.request:
            sandbox.faults.clear()
            if case.charged == "maybe" and case.ends_in in {
                "FalTimeoutError",
                "FalRateLimitError",
            }:
                patient = sandbox.provider()
                again = came.request.using(patient)
                assert len((await again.aresult()).images) == 2
                assert sandbox.submits == 1
                await patient.aclose()


# --- Beyond a single answer ---


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_no_connection_can_be_opened(way: str) -> None:
    with Sandbox() as sandbox:
        with sandbox.refuse_connections():
            came = await outcome(sandbox.provider(timeout=2), "submit", b"", way)
        assert type(came) is errors.FalConnectionError
        assert (came.charged, came.is_retryable) == ("no", True)
        assert sandbox.submits == 0
        assert isinstance(
            await outcome(sandbox.provider(), "submit", b"", way), ImageResult
        )


async def again(request: FalRequest, way: str) -> ImageResult:
    if way == "sync":
        return await asyncio.to_thread(request.result)
    return await request.aresult()


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_no_connection_can_be_opened_after_the_submit(way: str) -> None:
    with Sandbox() as sandbox:
        fal = sandbox.provider(timeout=1)
        request = FalTextToImage(fal=fal, size="64x64").submit("a hill")
        with sandbox.refuse_connections(), pytest.raises(errors.FalError) as caught:
            await (
                asyncio.to_thread(request.result)
                if way == "sync"
                else request.aresult()
            )
        await fal.aclose()
        assert caught.value.charged == "maybe"
        assert caught.value.request == request
        patient = sandbox.provider()
        assert caught.value.request.using(patient).result().images
        patient.close()
        assert sandbox.submits == 1


class Jumping:
    """A clock that jumps by an hour at its n-th reading."""

    def __init__(self, reading: int) -> None:
        self._left = reading
        self._ahead = 0.0

    def __call__(self) -> float:
        self._left -= 1
        if self._left == 0:
            self._ahead = 3600.0
        return time.monotonic() + self._ahead


@pytest.mark.parametrize("reading", range(2, 14))
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_the_clients_clock_jumps(reading: int, way: str) -> None:
    with Sandbox() as sandbox:
        fal = sandbox.provider()
        fal.context = replace(fal.context, now=Jumping(reading))
        came = await outcome(fal, "submit", b"", way)
        assert sandbox.submits == 1
        if not isinstance(came, ImageResult):
            assert type(came) is errors.FalTimeoutError
            patient = sandbox.provider()
            assert len((await came.request.using(patient).aresult()).images) == 2
            await patient.aclose()


@pytest.mark.parametrize("jump", [-1e9, 0.0, 4e9])
def test_the_days_clock_jumps(jump: float) -> None:
    def now() -> float:
        return time.time() + jump

    assert compute_pause(Retry(), attempt=1, response=None, now=now) <= 0.5
    told = HttpResponse(status=429, headers={"retry-after": "2"})
    assert compute_pause(Retry(), attempt=1, response=told, now=now) == 2
    date = email.utils.formatdate(time.time() + 5, usegmt=True)
    dated = HttpResponse(status=429, headers={"retry-after": date})
    assert compute_pause(Retry(), attempt=1, response=dated, now=now) >= 0


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_retry_after_beyond_the_deadline(way: str) -> None:
    with Sandbox() as sandbox:
        late = {"retry-after": "3600"}
        sandbox.faults.respond("submit", 429, {}, headers=late)
        began = time.monotonic()
        came = await outcome(sandbox.provider(timeout=5), "submit", b"", way)
        assert type(came) is errors.FalRateLimitError
        assert came.charged == "no"
        assert time.monotonic() - began < 4  # it did not wait in vain
        sandbox.faults.respond("result", 429, {}, headers=late)
        came = await outcome(sandbox.provider(timeout=0.5), "submit", b"", way)
        assert type(came) is errors.FalTimeoutError
        assert came.request is not None


def test_an_unknown_fault_is_a_value_error() -> None:
    sandbox = Sandbox()
    with pytest.raises(ValueError, match="Unknown fault .a cough."):
        sandbox.faults.next("a cough")
    with pytest.raises(ValueError, match="is for stream, not for"):
        sandbox.faults.next("stream stalls", on="submit")
    with pytest.raises(ValueError, match="a cough"):
        sandbox.faults.randomize(seed=1, only=["a cough"])
