"""What a model reads: of tools, of results, of failures. Short lines, never bytes."""

from __future__ import annotations

from typing import Any

from langchain_fal_image._session.prices import Price
from langchain_fal_image.errors import FalError
from langchain_fal_image.options.endpoint import EndpointSchema, Kind
from langchain_fal_image.options.sizes import list_aspect_ratios
from langchain_fal_image.results.image import GeneratedImage, ImageResult
from langchain_fal_image.results.speech import SpeechResult
from langchain_fal_image.results.transcription import TranscriptionResult

__all__ = [
    "told_endpoint",
    "told_failure",
    "told_nothing",
    "told_result",
    "told_speech",
    "told_transcription",
]

_LONGEST = 1000
_SEVERAL = 2
_LONGEST_URL = 200
_LONGEST_LINE = 240
_CHARGED = {
    "no": "Nothing was charged.",
    "maybe": "It may have been charged.",
    "yes": "It was charged.",
}
_NOTHING: dict[Kind, str] = {
    "image": "No image was made.",
    "speech": "Nothing was spoken.",
    "transcription": "Nothing was written down.",
}
_THING: dict[Kind, str] = {
    "image": "the image",
    "speech": "the audio",
    "transcription": "the transcription",
}


def told_nothing(kind: Kind) -> str:
    """Say that a call gave nothing.

    Args:
        kind: What it should have made.
    """
    return _NOTHING[kind]


def told_endpoint(
    model: str, schema: EndpointSchema | None, *, price: Price | None
) -> str:
    """Tell which model serves, what it is good at, what it cannot do and costs.

    Args:
        model: The endpoint id.
        schema: Its contract, where it is known.
        price: fal's, where it is known.
    """
    parts = [f"Served by {model}."]
    if schema:
        parts = [f"Served by {schema.title} ({model})."]
        if schema.title == model:
            parts = [f"Served by {model}."]
        if schema.about:
            parts.append(f"{schema.about.rstrip('.')}.")
        parts += _cannot(schema)
    if price:
        parts.append(f"Costs {price}.")
    return " ".join(parts)


def _cannot(schema: EndpointSchema) -> list[str]:
    found: list[str] = []
    if schema.kind != "image":
        return found
    if schema.takes_images and schema.max_images == 1:
        found.append("It takes one image and cannot combine several.")
    if not schema.get_field("num_images"):
        found.append("It makes one image per call.")
    if not schema.needs_image and not list_aspect_ratios(schema):
        found.append("The size cannot be chosen.")
    if not schema.get_field("seed"):
        found.append("It takes no seed: the same call gives another image.")
    return found


def told_result(result: ImageResult, *, vision: bool = False) -> Any:
    """Tell of finished images: handle, size, seed, URL, warnings, flags.

    Args:
        result: With handles.
        vision: Whether image blocks, by URL, follow the text.

    Returns:
        A text of at most 1,000 characters; with `vision` a list of content blocks
        that begins with it.
    """
    number = len(result.images)
    made = "1 image" if number == 1 else f"{number} images"
    lines = [f"Made {made} with {result.model}."]
    lines += [_line(image, result) for image in result.images]
    if result.description:
        lines.append(f"The model says: {_short(result.description, _LONGEST_LINE)}")
    lines += [f"Warning: {_short(each, _LONGEST_LINE)}" for each in result.warnings]
    text = _short("\n".join(lines), _LONGEST)
    if not vision:
        return text
    shown = [each.to_content_block() for each in result.images if each.url]
    return [{"type": "text", "text": text}, *shown]


def told_speech(result: SpeechResult) -> str:
    """Tell of finished audio: handle, length, type, URL, warnings.

    Args:
        result: With handles.
    """
    lines = [f"Spoken with {result.model}."]
    for audio in result.audios:
        parts = [f"{audio.duration:.1f} s"] if audio.duration else []
        parts += [audio.mime_type] if audio.mime_type else []
        if audio.url and len(audio.url) <= _LONGEST_URL:
            parts.append(audio.url)
        lines.append(f"{audio.handle}: {', '.join(parts) or 'ready'}")
    if result.voice_id:
        lines.append(f"The voice's id: {result.voice_id}")
    lines += [f"Warning: {_short(each, _LONGEST_LINE)}" for each in result.warnings]
    return _short("\n".join(lines), _LONGEST)


def told_transcription(result: TranscriptionResult, *, longest: int) -> str:
    """Tell what was said; who said it, where there were several.

    Args:
        result: The transcription.
        longest: How many characters of it at most; what was left out is said.
    """
    facts = [f"{result.duration:.1f} s"] if result.duration else []
    facts += [f"language {result.language}"] if result.language else []
    about = f" ({', '.join(facts)})" if facts else ""
    lines = [f"Written down with {result.model}{about}."]
    lines += [f"Warning: {_short(each, _LONGEST_LINE)}" for each in result.warnings]
    said = _said(result)
    if len(said) > longest:
        rest = len(said) - longest
        lines.append(f"The first {longest} characters; {rest} more are left out here.")
        said = said[:longest]
    return "\n".join([*lines, "What was said:", said or "(nothing)"])


def _said(result: TranscriptionResult) -> str:
    if len(result.speakers) < _SEVERAL:
        return result.text
    lines: list[str] = []
    before: str | None = None
    for each in result.segments:
        if lines and each.speaker == before:
            lines[-1] = f"{lines[-1]} {each.text.strip()}"
        else:
            lines.append(f"{each.speaker or 'unknown'}: {each.text.strip()}")
        before = each.speaker
    return "\n".join(lines)


def _line(image: GeneratedImage, result: ImageResult) -> str:
    parts = []
    if image.width and image.height:
        parts.append(f"{image.width}x{image.height}")
    if result.seed is not None:
        parts.append(f"seed {result.seed}")
    if image.nsfw:
        parts.append("flagged as not safe for work")
    if image.url and len(image.url) <= _LONGEST_URL:
        parts.append(image.url)
    return f"{image.handle}: {', '.join(parts) or 'ready'}"


def told_failure(
    error: FalError,
    *,
    kind: Kind = "image",
    request: str | None = None,
    wait_tool: str | None = None,
) -> str:
    """Tell of a failure: what was wrong, whether it was charged, what to do.

    Args:
        error: As the runnable raised it.
        kind: What should have been made.
        request: The handle of the request that may still give it.
        wait_tool: The name of the tool that waits for it.

    Returns:
        At most 1,000 characters.
    """
    lines = [
        f"{_NOTHING[kind]} {error.message.strip()}",
        _CHARGED[error.charged],
        f"Next: {_next_step(error, _THING[kind], request, wait_tool)}",
    ]
    rest = "\n".join(lines[1:])
    return f"{_short(lines[0], _LONGEST - len(rest) - 1)}\n{rest}"


def _next_step(
    error: FalError, thing: str, request: str | None, wait_tool: str | None
) -> str:
    if request is None:
        return error.next_step
    if wait_tool is None:
        return (
            f"Tell the user that {thing} is still being made as {request} and can "
            f"be fetched later; do not ask for it anew, that would be paid twice."
        )
    return (
        f"Call {wait_tool} with request={request!r} to wait for it, at no further "
        f"cost; do not ask for {thing} anew, that would be paid twice."
    )


def _short(text: str, longest: int) -> str:
    text = text.strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
