"""OpenAPI documents like fal's, made from the catalog."""

from __future__ import annotations

from typing import Any, Final

from langchain_fal_image.options import catalog

__all__ = [
    "get_input_fields",
    "get_input_schema",
    "get_output_fields",
    "get_output_schema",
    "make_document",
]


# The output of endpoints outside the catalog.
_PLAIN_OUTPUT: Final = {
    "type": "object",
    "properties": {
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "url": {"type": "string"},
                    "width": {"type": "integer"},
                    "height": {"type": "integer"},
                    "content_type": {"type": "string"},
                },
                "required": ["url"],
            },
        },
        "seed": {"type": "integer"},
    },
}


def get_input_schema(endpoint_id: str) -> dict[str, Any] | None:
    """Return the JSON Schema of an endpoint's input; None for an unknown endpoint."""
    entry = catalog.get_entry(endpoint_id)
    return None if entry is None else entry["input"]


def get_output_schema(endpoint_id: str) -> dict[str, Any]:
    """Return the JSON Schema of an endpoint's output."""
    entry = catalog.get_entry(endpoint_id)
    return _PLAIN_OUTPUT if entry is None else entry["output"]


def get_input_fields(endpoint_id: str) -> dict[str, Any]:
    """Return the schemas of an endpoint's options; empty for an unknown endpoint."""
    fields: dict[str, Any] = (get_input_schema(endpoint_id) or {}).get("properties", {})
    return fields


def get_output_fields(endpoint_id: str) -> dict[str, Any]:
    """Return the schemas of an endpoint's output fields."""
    fields: dict[str, Any] = get_output_schema(endpoint_id).get("properties", {})
    return fields


def make_document(endpoint_id: str) -> dict[str, Any] | None:
    """Return the OpenAPI 3.0 document of an endpoint; None for an unknown endpoint."""
    entry = catalog.get_entry(endpoint_id)
    if entry is None:
        return None
    fields = entry["input"].get("properties", {})
    schemas = {
        "Input": {
            **entry["input"],
            "title": "Input",
            "x-fal-order-properties": list(fields),
        },
        "Output": {**get_output_schema(endpoint_id), "title": "Output"},
    }
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/Output"}}}
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint_id}",
            "version": "1.0.0",
            "description": "Made by the sandbox, not fal's own document.",
            "x-fal-metadata": {
                "endpointId": endpoint_id,
                "category": entry.get("category", ""),
            },
        },
        "components": {"schemas": schemas},
        "paths": {
            f"/{endpoint_id}": {
                "post": {
                    "requestBody": {"required": True, "content": body},
                    "responses": {"200": {"description": "Queued."}},
                }
            },
            f"/{endpoint_id}/requests/{{request_id}}": {
                "get": {
                    "responses": {"200": {"description": "Done.", "content": answer}}
                }
            },
        },
        "servers": [{"url": "https://queue.fal.run"}],
    }
