"""Settings read from the environment: the key, the transport, the sandbox."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias, cast, get_args

from pydantic import SecretStr

from langchain_fal_image.errors import FalConfigurationError

__all__ = [
    "SANDBOX_VARIABLE",
    "AsyncTransport",
    "check_transport",
    "read_key",
    "read_sandbox_url",
    "read_transport",
]

AsyncTransport: TypeAlias = Literal["httpx", "aiohttp"]

SANDBOX_VARIABLE = "FAL_SANDBOX_URL"
_TRANSPORT_VARIABLE = "FAL_ASYNC_TRANSPORT"
# FAL_KEY is the name in fal's own clients, FAL_API_KEY that in @ai-sdk/fal.
_KEY_VARIABLES = ("FAL_API_KEY", "FAL_KEY")


def read_key(api_key: SecretStr | None) -> str:
    """Return the key: the configured one, else the environment's.

    Args:
        api_key: The configured key; an empty one counts as not set.

    Raises:
        FalConfigurationError: The key is missing.
    """
    if api_key and (key := api_key.get_secret_value().strip()):
        return key
    for name in _KEY_VARIABLES:
        if key := os.environ.get(name, "").strip():
            return key
    message = (
        "No fal key is set: api_key is missing, and the environment has neither "
        "FAL_API_KEY nor FAL_KEY."
    )
    raise FalConfigurationError(
        message,
        next_step="Set FAL_API_KEY (or FAL_KEY) to a key from fal's dashboard, or "
        "call create_fal(api_key=…). To try the package without a key, use the "
        "sandbox: langchain_fal_image.sandbox.Sandbox().",
    )


def read_sandbox_url() -> str:
    """Return the URL of the sandbox that the environment names, else ""."""
    return os.environ.get(SANDBOX_VARIABLE, "").strip().rstrip("/")


def read_transport() -> AsyncTransport:
    """Return the async transport that the environment names, else `httpx`.

    Raises:
        FalConfigurationError: The environment names an unknown one.
    """
    name = os.environ.get(_TRANSPORT_VARIABLE, "").strip() or "httpx"
    return check_transport(name, _TRANSPORT_VARIABLE)


def check_transport(name: str, source: str) -> AsyncTransport:
    """Return the name of an async transport.

    Args:
        name: The name as configured.
        source: The setting or variable that holds it, for the error.

    Raises:
        FalConfigurationError: The name is unknown.
    """
    if name in get_args(AsyncTransport):
        return cast("AsyncTransport", name)
    message = f"{source}={name!r} is not an async transport."
    raise FalConfigurationError(message, next_step="Use 'httpx' or 'aiohttp'.")
