"""The httpx clients: one for threads, one for each event loop, and the key on them."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import ipaddress
import os
import re
import threading
import urllib.request
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar

import httpx

from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import HttpRequest
from langchain_fal_image.wire.transport import AsyncGuardedTransport, GuardedTransport

__all__ = ["Clients"]

_T = TypeVar("_T")
_Purpose = Literal["api", "media"]
_LIMITS = httpx.Limits(
    max_connections=256, max_keepalive_connections=64, keepalive_expiry=30
)
# The guarded transport connects to addresses, and two hosts may share one: a kept
# connection would carry a request to a host whose certificate nobody asked for.
_GUARDED_LIMITS = httpx.Limits(max_connections=256, max_keepalive_connections=0)
_LONGEST_WAIT_S = 86_400.0  # what the system takes for a time has an end
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")


class Clients:
    """Makes, keeps and closes httpx clients.

    Args:
        context: Hosts and timeouts.
        key: Gives fal's key; called for each request, raises where there is none.
        headers: Sent to fal's API beside our own.
        http_client: Used for sync API calls; not closed here.
        http_async_client: Used for async API calls; not closed here.
    """

    def __init__(
        self,
        context: Context,
        *,
        key: Callable[[], str],
        headers: Mapping[str, str] | None = None,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._context = context
        self._key = key
        self._headers = dict(headers or {})
        self._given = http_client
        self._given_async = http_async_client
        self._agent = f"langchain-fal-image/{_version()}"
        self._forget()
        _ALL.add(self)

    def _forget(self) -> None:
        # A lock that another thread held when the process was forked stays held.
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._sync: dict[_Purpose, httpx.Client] = {}
        # A provider that nobody closed leaves no open socket behind.
        weakref.finalize(self, _close_all, self._sync, os.getpid())
        self._loops: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[_Purpose, httpx.AsyncClient]
        ] = weakref.WeakKeyDictionary()
        self._closers: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[None, None]
        ] = weakref.WeakKeyDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    def build(
        self, client: httpx.Client | httpx.AsyncClient, request: HttpRequest
    ) -> httpx.Request:
        """Make the httpx request; the key goes on it only for fal's API.

        Raises:
            FalConfigurationError: There is no key, or a header cannot be sent.
        """
        headers = {"user-agent": self._agent, **request.headers}
        is_api = request.client == "api"
        if is_api and guard.gets_key(request.url, self._context.hosts):
            key = {"authorization": f"Key {self._key()}"}
            headers = {**key, **_lower(self._headers), **headers}
        _check_headers(headers)
        timeouts = self._context.timeouts
        wait = min(request.read_timeout, _LONGEST_WAIT_S)
        return client.build_request(
            request.method,
            request.url,
            headers=headers,
            content=request.content,
            timeout=httpx.Timeout(
                connect=min(timeouts.connect, wait), read=wait, write=wait, pool=wait
            ),
        )

    def sync(self, purpose: _Purpose) -> httpx.Client:
        """Give the client for threads."""
        if purpose == "api" and self._given is not None:
            return self._given
        client = self._sync.get(purpose)
        if client is None:
            with self._lock:
                client = self._sync.get(purpose)
                if client is None:
                    client = self._sync[purpose] = httpx.Client(
                        **self._settings(purpose, GuardedTransport)
                    )
        return client

    async def asynchronous(self, purpose: _Purpose) -> httpx.AsyncClient:
        """Give the client of the running event loop."""
        if purpose == "api" and self._given_async is not None:
            return self._given_async
        loop = asyncio.get_running_loop()
        clients = self._loops.get(loop)
        if clients is None:
            clients = self._loops[loop] = {}
            # An event loop closes its async generators before it ends: this one
            # closes the clients, so that asyncio.run() leaves no open connection.
            closer = self._closers[loop] = _closer(clients)
            await anext(closer)
        if purpose not in clients:
            clients[purpose] = httpx.AsyncClient(
                **self._settings(purpose, AsyncGuardedTransport)
            )
        return clients[purpose]

    async def shielded(self, work: Awaitable[_T]) -> _T:
        """Await work that goes on even if the waiting task is cancelled."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def close(self) -> None:
        """Close the sync clients; new ones are made when needed."""
        with self._lock:
            _close_all(self._sync, self._pid)

    async def aclose(self) -> None:
        """Close the clients of the running event loop, and the sync ones."""
        self.close()
        loop = asyncio.get_running_loop()
        self._loops.pop(loop, None)
        closer = self._closers.pop(loop, None)
        if closer is not None:
            await closer.aclose()

    def _settings(self, purpose: _Purpose, transport: type[Any]) -> Any:
        if purpose == "api":
            return {"limits": _LIMITS, "follow_redirects": False}
        trusted = self._context.trusted_origins
        guarded = transport(trusted=trusted, limits=_GUARDED_LIMITS)
        mounts = _proxy_mounts(transport.__base__)
        return {"transport": guarded, "mounts": mounts, "follow_redirects": False}


_ALL: weakref.WeakSet[Clients] = weakref.WeakSet()


def _renew_after_fork() -> None:
    # The connections belong to the parent process and are left to it.
    for clients in list(_ALL):
        clients._forget()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)


def _close_all(clients: dict[_Purpose, httpx.Client], pid: int) -> None:
    if os.getpid() == pid:
        for client in clients.values():
            client.close()
        clients.clear()


async def _closer(
    clients: dict[_Purpose, httpx.AsyncClient],
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for client in clients.values():
            await client.aclose()
        clients.clear()


def _proxy_mounts(transport: Any) -> dict[str, Any]:
    """Send through the environment's proxies what they are for, and nothing else.

    Only a proxy sees the addresses of what goes through it. Everything else, such as
    `https` where only `http_proxy` is set, or a host in `no_proxy`, stays guarded.
    """
    proxies = urllib.request.getproxies()
    spared = [each.strip() for each in proxies.get("no", "").split(",")]
    if "*" in spared:
        return {}
    mounts: dict[str, Any] = {
        f"{scheme}://": transport(
            proxy=url if "://" in url else f"http://{url}", limits=_LIMITS
        )
        for scheme in ("http", "https", "all")
        if (url := proxies.get(scheme))
    }
    return mounts | {_pattern(host): None for host in spared if host}


def _pattern(host: str) -> str:
    """Write an entry of `no_proxy` as httpx writes a mount."""
    if "://" in host:
        return host
    with contextlib.suppress(ValueError):
        literal = ipaddress.ip_address(host.partition("/")[0])
        return f"all://[{host}]" if literal.version == 6 else f"all://{host}"  # noqa: PLR2004 - IP's
    return f"all://{host}" if host.lower() == "localhost" else f"all://*{host}"


def _check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what HTTP cannot carry; its own error would show the value, or the key."""
    for name, value in headers.items():
        if _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value):
            continue
        what = "The fal key" if name == "authorization" else f"The header {name!r}"
        message = f"{what} has line breaks or letters in it that HTTP cannot carry."
        raise FalConfigurationError(message, next_step="Copy it again, whole.")


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _version() -> str:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("langchain-fal-image")
    return "unknown"
