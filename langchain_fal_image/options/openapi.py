"""Parse fal's OpenAPI documents into the form of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.json_schema import get_types
from langchain_fal_image.options.shape import FileKind

__all__ = ["detect_file_kind", "parse_document"]

_MAX_DEPTH = 24
# An option with one of these in its name holds neither an image nor audio.
_NOT_MEDIA = ("archive", "video", "lora", "model_url", "embedding", "data_url")
_KEPT_KEYWORDS = (
    *("type", "enum", "default", "description", "minimum", "maximum", "multipleOf"),
    *("exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
    *("minItems", "maxItems"),
)


def parse_document(document: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Parse the OpenAPI 3.0 or 3.1 document of one endpoint's queue.

    Returns:
        The endpoint id (the path of the POST if the document does not name it), and the
        entry in the form that `catalog` describes.

    Raises:
        ValueError: The document has no POST, or a `$ref` that does not resolve.
            A document that is not valid OpenAPI can also raise AttributeError,
            KeyError, RecursionError or TypeError.
    """
    schemas = document.get("components", {}).get("schemas", {})
    path, body = _get_request(document)
    node = _normalize(body, schemas)
    info = document.get("info", {}).get("x-fal-metadata", {})
    endpoint_id = info.get("endpointId") or path.strip("/")
    return endpoint_id, {
        "title": info.get("displayName") or endpoint_id,
        "about": info.get("description") or "",
        "category": info.get("category") or "",
        "input": node,
        "output": _normalize(_get_response(document), schemas),
    }


def detect_file_kind(name: str) -> FileKind | None:
    """Return the kind of file that an option holds, according to its name."""
    if any(part in name for part in _NOT_MEDIA):
        return None
    if "audio" in name or "impulse_response" in name:
        return "audio"
    if "mask" in name:
        return "mask"
    return "image" if "image" in name else None


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


def _normalize(
    node: Mapping[str, Any],
    schemas: Mapping[str, Any],
    *,
    name: str = "",
    depth: int = 0,
) -> dict[str, Any]:
    """Convert a JSON Schema to the catalog's form, without `$ref` and `allOf`."""
    if depth > _MAX_DEPTH:
        message = "A schema of the document refers to itself."
        raise ValueError(message)

    def normalize_inner(inner: Mapping[str, Any], name: str = "") -> dict[str, Any]:
        return _normalize(inner, schemas, name=name, depth=depth + 1)

    node = _resolve_references(node, schemas)
    shape = {key: node[key] for key in _KEPT_KEYWORDS if key in node}
    _convert_exclusive_limits(shape)
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            found = [normalize_inner(each, name) for each in node[keyword]]
            _add_alternatives(shape, found)
    if isinstance(node.get("items"), Mapping):
        shape["items"] = normalize_inner(node["items"], name)
    if isinstance(node.get("additionalProperties"), Mapping):
        shape["additionalProperties"] = normalize_inner(node["additionalProperties"])
    if "properties" in node:
        order = node.get("x-fal-order-properties") or list(node["properties"])
        names = [*order, *(each for each in node["properties"] if each not in order)]
        shape["properties"] = {
            each: normalize_inner(node["properties"][each], each)
            for each in names
            if each in node["properties"]
        }
        shape["required"] = list(node.get("required", ()))
    if node.get("nullable") and isinstance(shape.get("type"), str):
        shape["type"] = [shape["type"], "null"]
    is_url = name.endswith(("_url", "_urls")) and "enum" not in shape
    if is_url and "string" in get_types(shape) and (file := detect_file_kind(name)):
        shape["file"] = file
    return shape


def _resolve_references(
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
                merged = {**_resolve_references(part, schemas), **merged}
        else:
            return merged
    message = "A schema of the document refers to itself."
    raise ValueError(message)


def _convert_exclusive_limits(shape: dict[str, Any]) -> None:
    """Convert the boolean exclusive limits of OpenAPI 3.0 to numbers."""
    for exclusive, limit in (
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ):
        if shape.get(exclusive) is True and limit in shape:
            shape[exclusive] = shape.pop(limit)
        elif isinstance(shape.get(exclusive), bool):
            del shape[exclusive]


def _add_alternatives(shape: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Add `anyOf`, unless only one alternative is not null: merge that one."""
    not_null = [each for each in found if each.get("type") != "null"]
    if len(not_null) == 1:
        shape.update({**not_null[0], **shape})
        if len(not_null) < len(found):
            shape["type"] = [*get_types(shape), "null"]
    else:
        shape["anyOf"] = found
