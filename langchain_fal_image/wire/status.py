"""Parse statuses leniently; emit only changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langchain_fal_image.wire.effects import Flow, Notify
from langchain_fal_image.wire.queue import LogEntry, QueuedRequest, QueueUpdate

__all__ = ["StatusTracker", "parse_update"]

# All that fal_client/client.py knows; a request that failed is also COMPLETED.
_STATUSES = frozenset({"IN_QUEUE", "IN_PROGRESS", "COMPLETED"})


def parse_update(body: Any, request: QueuedRequest) -> QueueUpdate | None:
    """Parse a status; return None if it is not one.

    Args:
        body: The JSON of a status response or of an event.
        request: The request that it belongs to.
    """
    if not isinstance(body, Mapping):
        return None
    status = body.get("status")
    if not isinstance(status, str) or status not in _STATUSES:
        return None
    position = body.get("queue_position")
    logs = body.get("logs")
    metrics = body.get("metrics")
    return QueueUpdate(
        status=status,
        request=request,
        queue_position=position if type(position) is int else None,
        logs=tuple(map(_parse_log, logs)) if isinstance(logs, list) else (),
        metrics=metrics if isinstance(metrics, Mapping) and metrics else None,
        error=_parse_text(body.get("error")),
        error_type=_parse_text(body.get("error_type")),
    )


def _parse_log(entry: Any) -> LogEntry:
    if not isinstance(entry, Mapping):
        return LogEntry(str(entry))
    message = entry.get("message")
    return LogEntry(
        message="" if message is None else str(message),
        level=_parse_text(entry.get("level")),
        timestamp=_parse_text(entry.get("timestamp")),
    )


def _parse_text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("message")
    return value if isinstance(value, str) and value else None


class StatusTracker:
    """Emits each change of a request's status, and each log line, once.

    Args:
        request: The request.
        last: An update that was emitted before.
    """

    def __init__(self, request: QueuedRequest, last: QueueUpdate | None = None) -> None:
        self._request = request
        self._logs: list[LogEntry] = []
        self._last = last

    @property
    def status(self) -> str:
        """The last status that fal reported."""
        return self._last.status if self._last else "unknown"

    @property
    def is_completed(self) -> bool:
        """Whether the request ended."""
        return self._last is not None and self._last.status == "COMPLETED"

    @property
    def last(self) -> QueueUpdate:
        """The last update."""
        return self._last or QueueUpdate(status="IN_QUEUE", request=self._request)

    def emit(self, update: QueueUpdate) -> Flow[None]:
        """Emit an update if it contains anything new."""
        fresh = replace(update, logs=self._find_new_logs(update.logs))
        before, self._last = self._last, fresh
        if (
            before is None
            or fresh.logs
            or before.status != fresh.status
            or before.queue_position != fresh.queue_position
        ):
            yield Notify(fresh)

    def _find_new_logs(self, logs: tuple[LogEntry, ...]) -> tuple[LogEntry, ...]:
        """Drop known lines: polling repeats all lines, the stream does not."""
        known = len(self._logs)
        if known and list(logs[:known]) == self._logs:
            fresh = logs[known:]
        else:
            seen = set(self._logs)
            fresh = tuple(each for each in logs if each not in seen)
        self._logs += fresh
        return fresh
