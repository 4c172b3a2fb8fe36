"""The size options of fal's endpoints, an endpoint for each of their shapes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import ResolvedOptions, resolve_options

FLUX = "fal-ai/flux/dev"
GPT_MINI = "fal-ai/gpt-image-1-mini"
GPT_1_5 = "fal-ai/gpt-image-1.5"
GPT_2 = "openai/gpt-image-2"
SEEDREAM = "fal-ai/bytedance/seedream/v4/edit"
REALTIME = "fal-ai/flux-2/klein/realtime"
REFRAME = "fal-ai/ideogram/v3/reframe"
KREA = "krea/v2/large/text-to-image"
LUMA = "fal-ai/luma-photon/reframe"
AGE = "fal-ai/image-apps-v2/age-modify"
ULTRA = "fal-ai/flux-pro/v1.1-ultra"
FOOOCUS = "fal-ai/fooocus"
NANO_2 = "fal-ai/nano-banana-2"
GROK = "xai/grok-imagine-image"
EMU = "fal-ai/emu-3.5-image/text-to-image"
FIBO = "bria/fibo/generate"
KONTEXT = "fal-ai/flux-kontext/dev"
FACE_ID = "fal-ai/ip-adapter-face-id"
SHOT = "fal-ai/bria/product-shot"
EXPAND = "fal-ai/bria/expand"
RESIZE = "fal-ai/smart-resize"
WAN = "fal-ai/wan/v2.2-a14b/image-to-image"
CHRONO = "fal-ai/chrono-edit"
SIZELESS = "fal-ai/aura-flow"


def get_schema(endpoint_id: str) -> EndpointSchema:
    """Return an endpoint's schema with only its size options."""
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    names = schema.size_fields.names
    fields = {name: each for name, each in schema.fields.items() if name in names}
    return replace(schema, fields=fields)


def get_input(endpoint_id: str) -> dict[str, Any]:
    """Return the JSON Schema of an endpoint's size options, as fal states it."""
    contract = catalog.get_contract(endpoint_id)
    assert contract is not None
    names = get_schema(endpoint_id).fields
    properties = {name: contract.input["properties"][name] for name in names}
    required = [name for name in contract.input.get("required", ()) if name in names]
    return {"properties": properties, "required": required}


def list_shapes() -> list[str]:
    """Return one image endpoint for each shape of size options in the catalog."""
    shapes: dict[str, str] = {}
    for endpoint_id in catalog.list_endpoint_ids("image"):
        if catalog.get_schema(endpoint_id) is not None:
            shape = json.dumps(get_input(endpoint_id), sort_keys=True)
            shapes.setdefault(shape, endpoint_id)
    return list(shapes.values())


def resolve(
    endpoint_id: str, *layers: dict[str, Any], **settings: Any
) -> ResolvedOptions:
    named = [(f"layer {number}", layer) for number, layer in enumerate(layers)]
    return resolve_options(get_schema(endpoint_id), named, **settings)
