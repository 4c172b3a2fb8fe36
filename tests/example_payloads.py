"""A payload for each endpoint, made from the contract that fal states."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import jsonschema
from audio_files import wav
from PIL import Image

from langchain_fal_image.options import catalog
from langchain_fal_image.options.contract import Contract
from langchain_fal_image.options.kind import SERVED_KINDS
from langchain_fal_image.sandbox.api.input_files import find_files

__all__ = ["SERVED", "make_payload"]

SERVED = [
    name
    for kind in SERVED_KINDS
    for name in catalog.list_endpoint_ids(kind)
    if (found := catalog.get_contract(name)) and found.input
]
"""The ids of all endpoints with a contract."""

_SIDES = {"width": 64, "height": 64}
_COUNTS = ("num_images", "num_results", "num_samples", "num_layers", "max_images")
# What makes an answer small, if an endpoint takes it.
_SMALL = {"image_size": _SIDES, **_SIDES, **dict.fromkeys(_COUNTS, 1)}


def _make_url(content: bytes, mime_type: str) -> str:
    return f"data:{mime_type};base64,{base64.b64encode(content).decode('ascii')}"


def _make_image() -> str:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, format="PNG")
    return _make_url(file.getvalue(), "image/png")


_FILES = {
    **dict.fromkeys(("image", "mask"), _make_image()),
    "audio": _make_url(wav(1), "audio/wav"),
}


def make_payload(contract: Contract) -> dict[str, Any]:
    """Return the required options, with files, and what makes the answer small."""
    payload = _make_object(contract.input)
    for path, kind, _ in find_files(contract.input, payload):
        holder: Any = payload
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = _FILES[kind]
    for name, value in _SMALL.items():
        node = contract.input["properties"].get(name)
        if node and jsonschema.Draft202012Validator(node).is_valid(value):
            payload[name] = value
    return payload


def _make_object(node: Mapping[str, Any]) -> dict[str, Any]:
    fields = node.get("properties", {})
    return {name: _make_value(fields[name]) for name in node.get("required", ())}


def _make_value(node: Mapping[str, Any]) -> Any:
    """Return a small value that a schema allows."""
    if "default" in node:
        return node["default"]
    for keyword in ("anyOf", "oneOf"):
        if keyword in node:
            return _make_value(node[keyword][0])
    if "const" in node or "enum" in node:
        return node.get("const", node.get("enum", [None])[0])
    match node.get("type"):
        case "object":
            return _make_object(node)
        case "array":
            return [_make_value(node["items"]) for _ in range(node.get("minItems", 1))]
        case "string":
            return "https://v3.fal.media/files/a".ljust(node.get("minLength", 0), "x")
        case "integer" | "number":
            return node.get("minimum", node.get("exclusiveMinimum", 0) + 1)
    return True
