"""The sync and the async driver behave alike: results, errors, cancels, connections."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from http_stage import Run, run_async, run_sync
from stage import make_async_pools, make_pools

from langchain_fal_image import FalProvider, create_fal
from langchain_fal_image.errors import (
    FalConnectionError,
    FalDownloadError,
    FalSubmitUncertainError,
)
from langchain_fal_image.sandbox import Fault, Sandbox
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.config import Limits, Retry, Timeouts
from langchain_fal_image.wire.effects import Call, Flow
from langchain_fal_image.wire.files import download
from langchain_fal_image.wire.guard import AccessRefused, parse_origin
from langchain_fal_image.wire.guarded_transport import (
    AsyncGuardedTransport,
    GuardedTransport,
)
from langchain_fal_image.wire.queue import QueueUpdate

MODEL = "fal-ai/qwen-image"
PATIENT = Timeouts(cancel=60)


@pytest.fixture(params=[run_sync, run_async])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a flow on a driver, sync or async."""
    run: Run = request.param
    return run


def generate(fal: FalProvider, **settings: Any) -> Flow[Any]:
    return flows.generate(fal.context, MODEL, {"prompt": "a hill"}, **settings)


def test_a_generation_runs(run: Run, fal: FalProvider) -> None:
    updates: list[QueueUpdate] = []
    output = run(fal, generate(fal), updates.append)
    assert output.body["images"]
    # A request that runs this quickly may complete before its stream opens.
    statuses = [each.status for each in updates if each.status != "IN_PROGRESS"]
    assert statuses == ["IN_QUEUE", "COMPLETED"]
    [image] = output.body["images"]
    assert run(fal, download(fal.context, image["url"])).content[:4] == b"\x89PNG"


def test_a_dropped_connection_is_a_lost_reply(
    run: Run, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.drop("submit")
    with pytest.raises(FalSubmitUncertainError):
        run(fal, generate(fal))
    assert fal_sandbox.submits == 1


@pytest.mark.parametrize("on", ["stream", "status", "result"])
def test_a_connection_dropped_later_loses_nothing(
    run: Run, fal: FalProvider, fal_sandbox: Sandbox, on: Any
) -> None:
    fal_sandbox.faults.drop(on, times=2)
    assert run(fal, generate(fal)).body["images"]
    assert fal_sandbox.submits == 1


def test_a_refused_connection_is_retryable(run: Run) -> None:
    retry = Retry(first_pause=0.01)
    fal = create_fal("k", base_url="http://127.0.0.1:1/queue", retry=retry)
    with pytest.raises(FalConnectionError) as caught:
        run(fal, generate(fal))
    assert caught.value.is_retryable


def test_the_address_of_the_connection_is_checked(fal_sandbox: Sandbox) -> None:
    # As with a hostile DNS: the name is public, its address is this machine's own.
    url = fal_sandbox.files.put("a.bin", b"x", "application/octet-stream")
    with httpx.Client(transport=GuardedTransport(make_pools, trusted=())) as client:
        for each in (url, url.replace("127.0.0.1", "localhost")):
            with pytest.raises(AccessRefused, match="not a public address"):
                client.get(each)
    trusted = {parse_origin(url)}
    with httpx.Client(
        transport=GuardedTransport(make_pools, trusted=trusted)
    ) as client:
        assert client.get(url).content == b"x"
    assert len(fal_sandbox.requests) == 1


async def test_the_address_of_an_async_connection_is_checked(
    fal_sandbox: Sandbox,
) -> None:
    url = fal_sandbox.files.put("a.bin", b"x", "application/octet-stream")
    transport = AsyncGuardedTransport(make_async_pools, trusted=())
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(AccessRefused, match="not a public address"):
            await client.get(url.replace("127.0.0.1", "localhost"))
    assert fal_sandbox.requests == []


def test_a_response_above_the_limit_is_not_read_to_its_end(
    run: Run, fal_sandbox: Sandbox
) -> None:
    fal = fal_sandbox.provider(limits=Limits(download_bytes=1000))
    url = fal_sandbox.files.put("big.bin", b"x" * 5000, "application/octet-stream")
    with pytest.raises(FalDownloadError, match="larger than 1000 bytes"):
        run(fal, download(fal.context, url))


def test_no_key_goes_to_files(run: Run, fal: FalProvider, fal_sandbox: Sandbox) -> None:
    url = fal_sandbox.files.put("a.bin", b"x", "application/octet-stream")
    run(fal, download(fal.context, url))
    assert fal_sandbox.leaks == []
    [request] = fal_sandbox.requests
    assert "authorization" not in request.headers


def test_a_redirect_of_the_api_is_not_followed(run: Run) -> None:
    seen: list[httpx.Request] = []

    def moved(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    transport = httpx.MockTransport(moved)
    fal = create_fal(
        "k",
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )
    with pytest.raises(Exception, match="307"):
        run(fal, generate(fal))
    assert [each.url.host for each in seen] == ["queue.fal.run"]


def test_blocking_work_returns_its_result_and_its_error(
    run: Run, fal: FalProvider
) -> None:
    def flow() -> Flow[list[Any]]:
        first = yield Call(lambda: threading.current_thread().name)
        try:
            yield Call(lambda: 1 / 0)
        except ZeroDivisionError as error:
            return [first, str(error)]
        return []

    assert run(fal, flow())[1] == "division by zero"


def test_an_error_of_the_callback_is_raised(run: Run, fal: FalProvider) -> None:
    def watch(_: QueueUpdate) -> None:
        message = "the watcher failed"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="the watcher failed"):
        run(fal, generate(fal), watch)


def test_ctrl_c_cancels_at_fal(run: Run) -> None:
    with Sandbox(run_seconds=60) as sandbox:
        fal = sandbox.provider(timeout=PATIENT)

        def interrupt(_: QueueUpdate) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(fal, generate(fal), interrupt)
        assert [each.method for each in sandbox.requests].count("PUT") == 1


async def test_cancelling_the_task_cancels_at_fal() -> None:
    with Sandbox(run_seconds=60) as sandbox:
        fal = sandbox.provider(timeout=PATIENT)
        begun = asyncio.Event()
        task = asyncio.create_task(fal.arun(generate(fal), lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [each.method for each in sandbox.requests].count("PUT") == 1
        await fal.aclose()


async def test_cancelling_before_the_response_to_the_submit_cancels_at_fal() -> None:
    with Sandbox(run_seconds=60) as sandbox:
        sandbox.faults.add(Fault(on="submit", delay_seconds=0.2, after=True))
        async with sandbox.provider(timeout=PATIENT) as fal:
            task = asyncio.create_task(fal.arun(generate(fal)))
            await asyncio.to_thread(sandbox.wait_for, lambda seen: seen.submits == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [each.method for each in sandbox.requests].count("PUT") == 1


async def test_a_time_limit_around_it_cancels_at_fal() -> None:
    with Sandbox(run_seconds=60) as sandbox:
        async with sandbox.provider(timeout=PATIENT) as fal:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(None) as limit:
                    await fal.arun(generate(fal), lambda _: limit.reschedule(0))
            assert [each.method for each in sandbox.requests].count("PUT") == 1


def test_cancel_open_stops_worker_threads() -> None:
    with Sandbox(run_seconds=60) as sandbox:
        fal = sandbox.provider()
        begun = threading.Event()
        ended: list[str] = []

        def work() -> None:
            try:
                fal.run(generate(fal), lambda _: begun.set())
            except Exception as error:  # noqa: BLE001 - checked in the test's thread
                ended.append(type(error).__name__)

        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        [word] = fal.cancel_open().values()
        thread.join()
        assert word in {"OK", "CANCELLATION_REQUESTED"}
        assert ended == ["FalCancelledError"]


def test_two_event_loops_leave_no_open_socket(fal_sandbox: Sandbox) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        fal = fal_sandbox.provider()
        for _ in range(2):
            asyncio.run(fal.arun(generate(fal)))
            gc.collect()


@pytest.fixture
def watched(fal_sandbox: Sandbox) -> Iterator[FalProvider]:
    with fal_sandbox.provider(headers={"X-Fal-Store-IO": "0"}) as fal:
        yield fal


def test_own_headers_and_the_user_agent_are_sent(
    run: Run, watched: FalProvider, fal_sandbox: Sandbox
) -> None:
    run(watched, generate(watched))
    submit = fal_sandbox.requests[0]
    assert submit.headers["x-fal-store-io"] == "0"
    assert submit.headers["user-agent"].startswith("langchain-fal-image/")
    assert submit.headers["authorization"] == "Key …"
    assert json.dumps(submit.json) == '{"prompt": "a hill"}'
