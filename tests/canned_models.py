"""Models as fal's models API returns them, and small catalogs of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from langchain_fal_image._session.models_api import parse_models
from langchain_fal_image.options import catalog
from langchain_fal_image.options.catalog_cache import FOLDER_VARIABLE, write_file
from langchain_fal_image.options.catalog_file import format_catalog

__all__ = [
    "TODAY",
    "make_document",
    "make_model",
    "make_page",
    "use_folder",
    "write_catalog",
]

TODAY = datetime.now(UTC).date().isoformat()
_OUTPUTS: Mapping[str, Mapping[str, Any]] = {
    "text-to-image": {
        "images": {"type": "array", "items": {"$ref": "#/components/schemas/Image"}}
    },
    "text-to-video": {"video": {"$ref": "#/components/schemas/File"}},
    "text-to-speech": {"audio": {"$ref": "#/components/schemas/File"}},
}
_FILE = {"type": "object", "properties": {"url": {"type": "string"}}}
_PROMPT = {"type": "string", "minLength": 1, "description": "The prompt."}


def make_document(endpoint_id: str, category: str, **options: Any) -> dict[str, Any]:
    """Return the OpenAPI document of an endpoint with a prompt and some options."""
    options = {"prompt": _PROMPT, **options}
    schemas = {
        "File": _FILE,
        "Image": _FILE,
        "Input": {
            "type": "object",
            "properties": dict(sorted(options.items())),
            "required": ["prompt"],
            "x-fal-order-properties": list(options),
        },
        "Output": {"type": "object", "properties": _OUTPUTS[category]},
    }

    def refer(name: str) -> dict[str, Any]:
        schema = {"$ref": f"#/components/schemas/{name}"}
        return {"content": {"application/json": {"schema": schema}}}

    return {
        "openapi": "3.0.4",
        "info": {"x-fal-metadata": {"endpointId": endpoint_id, "category": category}},
        "components": {"schemas": schemas},
        "paths": {
            f"/{endpoint_id}": {"post": {"requestBody": refer("Input")}},
            f"/{endpoint_id}/requests/{{request_id}}": {
                "get": {"responses": {"200": refer("Output")}}
            },
        },
    }


def make_model(
    endpoint_id: str, category: str = "text-to-image", **options: Any
) -> dict[str, Any]:
    """Return a model of the API, with its document."""
    return {
        "endpoint_id": endpoint_id,
        "metadata": {
            "display_name": endpoint_id.title(),
            "category": category,
            "status": "active",
        },
        "openapi": make_document(endpoint_id, category, **options),
    }


def make_page(*models: Any, cursor: str | None = None) -> dict[str, Any]:
    """Return a page of the API; `cursor` is that of the next one."""
    return {"models": [*models], "next_cursor": cursor, "has_more": cursor is not None}


def write_catalog(folder: Path, *models: Any, date: str = TODAY) -> Path:
    """Write a catalog of some models into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    contracts = parse_models(models, date).contracts
    return write_file(folder, format_catalog(contracts.values()))


@contextmanager
def use_folder(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *models: Any
) -> Iterator[Path]:
    """Use a cache folder with a catalog of some models; without models, it is empty."""
    before = catalog.load_catalog()
    if models:
        write_catalog(folder, *models)
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    catalog.use_catalog(catalog.load_catalog())
    yield folder
    catalog.use_catalog(before)
