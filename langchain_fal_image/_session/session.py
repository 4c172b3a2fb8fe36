"""The session that models, results and requests use to call fal."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from langchain_core.stores import BaseStore, InMemoryByteStore
from pydantic import SecretStr

from langchain_fal_image._formats.headers import drop_secret_headers, hide_secrets
from langchain_fal_image._session.byte_store import RecentBytes
from langchain_fal_image._session.prices import Prices
from langchain_fal_image._session.settings import (
    AsyncTransport,
    check_hosts,
    check_transport,
    read_transport,
)
from langchain_fal_image.errors import FalConfigurationError, FalError
from langchain_fal_image.wire.config import Hosts, Limits, Polling, Retry, Timeouts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Call

if TYPE_CHECKING:
    import httpx

    from langchain_fal_image._session.contracts import Contracts
    from langchain_fal_image.wire.driver import Driver
    from langchain_fal_image.wire.effects import Flow
    from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate
    from langchain_fal_image.wire.signature import WebhookKeys

__all__ = ["Session"]

_T = TypeVar("_T")

_MEMORY_BYTES = 256 * 1024 * 1024


class Session:
    """Settings, key, clients and stores; `FalProvider` is its public subclass.

    Safe to share between threads, tasks and event loops, and after a fork.
    Pickling leaves out the key, headers that may hold a secret, the clients and the
    stored bytes: the copy reads the key from the environment.

    Files below `allowed_dirs` may be read as input. `open_requests` holds, by id, the
    requests that calls in any thread are waiting for.
    """

    def __init__(
        self,
        *,
        api_key: str | SecretStr | None = None,
        hosts: Hosts | None = None,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        polling: Polling | None = None,
        retry: Retry | None = None,
        limits: Limits | None = None,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
        async_transport: AsyncTransport | None = None,
        allowed_dirs: Iterable[str | os.PathLike[str]] = (),
        store: BaseStore[str, bytes] | None = None,
    ) -> None:
        if async_transport is not None:
            check_transport(async_transport, "async_transport")
            if http_async_client is not None:
                message = "Both http_async_client and async_transport are set."
                raise FalConfigurationError(message, next_step="Set only one of them.")
        hosts = hosts or Hosts()
        check_hosts(hosts)
        self.context = Context(
            hosts=hosts,
            timeouts=timeouts or Timeouts(),
            polling=polling or Polling(),
            retry=retry or Retry(),
            limits=limits or Limits(),
        )
        self.allowed_dirs = tuple(Path(each).resolve() for each in allowed_dirs)
        self.prices = Prices()
        self.open_requests: dict[str, QueuedRequest] = {}
        self._api_key = SecretStr(api_key) if isinstance(api_key, str) else api_key
        self._headers = hide_secrets(headers or {})
        self._store = store
        self._memory = RecentBytes(max_bytes=_MEMORY_BYTES)
        self._clients = (http_client, http_async_client)
        self._async_transport = async_transport
        self._wire: Driver | None = None
        self._lock = threading.Lock()

    @cached_property
    def contracts(self) -> Contracts:
        """The endpoint contracts: those of the catalog, and those fetched from fal."""
        # Imported when the first contract is needed, to save start-up time.
        from langchain_fal_image._session.contracts import Contracts  # noqa: PLC0415

        return Contracts(self._store)

    @cached_property
    def webhook_keys(self) -> WebhookKeys:
        """The public keys that fal signs webhooks with."""
        # Needs the extra `webhooks`, which most programs do not install.
        from langchain_fal_image.wire.signature import WebhookKeys  # noqa: PLC0415

        return WebhookKeys()

    # --- Bytes without a URL ---

    @property
    def store(self) -> BaseStore[str, bytes]:
        """The store of bytes without a URL, such as `sync_mode` results, by SHA-256."""
        return self._memory if self._store is None else self._store

    @property
    def has_store(self) -> bool:
        """Whether the developer passed a store; if not, bytes are kept in memory."""
        return self._store is not None

    def store_bytes(self, contents: Mapping[str, bytes]) -> Flow[None]:
        """Put bytes into the store, by their SHA-256 in hex."""
        if contents:
            store, pairs = self.store, list(contents.items())
            yield Call(lambda: store.mset(pairs), lambda: store.amset(pairs))

    # --- Running flows ---

    def run(
        self, flow: Flow[_T], on_update: Callable[[QueueUpdate], Any] | None = None
    ) -> _T:
        """Run a flow to its end with the sync client; pass updates to `on_update`."""
        return self._driver.run(flow, on_update)

    async def arun(
        self, flow: Flow[_T], on_update: Callable[[QueueUpdate], Any] | None = None
    ) -> _T:
        """Run a flow to its end with the async client; see `run`.

        `on_update` may return an awaitable, which is awaited.
        """
        return await self._driver.arun(flow, on_update)

    def iterate(self, flow: Flow[Any]) -> Iterator[QueueUpdate]:
        """Run a flow and yield its updates one by one."""
        return self._driver.iterate(flow)

    def aiterate(self, flow: Flow[Any]) -> AsyncIterator[QueueUpdate]:
        """Run a flow and yield its updates one by one; see `iterate`."""
        return self._driver.aiterate(flow)

    def _cancel_flow(self, request: QueuedRequest) -> Flow[str]:
        """Cancel a request; return the message of an error instead of raising it."""
        # Imported with the first cancellation, to save start-up time.
        from langchain_fal_image.wire import flows  # noqa: PLC0415

        try:
            return (yield from flows.cancel(self.context, request))
        except FalError as error:
            return str(error)

    @property
    def _driver(self) -> Driver:
        if self._wire is None:
            # httpx is imported with the first request, to save start-up time.
            from langchain_fal_image.wire.driver import Driver  # noqa: PLC0415
            from langchain_fal_image.wire.http_clients import HttpClients  # noqa: PLC0415

            with self._lock:
                if self._wire is None:
                    http_client, http_async_client = self._clients
                    self._wire = Driver(
                        HttpClients(
                            self.context,
                            api_key=self._api_key,
                            headers=self._headers,
                            http_client=http_client,
                            http_async_client=http_async_client,
                            on_aiohttp=self._choose_transport() == "aiohttp",
                        ),
                        self.open_requests,
                    )
        return self._wire

    def _choose_transport(self) -> AsyncTransport:
        if self._async_transport or self._clients[1]:
            return self._async_transport or "httpx"
        return read_transport()

    # --- Lifetime ---

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        if self._wire is not None:
            self._wire.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and the sync ones."""
        if self._wire is not None:
            await self._wire.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.context.hosts.queue!r})"

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Return the same object: a copied model uses the same connections."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        # An in-memory store would put image bytes into the pickle.
        in_memory = isinstance(self._store, InMemoryByteStore)
        return {
            "context": self.context,
            "headers": drop_secret_headers(self._headers),
            "allowed_dirs": self.allowed_dirs,
            "store": None if in_memory else self._store,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]  # restores from the constructor's arguments
            headers=state["headers"],
            allowed_dirs=state["allowed_dirs"],
            store=state["store"],
        )
        self.context = state["context"]
