"""True answers made into false ones, as a fault says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from langchain_fal_image.sandbox.faults.script import Corruption

__all__ = ["spoiled", "spoiled_events", "until_left"]

_HUGE = 2**40
_CHUNK = b"\0" * 65536
_SLOW_PARTS = 20
_SLOW_PAUSE_S = 0.01
_NO_IMAGE = b"<html>This is no image.</html>"


def spoiled(response: Response, how: Corruption) -> Response:
    """Make a false answer of a true one.

    Args:
        response: Whole.
        how: What becomes of it; what concerns streams alone changes nothing.
    """
    body = bytes(response.body)
    if how == "cut short":
        return _CutShort(response)
    if how == "slow":
        return _streamed(response, _slowly(body), len(body))
    if how == "huge":
        return _streamed(response, _endless(), _HUGE)
    changed = {
        "empty": b"",
        "malformed": body[: max(1, len(body) // 2)],
        "wrong shape": b'["nothing", "of", "the", "kind"]',
        "fewer images": _changed(body, _with_fewer_images),
        "error": _changed(body, _with_error),
        "other type": _NO_IMAGE,
    }.get(how, body)
    headers = _without_length(response)
    return Response(changed, response.status_code, headers)


class _CutShort(Response):
    """Says how long it is, sends half of that and hangs up."""

    def __init__(self, whole: Response) -> None:
        super().__init__(b"", whole.status_code)
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self._whole.body)
        await send(
            {
                "type": "http.response.start",
                "status": self._whole.status_code,
                "headers": self._whole.raw_headers,
            }
        )
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["sandbox.hang_up"]()
        while (await receive())["type"] != "http.disconnect":
            pass


def _streamed(
    response: Response, parts: AsyncIterator[bytes], length: int
) -> StreamingResponse:
    headers = _without_length(response) | {"content-length": str(length)}
    return StreamingResponse(parts, response.status_code, headers)


def _without_length(response: Response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name.lower() != "content-length"
    }


async def _slowly(body: bytes) -> AsyncIterator[bytes]:
    size = max(1, len(body) // _SLOW_PARTS)
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(_SLOW_PAUSE_S)


async def _endless() -> AsyncIterator[bytes]:
    for _ in range(_HUGE // len(_CHUNK)):
        yield _CHUNK
        # Lets the server notice that the client has left.
        await asyncio.sleep(0)


def _changed(body: bytes, change: Any) -> bytes:
    try:
        answer = json.loads(body)
    except ValueError:
        return body
    return json.dumps(change(answer)).encode()


def _with_fewer_images(answer: Any) -> Any:
    if isinstance(answer, dict) and isinstance(answer.get("images"), list):
        return {**answer, "images": answer["images"][:1]}
    return answer


def _with_error(answer: Any) -> Any:
    if isinstance(answer, dict) and answer.get("status") == "COMPLETED":
        error = {"error": "Sandbox fault", "error_type": "internal_error"}
        return {**answer, **error}
    return answer


async def spoiled_events(
    events: AsyncIterator[str], how: Corruption | None
) -> AsyncIterator[str]:
    """Make a false stream of events of a true one.

    Args:
        events: As they are sent.
        how: What becomes of them; None and what concerns no stream change nothing.
    """
    if how == "nonsense":
        for text in _nonsense():
            yield text
        return
    async for event in events:
        for _ in range(3 if how == "repeat" else 1):
            yield event
        if how == "end early":
            return
        if how == "stall":
            # Ends when the client leaves, which cancels it.
            await asyncio.Event().wait()


def _nonsense() -> Iterator[str]:
    yield "event: weather\ndata: sunny\n\n"
    yield "data: {not json\n\n"
    yield 'data: {"status": 7}\n\n'


async def until_left(request: Request) -> Response:
    """Say nothing until the client gives up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()
