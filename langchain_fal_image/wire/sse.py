"""Server-sent events: bytes in, events out.

Unlike the usual parsers, this one also reports comments and incomplete events, so that
a flow can check its deadline while the server only sends heartbeats. The format is
https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

from langchain_fal_image.wire.effects import HEARTBEAT, StreamEvent, TooLarge
from langchain_fal_image.wire.responses import ResponseHead

__all__ = ["EventDecoder", "is_event_stream"]


def is_event_stream(head: ResponseHead) -> bool:
    """Return whether a response is an event stream."""
    media_type = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    return head.status == 200 and media_type == "text/event-stream"  # noqa: PLR2004 - HTTP status codes


class EventDecoder:
    """Splits a stream into events.

    Args:
        max_bytes: The largest event.
        clean: Removes secrets from the text of an event.
    """

    def __init__(
        self, *, max_bytes: int, clean: Callable[[str], str] | None = None
    ) -> None:
        self._clean = clean
        self._max_bytes = max_bytes
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._line: list[str] = []  # the parts of an incomplete line
        self._line_size = 0
        self._data: list[str] = []
        self._data_size = 0
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[StreamEvent | str]:
        """Add bytes and return the events that are complete.

        Args:
            chunk: Bytes as they arrived.

        Returns:
            The events, or one `HEARTBEAT` if none is complete.

        Raises:
            TooLarge: An event is larger than `max_bytes`.
        """
        events: list[StreamEvent | str] = []
        for line in self._split_lines(self._decode(chunk)):
            if line:
                self._parse_field(line)
            elif self._data:
                text = "\n".join(self._data)
                events.append(StreamEvent(self._clean(text) if self._clean else text))
                self._data, self._data_size = [], 0
        if self._line_size + self._data_size > self._max_bytes:
            message = f"an event of more than {self._max_bytes} bytes"
            raise TooLarge(message)
        return events or [HEARTBEAT]

    def _split_lines(self, text: str) -> list[str]:
        """Return the complete lines; a CR ends a line, with or without its LF."""
        if not text:
            return []
        after_cr, self._after_cr = self._after_cr, text.endswith("\r")
        if after_cr:
            text = text.removeprefix("\n")
        first, *more = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._line.append(first)
        self._line_size += len(first)
        if not more:
            return []
        *complete, rest = ["".join(self._line), *more]
        self._line, self._line_size = [rest], len(rest)
        return complete

    def _parse_field(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name == "data":
            value = value.removeprefix(" ")
            self._data.append(value)
            self._data_size += len(value)
