"""Create the result of the right class from fal's output or from an artifact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from langchain_fal_image._formats.plain_json import clean_json
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import Kind, detect_kind
from langchain_fal_image.results._output import extract_bytes, wrap_audio_bytes
from langchain_fal_image.results.base import FalResult
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.results.response import ResponseMetadata
from langchain_fal_image.results.speech import SpeechResult
from langchain_fal_image.results.transcription import TranscriptionResult

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session
    from langchain_fal_image.wire.effects import Flow
    from langchain_fal_image.wire.queue import Output

__all__ = ["RESULTS", "parse_output", "read_artifact", "store_result"]

RESULTS: dict[Kind, type[FalResult]] = {
    each.kind: cast("type[FalResult]", each)
    for each in (ImageResult, SpeechResult, TranscriptionResult)
}
"""The class of a result by its kind."""


def parse_output(
    body: Any, *, schema: EndpointSchema | None, kind: Kind | None = None, **fields: Any
) -> tuple[Any, dict[str, bytes]]:
    """Parse fal's output.

    Args:
        body: The JSON of the output.
        schema: The endpoint's contract; None for an unknown endpoint.
        kind: What the output contains; by default the kind in the contract, else
            detected from the output.
        **fields: Further arguments of `FalResult.from_output`.

    Returns:
        The result, and the bytes that were in the output, by their SHA-256.

    Raises:
        FalResponseError: The output lacks the image, audio or text.
    """
    body = clean_json(body)
    if kind is None:
        names = body if isinstance(body, Mapping) else {}
        kind = schema.kind if schema else detect_kind(names)
        kind = kind if kind in RESULTS else "image"
    if kind != "image":
        body = wrap_audio_bytes(body)
    body, contents = extract_bytes(body)
    return RESULTS[kind].from_output(body, **fields), contents


def store_result(
    session: Session,
    output: Output,
    *,
    model: str,
    kind: Kind | None = None,
    **fields: Any,
) -> Flow[Any]:
    """Parse fal's output, and put the bytes in it into the session's store.

    Args:
        session: The session that the result uses.
        output: What the endpoint returned.
        model: The endpoint id.
        kind: What the output contains; see `parse_output`.
        **fields: Further arguments of `FalResult.from_output`.

    Returns:
        An `ImageResult`, a `SpeechResult` or a `TranscriptionResult`.
    """
    result, contents = parse_output(
        output.body,
        schema=None if kind else session.contracts.get(model),
        kind=kind,
        model=model,
        request_id=output.request_id,
        response=ResponseMetadata.received_now(model, output.headers),
        **fields,
    )
    yield from session.store_bytes(contents)
    return result.using(session)


def read_artifact(value: object, *, fal: Session | None = None) -> FalResult | None:
    """Restore a result from its artifact; return None for any other value.

    Args:
        value: A value from a message or a store.
        fal: The provider that reads its files; by default the default instance.

    Raises:
        ValueError: The artifact has an invalid field.
        KeyError: The artifact lacks a field.
        FalResponseError: The artifact has no images, audio or text.
    """
    for each in RESULTS.values():
        if each.is_artifact(value):
            return each.from_artifact(value, fal=fal)
    return None
