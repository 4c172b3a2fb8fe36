"""docs/explanation/faults.md, row by row: images, speech and transcription."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from faulty import ALWAYS, CANCELLED, Row, make_red_square, read_rows, start_run
from langchain_core.messages import ToolMessage

from langchain_fal_image import (
    FalImageEdit,
    FalProvider,
    FalRequest,
    FalSpeechTool,
    FalTextToImage,
    FalTranscriptionTool,
    ImageResult,
    SpeechResult,
    errors,
)
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.sandbox.faults.named import FAULTS

ONCE = read_rows("Once", 1)
ROWS = ONCE + read_rows("Again and again", ALWAYS)
BOTH_WAYS = ("sync", "async")
RED_SQUARE = make_red_square()
AUDIO_URL = "https://v3.fal.media/files/a.mp3"
AUDIO = b"ID3\x04" + b"\0" * 5000
NOT_MADE = {"speech": "No audio was made.", "transcription": "Nothing was transcribed"}
CHARGED = {
    "no": "Nothing was charged.",
    "maybe": "It may have been charged.",
    "yes": "It was charged.",
}
RESUMABLE = {"FalTimeoutError", "FalRateLimitError"}


def list_runs() -> list[Any]:
    """List each row for images, sync and async, and for both kinds of audio.

    Each row of audio runs one kind sync and the other async, in turns.
    """
    runs = []
    for number, row in enumerate(ROWS):
        ways = BOTH_WAYS[:: 1 if number % 2 else -1]
        kinds = zip(("speech", "transcription"), ways, strict=True)
        for kind, way in (*(("image", each) for each in BOTH_WAYS), *kinds):
            runs.append(pytest.param(row, kind, way, id=f"{kind}-{way}-{row}"))
    return runs


def test_the_table_has_every_fault_at_every_operation() -> None:
    listed = {(each.fault, each.operation) for each in ONCE}
    assert listed == {
        (name, operation)
        for name, (operations, _) in FAULTS.items()
        for operation in operations
    }
    assert len(ONCE) == len(listed)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(heartbeat_seconds=0.05) as started:
        yield started


@pytest.mark.parametrize(("row", "kind", "way"), list_runs())
async def test_a_row(row: Row, kind: str, way: str, sandbox: Sandbox) -> None:
    with start_run(row, sandbox) as run:
        is_tool = kind != "image" and row.operation not in {"cancel", "file", "upload"}
        call = (call_tool if is_tool else call_model)(run.fal, kind, row.operation)
        outcome = await find_outcome(call, way, run.fal)
        if is_tool:
            request = check_message(outcome, row, kind)
        else:
            request = check_outcome(outcome, row, kind)
        if row.ends_in == "result":
            assert run.submits == 1
        if request and row.charged == "maybe" and row.ends_in in RESUMABLE:
            await check_resumed(request, sandbox, kind)
            assert run.submits == 1


Call = tuple[Callable[[], Any], Callable[[], Awaitable[Any]]]
"""The same call, sync and async."""


def call_model(fal: FalProvider, kind: str, operation: str) -> Call:
    """Return a call of a runnable, or of its result, that uses an operation."""
    model, value = choose_model(fal, kind, operation)
    if operation == "cancel":

        async def acancel() -> str:
            return str(await (await model.asubmit(value)).acancel())

        return lambda: model.submit(value).cancel(), acancel
    if operation == "file":

        def find_file(result: Any) -> Any:
            return result.images[0] if kind == "image" else result

        async def aread() -> Any:
            return await find_file(await model.ainvoke(value)).aread()

        return lambda: find_file(model.invoke(value)).read(), aread
    return lambda: model.invoke(value), lambda: model.ainvoke(value)


def choose_model(fal: FalProvider, kind: str, operation: str) -> tuple[Any, Any]:
    """Return a runnable and its input."""
    mode: Any = "sync" if operation == "run" else "queue"
    if kind == "image":
        if operation == "upload":
            images = {"prompt": "night", "images": [RED_SQUARE], "size": "512x512"}
            return FalImageEdit(fal=fal), images
        t2i = FalTextToImage(fal=fal, size="64x64", mode=mode)
        return t2i, {"prompt": "a hill", "n": 2}
    if operation == "upload":
        return fal.transcription(), AUDIO
    if kind == "speech" or operation == "file":  # a transcription has no file
        return fal.speech(mode=mode), "Hello there."
    return fal.transcription(mode=mode), AUDIO_URL


def call_tool(fal: FalProvider, kind: str, operation: str) -> Call:
    """Return a call of a tool, as a chat model makes it."""
    model, value = choose_model(fal, kind, operation)
    tool: Any = (
        FalSpeechTool(model=model)
        if kind == "speech"
        else FalTranscriptionTool(model=model)
    )
    arguments = {"text" if kind == "speech" else "audio": value}
    call: Any = {"name": "x", "args": arguments, "id": "1", "type": "tool_call"}
    return lambda: tool.invoke(call), lambda: tool.ainvoke(call)


async def find_outcome(call: Call, way: str, fal: FalProvider) -> Any:
    """Return what a call returns, or the error that it raises."""
    sync, async_ = call
    try:
        return await (asyncio.to_thread(sync) if way == "sync" else async_())
    except errors.FalError as error:
        return error
    finally:
        await fal.aclose()


def check_outcome(outcome: Any, row: Row, kind: str) -> FalRequest[Any] | None:
    """Check the outcome of a runnable; return the request of its error."""
    if row.ends_in == "result":
        assert not isinstance(outcome, errors.FalError), outcome
        if isinstance(outcome, ImageResult) and row.operation != "upload":
            expected = 1 if row.fault == "fewer images" else 2
            assert len(outcome.images) == expected
        return None
    if row.ends_in in {"word", "status"}:
        assert outcome in CANCELLED
        return None
    assert type(outcome).__name__ == row.ends_in, outcome
    assert outcome.charged == row.charged
    assert isinstance(outcome.request, FalRequest) == row.has_request
    if not (row.operation == "submit" and row.charged == "no"):
        assert not outcome.is_retryable
    assert outcome.next_step
    request: FalRequest[Any] | None = outcome.request
    return request if kind == "image" else None


def check_message(message: Any, row: Row, kind: str) -> FalRequest[Any] | None:
    """Check the message of a tool; return the request in its artifact."""
    assert isinstance(message, ToolMessage)
    assert isinstance(message.content, str)
    if row.ends_in == "result":
        assert message.status == "success", message.content
        return None
    assert message.status == "error"
    assert message.content.startswith(NOT_MADE[kind])
    assert CHARGED[row.charged] in message.content
    assert "\nNext: " in message.content
    assert "image" not in message.content
    if message.artifact is None:
        return None
    assert message.artifact["type"] == "fal_request"
    return FalRequest[Any].from_dict(message.artifact)


async def check_resumed(request: FalRequest[Any], sandbox: Sandbox, kind: str) -> None:
    """Check that the request ends in a result once the fault is over."""
    sandbox.faults.clear()
    async with sandbox.provider() as fal:
        result = await request.using(fal).aresult()
    assert len(result.images) == 2 if kind == "image" else result.text


async def test_speech_is_read_later_without_a_second_request() -> None:
    with Sandbox() as sandbox:
        async with sandbox.provider() as fal:
            result = await fal.speech().ainvoke("Hi")
            sandbox.faults.next("missing file", on="file")
            with pytest.raises(errors.FalDownloadError) as caught:
                await result.aread()
            assert caught.value.charged == "yes"
            restored = SpeechResult.from_artifact(result.to_artifact(), fal=fal)
            assert await restored.aread()
            assert sandbox.submits == 1
