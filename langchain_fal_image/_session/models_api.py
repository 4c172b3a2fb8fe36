"""fal's models API: which endpoints there are, and their OpenAPI documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from langchain_fal_image._formats.identifiers import is_endpoint_id
from langchain_fal_image.errors import FalDownloadError, FalResponseError
from langchain_fal_image.options.catalog_file import clean_schema, format_catalog
from langchain_fal_image.options.contract import Contract, ContractSource
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import detect_kind, find_category_kind
from langchain_fal_image.options.openapi import parse_document
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import (
    Call,
    Flow,
    HttpRequest,
    HttpResponse,
    Sleep,
    TransportFailure,
)
from langchain_fal_image.wire.error_responses import build_error, quote_body
from langchain_fal_image.wire.exchange import STATUS, exchange

__all__ = ["UNCHANGED", "Models", "fetch_models", "parse_models"]

UNCHANGED = "The catalog in use did not change; try again later."
"""The next step of every error of a refresh."""

# "Actual maximum depends on query type and expansion parameters": the page Model search
# of fal's platform APIs. If fal refuses the long page, the short one is requested.
_LONG_PAGE, _SHORT_PAGE = 100, 10
_MAX_PAGES = 2000
_REFUSALS = frozenset({400, 422})
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class Models:
    """What fal's models API returned.

    Attributes:
        contracts: The contracts by endpoint id; without input if a document is missing.
        broken: Why the document of an endpoint cannot be used, by endpoint id.
    """

    contracts: dict[str, Contract] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def fetch_models(context: Context, date: str) -> Flow[Models]:
    """Fetch all active models with their documents; `date` is today.

    No key is needed; with one, fal allows more requests. Raises FalError.
    """
    models, cursors = Models(), set[str]()
    length, cursor = _LONG_PAGE, ""
    while cursor not in cursors and len(cursors) < _MAX_PAGES:
        cursors.add(cursor)
        response = yield from _request_page(context, length, cursor)
        if response.status in _REFUSALS and not cursor:
            length = _SHORT_PAGE
            response = yield from _request_page(context, length, cursor)
        if not response.is_success:
            error = build_error(response, model="fal's models API")
            error.charged = "no"
            raise error
        # It takes long; `Call` lets an event loop run meanwhile.
        page, cursor = yield Call(partial(_parse_page, response, date))
        models.contracts.update(page.contracts)
        models.broken.update(page.broken)
        if not cursor:
            return models
    message = "fal's models API returned the same page twice, or too many pages."
    raise FalResponseError(message, charged="no", next_step=UNCHANGED)


def _request_page(context: Context, length: int, cursor: str) -> Flow[HttpResponse]:
    query = {"expand": "openapi-3.0", "status": "active", "limit": length}
    page = urlencode({**query, "cursor": cursor} if cursor else query)
    request = HttpRequest(
        method="GET",
        url=f"{context.hosts.platform}/models?{page}",
        needs_key=False,
        read_timeout=context.timeouts.download,
        max_bytes=context.limits.answer_bytes,
    )
    for is_last in (False, True):
        try:
            response = yield from exchange(
                context, request, rule=STATUS, deadline=context.start_deadline()
            )
        except TransportFailure as error:
            message = f"fal's models API cannot be read: {error}."
            raise FalDownloadError(
                message, charged="no", is_retryable=True, next_step=UNCHANGED
            ) from error
        if response.status != _TOO_MANY_REQUESTS or is_last:
            break
        yield Sleep(context.retry.longest_retry_after)
    return response


def _parse_page(response: HttpResponse, date: str) -> tuple[Models, str]:
    """Return the models of a page, and the cursor of the next one."""
    body = response.json_or_none()
    models = body.get("models") if isinstance(body, dict) else None
    cursor = body.get("next_cursor") if isinstance(body, dict) else None
    has_cursor = isinstance(cursor, str) and bool(cursor)
    has_more = isinstance(body, dict) and body.get("has_more", has_cursor)
    if not isinstance(models, list) or (has_more and not has_cursor):
        message = "A page of fal's models API has no models or no cursor of the next."
        body = quote_body(response.body)
        raise FalResponseError(message, body=body, charged="no", next_step=UNCHANGED)
    return parse_models(models, date), str(cursor) if has_more else ""


def parse_models(models: Iterable[Any], date: str) -> Models:
    """Parse models as fal's models API returns them; `date` is when it did."""
    found = Models()
    for model in models:
        endpoint_id = model.get("endpoint_id") if isinstance(model, Mapping) else None
        if not isinstance(endpoint_id, str) or not is_endpoint_id(endpoint_id):
            continue
        contract = _read_metadata(endpoint_id, model.get("metadata"), date)
        try:
            contract = _add_document(contract, model.get("openapi"))
        except (
            *(AttributeError, KeyError, RecursionError, TypeError, ValueError),
        ) as error:
            found.broken[endpoint_id] = str(error) or type(error).__name__
        found.contracts[endpoint_id] = contract
    return found


def _read_metadata(endpoint_id: str, metadata: Any, date: str) -> Contract:
    known = metadata if isinstance(metadata, Mapping) else {}
    category, title = known.get("category"), known.get("display_name")
    category = category if isinstance(category, str) else ""
    return Contract(
        endpoint_id=endpoint_id,
        source=ContractSource("document", date),
        kind=find_category_kind(category) or "other",
        category=category,
        title=title if isinstance(title, str) else "",
    )


def _add_document(contract: Contract, document: Any) -> Contract:
    """Add input and output to a contract; raise an error if that is not possible."""
    # An expansion that failed has an `error` in place of the document.
    if not document or (isinstance(document, Mapping) and "error" in document):
        return contract
    parsed = parse_document(document, date=contract.source.date)
    category = contract.category or parsed.category
    if not parsed.input.get("properties"):
        return contract
    complete = replace(
        contract,
        kind=detect_kind(parsed.output.get("properties", {}), category),
        category=category,
        title=contract.title or parsed.title,
        input=clean_schema(parsed.input),
        output=clean_schema(parsed.output),
    )
    # Fails now if the catalog could not be written or read with it.
    EndpointSchema.from_contract(complete)
    format_catalog([complete]).encode()
    return complete
