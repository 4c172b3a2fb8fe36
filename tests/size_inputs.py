"""The size options of fal's documents of 2026-06-11, an endpoint for each shape."""

from __future__ import annotations

from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import ResolvedOptions, resolve_options

FLUX = "fal-ai/flux/dev"
GPT_MINI = "fal-ai/gpt-image-1-mini"
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

SIDE = {"type": "integer", "exclusiveMinimum": 0, "maximum": 14142}
PIXELS = {"type": "object", "properties": {"width": SIDE, "height": SIDE}}
FACE_SIDE = {"type": "integer", "minimum": 512, "maximum": 1024}
NUMBERS = {"type": "array", "items": {"type": "integer"}}
RATIOS = ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21")


def enum(*names: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)}


def nullable(node: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [node, {"type": "null"}]}


def presets(*more: str) -> dict[str, Any]:
    wide = ("landscape_4_3", "landscape_16_9")
    tall = ("portrait_4_3", "portrait_16_9")
    return {"anyOf": [PIXELS, enum("square_hd", "square", *tall, *wide, *more)]}


INPUTS: dict[str, dict[str, Any]] = {
    FLUX: {"image_size": presets()},
    GPT_2: {"image_size": presets("auto")},
    SEEDREAM: {"image_size": presets("auto", "auto_2K", "auto_4K")},
    "fal-ai/glm-image": {"image_size": presets("portrait_3_2", "landscape_hd")},
    "fal-ai/gpt-image-1.5": {"image_size": enum("1024x1024", "1536x1024", "1024x1536")},
    GPT_MINI: {"image_size": enum("auto", "1024x1024", "1536x1024", "1024x1536")},
    REALTIME: {"image_size": enum("square", "square_hd")},
    REFRAME: {"image_size": presets(), "required": ["image_size"]},
    "fal-ai/flux-pro/kontext": {"aspect_ratio": nullable(enum(*RATIOS))},
    KREA: {"aspect_ratio": enum("1:1", "4:3", "3:2", "2.35:1", "9:16")},
    LUMA: {"aspect_ratio": enum("1:1", "16:9", "9:16"), "required": ["aspect_ratio"]},
    AGE: {
        "aspect_ratio": {
            "type": "object",
            "properties": {"ratio": enum("1:1", "16:9", "9:16", "4:3", "3:4")},
        }
    },
    ULTRA: {"aspect_ratio": {"anyOf": [enum(*RATIOS), {"type": "string"}]}},
    FOOOCUS: {"aspect_ratio": {"type": "string", "default": "1024x1024"}},
    NANO_2: {
        "aspect_ratio": nullable(enum("auto", *RATIOS, "4:1", "1:8")),
        "resolution": enum("0.5K", "1K", "2K", "4K"),
    },
    GROK: {
        "aspect_ratio": enum("2:1", "20:9", "19.5:9", "16:9", "1:1", "9:19.5", "1:2"),
        "resolution": enum("1k", "2k"),
    },
    EMU: {"aspect_ratio": enum(*RATIOS), "resolution": enum("480p", "720p")},
    FIBO: {
        "aspect_ratio": enum("1:1", "3:2", "16:9"),
        "resolution": enum("1MP", "4MP"),
    },
    KONTEXT: {"resolution_mode": enum("auto", "match_input", "1:1", "21:9", "3:2")},
    FACE_ID: {"width": FACE_SIDE, "height": FACE_SIDE},
    SHOT: {"shot_size": NUMBERS},
    EXPAND: {
        "canvas_size": NUMBERS,
        "aspect_ratio": nullable(enum("1:1", "3:2", "16:9")),
        "required": ["canvas_size"],
    },
    RESIZE: {
        "target_sizes": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "resolution": enum("1K", "2K", "4K"),
        "required": ["target_sizes"],
    },
    WAN: {
        "image_size": presets(),
        "aspect_ratio": enum("auto", "16:9", "9:16", "1:1"),
    },
    CHRONO: {"resolution": enum("480p", "720p")},
    SIZELESS: {"seed": {"type": "integer"}},
}


def make_input(endpoint_id: str) -> dict[str, Any]:
    properties = dict(INPUTS[endpoint_id])
    required = properties.pop("required", [])
    return {"type": "object", "properties": properties, "required": required}


def make_schema(endpoint_id: str) -> EndpointSchema:
    def content(node: dict[str, Any]) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": node}}}

    output = {"type": "object", "properties": {"images": {"type": "array"}}}
    path = f"/{endpoint_id}"
    get = {"get": {"responses": {"200": content(output)}}}
    return EndpointSchema.from_openapi(
        {
            "paths": {
                path: {"post": {"requestBody": content(make_input(endpoint_id))}},
                f"{path}/requests/{{request_id}}": get,
            }
        }
    )


SCHEMAS = {endpoint_id: make_schema(endpoint_id) for endpoint_id in INPUTS}


def resolve(
    endpoint_id: str, *layers: dict[str, Any], **settings: Any
) -> ResolvedOptions:
    named = [(f"layer {number}", layer) for number, layer in enumerate(layers)]
    return resolve_options(SCHEMAS[endpoint_id], named, **settings)
