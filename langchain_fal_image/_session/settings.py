"""Settings read from the environment: the async transport and the sandbox."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Literal, TypeAlias, cast, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_fal_image._formats.headers import is_secret_header
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.config import Hosts

__all__ = [
    "SANDBOX_VARIABLE",
    "AsyncTransport",
    "check_hosts",
    "check_transport",
    "read_sandbox_url",
    "read_transport",
]

AsyncTransport: TypeAlias = Literal["httpx", "aiohttp"]

SANDBOX_VARIABLE = "FAL_SANDBOX_URL"
_TRANSPORT_VARIABLE = "FAL_ASYNC_TRANSPORT"


def read_sandbox_url(api_key: SecretStr | None, headers: Mapping[str, str]) -> str:
    """Return the URL of the sandbox that the environment names, else "".

    Args:
        api_key: The key that the developer set, which never goes to a sandbox.
        headers: The headers that the developer set; nor do secrets in them.

    Raises:
        FalConfigurationError: There is a secret, or the URL is not on this machine.
    """
    url = os.environ.get(SANDBOX_VARIABLE, "").strip().rstrip("/")
    if not url:
        return ""
    names = [f"the header {name}" for name in headers if is_secret_header(name)]
    if api_key and api_key.get_secret_value().strip():
        names.insert(0, "api_key")
    if names:
        message = f"Both {names[0]} and {SANDBOX_VARIABLE} are set."
        raise FalConfigurationError(
            message,
            next_step=f"A key is never sent to a sandbox. Unset {SANDBOX_VARIABLE} to "
            f"use fal, or remove {names[0]} to use the sandbox.",
        )
    if not _is_loopback(url):
        message = f"{SANDBOX_VARIABLE} is not an http URL of this machine."
        raise FalConfigurationError(
            message,
            next_step="Set it to a URL such as http://127.0.0.1:8000, or unset it and "
            "pass the URLs of a server on another machine: create_fal(base_url=…).",
        )
    return url


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
    return is_local and parts.scheme in {"http", "https"} and "@" not in parts.netloc


def check_hosts(hosts: Hosts) -> None:
    """Check that the base URLs are http(s) URLs without a password."""
    for url in hosts.urls():
        try:
            guard.check_url(url, trusted=[guard.parse_origin(url)])
        except guard.AccessRefused as error:
            message = f"A base URL of the provider is refused: {error}."
            raise FalConfigurationError(
                message,
                next_step="Use a URL such as https://fal-proxy.example, and pass "
                "credentials as headers: create_fal(headers=…).",
            ) from error


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
