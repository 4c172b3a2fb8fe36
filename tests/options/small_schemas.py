"""Small schemas, made from OpenAPI documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_fal_image.options.contract import ContractSource, Origin
from langchain_fal_image.options.endpoint import EndpointSchema


def make_schema(
    properties: dict[str, Any],
    *,
    required: Sequence[str] = (),
    origin: Origin = "document",
    output: str = "images",
) -> EndpointSchema:
    """Make a schema as fal's document would state it; `origin` replaces its source."""
    body = {"type": "object", "properties": properties, "required": list(required)}
    response = {"type": "object", "properties": {output: {"type": "array"}}}
    document = {
        "info": {"x-fal-metadata": {"endpointId": "me/mine"}},
        "paths": {
            "/me/mine": {"post": {"requestBody": _make_content(body)}},
            "/me/mine/requests/{request_id}": {
                "get": {"responses": {"200": _make_content(response)}}
            },
        },
    }
    schema = EndpointSchema.from_openapi(document)
    return replace(schema, source=ContractSource(origin, "2026-06-11"))


def _make_content(node: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": node}}}
