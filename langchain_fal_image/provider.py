"""The provider: where fal is, who pays, and what may be touched."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NoReturn,
    Self,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
)

from langchain_core.stores import BaseStore, InMemoryByteStore
from pydantic import SecretStr

from langchain_fal_image._session.byte_store import RecentBytes
from langchain_fal_image._session.open_requests import OpenRequests, cancelled
from langchain_fal_image._session.prices import Price, Prices
from langchain_fal_image.errors import FalConfigurationError, FalError
from langchain_fal_image.options.endpoint import EndpointSchema, Kind
from langchain_fal_image.wire.config import Hosts, Limits, Polling, Retry, Timeouts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Call
from langchain_fal_image.wire.queue import QueuedRequest

if TYPE_CHECKING:
    import httpx

    from langchain_fal_image._session.contracts import Contracts
    from langchain_fal_image.models._audio import FalSpeech, FalTranscription
    from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
    from langchain_fal_image.results.request import FalRequest
    from langchain_fal_image.wire.driver import Driver
    from langchain_fal_image.wire.effects import Flow
    from langchain_fal_image.wire.queue import Output, QueueUpdate
    from langchain_fal_image.wire.signature import WebhookKeys

__all__ = ["FalProvider", "create_fal", "fal"]

_T = TypeVar("_T")
_log = logging.getLogger("langchain_fal_image")

_MEMORY_BYTES = 256 * 1024 * 1024
_TRANSPORT_VARIABLE = "FAL_ASYNC_TRANSPORT"
AsyncTransport: TypeAlias = Literal["httpx", "aiohttp"]
_SANDBOX_VARIABLE = "FAL_SANDBOX_URL"
_KEY_VARIABLES = ("FAL_API_KEY", "FAL_KEY")
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key"}
)


class FalProvider:
    """A configured way to fal; made by `create_fal`.

    Safe to share between threads, tasks and event loops, and after a fork.
    Pickling leaves out the key, the clients and the stored bytes: the copy reads
    the key from the environment.

    Attributes:
        context: Hosts, timeouts and limits, as the wire needs them.
        allowed_dirs: The directories below which files may be read as input.
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
        if isinstance(api_key, str):
            api_key = SecretStr(api_key)
        self._api_key = api_key
        self._headers = dict(headers or {})
        self.context = Context(
            hosts=hosts or Hosts(),
            timeouts=timeouts or Timeouts(),
            polling=polling or Polling(),
            retry=retry or Retry(),
            limits=limits or Limits(),
        )
        self.allowed_dirs = tuple(Path(each).resolve() for each in allowed_dirs)
        self._store = store
        self._memory = RecentBytes(max_bytes=_MEMORY_BYTES)
        self._prices = Prices()
        self._clients = (http_client, http_async_client)
        self._async_transport = async_transport
        if async_transport is not None:
            _check_transport(async_transport, "async_transport")
            if http_async_client is not None:
                message = "Both http_async_client and async_transport are given."
                raise FalConfigurationError(message, next_step="Give one of them.")
        self._wire: Driver | None = None
        self._lock = threading.Lock()
        self._open = OpenRequests()

    # --- Models ---

    def image(self, model: str, **options: Any) -> FalTextToImage | FalImageEdit:
        """Make the runnable that fits an endpoint.

        Args:
            model: The endpoint id, such as `fal-ai/qwen-image`.
            **options: Options and settings of the runnable.

        Returns:
            `FalImageEdit` where the endpoint needs an input image, else
            `FalTextToImage`. For an endpoint we do not know, its last word decides:
            `…/edit` edits.
        """
        from langchain_fal_image.options.search import check_kind  # noqa: PLC0415 - as below

        schema = self.contract(model)
        check_kind(schema, "image")
        edits = schema.needs_image if schema else model.rsplit("/", 1)[-1] == "edit"
        make = self.image_edit if edits else self.text_to_image
        return make(model, **options)

    def text_to_image(self, model: str | None = None, **options: Any) -> FalTextToImage:
        """Make a `FalTextToImage` that uses this provider.

        Args:
            model: The endpoint id; by default that of `FalTextToImage`.
            **options: Options and settings of the runnable.
        """
        from langchain_fal_image.models.image import FalTextToImage  # noqa: PLC0415

        return FalTextToImage(fal=self, **_named(model), **options)

    def image_edit(self, model: str | None = None, **options: Any) -> FalImageEdit:
        """Make a `FalImageEdit` that uses this provider.

        Args:
            model: The endpoint id; by default that of `FalImageEdit`.
            **options: Options and settings of the runnable.
        """
        from langchain_fal_image.models.image import FalImageEdit  # noqa: PLC0415

        return FalImageEdit(fal=self, **_named(model), **options)

    def speech(self, model: str | None = None, **options: Any) -> FalSpeech:
        """Make a `FalSpeech` that uses this provider: it speaks a text.

        Args:
            model: The endpoint id; by default that of `FalSpeech`.
            **options: Options and settings of the runnable.
        """
        from langchain_fal_image.models._audio import FalSpeech  # noqa: PLC0415

        return FalSpeech(fal=self, **_named(model), **options)

    def transcription(
        self, model: str | None = None, **options: Any
    ) -> FalTranscription:
        """Make a `FalTranscription` that uses this provider: it writes down speech.

        Args:
            model: The endpoint id, `fal-ai/` may be left out; by default that of
                `FalTranscription`.
            **options: Options and settings of the runnable.
        """
        from langchain_fal_image.models._audio import FalTranscription  # noqa: PLC0415

        return FalTranscription(fal=self, **_named(model), **options)

    def chat_model(self, model: str = "", **_: Any) -> NoReturn:
        """Say that chat models are not to be had here."""
        _no_such_model("chat model", model)

    def language_model(self, model: str = "", **_: Any) -> NoReturn:
        """Say that language models are not to be had here."""
        _no_such_model("language model", model)

    def embedding_model(self, model: str = "", **_: Any) -> NoReturn:
        """Say that embeddings are not to be had here."""
        _no_such_model("embedding model", model)

    # --- Contracts ---

    @cached_property
    def _contracts(self) -> Contracts:
        from langchain_fal_image._session.contracts import Contracts  # noqa: PLC0415

        return Contracts(self._store)

    @cached_property
    def webhook_keys(self) -> WebhookKeys:
        """Fal's public keys; `langchain_fal_image.webhooks` uses them."""
        from langchain_fal_image.wire.signature import WebhookKeys  # noqa: PLC0415

        return WebhookKeys()

    def endpoints(
        self,
        search: str | Iterable[str] = (),
        *,
        takes_images: bool | None = None,
        kind: Kind = "image",
    ) -> tuple[EndpointSchema, ...]:
        """Find endpoints among those whose contract ships with the package.

        Args:
            search: Words that must all be in the id, title, category or description.
            takes_images: Only those that take input images, or only those that do
                not.
            kind: What they make: `image`, `speech` or `transcription`.
        """
        from langchain_fal_image.options.search import find_endpoints  # noqa: PLC0415

        return find_endpoints(search=search, takes_images=takes_images, kind=kind)

    def describe(self, model: str) -> EndpointSchema:
        """Fetch fal's own contract of an endpoint, for one newer than this package.

        It is kept for a day, in the provider's store where one was given, and used by
        the runnables of this provider from then on. No key is needed. Where it cannot
        be had, the contract that ships with the package is given, with a warning in
        the log.

        Args:
            model: The endpoint id.

        Raises:
            FalDownloadError: It cannot be had, and none ships with the package.
        """
        return self.run(self._contracts.describe(self.context, model))

    async def adescribe(self, model: str) -> EndpointSchema:
        """Fetch fal's own contract of an endpoint; see `describe`."""
        return await self.arun(self._contracts.describe(self.context, model))

    def contract(self, model: str) -> EndpointSchema | None:
        """Give the contract of an endpoint that is at hand, without asking fal.

        Args:
            model: The endpoint id.

        Returns:
            What `describe` fetched in the last day, else what ships with the package,
            else None.
        """
        return self._contracts.known(model)

    def price(self, model: str) -> Price | None:
        """Ask fal what an endpoint's images cost.

        It is kept for a day; budgets and tool descriptions use it from then on.

        Args:
            model: The endpoint id.

        Returns:
            The price, or None where fal does not tell it: no such price, a key that
            may not read prices, no connection.

        Raises:
            FalConfigurationError: There is no key.
        """
        return self.run(self.priced(model))

    async def aprice(self, model: str) -> Price | None:
        """Ask fal what an endpoint's images cost; see `price`."""
        return await self.arun(self.priced(model))

    def known_price(self, model: str) -> Price | None:
        """Give an endpoint's price where it is at hand, without asking fal."""
        return self._prices.cached(model)

    def priced(self, model: str) -> Flow[Price | None]:
        """Ask for a price, as a flow; see `price`."""
        return self._prices.fetch(self.context, model)

    # --- Requests ---

    def request(self, model: str, request_id: str) -> FalRequest:
        """Take up a request that was submitted before, in this process or another.

        Args:
            model: The full endpoint id it was submitted to.
            request_id: fal's id of it.

        Returns:
            The request; nothing is asked of fal yet.
        """
        queued = QueuedRequest.for_id(
            self.context.hosts, endpoint_id=model, request_id=request_id
        )
        return self._requested(queued)

    def cancel_open(self) -> dict[str, str]:
        """Cancel every request that this provider is waiting for, in any thread.

        Python does not interrupt worker threads, so this is how a program with
        sync batches or sync LangGraph tools stops: the waiting calls then end with
        `FalCancelledError`, unless fal finished first.

        Returns:
            fal's answer for each request id, as `FalRequest.cancel` gives it, or
            the error's message where fal could not be asked.
        """
        return {
            request.request_id: self.run(cancelled(self.context, request))
            for request in self._open.requests()
        }

    async def acancel_open(self) -> dict[str, str]:
        """Cancel every request this provider is waiting for; see `cancel_open`."""
        return {
            request.request_id: await self.arun(cancelled(self.context, request))
            for request in self._open.requests()
        }

    # --- Driving flows ---

    @property
    def store(self) -> BaseStore[str, bytes]:
        """Where bytes without a URL go, by SHA-256: `sync_mode`, pasted images."""
        return self._memory if self._store is None else self._store

    @property
    def has_store(self) -> bool:
        """Whether a store was given, so that bytes outlive the conversation's turn."""
        return self._store is not None

    def run(
        self, flow: Flow[_T], on_update: Callable[[QueueUpdate], Any] | None = None
    ) -> _T:
        """Drive a flow to its end on the sync client.

        Args:
            flow: One of `langchain_fal_image.wire.flows`, or one made of them.
            on_update: Called with each update of the request.

        Raises:
            FalError: As the flow says; its `request` is a `FalRequest`.
        """
        watched = self._open.watch(on_update)
        try:
            return self._driver().run(flow, watched)
        except FalError as error:
            self._bind(error)
            raise
        finally:
            watched.done()

    async def arun(
        self, flow: Flow[_T], on_update: Callable[[QueueUpdate], Any] | None = None
    ) -> _T:
        """Drive a flow to its end on the async client; see `run`.

        `on_update` may return an awaitable, which is awaited.
        """
        watched = self._open.watch(on_update)
        try:
            return await self._driver().arun(flow, watched)
        except FalError as error:
            self._bind(error)
            raise
        finally:
            watched.done()

    def iterate(self, flow: Flow[Any]) -> Iterator[QueueUpdate]:
        """Drive a flow and give its updates one by one."""
        return self._driver().iterate(flow)

    def aiterate(self, flow: Flow[Any]) -> AsyncIterator[QueueUpdate]:
        """Drive a flow and give its updates one by one; see `iterate`."""
        return self._driver().aiterate(flow)

    def keep(self, contents: Mapping[str, bytes]) -> Flow[None]:
        """Put image bytes into the store.

        Args:
            contents: By their SHA-256 in hex.
        """
        if contents:
            store, pairs = self.store, list(contents.items())
            yield Call(lambda: store.mset(pairs), lambda: store.amset(pairs))

    def result_of(
        self, output: Output, *, model: str, kind: Kind | None = None, **known: Any
    ) -> Flow[Any]:
        """Make a result of fal's output; bytes in it go to the store.

        Args:
            output: As `flows.fetch_result` gives it.
            model: The endpoint id.
            kind: What it holds; by default as the endpoint's contract says, else as
                it looks.
            **known: What `ImageResult.from_output` also takes.

        Returns:
            An `ImageResult`, a `SpeechResult` or a `TranscriptionResult`.
        """
        from langchain_fal_image.results._parse import result_in  # noqa: PLC0415 - needed late

        result, taken = result_in(
            output.body,
            schema=self.contract(model),
            kind=kind,
            model=model,
            request_id=output.request_id,
            **known,
        )
        yield from self.keep(taken)
        return result.using(self)

    # --- Life ---

    def close(self) -> None:
        """Close the connections; the provider opens new ones when used again."""
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
        return f"FalProvider(base_url={self.context.hosts.queue!r})"

    def __deepcopy__(self, _memo: dict[int, Any]) -> FalProvider:
        """Share the provider: a copied model uses the same connections."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {
            "context": self.context,
            "headers": {
                name: value
                for name, value in self._headers.items()
                if name.lower() not in _SECRET_HEADERS
            },
            "allowed_dirs": self.allowed_dirs,
            # An in-memory store would carry the image bytes along.
            "store": None
            if isinstance(self._store, InMemoryByteStore)
            else self._store,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]  # unpickling begins an object anew
            headers=state["headers"],
            allowed_dirs=state["allowed_dirs"],
            store=state["store"],
        )
        self.context = state["context"]

    def _driver(self) -> Driver:
        if self._wire is None:
            # httpx is loaded with the first request, not with the package.
            from langchain_fal_image.wire.driver import Driver  # noqa: PLC0415
            from langchain_fal_image.wire.http_clients import HttpClients  # noqa: PLC0415

            with self._lock:
                if self._wire is None:
                    http_client, http_async_client = self._clients
                    self._wire = Driver(
                        HttpClients(
                            self.context,
                            key=self._key,
                            headers=self._headers,
                            http_client=http_client,
                            http_async_client=http_async_client,
                            on_aiohttp=self._transport_in_use() == "aiohttp",
                        )
                    )
        return self._wire

    def _transport_in_use(self) -> AsyncTransport:
        if self._async_transport or self._clients[1]:
            return self._async_transport or "httpx"
        named = os.environ.get(_TRANSPORT_VARIABLE, "").strip() or "httpx"
        return _check_transport(named, _TRANSPORT_VARIABLE)

    def _key(self) -> str:
        given = self._api_key.get_secret_value().strip() if self._api_key else ""
        if given:
            return given
        for name in _KEY_VARIABLES:
            if key := os.environ.get(name, "").strip():
                return key
        message = (
            "There is no fal key: neither api_key was given, nor is FAL_API_KEY or "
            "FAL_KEY set in the environment."
        )
        raise FalConfigurationError(
            message,
            next_step="Set FAL_API_KEY (or FAL_KEY) to a key from fal's dashboard, or "
            "call create_fal(api_key=…). To try without a key, use the sandbox: "
            "langchain_fal_image.sandbox.Sandbox().",
        )

    def _bind(self, error: FalError) -> None:
        if isinstance(error.request, QueuedRequest):
            error.request = self._requested(error.request)

    def _requested(self, queued: QueuedRequest) -> FalRequest:
        from langchain_fal_image.results.request import FalRequest  # noqa: PLC0415 - needed late

        return FalRequest.of(queued, fal=self)


def _check_transport(named: str, where: str) -> AsyncTransport:
    for known in get_args(AsyncTransport):
        if named == known:
            return cast("AsyncTransport", known)
    message = f"{where}={named!r} is no async transport of this package."
    raise FalConfigurationError(message, next_step="Give 'httpx' or 'aiohttp'.")


def _named(model: str | None) -> dict[str, str]:
    return {} if model is None else {"model": model}


def _no_such_model(kind: str, model: str) -> NoReturn:
    asked = f" ({model!r} was asked for)" if model else ""
    message = f"fal serves no {kind} through this package{asked}."
    raise FalConfigurationError(
        message,
        next_step="Use fal.image(id) for images, fal.speech(id) for speech and "
        "fal.transcription(id) for transcription; for chat models and embeddings "
        "another LangChain package.",
    )


def create_fal(
    api_key: str | SecretStr | None = None,
    *,
    base_url: str | None = None,
    run_url: str | None = None,
    rest_url: str | None = None,
    platform_url: str | None = None,
    openapi_url: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | Timeouts | None = None,
    polling: Polling | None = None,
    retry: Retry | None = None,
    limits: Limits | None = None,
    http_client: httpx.Client | None = None,
    http_async_client: httpx.AsyncClient | None = None,
    async_transport: AsyncTransport | None = None,
    allowed_dirs: Iterable[str | os.PathLike[str]] = (),
    store: BaseStore[str, bytes] | None = None,
) -> FalProvider:
    """Configure a way to fal; kin of `createFal` in @ai-sdk/fal.

    Nothing is sent, and no key is needed, before the first request.

    Where no URL is given and the environment has `FAL_SANDBOX_URL`, the provider speaks
    to the sandbox that serves there (`python -m langchain_fal_image.sandbox`).

    Args:
        api_key: fal's key. By default the environment's `FAL_API_KEY`, else
            `FAL_KEY`; an empty value counts as unset.
        base_url: Replaces `https://queue.fal.run`, for a proxy or the sandbox. The
            key is sent there, and URLs of that origin are followed.
        run_url: Replaces `https://fal.run`, which serves `mode="sync"`.
        rest_url: Replaces `https://rest.fal.ai`, which takes uploads.
        platform_url: Replaces `https://api.fal.ai/v1`.
        openapi_url: Replaces `https://fal.ai/api/openapi/queue/openapi.json`.
        headers: Sent with every request to fal's API, such as
            `{"X-Fal-Store-IO": "0"}`.
        timeout: The total time of one generation in seconds (600 by default), or
            every single time as `Timeouts`.
        polling: How a request's status is polled while its status stream is not
            available.
        retry: How often a failed HTTP exchange is tried again, and after which
            pauses. It never causes a second charge.
        limits: Sizes in bytes: from which an input image is uploaded instead of
            sent inside the request, and how large downloads may be.
        http_client: An `httpx.Client` for sync API calls; it is not closed by us.
            Downloads always use a guarded client of our own.
        http_async_client: An `httpx.AsyncClient` for async API calls; likewise.
        async_transport: `httpx`, or `aiohttp` (with the extra `fast`), which takes
            less CPU time where many generations are in flight. By default the
            environment's `FAL_ASYNC_TRANSPORT`, else `httpx`.
        allowed_dirs: Files below these directories may be given as input images.
            None by default: paths often come from a model or a user.
        store: Keeps image bytes that fal sends inside its answers (`sync_mode`);
            the newest 256 MiB in memory by default.

    Returns:
        The provider.
    """
    given = {
        "queue": base_url,
        "run": run_url,
        "rest": rest_url,
        "platform": platform_url,
        "openapi": openapi_url,
    }
    named = {name: url.rstrip("/") for name, url in given.items() if url}
    sandbox = os.environ.get(_SANDBOX_VARIABLE, "").strip().rstrip("/")
    if sandbox and not named:
        hosts = Hosts.sandbox(sandbox)
        # Not the key of the environment: it is for fal.
        api_key = api_key or "sandbox"
        _log.warning("%s is set: images come from the sandbox", _SANDBOX_VARIABLE)
    else:
        hosts = replace(Hosts(), **named)
    if not isinstance(timeout, Timeouts):
        timeout = Timeouts() if timeout is None else Timeouts(total=timeout)
    return FalProvider(
        api_key=api_key,
        hosts=hosts,
        headers=headers,
        timeouts=timeout,
        polling=polling,
        retry=retry,
        limits=limits,
        http_client=http_client,
        http_async_client=http_async_client,
        async_transport=async_transport,
        allowed_dirs=allowed_dirs,
        store=store,
    )


fal = create_fal()
"""The default instance: fal's own hosts, the key from the environment."""
