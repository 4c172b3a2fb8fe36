"""Search the catalog, and check what an endpoint makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema, Kind

__all__ = ["check_kind", "find_endpoints"]

_PRODUCTS: dict[Kind, str] = {
    "image": "images",
    "speech": "audio",
    "transcription": "transcriptions",
}


def find_endpoints(
    *,
    search: str | Iterable[str] = (),
    takes_images: bool | None = None,
    kind: Kind = "image",
) -> tuple[EndpointSchema, ...]:
    """Find endpoints in the catalog.

    All words of `search` must be in the id, title, category or description. An unknown
    kind raises FalConfigurationError.
    """
    if kind not in get_args(Kind):
        message = f"kind={kind!r} is not a kind of endpoint."
        kinds = ", ".join(map(repr, get_args(Kind)))
        raise FalConfigurationError(message, next_step=f"Use one of {kinds}.")
    words = search.split() if isinstance(search, str) else list(search)
    found = []
    for endpoint_id in catalog.list_endpoint_ids(kind):
        schema = catalog.get_schema(endpoint_id)
        if schema is None or takes_images not in {None, schema.takes_images}:
            continue
        text = f"{endpoint_id} {schema.title} {schema.category} {schema.about}".lower()
        if all(word.lower() in text for word in words):
            found.append(schema)
    return tuple(found)


def check_kind(schema: EndpointSchema | None, kind: Kind) -> None:
    """Raise FalConfigurationError if an endpoint with a schema does not make `kind`."""
    if schema is None or schema.kind == kind:
        return
    made, expected = _PRODUCTS[schema.kind], _PRODUCTS[kind]
    message = f"{schema.endpoint_id} makes {made}, not {expected}."
    raise FalConfigurationError(
        message,
        model=schema.endpoint_id,
        next_step=f"Use fal.{schema.kind}() for it, or choose another endpoint.",
    )
