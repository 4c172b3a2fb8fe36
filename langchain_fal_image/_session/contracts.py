"""Contracts at hand: those that ship with the package, and those fetched from fal."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from langchain_core.stores import BaseStore

from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema, Kind
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Call, Flow, parse_json
from langchain_fal_image.wire.files import download

__all__ = ["Contracts", "check_kind", "find"]

_log = logging.getLogger("langchain_fal_image")
_KEPT_S = 24 * 60 * 60
_MAKES: dict[Kind, tuple[str, str]] = {
    "image": ("makes images", "fal.image()"),
    "speech": ("makes audio", "fal.speech()"),
    "transcription": ("writes down what is said", "fal.transcription()"),
}


def check_kind(schema: EndpointSchema | None, kind: Kind) -> None:
    """Refuse an endpoint that makes something else.

    Args:
        schema: Its contract; None passes.
        kind: What it should make.

    Raises:
        FalConfigurationError: It does not.
    """
    if schema is None or schema.kind == kind:
        return
    does, use = _MAKES[schema.kind]
    message = f"{schema.endpoint_id} {does}; here one is wanted that {_MAKES[kind][0]}."
    raise FalConfigurationError(
        message,
        model=schema.endpoint_id,
        next_step=f"Use {use} for it, or give another endpoint.",
    )


def find(
    *,
    search: str | Iterable[str] = (),
    takes_images: bool | None = None,
    kind: Kind = "image",
) -> tuple[EndpointSchema, ...]:
    """Find endpoints in the catalog.

    Args:
        search: Words that must all be in the id, title, category or description.
        takes_images: Only those that take input images, or only those that do not.
        kind: What they make.

    Raises:
        FalConfigurationError: There is no such kind.
    """
    if kind not in _MAKES:
        message = f"kind={kind!r} is unknown."
        raise FalConfigurationError(
            message, next_step=f"Use {', '.join(map(repr, _MAKES))}."
        )
    words = [each.lower() for each in _words(search)]
    found = []
    for endpoint_id in catalog.endpoint_ids(kind):
        schema = catalog.endpoint(endpoint_id)
        if schema is None or takes_images not in {None, schema.takes_images}:
            continue
        text = f"{endpoint_id} {schema.title} {schema.category} {schema.about}".lower()
        if all(word in text for word in words):
            found.append(schema)
    return tuple(found)


def _words(search: str | Iterable[str]) -> list[str]:
    return search.split() if isinstance(search, str) else list(search)


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
        return catalog.endpoint(endpoint_id)

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
            fallback = catalog.endpoint(endpoint_id)
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
                catalog.read_from(),
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
