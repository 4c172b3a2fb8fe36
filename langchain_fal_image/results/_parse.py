"""fal's output as the result of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_fal_image.options.endpoint import EndpointSchema, Kind, detect_kind
from langchain_fal_image.results._output import without_bytes
from langchain_fal_image.results.image import ImageResult

__all__ = ["result_in"]


def result_in(
    body: Any, *, schema: EndpointSchema | None, kind: Kind | None = None, **known: Any
) -> tuple[Any, dict[str, bytes]]:
    """Read fal's output.

    Args:
        body: The JSON of the result.
        schema: The contract of its endpoint; None for an endpoint we do not know.
        kind: What it holds; by default as the contract says, else as it looks.
        **known: What `ImageResult.from_output` also takes.

    Returns:
        An `ImageResult`, a `SpeechResult` or a `TranscriptionResult`; and the bytes
        that were in the output, by their SHA-256.

    Raises:
        FalResponseError: What was asked for is not in it.
    """
    if kind is None:
        names = body if isinstance(body, Mapping) else ()
        kind = schema.kind if schema else detect_kind(names)
    read: Any = ImageResult
    if kind != "image":
        from langchain_fal_image.results._audio_results import RESULTS, plain  # noqa: PLC0415

        read, body = RESULTS[kind], plain(body)
    body, taken = without_bytes(body)
    return read.from_output(body, **known), taken
