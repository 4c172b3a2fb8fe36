"""The HTTP sessions of a provider, and the headers that they send.

There is one session for all threads and one for each event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.metadata
import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langchain_fal_image._formats.headers import hide_secrets, is_valid_header
from langchain_fal_image._formats.hidden import HiddenText
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.bodies import Body
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import HttpRequest
from langchain_fal_image.wire.httpx_session import (
    AsyncHttpxSession,
    HttpxSession,
)
from langchain_fal_image.wire.proxies import find_proxy_mounts
from langchain_fal_image.wire.redaction import Redactor, find_secrets
from langchain_fal_image.wire.response_reader import ResponseReader
from langchain_fal_image.wire.responses import AsyncResponseStream, ResponseStream

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

    from langchain_fal_image.wire.aiohttp_session import AiohttpSession

    _AsyncSession = AsyncHttpxSession | AiohttpSession

__all__ = ["HttpClients"]

_T = TypeVar("_T")
_Purpose = Literal["api", "media"]
_LONGEST_WAIT_S = 86_400.0  # sockets do not accept an infinite timeout
# FAL_KEY is the name in fal's own clients, FAL_API_KEY that in @ai-sdk/fal.
_KEY_VARIABLES = ("FAL_API_KEY", "FAL_KEY")


class HttpClients:
    """Opens, keeps and closes the HTTP sessions of a provider.

    Args:
        context: Hosts and timeouts.
        api_key: fal's key; by default `FAL_API_KEY` of the environment, else `FAL_KEY`.
        headers: Additional headers for fal's API.
        http_client: Used for sync API calls; never closed here.
        http_async_client: Used for async API calls; never closed here.
        on_aiohttp: Whether async API calls use aiohttp.
        now: A monotonic clock, in seconds.

    Raises:
        FalConfigurationError: aiohttp is requested but not installed.
    """

    def __init__(
        self,
        context: Context,
        *,
        api_key: SecretStr | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
        on_aiohttp: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._now = now
        self._create_redactor = functools.lru_cache(maxsize=16)(Redactor)
        self._on_aiohttp = on_aiohttp
        if on_aiohttp:
            _open_aiohttp_session()  # raises early if it is not installed
        self._api_key = api_key
        self._api_urls = guard.compile_api_urls(context.hosts)
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}
        self._given = HttpxSession(http_client) if http_client else None
        self._given_async = (
            AsyncHttpxSession(http_async_client) if http_async_client else None
        )
        self._user_agent = f"langchain-fal-image/{_find_version()}"
        self._reset()
        _ALL.add(self)

    def _reset(self) -> None:
        # A lock that another thread held during a fork stays locked in the child.
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._sync: dict[_Purpose, HttpxSession] = {}
        # Closes the connections of a provider that is collected without `close`.
        weakref.finalize(self, _close_all, self._sync, os.getpid())
        self._loops: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[_Purpose, _AsyncSession]
        ] = weakref.WeakKeyDictionary()
        self._closers: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[None, None]
        ] = weakref.WeakKeyDictionary()
        self._tasks: set[asyncio.Future[Any]] = set()

    def send(self, request: HttpRequest) -> ResponseStream:
        """Send a request and return its response before the body is read.

        Raises:
            FalConfigurationError: The key is missing, or a header is invalid.
            TransportFailure: No response arrived.
        """
        content = request.content
        session = self._find_session(request.client)
        headers = self.build_headers(request)
        return self._create_reader(request, headers, session).open(
            lambda: session.send(
                request.method,
                request.url,
                headers=headers,
                content=content.iter_bytes() if isinstance(content, Body) else content,
                timeout=self._build_timeout(request),
            )
        )

    async def asend(self, request: HttpRequest) -> AsyncResponseStream:
        """Send a request from the running event loop; see `send`."""
        content = request.content
        session = await self._find_async_session(request.client)
        headers = self.build_headers(request)
        return await self._create_reader(request, headers, session).aopen(
            lambda: session.send(
                request.method,
                request.url,
                headers=headers,
                content=content.aiter_bytes() if isinstance(content, Body) else content,
                timeout=self._build_timeout(request),
            )
        )

    def _create_reader(
        self,
        request: HttpRequest,
        headers: Mapping[str, str],
        session: HttpxSession | _AsyncSession,
    ) -> ResponseReader:
        redactor = self._create_redactor(find_secrets(headers))
        return ResponseReader(
            request, session=session, redactor=redactor, now=self._now
        )

    def _build_timeout(self, request: HttpRequest) -> dict[str, float]:
        wait = min(request.read_timeout, _LONGEST_WAIT_S)
        return {
            "connect": min(self._context.timeouts.connect, wait),
            "read": wait,
            "write": wait,
            # A request may wait for a free connection until its total timeout.
            "pool": min(max(request.total_timeout, wait), _LONGEST_WAIT_S),
        }

    def build_headers(self, request: HttpRequest) -> dict[str, str]:
        """Return a request's headers; the key and additional ones only for fal's API.

        Raises:
            FalConfigurationError: The key is missing, or a header is invalid.
        """
        headers = {"user-agent": self._user_agent, **request.headers}
        # Files are compressed already.
        encoding = "gzip" if request.client == "api" else "identity"
        headers["accept-encoding"] = encoding
        if request.client == "api" and self._api_urls.fullmatch(request.url):
            key = _read_key(self._api_key, is_required=request.needs_key)
            authorization = {"authorization": key} if key else {}
            headers = {**authorization, **self._headers, **headers}
        headers = hide_secrets(headers)
        if isinstance(request.content, Body):
            headers["content-length"] = str(request.content.size)
        _check_headers(headers)
        return headers

    def _find_session(self, purpose: _Purpose) -> HttpxSession:
        if purpose == "api" and self._given is not None:
            return self._given
        session = self._sync.get(purpose)
        if session is None:
            with self._lock:
                session = self._sync.get(purpose)
                if session is None:
                    session = HttpxSession.open(trusted=self._find_trusted(purpose))
                    self._sync[purpose] = session
        return session

    async def _find_async_session(self, purpose: _Purpose) -> _AsyncSession:
        if purpose == "api" and self._given_async is not None:
            return self._given_async
        loop = asyncio.get_running_loop()
        sessions = self._loops.get(loop)
        if sessions is None:
            sessions = self._loops[loop] = {}
            # An event loop closes its async generators before it ends: this one
            # closes the connections, so that asyncio.run() leaves none open.
            closer = self._closers[loop] = _close_with_loop(sessions)
            await anext(closer)
        if purpose not in sessions:
            sessions[purpose] = self._open_async_session(purpose)
        return sessions[purpose]

    def _open_async_session(self, purpose: _Purpose) -> _AsyncSession:
        # aiohttp does not use the environment's proxies as httpx does.
        if purpose == "api" and self._on_aiohttp and not find_proxy_mounts(str):
            return _open_aiohttp_session()
        return AsyncHttpxSession.open(trusted=self._find_trusted(purpose))

    def _find_trusted(self, purpose: _Purpose) -> frozenset[guard.Origin] | None:
        return None if purpose == "api" else self._context.trusted_origins

    def run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work in the event loop without waiting for it."""
        self._start(work)

    async def shield(self, work: Awaitable[_T]) -> _T:
        """Await work that continues if the waiting task is cancelled."""
        return await asyncio.shield(self._start(work))

    def _start(self, work: Awaitable[_T]) -> asyncio.Future[_T]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def close(self) -> None:
        """Close the sync sessions; new ones are opened on demand."""
        with self._lock:
            _close_all(self._sync, self._pid)

    async def aclose(self) -> None:
        """Close the sessions of the running event loop, and the sync ones."""
        self.close()
        loop = asyncio.get_running_loop()
        self._loops.pop(loop, None)
        closer = self._closers.pop(loop, None)
        if closer is not None:
            await closer.aclose()


_ALL: weakref.WeakSet[HttpClients] = weakref.WeakSet()


def _reset_after_fork() -> None:
    # The connections belong to the parent process; the child does not close them.
    for clients in list(_ALL):
        clients._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


def _close_all(sessions: dict[_Purpose, HttpxSession], pid: int) -> None:
    if os.getpid() == pid:
        for session in sessions.values():
            session.close()
        sessions.clear()


async def _close_with_loop(
    sessions: dict[_Purpose, _AsyncSession],
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for session in sessions.values():
            await session.aclose()
        sessions.clear()


def _open_aiohttp_session() -> AiohttpSession:
    try:
        from langchain_fal_image.wire.aiohttp_session import AiohttpSession  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = "aiohttp is requested but not installed."
        raise FalConfigurationError(
            message, next_step="pip install 'langchain-fal-image[fast]'"
        ) from error
    return AiohttpSession()


def _read_key(api_key: SecretStr | None, *, is_required: bool) -> HiddenText | None:
    """Return the header with the configured key, else with the environment's."""
    own = api_key.get_secret_value() if api_key else ""
    for text in (own, *(os.environ.get(name, "") for name in _KEY_VARIABLES)):
        if key := text.strip():
            # The scheme `Key` is that of fal_client/auth.py.
            return HiddenText(f"Key {key}")
    if not is_required:
        return None
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


def _check_headers(headers: Mapping[str, str]) -> None:
    """Raise for invalid headers; the HTTP library's error would contain the value."""
    for name, value in headers.items():
        if is_valid_header(name, value):
            continue
        what = "The fal key" if name == "authorization" else f"The header {name!r}"
        message = f"{what} contains line breaks or characters that HTTP does not allow."
        raise FalConfigurationError(message, next_step="Copy the complete value again.")


def _find_version() -> str:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("langchain-fal-image")
    return "unknown"
