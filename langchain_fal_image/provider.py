"""The provider: its configuration, and the methods that create models."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.stores import BaseStore
from pydantic import SecretStr

from langchain_fal_image._formats.headers import hide_secrets
from langchain_fal_image._session.prices import Price
from langchain_fal_image._session.session import Session
from langchain_fal_image._session.settings import (
    SANDBOX_VARIABLE,
    AsyncTransport,
    read_sandbox_url,
)
from langchain_fal_image._session.unsupported import refuse_models
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.wire.config import Hosts, Limits, Polling, Retry, Timeouts
from langchain_fal_image.wire.queue import QueuedRequest

if TYPE_CHECKING:
    import httpx

    from langchain_fal_image._session.refresh import CatalogUpdate
    from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
    from langchain_fal_image.models.speech import FalSpeech
    from langchain_fal_image.models.transcription import FalTranscription
    from langchain_fal_image.results.request import FalRequest

__all__ = ["FalProvider", "create_fal", "fal"]

_log = logging.getLogger("langchain_fal_image")

# Models, results and contracts are imported inside methods to save start-up time:
# importing this module creates the default provider.


class FalProvider(Session):
    """A configured connection to fal; `create_fal` returns one.

    Safe to share between threads, tasks and event loops, and after a fork.
    Pickling leaves out the key, headers that may hold a secret, the clients and the
    stored bytes: the copy reads the key from the environment.
    """

    # --- Models ---

    def image(self, model: str, **options: Any) -> FalTextToImage | FalImageEdit:
        """Create the image runnable for an endpoint.

        Args:
            model: The endpoint id, such as `fal-ai/qwen-image`.
            **options: Options and settings of the runnable.

        Returns:
            `FalImageEdit` if the endpoint requires an input image, else
            `FalTextToImage`. If the contract is unknown: `FalImageEdit` if the id
            ends with `/edit`.

        Raises:
            FalConfigurationError: The endpoint makes something other than images.
        """
        schema = self.contract(model)
        edits = schema.needs_image if schema else model.rsplit("/", 1)[-1] == "edit"
        create = self.image_edit if edits else self.text_to_image
        return create(model, **options)

    def text_to_image(self, model: str | None = None, **options: Any) -> FalTextToImage:
        """Create a `FalTextToImage`, by default with its default model; see `image`."""
        from langchain_fal_image.models.image import FalTextToImage  # noqa: PLC0415

        return FalTextToImage(fal=self, **_model_argument(model), **options)

    def image_edit(self, model: str | None = None, **options: Any) -> FalImageEdit:
        """Create a `FalImageEdit`, by default with its default model; see `image`."""
        from langchain_fal_image.models.image import FalImageEdit  # noqa: PLC0415

        return FalImageEdit(fal=self, **_model_argument(model), **options)

    def speech(self, model: str | None = None, **options: Any) -> FalSpeech:
        """Create a `FalSpeech`, by default with its default model; see `image`."""
        from langchain_fal_image.models.speech import FalSpeech  # noqa: PLC0415

        return FalSpeech(fal=self, **_model_argument(model), **options)

    def transcription(
        self, model: str | None = None, **options: Any
    ) -> FalTranscription:
        """Create a `FalTranscription`, by default with its default model.

        See `image`; `fal-ai/` can be omitted from the endpoint id.
        """
        from langchain_fal_image.models.transcription import (  # noqa: PLC0415
            FalTranscription,
        )

        return FalTranscription(fal=self, **_model_argument(model), **options)

    image_model = image

    chat_model = refuse_models("Chat models")
    language_model = refuse_models("Language models")
    embedding_model = text_embedding_model = refuse_models("Embedding models")
    video = video_model = refuse_models("Video models")

    # --- Contracts and prices ---

    def endpoints(
        self,
        search: str | Iterable[str] = (),
        *,
        takes_images: bool | None = None,
        kind: Kind = "image",
    ) -> tuple[EndpointSchema, ...]:
        """Search the endpoints whose contract ships with the package.

        Args:
            search: Words that the id, title, category or description must contain.
            takes_images: Whether the endpoints take input images; None for both.
            kind: What the endpoints make.

        Raises:
            FalConfigurationError: The kind is unknown.
        """
        from langchain_fal_image.options.search import find_endpoints  # noqa: PLC0415

        return find_endpoints(search=search, takes_images=takes_images, kind=kind)

    def describe(self, model: str) -> EndpointSchema:
        """Fetch the current contract of an endpoint from fal.

        Use it for an endpoint that is newer than this package. The runnables of this
        provider then use the fetched contract, which is cached for a day, in the
        provider's store if it has one. No key is needed. If the contract cannot be
        fetched, the one that ships with the package is returned, with a warning in
        the log.

        Args:
            model: The endpoint id.

        Raises:
            FalDownloadError: The contract cannot be fetched, and the package does not
                contain one.
        """
        return self.run(self.contracts.describe(self.context, model))

    async def adescribe(self, model: str) -> EndpointSchema:
        """Fetch the current contract of an endpoint from fal; see `describe`."""
        return await self.arun(self.contracts.describe(self.context, model))

    def contract(self, model: str) -> EndpointSchema | None:
        """Return the contract of an endpoint, without a request to fal.

        Returns:
            The contract that `describe` fetched in the last day, else the one that
            ships with the package, else None.
        """
        return self.contracts.get(model)

    def refresh_catalog(self) -> CatalogUpdate:
        """Fetch the current contracts of all endpoints from fal, and use them.

        They are stored in the user's cache folder (or in the environment's
        `FAL_CATALOG_DIR`), for processes that start later. No key is needed. The
        result describes what changed.

        Raises:
            FalError: A request failed, or the response is incomplete; nothing changed.
        """
        return self.run(self.contracts.refresh(self.context))

    async def arefresh_catalog(self) -> CatalogUpdate:
        """Fetch the current contracts of all endpoints; see `refresh_catalog`."""
        return await self.arun(self.contracts.refresh(self.context))

    def price(self, model: str) -> Price | None:
        """Fetch the price of an endpoint.

        It is cached for a day; budgets and tool descriptions use the cached price.

        Returns:
            The price, or None if it is unknown: fal lists none, the key has no
            permission to read prices, or fal cannot be reached.

        Raises:
            FalConfigurationError: The key is missing.
        """
        return self.run(self.prices.fetch(self.context, model))

    async def aprice(self, model: str) -> Price | None:
        """Fetch the price of an endpoint; see `price`."""
        return await self.arun(self.prices.fetch(self.context, model))

    # --- Requests ---

    def request(self, model: str, request_id: str) -> FalRequest:
        """Resume a request that this process or another submitted; send nothing yet.

        Args:
            model: The full id of the endpoint that it was submitted to.
            request_id: fal's id of the request.
        """
        from langchain_fal_image.results.request import FalRequest  # noqa: PLC0415

        queued = QueuedRequest.for_id(
            self.context.hosts, endpoint_id=model, request_id=request_id
        )
        return FalRequest._of(queued, fal=self)

    def cancel_open(self) -> dict[str, str]:
        """Cancel every request that this provider waits for, in any thread.

        Use it to stop sync batches and sync LangGraph tools: they wait in worker
        threads, which Python cannot interrupt. The waiting calls then raise
        `FalCancelledError`, unless fal finished first.

        Returns:
            For each request id, the status that `FalRequest.cancel` returns, or the
            error message if the cancellation failed.
        """
        return {
            request_id: self.run(self._cancel_flow(request))
            for request_id, request in list(self.open_requests.items())
        }

    async def acancel_open(self) -> dict[str, str]:
        """Cancel every request that this provider waits for; see `cancel_open`."""
        return {
            request_id: await self.arun(self._cancel_flow(request))
            for request_id, request in list(self.open_requests.items())
        }

    # --- Lifetime ---

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        super().close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and the sync ones."""
        await super().aclose()


def _model_argument(model: str | None) -> dict[str, str]:
    return {} if model is None else {"model": model}


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
    """Create a provider, like `createFal` of @ai-sdk/fal.

    Nothing is sent, and no key is needed, before the first request.

    If no URL and no key is passed and the environment has `FAL_SANDBOX_URL`, the
    provider uses the sandbox at that URL of this machine (see `sandbox`).

    Args:
        api_key: fal's key. By default the environment's `FAL_API_KEY`, else
            `FAL_KEY`; an empty value counts as not set.
        base_url: Replaces `https://queue.fal.run`, for a proxy or the sandbox. The
            key is sent to it, and URLs of its origin are followed.
        run_url: Replaces `https://fal.run`, which `mode="sync"` uses.
        rest_url: Replaces `https://rest.fal.ai`, which uploads use.
        platform_url: Replaces `https://api.fal.ai/v1`.
        openapi_url: Replaces `https://fal.ai/api/openapi/queue/openapi.json`.
        headers: Sent with every API request, such as `{"X-Fal-Store-IO": "0"}`.
        timeout: The total time of one generation in seconds (600 by default), or
            each timeout as `Timeouts`.
        polling: How the status is polled while its stream is not available.
        retry: How often a failed HTTP request is repeated, and after which pauses. A
            retry never causes a second charge.
        limits: Sizes in bytes: from which size an input image is uploaded instead of
            sent inside the request, and how large downloads may be.
        http_client: An `httpx.Client` for sync API calls, never closed by the provider.
            Its own transport limits how slowly headers arrive. Downloads never use it.
        http_async_client: The same for async API calls.
        async_transport: `httpx`, or `aiohttp` (extra `fast`), which takes less CPU
            time if many generations are in flight. By default the environment's
            `FAL_ASYNC_TRANSPORT`, else `httpx`.
        allowed_dirs: Files below these directories may be read as input files. None
            by default, because paths often come from a chat model or a user.
        store: Keeps bytes that fal sends inside its responses (`sync_mode`). By default
            the most recently used 256 MiB are kept in memory.

    Raises:
        FalConfigurationError: A setting is invalid, or contradicts another.
    """
    # From here on, tracebacks with local variables show no secret.
    api_key = SecretStr(api_key) if isinstance(api_key, str) else api_key
    headers = hide_secrets(headers or {})
    urls = {
        "queue": base_url,
        "run": run_url,
        "rest": rest_url,
        "platform": platform_url,
        "openapi": openapi_url,
    }
    configured = {name: url.rstrip("/") for name, url in urls.items() if url}
    sandbox = "" if configured else read_sandbox_url(api_key, headers)
    if sandbox:
        hosts = Hosts.sandbox(sandbox)
        # The environment's key is for fal and never goes to a sandbox.
        api_key = SecretStr("sandbox")
        _log.warning("%s is set: requests go to the sandbox", SANDBOX_VARIABLE)
    else:
        hosts = replace(Hosts(), **configured)
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
"""The default instance: fal's own hosts, and the key from the environment."""
