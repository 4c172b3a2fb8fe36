"""Cancelled tasks: when the request is cancelled at fal, and what is awaited."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from http_stage import (
    KEY,
    generate,
    play,
)
from pydantic import SecretStr

from langchain_fal_image.wire.config import Timeouts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.driver import Driver
from langchain_fal_image.wire.http_clients import HttpClients

PATIENT = Context(timeouts=Timeouts(cancel=60))


class Fal:
    """An async fal, one operation of which waits for `go`."""

    def __init__(
        self, slow: str, reply: httpx.Response | Exception | None = None
    ) -> None:
        self.slow = slow
        self.reply = reply
        self.seen: list[str] = []
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.method)
        if request.method == self.slow and not self.go.is_set():
            self.reached.set()
            await self.go.wait()
            if isinstance(self.reply, Exception):
                raise self.reply
            if self.reply is not None:
                return self.reply
        return play(request)

    def make_driver(self) -> Driver:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        clients = HttpClients(
            Context(), api_key=SecretStr(KEY), http_async_client=client
        )
        return Driver(clients)


async def cancelled_while_slow(fal: Fal, ctx: Context | None = None) -> None:
    task = asyncio.create_task(fal.make_driver().arun(generate(ctx or PATIENT)))
    await fal.reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    fal.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_cancelled_while_following_cancels_once() -> None:
    fal = Fal("GET")
    await cancelled_while_slow(fal)
    assert fal.seen == ["POST", "GET", "PUT"]


async def test_a_task_cancelled_while_submitting_waits_for_the_id() -> None:
    fal = Fal("POST")
    await cancelled_while_slow(fal)
    assert fal.seen == ["POST", "PUT"]


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(422, json={"detail": "no"}),
        httpx.Response(429, json={"detail": "busy"}),
        httpx.Response(200, content=b"nonsense"),
        httpx.ReadError("reset"),
    ],
    ids=repr,
)
async def test_a_cancelled_submit_that_fails_is_still_cancelled(
    reply: Any,
) -> None:
    fal = Fal("POST", reply)
    await cancelled_while_slow(fal)
    assert fal.seen == ["POST"]


async def test_a_cancelled_submit_is_awaited_no_longer_than_its_patience() -> None:
    ctx = Context(timeouts=Timeouts(cancel=0.01))
    fal = Fal("POST")
    task = asyncio.create_task(fal.make_driver().arun(generate(ctx)))
    await fal.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fal.seen == ["POST"]


async def test_a_second_cancellation_does_not_stop_the_cancel() -> None:
    fal = Fal("GET")
    slow_cancel = asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            slow_cancel.set()
            await asyncio.sleep(0)
            fal.seen.append("PUT begun")
        return await fal(request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    on = Driver(
        HttpClients(Context(), api_key=SecretStr(KEY), http_async_client=client)
    )
    task = asyncio.create_task(on.arun(generate()))
    await fal.reached.wait()
    task.cancel()
    await slow_cancel.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    fal.go.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert fal.seen == ["POST", "GET", "PUT begun", "PUT"]
