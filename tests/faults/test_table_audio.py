"""The fault table, row by row, with the tools that speak and listen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from test_table import ALWAYS, LIMITS, ONCE, Case, times

from langchain_fal_image import (
    FalProvider,
    FalRequest,
    FalSpeechTool,
    FalTranscriptionTool,
    SpeechResult,
    errors,
)
from langchain_fal_image.sandbox import Sandbox

URL = "https://v3.fal.media/files/a.mp3"
RECORDING = b"ID3\x04" + b"\0" * 5000
NOTHING = {"speech": "Nothing was spoken.", "transcription": "Nothing was transcribed"}
CHARGED = {
    "no": "Nothing was charged.",
    "maybe": "It may have been charged.",
    "yes": "It was charged.",
}


def tool_of(fal: FalProvider, kind: str, on: str) -> Any:
    mode: Any = "sync" if on == "run" else "queue"
    if kind == "speech":
        return FalSpeechTool(model=fal.speech(mode=mode))
    return FalTranscriptionTool(model=fal.transcription(mode=mode))


async def answered(fal: FalProvider, kind: str, on: str, way: str) -> Any:
    """Do with a tool what meets the fault; give its message."""
    arguments = {"text": "Hello there."} if kind == "speech" else {"audio": URL}
    call: Any = {"name": "x", "args": arguments, "id": "1", "type": "tool_call"}
    tool = tool_of(fal, kind, on)
    if way == "sync":
        return await asyncio.to_thread(tool.invoke, call)
    return await tool.ainvoke(call)


async def beside(fal: FalProvider, kind: str, on: str, way: str) -> Any:
    """Do with a runnable what no call of a tool does by itself."""
    is_speech = kind == "speech"
    model: Any = fal.speech() if is_speech else fal.transcription()
    given = "Hello there." if is_speech else URL
    calls: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "cancel": (
            lambda: model.submit(given).cancel(),
            lambda: _cancelled(model, given),
        ),
        "file": (lambda: fal.speech().invoke("Hi").read(), lambda: _read(fal)),
        "upload": (
            lambda: fal.transcription().invoke(RECORDING),
            lambda: fal.transcription().ainvoke(RECORDING),
        ),
    }
    sync, async_ = calls[on]
    try:
        return await (asyncio.to_thread(sync) if way == "sync" else async_())
    except errors.FalError as error:
        return error


async def _cancelled(model: Any, given: Any) -> str:
    return str(await (await model.asubmit(given)).acancel())


async def _read(fal: FalProvider) -> bytes:
    return await (await fal.speech().ainvoke("Hi")).aread()


OF_TOOLS = [
    each for each in ONCE + ALWAYS if each.on not in {"cancel", "file", "upload"}
]
OTHERS = [each for each in ONCE + ALWAYS if each.on in {"cancel", "file", "upload"}]


def both(cases: list[Case]) -> Iterator[Any]:
    """Give each row to both kinds, in turns sync and async: the table has each both."""
    for number, case in enumerate(cases):
        ways = ("sync", "async") if number % 2 else ("async", "sync")
        for kind, way in zip(("speech", "transcription"), ways, strict=True):
            yield pytest.param(case, kind, way, id=f"{kind}-{way}-{case}")


def spoiled(sandbox: Sandbox, case: Case) -> None:
    if case.on == "status":
        # States are asked for where the stream cannot be had.
        sandbox.faults.next("stream of nonsense", times=case.times)
    sandbox.faults.next(case.fault, on=case.on, times=case.times)  # type: ignore[arg-type]  # read from the page


def patience(case: Case) -> float:
    return 20 if case.times == 1 else 1.2


@pytest.mark.parametrize(("case", "kind", "way"), both(OF_TOOLS))
async def test_a_row_with_a_tool(case: Case, kind: str, way: str) -> None:
    with Sandbox(heartbeat_seconds=0.05) as sandbox:
        spoiled(sandbox, case)
        fal = sandbox.provider(timeout=times(patience(case)), limits=LIMITS)
        message = await answered(fal, kind, case.on, way)
        await fal.aclose()
        assert isinstance(message, ToolMessage)
        assert isinstance(message.content, str)
        assert sandbox.faults.counts[case.on, case.fault] >= 1
        assert sandbox.submits <= 1
        assert sandbox.leaks == []
        if case.ends_in == "result":
            assert message.status == "success", message.content
            assert sandbox.submits == 1
            return
        assert message.status == "error"
        assert message.content.startswith(NOTHING[kind])
        assert CHARGED[case.charged] in message.content
        assert "\nNext: " in message.content
        assert "image" not in message.content
        is_open = message.artifact is not None
        assert not is_open or message.artifact["type"] == "fal_request"
        if case.ends_in in {"FalTimeoutError", "FalRateLimitError"} and is_open:
            sandbox.faults.clear()
            patient = sandbox.provider()
            taken_up = FalRequest[Any].from_dict(message.artifact).using(patient)
            result = await taken_up.aresult()
            assert result.text
            assert sandbox.submits == 1
            await patient.aclose()


@pytest.mark.parametrize(("case", "kind", "way"), both(OTHERS))
async def test_a_row_with_a_runnable(case: Case, kind: str, way: str) -> None:
    with Sandbox(heartbeat_seconds=0.05) as sandbox:
        spoiled(sandbox, case)
        fal = sandbox.provider(timeout=times(patience(case)), limits=LIMITS)
        came = await beside(fal, kind, case.on, way)
        await fal.aclose()
        assert sandbox.faults.counts[case.on, case.fault] >= 1
        assert sandbox.submits <= 1
        assert sandbox.leaks == []
        if case.ends_in == "result":
            assert not isinstance(came, errors.FalError), came
        elif case.ends_in == "word":
            assert came in {"OK", "CANCELLATION_REQUESTED", "ALREADY_COMPLETED"}
        else:
            assert type(came).__name__ == case.ends_in, came
            assert came.charged == case.charged
            assert came.next_step


async def test_what_was_spoken_is_read_later_and_not_spoken_again() -> None:
    with Sandbox() as sandbox:
        fal = sandbox.provider()
        result = await fal.speech().ainvoke("Hi")
        sandbox.faults.next("missing file", on="file")
        with pytest.raises(errors.FalDownloadError) as caught:
            await result.aread()
        assert caught.value.charged == "yes"
        restored = SpeechResult.from_artifact(result.to_artifact(), fal=fal)
        assert await restored.aread()
        assert sandbox.submits == 1
        await fal.aclose()
