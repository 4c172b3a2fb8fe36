"""Settings read from the environment: the async transport and the sandbox."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias, cast, get_args

from langchain_fal_image.errors import FalConfigurationError

__all__ = [
    "SANDBOX_VARIABLE",
    "AsyncTransport",
    "check_transport",
    "read_sandbox_url",
    "read_transport",
]

AsyncTransport: TypeAlias = Literal["httpx", "aiohttp"]

SANDBOX_VARIABLE = "FAL_SANDBOX_URL"
_TRANSPORT_VARIABLE = "FAL_ASYNC_TRANSPORT"


def read_sandbox_url() -> str:
    """Return the URL of the sandbox that the environment names, else ""."""
    return os.environ.get(SANDBOX_VARIABLE, "").strip().rstrip("/")


def read_transport() -> AsyncTransport:
    """Return the async transport that the environment names, else `httpx`."""
    name = os.environ.get(_TRANSPORT_VARIABLE, "").strip() or "httpx"
    return check_transport(name, _TRANSPORT_VARIABLE)


def check_transport(name: str, source: str) -> AsyncTransport:
    """Check the name of an async transport, which the setting `source` holds."""
    if name in get_args(AsyncTransport):
        return cast("AsyncTransport", name)
    message = f"{source}={name!r} is not an async transport."
    raise FalConfigurationError(message, next_step="Use 'httpx' or 'aiohttp'.")
