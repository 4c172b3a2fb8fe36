"""OpenAPI documents like fal's, made from the catalog."""

from __future__ import annotations

from typing import Any, Final

from langchain_fal_image.options import catalog

__all__ = [
    "get_input_schema",
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
    contract = catalog.get_contract(endpoint_id)
    return dict(contract.input) if contract and contract.input else None


def get_output_schema(endpoint_id: str) -> dict[str, Any]:
    """Return the JSON Schema of an endpoint's output."""
    contract = catalog.get_contract(endpoint_id)
    output = contract.output if contract else {}
    return dict(output) if output.get("properties") else _PLAIN_OUTPUT


def make_document(endpoint_id: str) -> dict[str, Any] | None:
    """Return the OpenAPI 3.0 document of an endpoint; None for an unknown endpoint."""
    contract = catalog.get_contract(endpoint_id)
    if contract is None or not contract.input:
        return None
    fields = contract.input.get("properties", {})
    schemas = {
        "Input": {
            **contract.input,
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
                "category": contract.category,
                "displayName": contract.title,
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
