"""Metadata of the response that a result was read from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_fal_image._formats.headers import drop_secret_headers

__all__ = ["ResponseMetadata"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseMetadata:
    """Metadata of fal's response, as the AI SDK returns it.

    Attributes:
        model_id: The endpoint id.
        timestamp: When the response was received, in UTC, to the millisecond; None if
            an artifact lacks it.
        headers: The HTTP headers of the response, names in lower case, without cookies
            and credentials; empty for a result from a webhook or an artifact.
    """

    model_id: str
    timestamp: datetime | None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def received_now(
        cls, model_id: str, headers: Mapping[str, str] | None = None
    ) -> ResponseMetadata:
        """Return the metadata of a response that was just received."""
        return cls(
            model_id=model_id,
            timestamp=_to_datetime(time.time_ns() // 1_000_000),
            headers=drop_secret_headers(headers or {}),
        )

    @classmethod
    def from_artifact(cls, artifact: Mapping[str, Any]) -> ResponseMetadata:
        """Restore the metadata that an artifact keeps: the id and the timestamp."""
        return cls(
            model_id=artifact["model"],
            timestamp=_to_datetime(artifact.get("timestamp")),
        )

    @property
    def milliseconds(self) -> int | None:
        """The timestamp in milliseconds since 1970, as an artifact has it."""
        if self.timestamp is None:
            return None
        return (self.timestamp - _EPOCH) // _MILLISECOND


def _to_datetime(milliseconds: Any) -> datetime | None:
    """Convert milliseconds since 1970; return None for any other value."""
    if type(milliseconds) is not int:
        return None
    try:
        return _EPOCH + milliseconds * _MILLISECOND
    except OverflowError:
        return None
