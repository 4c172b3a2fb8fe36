"""Corrupted responses and event streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from langchain_fal_image.sandbox.faults.fault import Corruption

__all__ = ["corrupt_events", "corrupt_response", "wait_for_disconnect"]

_HUGE = 2**40
_CHUNK = b"\0" * 65536
_SLOW_PARTS = 20
_SLOW_PAUSE_S = 0.01
_UNREADABLE_EVENTS: Final = (
    "event: weather\ndata: sunny\n\n",
    "data: {not json\n\n",
    'data: {"status": 7}\n\n',
)


def corrupt_response(response: Response, how: Corruption) -> Response:
    """Return a corrupted response, unchanged if `how` is for event streams."""
    body = bytes(response.body)
    if how == "cut short":
        return _CutShort(response)
    if how == "slow":
        return _stream(response, _send_slowly(body), len(body))
    if how == "huge":
        return _stream(response, _send_endlessly(), _HUGE)
    if how == "empty":
        body = b""
    elif how == "malformed":
        body = body[: max(1, len(body) // 2)]
    elif how == "wrong shape":
        body = b'["nothing", "of", "the", "kind"]'
    elif how == "other type":
        body = b"<html>This is not an image.</html>"
    elif how == "fewer images":
        body = _change_json(body, _drop_images)
    elif how == "error":
        body = _change_json(body, _add_error)
    return Response(body, response.status_code, _headers_without_length(response))


class _CutShort(Response):
    """A response that closes the connection after half of its announced length."""

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
        scope["sandbox.close"]()
        while (await receive())["type"] != "http.disconnect":
            pass


def _stream(
    response: Response, parts: AsyncIterator[bytes], length: int
) -> StreamingResponse:
    headers = _headers_without_length(response) | {"content-length": str(length)}
    return StreamingResponse(parts, response.status_code, headers)


def _headers_without_length(response: Response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name.lower() != "content-length"
    }


async def _send_slowly(body: bytes) -> AsyncIterator[bytes]:
    size = max(1, len(body) // _SLOW_PARTS)
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(_SLOW_PAUSE_S)


async def _send_endlessly() -> AsyncIterator[bytes]:
    for _ in range(_HUGE // len(_CHUNK)):
        yield _CHUNK
        # Yield to the event loop, which may learn that the client has disconnected.
        await asyncio.sleep(0)


def _change_json(body: bytes, change: Callable[[Any], Any]) -> bytes:
    try:
        value = json.loads(body)
    except ValueError:
        return body
    return json.dumps(change(value)).encode()


def _drop_images(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("images"), list):
        return {**value, "images": value["images"][:1]}
    return value


def _add_error(value: Any) -> Any:
    if isinstance(value, dict) and value.get("status") == "COMPLETED":
        return {**value, "error": "Sandbox fault", "error_type": "internal_error"}
    return value


async def corrupt_events(
    events: AsyncIterator[str], how: Corruption | None
) -> AsyncIterator[str]:
    """Yield corrupted events, unchanged if `how` is None or not for event streams."""
    if how == "nonsense":
        for event in _UNREADABLE_EVENTS:
            yield event
        return
    async for event in events:
        for _ in range(3 if how == "repeat" else 1):
            yield event
        if how == "end early":
            return
        if how == "stall":
            # Waits until the client disconnects, which cancels this task.
            await asyncio.Event().wait()


async def wait_for_disconnect(request: Request) -> Response:
    """Send nothing until the client disconnects."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()
