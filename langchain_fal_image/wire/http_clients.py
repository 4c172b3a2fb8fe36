"""The httpx clients: one for threads, one for each event loop, and the key on them."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import ipaddress
import logging
import os
import re
import ssl
import threading
import urllib.request
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import httpx

from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.bodies import Body
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import HttpRequest
from langchain_fal_image.wire.guarded_transport import (
    AsyncGuardedTransport,
    GuardedTransport,
)
from langchain_fal_image.wire.pools import (
    POOL_LIMITS,
    AsyncPooledTransport,
    PooledTransport,
)
from langchain_fal_image.wire.responses import (
    AsyncReply,
    HttpxAsyncReply,
    HttpxReply,
    Reply,
    failures,
)

if TYPE_CHECKING:
    from langchain_fal_image.wire.aiohttp_session import AiohttpSession

    _AsyncWay = httpx.AsyncClient | httpx.AsyncBaseTransport | AiohttpSession

__all__ = ["HttpClients"]

_log = logging.getLogger("langchain_fal_image")
_T = TypeVar("_T")
_Purpose = Literal["api", "media"]
_Way = httpx.Client | httpx.BaseTransport
_LONGEST_WAIT_S = 86_400.0  # what the system takes for a time has an end
# What an httpx client sends of its own.
_HEADERS = {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate",
    "connection": "keep-alive",
}
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")


class HttpClients:
    """Makes, keeps and closes httpx clients.

    Args:
        context: Hosts and timeouts.
        key: Gives fal's key; called for each request, raises where there is none.
        headers: Sent to fal's API beside our own.
        http_client: Used for sync API calls; not closed here.
        http_async_client: Used for async API calls; not closed here.
        on_aiohttp: Whether async API calls go through aiohttp.

    Raises:
        FalConfigurationError: aiohttp is asked for and not installed.
    """

    def __init__(
        self,
        context: Context,
        *,
        key: Callable[[], str],
        headers: Mapping[str, str] | None = None,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
        on_aiohttp: bool = False,
    ) -> None:
        self._context = context
        self._on_aiohttp = on_aiohttp
        if on_aiohttp:
            _fast_session(self._tls)  # says so now where it cannot be had
        self._key = key
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}
        self._given = http_client
        self._given_async = http_async_client
        self._agent = f"langchain-fal-image/{_version()}"
        self._forget()
        _ALL.add(self)

    def _forget(self) -> None:
        # A lock that another thread held when the process was forked stays held.
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._context_of_tls: ssl.SSLContext | None = None
        self._sync: dict[_Purpose, _Way] = {}
        # A provider that nobody closed leaves no open socket behind.
        weakref.finalize(self, _close_all, self._sync, os.getpid())
        self._loops: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop,
            dict[_Purpose, _AsyncWay],
        ] = weakref.WeakKeyDictionary()
        self._closers: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[None, None]
        ] = weakref.WeakKeyDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(self, request: HttpRequest) -> Reply:
        """Send a request from a thread and give its answer, the body not read yet.

        Raises:
            FalConfigurationError: There is no key, or a header cannot be sent.
            TransportFailure: There is no answer.
        """
        way = self._sync_way(request.client)
        headers, timeout = self.headers_for(request), self._timeout(request)
        body = request.content
        content = body.pieces() if isinstance(body, Body) else body
        with failures():
            if isinstance(way, httpx.Client):
                built = way.build_request(
                    request.method,
                    request.url,
                    headers=headers,
                    content=content,
                    timeout=httpx.Timeout(**timeout),
                )
                response = way.send(built, stream=True, follow_redirects=False)
            else:
                response = way.handle_request(
                    _built(request, headers, content, timeout)
                )
        return HttpxReply(response)

    async def asend(self, request: HttpRequest) -> AsyncReply:
        """Send a request from the running event loop; see `send`."""
        way = await self._async_way(request.client)
        headers, timeout = self.headers_for(request), self._timeout(request)
        body = request.content
        content = body.apieces() if isinstance(body, Body) else body
        if isinstance(way, httpx.AsyncClient):
            with failures():
                built = way.build_request(
                    request.method,
                    request.url,
                    headers=headers,
                    content=content,
                    timeout=httpx.Timeout(**timeout),
                )
                response = await way.send(built, stream=True, follow_redirects=False)
            return HttpxAsyncReply(response)
        if isinstance(way, httpx.AsyncBaseTransport):
            with failures():
                built = _built(request, headers, content, timeout)
                response = await way.handle_async_request(built)
            return HttpxAsyncReply(response)
        return await way.send(
            request.method,
            request.url,
            headers={**_HEADERS, **headers},
            content=content,
            timeout=timeout,
        )

    def _timeout(self, request: HttpRequest) -> dict[str, float]:
        wait = min(request.read_timeout, _LONGEST_WAIT_S)
        return {
            "connect": min(self._context.timeouts.connect, wait),
            "read": wait,
            "write": wait,
            # A request waits for its turn as long as there is time at all.
            "pool": min(max(request.total_timeout, wait), _LONGEST_WAIT_S),
        }

    def headers_for(self, request: HttpRequest) -> dict[str, str]:
        """Give a request's headers; the key and own ones go only to fal's API.

        Raises:
            FalConfigurationError: There is no key, or a header cannot be sent.
        """
        headers = {"user-agent": self._agent, **request.headers}
        if request.client == "api" and guard.is_api_url(
            request.url, self._context.hosts
        ):
            key = {"authorization": f"Key {self._key()}"}
            headers = {**key, **self._headers, **headers}
        if isinstance(request.content, Body):
            headers["content-length"] = str(request.content.size)
        _check_headers(headers)
        return headers

    def _sync_way(self, purpose: _Purpose) -> _Way:
        if purpose == "api" and self._given is not None:
            return self._given
        way = self._sync.get(purpose)
        if way is None:
            with self._lock:
                way = self._sync.get(purpose)
                if way is None:
                    way = self._sync[purpose] = self._make(purpose)
        return way

    async def _async_way(self, purpose: _Purpose) -> _AsyncWay:
        if purpose == "api" and self._given_async is not None:
            return self._given_async
        loop = asyncio.get_running_loop()
        ways = self._loops.get(loop)
        if ways is None:
            ways = self._loops[loop] = {}
            # An event loop closes its async generators before it ends: this one
            # closes the connections, so that asyncio.run() leaves none open.
            closer = self._closers[loop] = _closer(ways)
            await anext(closer)
        if purpose not in ways:
            ways[purpose] = self._amake(purpose)
        return ways[purpose]

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work of the running event loop go on beside what follows."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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

    def _make(self, purpose: _Purpose) -> _Way:
        def pooled(proxy: str | None = None) -> PooledTransport:
            return PooledTransport(
                lambda: httpx.HTTPTransport(
                    verify=self._tls(), limits=POOL_LIMITS, proxy=proxy
                )
            )

        trusted = self._context.trusted_origins
        direct: httpx.BaseTransport = (
            pooled() if purpose == "api" else GuardedTransport(pooled, trusted=trusted)
        )
        mounts = _proxy_mounts(pooled)
        return httpx.Client(transport=direct, mounts=mounts) if mounts else direct

    def _amake(self, purpose: _Purpose) -> _AsyncWay:
        def pooled(proxy: str | None = None) -> AsyncPooledTransport:
            return AsyncPooledTransport(
                lambda: httpx.AsyncHTTPTransport(
                    verify=self._tls(), limits=POOL_LIMITS, proxy=proxy
                )
            )

        trusted = self._context.trusted_origins
        direct: httpx.AsyncBaseTransport = (
            pooled()
            if purpose == "api"
            else AsyncGuardedTransport(pooled, trusted=trusted)
        )
        mounts = _proxy_mounts(pooled)
        if purpose == "api" and self._on_aiohttp and not mounts:
            return _fast_session(self._tls)
        return httpx.AsyncClient(transport=direct, mounts=mounts) if mounts else direct

    def _tls(self) -> ssl.SSLContext:
        # Made once: reading the certificates takes longer than a request.
        if self._context_of_tls is None:
            self._context_of_tls = httpx.create_ssl_context()
        return self._context_of_tls


_ALL: weakref.WeakSet[HttpClients] = weakref.WeakSet()


def _renew_after_fork() -> None:
    # The connections belong to the parent process and are left to it.
    for clients in list(_ALL):
        clients._forget()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)


def _close_all(clients: dict[_Purpose, _Way], pid: int) -> None:
    if os.getpid() == pid:
        for client in clients.values():
            client.close()
        clients.clear()


async def _closer(
    clients: dict[_Purpose, _AsyncWay],
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for client in clients.values():
            await client.aclose()
        clients.clear()


def _built(
    request: HttpRequest, headers: dict[str, str], content: Any, timeout: dict[str, Any]
) -> httpx.Request:
    """Make a request as a client would, without the client's own work."""
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug("%s %s", request.method, request.url.partition("?")[0])
    return httpx.Request(
        request.method,
        request.url,
        headers={**_HEADERS, **headers},
        content=content,
        extensions={"timeout": timeout},
    )


def _fast_session(tls: Callable[[], ssl.SSLContext]) -> AiohttpSession:
    try:
        from langchain_fal_image.wire.aiohttp_session import AiohttpSession  # noqa: PLC0415
    except ImportError as error:
        message = "aiohttp is asked for, and not installed."
        raise FalConfigurationError(
            message, next_step="pip install 'langchain-fal-image[fast]'"
        ) from error
    return AiohttpSession(tls)


def _proxy_mounts(through: Callable[[str], Any]) -> dict[str, Any]:
    """Send through the environment's proxies what they are for, and nothing else.

    Only a proxy sees the addresses of what goes through it. Everything else, such as
    `https` where only `http_proxy` is set, or a host in `no_proxy`, stays guarded.
    """
    proxies = urllib.request.getproxies()
    spared = [each.strip() for each in proxies.get("no", "").split(",")]
    if "*" in spared:
        return {}
    mounts: dict[str, Any] = {
        f"{scheme}://": through(url if "://" in url else f"http://{url}")
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


def _version() -> str:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("langchain-fal-image")
    return "unknown"
