"""WebSocket connections, which report that the sandbox has no realtime endpoints."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from typing import Any, Final

__all__ = ["RealtimeRejection"]

_REASON: Final = "The sandbox has no realtime endpoints."
# The format of errors in fal_client/client.py and in libs/client/src/realtime.ts.
_ERROR: Final = {"type": "x-fal-error", "error": "NOT_SUPPORTED", "reason": _REASON}
# RFC 6455, sections 1.3 and 11.8.
_HANDSHAKE_ID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_POLICY_VIOLATION: Final = 1008


class RealtimeRejection(asyncio.Protocol):
    """A protocol for uvicorn that sends an error and closes after the next message.

    A rejected handshake would be simpler, but fal's clients do not show its body.
    """

    transport: asyncio.Transport

    def __init__(self, *, server_state: Any, **_: Any) -> None:
        self._connections: set[Any] = server_state.connections
        self._replies = iter((self._open, self._end))

    def connection_made(self, transport: Any) -> None:
        """Take the connection over."""
        self.transport = transport
        self._connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Respond to the handshake with an error, and to a message with the end."""
        if reply := next(self._replies, None):
            reply(data)

    def shutdown(self) -> None:
        """Close the connection when the server stops."""
        self.transport.close()

    def _open(self, data: bytes) -> None:
        found = re.search(rb"sec-websocket-key: *(\S+)", data, re.IGNORECASE)
        text = (found[1] if found else b"") + _HANDSHAKE_ID
        digest = hashlib.sha1(text, usedforsecurity=False).digest()
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
            + base64.b64encode(digest)
            + b"\r\n\r\n"
            + _make_frame(0x1, json.dumps(_ERROR).encode())
        )

    def _end(self, _: bytes) -> None:
        reason = _POLICY_VIOLATION.to_bytes(2, "big") + _REASON.encode()
        self.transport.write(_make_frame(0x8, reason))
        # Unlike a close, this lets the client send the rest of its message first.
        self.transport.write_eof()


def _make_frame(opcode: int, content: bytes) -> bytes:
    """Return a complete frame with up to 125 bytes."""
    return bytes([0x80 | opcode, len(content)]) + content
