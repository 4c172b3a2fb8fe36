"""Endpoint contracts: those that ship with the package, and those fetched from fal."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from langchain_core.stores import BaseStore

from langchain_fal_image.errors import FalDownloadError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Call, Flow, parse_json
from langchain_fal_image.wire.files import download
from langchain_fal_image.wire.queue import check_endpoint_id

if TYPE_CHECKING:
    from langchain_fal_image._session.refresh import CatalogUpdate

__all__ = ["Contracts"]

_log = logging.getLogger("langchain_fal_image")
_MAX_AGE_S = 24 * 60 * 60


class Contracts:
    """The endpoint contracts of a session; fetched ones are cached for a day.

    Without a store, fetched documents are kept in memory only.
    """

    def __init__(self, store: BaseStore[str, bytes] | None) -> None:
        self._store = store
        self._fetched: dict[str, tuple[float, EndpointSchema]] = {}
        self._lock = threading.Lock()

    def get(self, endpoint_id: str) -> EndpointSchema | None:
        """Return a contract without a request: a fetched one, else the catalog's."""
        return self._get_fetched(endpoint_id) or catalog.get_schema(endpoint_id)

    def describe(self, context: Context, endpoint_id: str) -> Flow[EndpointSchema]:
        """Fetch fal's OpenAPI document of an endpoint, unless a cached one is fresh.

        If it is not available, the catalog's contract is returned; without that one,
        `FalDownloadError` is raised.
        """
        endpoint_id = check_endpoint_id(endpoint_id)
        if fetched := self._get_fetched(endpoint_id):
            return fetched
        stored = yield from self._load(endpoint_id)
        try:
            fetched_at, document = stored or (
                yield from self._fetch(context, endpoint_id)
            )
            day = datetime.fromtimestamp(fetched_at, UTC).date().isoformat()
            schema = EndpointSchema.from_openapi(document, date=day)
        except (FalDownloadError, ValueError) as error:
            fallback = catalog.get_schema(endpoint_id)
            if fallback is None:
                message = (
                    f"fal's OpenAPI document of {endpoint_id} is not available: {error}"
                )
                raise FalDownloadError(
                    message,
                    model=endpoint_id,
                    charged="no",
                    next_step="Check the endpoint id and the network.",
                ) from error
            _log.warning(
                "fal's OpenAPI document of %s is not available (%s); using %s",
                endpoint_id,
                error,
                fallback.source,
            )
            return fallback
        with self._lock:
            self._fetched[endpoint_id] = (fetched_at, schema)
        return schema

    def refresh(self, context: Context) -> Flow[CatalogUpdate]:
        """Bring the catalog up to date; it replaces the contracts fetched before."""
        # Few programs need it, so it is not imported with the first contract.
        from langchain_fal_image._session.refresh import refresh_catalog  # noqa: PLC0415

        update = yield from refresh_catalog(context)
        with self._lock:
            self._fetched.clear()
        return update

    def _get_fetched(self, endpoint_id: str) -> EndpointSchema | None:
        with self._lock:
            fetched_at, schema = self._fetched.get(endpoint_id, (0.0, None))
        return schema if time.time() - fetched_at < _MAX_AGE_S else None

    def _load(self, endpoint_id: str) -> Flow[tuple[float, Mapping[str, Any]] | None]:
        store, key = self._store, _create_key(endpoint_id)
        if store is None:
            return None
        [stored] = yield Call(lambda: store.mget([key]), lambda: store.amget([key]))
        try:
            fetched_at, document = parse_json(stored or b"null")
        except (ValueError, TypeError):
            return None
        is_time = isinstance(fetched_at, int | float)
        is_fresh = is_time and 0 <= time.time() - fetched_at < _MAX_AGE_S
        is_document = is_fresh and isinstance(document, dict)
        return (fetched_at, document) if is_document else None

    def _fetch(
        self, context: Context, endpoint_id: str
    ) -> Flow[tuple[float, Mapping[str, Any]]]:
        url = f"{context.hosts.openapi}?endpoint_id={quote(endpoint_id)}"
        # The document is public, so it is downloaded like a file, without the key.
        downloaded = yield from download(context, url)
        document = parse_json(downloaded.content)
        if not isinstance(document, dict):
            message = "it is not a JSON object"
            raise ValueError(message)  # noqa: TRY004 - a wrong document, not a wrong type
        fetched_at = time.time()
        if (store := self._store) is not None:
            content = json.dumps([fetched_at, document]).encode()
            pairs = [(_create_key(endpoint_id), content)]
            yield Call(lambda: store.mset(pairs), lambda: store.amset(pairs))
        return fetched_at, document


def _create_key(endpoint_id: str) -> str:
    return f"openapi/{endpoint_id}"
