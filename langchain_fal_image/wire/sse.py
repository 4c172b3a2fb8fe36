"""Server-sent events: bytes in, events out.

Unlike the usual readers this one also tells of comments and half events, so that a
flow can look at its deadline while the server only says that it is alive. The format
is that of https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

import codecs

from langchain_fal_image.wire.effects import HEARTBEAT, StreamEvent, TooLarge

__all__ = ["EventDecoder"]


class EventDecoder:
    """Cuts a stream into events.

    Args:
        max_bytes: How much one event may take before the stream is given up.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._text = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[StreamEvent | str]:
        """Take in what came.

        Args:
            chunk: Bytes as they arrived.

        Returns:
            The events that are whole now, or one `HEARTBEAT` where there is none.

        Raises:
            TooLarge: An event does not end.
        """
        self._text += self._decode(chunk)
        *lines, self._text = self._lines()
        events: list[StreamEvent | str] = []
        for line in lines:
            if line:
                self._take(line)
            elif self._data:
                events.append(StreamEvent("\n".join(self._data)))
                self._data = []
        if len(self._text) + sum(map(len, self._data)) > self._max_bytes:
            message = f"an event of more than {self._max_bytes} bytes"
            raise TooLarge(message)
        return events or [HEARTBEAT]

    def _lines(self) -> list[str]:
        text = self._text
        # A CR at the end may be half of a CRLF.
        held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        lines[-1] += held
        return lines

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
