"""Bring the catalog up to date: fetch fal's documents, merge them, store the result."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_fal_image._session.models_api import UNCHANGED, Models, fetch_models
from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.catalog_cache import (
    FOLDER_VARIABLE,
    lock_folder,
    write_file,
)
from langchain_fal_image.options.catalog_file import format_catalog, read_contracts
from langchain_fal_image.options.contract import Contract
from langchain_fal_image.options.kind import SERVED_KINDS, detect_kind
from langchain_fal_image.wire.config import Hosts
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Call, Flow

__all__ = ["CatalogUpdate", "complete_contract", "merge_models", "refresh_catalog"]

_log = logging.getLogger("langchain_fal_image")
_MAX_LINES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogUpdate:
    """What a refresh of the catalog changed.

    `str()` of it is a report.

    Attributes:
        date: The day of the refresh, such as `2026-06-11`.
        endpoints: The number of endpoints in the catalog.
        added: The ids of the new endpoints.
        changed: The ids of the endpoints whose kind, input or output changed.
        unlisted: The ids that fal does not list; the catalog keeps them.
        broken: The ids whose document cannot be used; their contract did not change.
        path: The file that other processes read when they start, or None if it could
            not be written; then only this process uses the new catalog.
    """

    date: str
    endpoints: int
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    path: Path | None = None

    def __str__(self) -> str:
        """Return the report, in lines."""
        return "\n".join(self._format_lines())

    def _format_lines(self) -> Iterator[str]:
        yield (
            f"{self.endpoints:,} endpoints on {self.date}: {len(self.added)} added, "
            f"{len(self.changed)} changed, {len(self.unlisted)} not listed by fal "
            f"(kept), {len(self.broken)} with an unusable document (unchanged)"
        )
        for sign, ids in (("+", self.added), ("~", self.changed), ("!", self.broken)):
            yield from (f"{sign} {each}" for each in ids[:_MAX_LINES])
            if len(ids) > _MAX_LINES:
                yield f"{sign} … and {len(ids) - _MAX_LINES} more"
        yield f"stored in {self.path}" if self.path else "not stored"


def refresh_catalog(context: Context) -> Flow[CatalogUpdate]:
    """Fetch the current contracts, store them in the cache and use them.

    A failure changes nothing and raises FalError.
    """
    date = datetime.now(UTC).date().isoformat()
    models = yield from fetch_models(context, date)
    is_from_fal = context.hosts.platform == Hosts().platform
    update: CatalogUpdate = yield Call(
        lambda: _store(models, date, is_from_fal=is_from_fal)
    )
    return update


def _store(models: Models, date: str, *, is_from_fal: bool) -> CatalogUpdate:
    # Only the merge is locked, not the download: a second process waits for a moment,
    # and merges its documents over those of the first.
    try:
        if not is_from_fal and FOLDER_VARIABLE not in os.environ:
            # A sandbox's catalog would replace fal's for all programs of the user.
            message = "it is not from fal's own API"
            raise PermissionError(message)
        with lock_folder() as folder:
            text, update = merge_models(catalog.load_catalog(), models, date)
            update = replace(update, path=write_file(folder, text))
    except OSError as error:
        _log.warning(
            "the new catalog cannot be stored (%s), so only this process uses it; "
            "the environment variable %s sets another folder",
            error,
            FOLDER_VARIABLE,
        )
        text, update = merge_models(catalog.load_catalog(), models, date)
    catalog.use_catalog(json.loads(text))
    return update


def merge_models(
    data: Mapping[str, Any], models: Models, date: str
) -> tuple[str, CatalogUpdate]:
    """Merge models over a catalog's JSON; return the new file and what changed.

    Raises FalResponseError if there are so few contracts that the response is probably
    incomplete: fewer than half of those in the catalog, of the kinds that are served.
    """
    before = read_contracts(data)
    found, known = (_count(each.values()) for each in (models.contracts, before))
    if found * 2 < known:
        message = (
            f"fal's models API returned contracts of {found} endpoints for images, "
            f"speech and transcriptions; the catalog has {known}. The response is "
            f"probably incomplete."
        )
        raise FalResponseError(message, charged="no", next_step=UNCHANGED)
    for name, reason in models.broken.items():
        _log.warning("the document of %s cannot be used: %s", name, reason)
    merged = {
        name: complete_contract(contract, before[name]) if name in before else contract
        for name, contract in models.contracts.items()
    }
    text = format_catalog((before | merged).values())
    after = read_contracts(json.loads(text))
    update = CatalogUpdate(
        date=date,
        endpoints=len(after),
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(
            name
            for name, contract in before.items()
            if _list_facts(contract) != _list_facts(after[name])
        ),
        unlisted=tuple(sorted(before.keys() - merged.keys())),
        broken=tuple(sorted(models.broken)),
    )
    return text, update


def complete_contract(own: Contract, other: Contract) -> Contract:
    """Add what a contract lacks and another one of the endpoint has."""
    if not own.input:
        category, title = own.category or other.category, own.title or other.title
        return replace(other, category=category, title=title)
    fields = other.output.get("properties")
    if fields and not own.output.get("properties"):
        kind = detect_kind(fields, own.category)
        return replace(own, output=other.output, kind=kind)
    return own


def _count(contracts: Iterable[Contract]) -> int:
    return sum(each.kind in SERVED_KINDS and bool(each.input) for each in contracts)


def _list_facts(contract: Contract) -> tuple[Any, ...]:
    return contract.kind, contract.input, contract.output
