"""Parse fal's OpenAPI documents into contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.contract import Contract, ContractSource
from langchain_fal_image.options.kind import detect_kind

__all__ = ["parse_document"]

_MAX_DEPTH = 24
_ORDER = "x-fal-order-properties"


def parse_document(document: Mapping[str, Any], *, date: str) -> Contract:
    """Parse the OpenAPI 3.0 or 3.1 document of one endpoint's queue.

    Args:
        document: As `https://fal.ai/api/openapi/queue/openapi.json` and fal's models
            API return it.
        date: The day on which it was fetched.

    Returns:
        The contract, with the properties in fal's order. Its id is the path of the POST
        if the document does not name it.

    Raises:
        ValueError: The document has no POST, or a `$ref` that does not resolve.
            A document that is not valid OpenAPI can also raise AttributeError,
            KeyError, RecursionError or TypeError.
    """
    schemas = document.get("components", {}).get("schemas", {})
    path, body = _get_request(document)
    output = _resolve(_get_response(document), schemas)
    info = document.get("info", {}).get("x-fal-metadata", {})
    category = info.get("category") or ""
    endpoint_id = info.get("endpointId") or path.strip("/")
    return Contract(
        endpoint_id=endpoint_id,
        source=ContractSource("document", date),
        kind=detect_kind(output.get("properties", {}), category),
        category=category,
        title=info.get("displayName") or endpoint_id,
        about=info.get("description") or "",
        input=_resolve(body, schemas),
        output=output,
    )


def _get_request(document: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for path, methods in document.get("paths", {}).items():
        post = methods.get("post") if isinstance(methods, Mapping) else None
        node = _get_json_body((post or {}).get("requestBody"))
        if node is not None:
            return path, node
    message = "The document has no POST with a JSON body: it describes no endpoint."
    raise ValueError(message)


def _get_response(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for path, methods in document.get("paths", {}).items():
        get = methods.get("get") if isinstance(methods, Mapping) else None
        if get and path.endswith("/requests/{request_id}"):
            return _get_json_body(get.get("responses", {}).get("200")) or {}
    return {}


def _get_json_body(holder: Any) -> Mapping[str, Any] | None:
    if not isinstance(holder, Mapping):
        return None
    found = holder.get("content", {}).get("application/json", {}).get("schema")
    return found if isinstance(found, Mapping) else None


def _resolve(
    node: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0
) -> dict[str, Any]:
    """Return a schema without `$ref` and `allOf`, its properties in fal's order."""
    if depth > _MAX_DEPTH:
        message = "A schema of the document refers to itself."
        raise ValueError(message)
    merged = _merge_references(node, schemas)
    for keyword, value in merged.items():
        if keyword == "properties":
            order = merged.get(_ORDER) or list(value)
            names = [each for each in order if each in value]
            names += [each for each in value if each not in names]
            merged[keyword] = {
                name: _resolve(value[name], schemas, depth + 1) for name in names
            }
        elif keyword in {"items", "additionalProperties"}:
            if isinstance(value, Mapping):
                merged[keyword] = _resolve(value, schemas, depth + 1)
        elif keyword in {"anyOf", "oneOf", "prefixItems"}:
            merged[keyword] = [_resolve(each, schemas, depth + 1) for each in value]
    merged.pop(_ORDER, None)
    return merged


def _merge_references(
    node: Mapping[str, Any], schemas: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge the targets of `$ref` and `allOf`; the node's own keywords win."""
    merged = dict(node)
    for _ in range(_MAX_DEPTH):
        if reference := merged.pop("$ref", None):
            part = schemas.get(str(reference).rpartition("/")[2])
            if part is None:
                message = (
                    f"The document refers to {reference}, but does not contain it."
                )
                raise ValueError(message)
            merged = {**part, **merged}
        elif parts := merged.pop("allOf", None):
            for part in parts:
                merged = {**_merge_references(part, schemas), **merged}
        else:
            return merged
    message = "A schema of the document refers to itself."
    raise ValueError(message)
