"""Contracts at hand: those that ship with the package, and those fetched from fal."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from langchain_core.stores import BaseStore

from langchain_fal_image.errors import FalDownloadError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Call, Flow, parse_json
from langchain_fal_image.wire.files import download

__all__ = ["Contracts"]

_log = logging.getLogger("langchain_fal_image")
_KEPT_S = 24 * 60 * 60


class Contracts:
    """Fetches fal's own documents and keeps them for a day.

    Args:
        store: Where documents are kept; None keeps them in memory.
    """

    def __init__(self, store: BaseStore[str, bytes] | None) -> None:
        self._store = store
        self._described: dict[str, tuple[float, EndpointSchema]] = {}
        self._lock = threading.Lock()

    def known(self, endpoint_id: str) -> EndpointSchema | None:
        """Give the contract at hand: fal's own if fetched, else the catalog's."""
        with self._lock:
            at, schema = self._described.get(endpoint_id, (0.0, None))
        if schema is not None and time.time() - at < _KEPT_S:
            return schema
        return catalog.get_schema(endpoint_id)

    def describe(self, context: Context, endpoint_id: str) -> Flow[EndpointSchema]:
        """Fetch fal's own document, unless a fresh one is kept; else use the catalog.

        Raises:
            FalDownloadError: It cannot be had, and the catalog has no such endpoint.
        """
        with self._lock:
            at, schema = self._described.get(endpoint_id, (0.0, None))
        if schema is not None and time.time() - at < _KEPT_S:
            return schema
        kept = yield from self._kept(endpoint_id)
        try:
            if kept is None:
                kept = yield from self._fetched(context, endpoint_id)
            at, document = kept
            schema = EndpointSchema.from_openapi(document)
        except (FalDownloadError, ValueError) as error:
            fallback = catalog.get_schema(endpoint_id)
            if fallback is None:
                message = f"fal's document of {endpoint_id} cannot be had: {error}"
                raise FalDownloadError(
                    message,
                    model=endpoint_id,
                    charged="no",
                    next_step="Check the endpoint id and the network.",
                ) from error
            _log.warning(
                "fal's document of %s cannot be had (%s); the contract of %s is used",
                endpoint_id,
                error,
                catalog.get_source(),
            )
            return fallback
        with self._lock:
            self._described[endpoint_id] = (at, schema)
        return schema

    def _kept(self, endpoint_id: str) -> Flow[tuple[float, Mapping[str, Any]] | None]:
        store, key = self._store, _key(endpoint_id)
        if store is None:
            return None
        [stored] = yield Call(lambda: store.mget([key]), lambda: store.amget([key]))
        try:
            at, document = json.loads(stored or b"null")
        except (ValueError, TypeError):
            return None
        fresh = isinstance(at, int | float) and time.time() - at < _KEPT_S
        return (at, document) if fresh and isinstance(document, dict) else None

    def _fetched(
        self, context: Context, endpoint_id: str
    ) -> Flow[tuple[float, Mapping[str, Any]]]:
        url = f"{context.hosts.openapi}?endpoint_id={quote(endpoint_id)}"
        # A document is public, like a picture: it is read without the key.
        media = yield from download(context, url)
        document = parse_json(media.content)
        if not isinstance(document, dict):
            message = "it is no JSON object"
            raise ValueError(message)  # noqa: TRY004 - a wrong document, not a wrong type
        at = time.time()
        if (store := self._store) is not None:
            pairs = [(_key(endpoint_id), json.dumps([at, document]).encode())]
            yield Call(lambda: store.mset(pairs), lambda: store.amset(pairs))
        return at, document


def _key(endpoint_id: str) -> str:
    return f"openapi/{endpoint_id}"
