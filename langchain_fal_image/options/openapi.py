"""Contracts from fal's own OpenAPI documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.json_schema import read_schema

__all__ = ["read_openapi"]

_DEEPEST = 24
# Words in the names of URL fields that hold neither a picture nor audio.
_NOT_MEDIA = ("archive", "video", "lora", "model_url", "embedding", "data_url")
_KEPT = (
    *("type", "enum", "default", "description", "minimum", "maximum", "multipleOf"),
    *("exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
    *("minItems", "maxItems"),
)


def read_openapi(document: Mapping[str, Any]) -> EndpointSchema:
    """Read fal's queue document of one endpoint.

    The input is the request body of the POST; the endpoint is that POST's path.

    Args:
        document: OpenAPI 3.0 or 3.1, as fal serves it.

    Raises:
        ValueError: There is no such POST in it, a `$ref` leads nowhere, or it is not
            built as OpenAPI says.
    """
    try:
        return _read(document)
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        message = f"The document is not built as OpenAPI says: {error}."
        raise ValueError(message) from error


def _read(document: Mapping[str, Any]) -> EndpointSchema:
    schemas = document.get("components", {}).get("schemas", {})
    path, body = _submit(document)
    given = _plain(body, schemas)
    info = document.get("info", {}).get("x-fal-metadata", {})
    endpoint_id = info.get("endpointId") or path.strip("/")
    entry = {
        "title": info.get("displayName") or endpoint_id,
        "about": info.get("description") or "",
        "category": info.get("category") or "",
        "input": given,
        "output": _plain(_result(document), schemas),
    }
    return read_schema(endpoint_id, entry)


def _submit(document: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for path, methods in document.get("paths", {}).items():
        post = methods.get("post") if isinstance(methods, Mapping) else None
        schema = _json_schema((post or {}).get("requestBody"))
        if schema is not None:
            return path, schema
    message = "The document has no POST with a JSON body: it describes no endpoint."
    raise ValueError(message)


def _result(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for path, methods in document.get("paths", {}).items():
        get = methods.get("get") if isinstance(methods, Mapping) else None
        if get and path.endswith("/requests/{request_id}"):
            return _json_schema(get.get("responses", {}).get("200")) or {}
    return {}


def _json_schema(holder: Any) -> Mapping[str, Any] | None:
    if not isinstance(holder, Mapping):
        return None
    found = holder.get("content", {}).get("application/json", {}).get("schema")
    return found if isinstance(found, Mapping) else None


def _plain(
    node: Mapping[str, Any],
    schemas: Mapping[str, Any],
    *,
    name: str = "",
    depth: int = 0,
) -> dict[str, Any]:
    """Bring a schema into the catalog's form: references taken in, parts joined."""
    if depth > _DEEPEST:
        message = "A schema of the document refers to itself."
        raise ValueError(message)

    def inner(each: Mapping[str, Any], called: str = "") -> dict[str, Any]:
        return _plain(each, schemas, name=called, depth=depth + 1)

    node = _joined(node, schemas)
    shape = {key: node[key] for key in _KEPT if key in node}
    _mend_exclusive(shape)
    for word in ("anyOf", "oneOf"):
        if word in node:
            _take_alternatives(shape, [inner(each, name) for each in node[word]])
    if isinstance(node.get("items"), Mapping):
        shape["items"] = inner(node["items"], name)
    if isinstance(node.get("additionalProperties"), Mapping):
        shape["additionalProperties"] = inner(node["additionalProperties"])
    if "properties" in node:
        order = node.get("x-fal-order-properties") or list(node["properties"])
        names = [*order, *(each for each in node["properties"] if each not in order)]
        shape["properties"] = {
            each: inner(node["properties"][each], each)
            for each in names
            if each in node["properties"]
        }
        shape["required"] = list(node.get("required", ()))
    if node.get("nullable") and isinstance(shape.get("type"), str):
        shape["type"] = [shape["type"], "null"]
    if "string" in _types(shape) and "enum" not in shape and (kind := _file(name)):
        shape["file"] = kind
    return shape


def _joined(node: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Take in what a node refers to by `$ref` and `allOf`; its own words win."""
    joined = dict(node)
    for _ in range(_DEEPEST):
        if reference := joined.pop("$ref", None):
            part = schemas.get(str(reference).rpartition("/")[2])
            if part is None:
                message = f"The document refers to {reference}, which it does not hold."
                raise ValueError(message)
            joined = {**part, **joined}
        elif parts := joined.pop("allOf", None):
            for part in parts:
                joined = {**_joined(part, schemas), **joined}
        else:
            return joined
    message = "A schema of the document refers to itself."
    raise ValueError(message)


def _mend_exclusive(shape: dict[str, Any]) -> None:
    """Bring exclusive limits, flags in OpenAPI 3.0, into JSON Schema's form."""
    for flag, limit in (
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ):
        if shape.get(flag) is True and limit in shape:
            shape[flag] = shape.pop(limit)
        elif isinstance(shape.get(flag), bool):
            del shape[flag]


def _take_alternatives(shape: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Take in alternatives; one beside null becomes that one, nullable."""
    real = [each for each in found if each.get("type") != "null"]
    if len(real) == 1:
        shape.update({**real[0], **shape})
        if len(real) < len(found):
            shape["type"] = [*_types(shape), "null"]
    else:
        shape["anyOf"] = found


def _types(shape: Mapping[str, Any]) -> list[str]:
    types = shape.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _file(name: str) -> str | None:
    if not name.endswith(("_url", "_urls")) or any(w in name for w in _NOT_MEDIA):
        return None
    if "audio" in name or "impulse_response" in name:
        return "audio"
    if "mask" in name:
        return "mask"
    return "image" if "image" in name else None
