"""Metadata of the response that a result was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from langchain_fal_image._formats.headers import drop_secret_headers

__all__ = ["ResponseMetadata"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseMetadata:
    """Metadata of fal's response, as the AI SDK returns it.

    Attributes:
        model_id: The endpoint id.
        timestamp: When the response was received, in UTC; None if an artifact lacks
            it.
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
            timestamp=datetime.now(UTC),
            headers=drop_secret_headers(headers or {}),
        )

    @classmethod
    def from_artifact(cls, artifact: Mapping[str, Any]) -> ResponseMetadata:
        """Restore the metadata that an artifact keeps: the id and the timestamp."""
        text = artifact.get("timestamp")
        try:
            timestamp = datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            timestamp = None
        if timestamp is not None and timestamp.tzinfo is None:
            timestamp = None
        return cls(model_id=artifact["model"], timestamp=timestamp)
