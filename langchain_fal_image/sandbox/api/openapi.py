"""OpenAPI documents in fal's form, made from the catalog."""

from __future__ import annotations

from typing import Any

from langchain_fal_image.options import catalog

__all__ = ["document", "input_schema", "output_schema"]


# For endpoints outside the catalog.
_PLAIN_OUTPUT = {
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


def input_schema(endpoint_id: str) -> dict[str, Any] | None:
    """Give the JSON Schema of an endpoint's input; None for an unknown endpoint."""
    entry = catalog.get_entry(endpoint_id)
    return None if entry is None else entry["input"]


def output_schema(endpoint_id: str) -> dict[str, Any]:
    """Give the JSON Schema of an endpoint's output."""
    entry = catalog.get_entry(endpoint_id)
    return _PLAIN_OUTPUT if entry is None else entry["output"]


def document(endpoint_id: str) -> dict[str, Any] | None:
    """Make the document that fal serves for an endpoint's queue.

    Args:
        endpoint_id: Such as `fal-ai/qwen-image`.

    Returns:
        OpenAPI 3.0, or None for an unknown endpoint.
    """
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
        "Output": {**output_schema(endpoint_id), "title": "Output"},
    }
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/Output"}}}
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint_id}",
            "version": "1.0.0",
            "description": "Made by a sandbox from a catalog; not fal's own document.",
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
