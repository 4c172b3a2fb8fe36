"""fal's words on a request's state, read leniently and told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langchain_fal_image.wire.effects import Flow, Notify
from langchain_fal_image.wire.queue import LogEntry, QueuedRequest, QueueUpdate

__all__ = ["Teller", "read_update"]

_STATES = frozenset({"IN_QUEUE", "IN_PROGRESS", "COMPLETED"})


def read_update(answer: Any, request: QueuedRequest) -> QueueUpdate | None:
    """Read a state as fal writes it; None where it is none.

    Args:
        answer: The JSON of a status answer or of an event.
        request: Whose state it is.
    """
    if not isinstance(answer, Mapping):
        return None
    word = answer.get("status")
    if not isinstance(word, str) or word not in _STATES:
        return None
    position = answer.get("queue_position")
    logs = answer.get("logs")
    metrics = answer.get("metrics")
    return QueueUpdate(
        status=word,
        request=request,
        queue_position=position if type(position) is int else None,
        logs=tuple(_log(each) for each in logs) if isinstance(logs, list) else (),
        metrics=metrics if isinstance(metrics, Mapping) and metrics else None,
        error=_text(answer.get("error")),
        error_type=_text(answer.get("error_type")),
    )


def _log(entry: Any) -> LogEntry:
    if not isinstance(entry, Mapping):
        return LogEntry(str(entry))
    message = entry.get("message")
    return LogEntry(
        message="" if message is None else str(message),
        level=_text(entry.get("level")),
        timestamp=_text(entry.get("timestamp")),
    )


def _text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("message")
    return value if isinstance(value, str) and value else None


class Teller:
    """Tells each change once, and each log line once."""

    def __init__(self, request: QueuedRequest, told: QueueUpdate | None = None) -> None:
        self._request = request
        self._logs: list[LogEntry] = []
        self._last = told

    @property
    def state(self) -> str:
        """The last word of fal on it."""
        return self._last.status if self._last else "unknown"

    @property
    def is_done(self) -> bool:
        """Whether it ended."""
        return self._last is not None and self._last.status == "COMPLETED"

    @property
    def last(self) -> QueueUpdate:
        """The last state told of."""
        return self._last or QueueUpdate(status="IN_QUEUE", request=self._request)

    def tell(self, update: QueueUpdate) -> Flow[None]:
        """Notify of a state, where something about it is new."""
        fresh = replace(update, logs=self._fresh(update.logs))
        before, self._last = self._last, fresh
        if (
            before is None
            or fresh.logs
            or before.status != fresh.status
            or before.queue_position != fresh.queue_position
        ):
            yield Notify(fresh)

    def _fresh(self, logs: tuple[LogEntry, ...]) -> tuple[LogEntry, ...]:
        """Leave out lines told before: polling repeats all, the stream does not."""
        known = len(self._logs)
        if known and list(logs[:known]) == self._logs:
            fresh = logs[known:]
        else:
            told = set(self._logs)
            fresh = tuple(each for each in logs if each not in told)
        self._logs += fresh
        return fresh
