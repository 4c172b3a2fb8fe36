"""The route of fal's platform API that lists models and their documents."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from langchain_fal_image.options import catalog
from langchain_fal_image.options.contract import Contract
from langchain_fal_image.sandbox.api import openapi

__all__ = ["list_models"]

# fal caps the length of a page too; its numbers are not documented.
_MAX_LENGTH = 100
_USUAL_LENGTH = 50
_DOCUMENTS = "openapi-3.0"


def list_models(request: Request) -> Response:
    """Serve `GET /models`.

    The query parameters are `q`, `category`, `endpoint_id`, `status`, `limit`, `cursor`
    and `expand`, as at fal, which needs no key. A cursor is the position of the next
    model. A model that this package does not serve has no `openapi`, because the
    catalog has only its kind.
    """
    query = request.query_params
    try:
        start = int(query.get("cursor") or 0)
        length = int(query.get("limit") or _USUAL_LENGTH)
    except ValueError:
        start, length = -1, 0
    if start < 0 or length < 1:
        error = {"type": "validation_error", "message": "Invalid cursor or limit"}
        return JSONResponse({"error": error}, status_code=400)
    found = [each for each in _list_contracts() if _is_match(each, request)]
    end = start + min(length, _MAX_LENGTH)
    has_documents = _DOCUMENTS in query.getlist("expand")
    models = [_describe(each, has_document=has_documents) for each in found[start:end]]
    has_more = end < len(found)
    next_cursor = str(end) if has_more else None
    page = {"models": models, "next_cursor": next_cursor, "has_more": has_more}
    return JSONResponse(page)


def _list_contracts() -> list[Contract]:
    found = map(catalog.get_contract, catalog.list_endpoint_ids(None))
    return [each for each in found if each is not None]


def _is_match(contract: Contract, request: Request) -> bool:
    query = request.query_params
    text = f"{contract.endpoint_id} {contract.title} {contract.category}".lower()
    return (
        query.get("status", "active") == "active"
        and contract.category in (query.getlist("category") or [contract.category])
        and contract.endpoint_id
        in (query.getlist("endpoint_id") or [contract.endpoint_id])
        and all(word in text for word in query.get("q", "").lower().split())
    )


def _describe(contract: Contract, *, has_document: bool) -> dict[str, Any]:
    model: dict[str, Any] = {
        "endpoint_id": contract.endpoint_id,
        "metadata": {
            "display_name": contract.title,
            "category": contract.category,
            "description": contract.about,
            "status": "active",
            "tags": [],
            "updated_at": f"{contract.source.date}T00:00:00Z",
        },
    }
    document = openapi.make_document(contract.endpoint_id) if has_document else None
    return {**model, "openapi": document} if document else model
