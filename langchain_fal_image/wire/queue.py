"""Requests in fal's queue, their updates and their output."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import quote

from langchain_fal_image._formats.identifiers import is_endpoint_id, is_request_id
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.config import Hosts

__all__ = [
    "LogEntry",
    "Output",
    "QueueUpdate",
    "QueuedRequest",
    "check_endpoint_id",
    "parse_update",
    "read_position",
]

_log = logging.getLogger("langchain_fal_image")
_MAX_TEXT = 10_000
_MAX_POSITION = 10_000_000
_URL_FIELDS = ("status_url", "response_url", "cancel_url")
# The statuses in fal_client/client.py; a failed request is COMPLETED too.
_STATUSES = frozenset({"IN_QUEUE", "IN_PROGRESS", "COMPLETED"})

# Prefixes of endpoint ids before owner and alias; see fal_client/client.py.
_NAMESPACES = frozenset({"workflows", "comfy"})


def check_endpoint_id(text: str) -> str:
    """Return an endpoint id without slashes at its ends.

    An id becomes a part of URLs: another form could change their path or query.

    Raises:
        FalConfigurationError: It has another form.
    """
    endpoint_id = text.strip("/") if isinstance(text, str) else ""
    if is_endpoint_id(endpoint_id):
        return endpoint_id
    message = f"{safe_repr(text)} is not an endpoint id."
    raise FalConfigurationError(
        message,
        next_step="Endpoint ids look like 'fal-ai/qwen-image': an owner and a name, "
        "with more parts if needed.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRequest:
    """A request that fal accepted.

    Attributes:
        endpoint_id: The full id of the endpoint.
        request_id: fal's id of the request.
        status_url: URL of its status.
        response_url: URL of its result.
        cancel_url: URL that cancels it.
        payload_sha256: The digest of its payload, if this process sent it.
    """

    endpoint_id: str
    request_id: str
    status_url: str
    response_url: str
    cancel_url: str
    payload_sha256: str | None = None

    @classmethod
    def for_id(
        cls, hosts: Hosts, *, endpoint_id: str, request_id: str
    ) -> QueuedRequest:
        """Build the URLs of a request from its ids.

        They contain the endpoint's owner and alias without the rest of its path: the
        URLs of `fal-ai/nano-banana-pro/edit` start with `fal-ai/nano-banana-pro`
        (fal_client/client.py).

        Raises:
            FalConfigurationError: An id has another form.
        """
        endpoint_id = check_endpoint_id(endpoint_id)
        if not isinstance(request_id, str) or not is_request_id(request_id):
            message = f"{safe_repr(request_id)} is not a request id."
            step = "Use the request_id of a request, a result or a webhook."
            raise FalConfigurationError(message, next_step=step)
        parts = endpoint_id.split("/")
        length = 3 if parts[0] in _NAMESPACES else 2
        app = "/".join(parts[:length])
        base = f"{hosts.queue}/{app}/requests/{quote(request_id, safe='')}"
        return cls(
            endpoint_id=endpoint_id,
            request_id=request_id,
            status_url=f"{base}/status",
            response_url=base,
            cancel_url=f"{base}/cancel",
        )

    def replace_foreign_urls(self, hosts: Hosts) -> QueuedRequest:
        """Replace URLs that do not lead to fal with URLs built from the ids."""
        api_urls = guard.compile_api_urls(hosts)
        foreign = [
            name for name in _URL_FIELDS if not api_urls.fullmatch(getattr(self, name))
        ]
        if not foreign:
            return self
        _log.info(
            "request %s: ignoring %s, which is not on a configured host",
            self.request_id,
            ", ".join(foreign),
        )
        built = QueuedRequest.for_id(
            hosts, endpoint_id=self.endpoint_id, request_id=self.request_id
        )
        return replace(self, **{name: getattr(built, name) for name in foreign})

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain JSON."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> QueuedRequest:
        """Restore a request from the result of `to_dict`.

        Raises:
            ValueError: A field is missing.
        """
        known = {each.name: stored.get(each.name) for each in fields(cls)}
        missing = [
            name
            for name, value in known.items()
            if not (isinstance(value, str) and (value or name.endswith("_url")))
            and name != "payload_sha256"
        ]
        if missing:
            message = f"The stored request lacks {', '.join(missing)}."
            raise ValueError(message)
        return cls(**known)  # type: ignore[arg-type]  # checked above


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A log line of the model."""

    message: str
    level: str | None = None
    timestamp: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueUpdate:
    """A status of a request.

    Attributes:
        status: `IN_QUEUE`, `IN_PROGRESS` or `COMPLETED`. The last one means that the
            request ended; only its result says whether it succeeded.
        request: The request.
        queue_position: Number of requests ahead of it in the queue.
        logs: New log lines.
        metrics: For example `{"inference_time": 2.1}`, in seconds.
        error: The error's message, if fal reports one with the status.
        error_type: fal's identifier of the error, such as `request_timeout`.
    """

    status: str
    request: QueuedRequest
    queue_position: int | None = None
    logs: tuple[LogEntry, ...] = ()
    metrics: Mapping[str, Any] | None = None
    error: str | None = None
    error_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The output of a model.

    Attributes:
        body: The JSON that the model returned; may contain data URIs.
        request_id: fal's id of the request.
        headers: Headers of the response, names in lower case.
    """

    body: Any = field(repr=False)
    request_id: str | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def parse_update(body: Any, request: QueuedRequest) -> QueueUpdate | None:
    """Parse a status; return None if the JSON is not a status.

    Args:
        body: The JSON of a status response or of an event.
        request: The request that it belongs to.
    """
    if not isinstance(body, Mapping):
        return None
    status = body.get("status")
    if not isinstance(status, str) or status not in _STATUSES:
        return None
    logs = body.get("logs")
    metrics = body.get("metrics")
    return QueueUpdate(
        status=status,
        request=request,
        queue_position=read_position(body),
        logs=tuple(map(_parse_log, logs)) if isinstance(logs, list) else (),
        metrics=metrics if isinstance(metrics, Mapping) and metrics else None,
        error=_parse_text(body.get("error")),
        error_type=_parse_text(body.get("error_type")),
    )


def read_position(body: Mapping[str, Any]) -> int | None:
    """Return the queue position of a status; None if it is not a sensible number."""
    position = body.get("queue_position")
    is_number = type(position) is int and 0 <= position <= _MAX_POSITION
    return position if is_number else None


def _parse_log(entry: Any) -> LogEntry:
    if not isinstance(entry, Mapping):
        return LogEntry(str(entry)[:_MAX_TEXT])
    message = entry.get("message")
    return LogEntry(
        message="" if message is None else str(message)[:_MAX_TEXT],
        level=_parse_text(entry.get("level")),
        timestamp=_parse_text(entry.get("timestamp")),
    )


def _parse_text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("message")
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None
