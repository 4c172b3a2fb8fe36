"""Texts for the chat model: descriptions of tools, results and failures.

They are short and never contain file bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from langchain_fal_image import errors
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image._session.prices import Price
from langchain_fal_image.errors import FalError
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.issues import STRICT_HINT
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.options.quantity import count_images
from langchain_fal_image.options.sizes import has_size_option
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.results.speech import SpeechResult
from langchain_fal_image.results.transcription import TranscriptionResult

__all__ = [
    "MAX_CHARACTERS",
    "describe_endpoint",
    "describe_failure",
    "describe_result",
    "describe_wrong_arguments",
]

MAX_CHARACTERS = 4000
"""How many characters of a transcription the chat model reads by default."""

_MAX_TEXT = 1000
_MAX_LINE = 240
_MAX_URL = 200
_MAX_SHOWN = 16
_CHARGED = {
    "no": "Nothing was charged.",
    "maybe": "It may have been charged.",
    "yes": "It was charged.",
}
_NOT_MADE: dict[Kind, str] = {
    "image": "No image was made.",
    "speech": "No audio was made.",
    "transcription": "Nothing was transcribed.",
}
_PRODUCT: dict[Kind, str] = {
    "image": "the image",
    "speech": "the audio",
    "transcription": "the transcription",
}
# What a chat model can do; `error.next_step` is written for developers.
_NEXT_STEPS: dict[type[FalError], str] = {
    errors.FalOptionError: "Correct these arguments and call the tool again.",
    errors.FalInputError: "Use a handle of this conversation or a public URL, or ask "
    "the user for the file.",
    errors.FalInvalidInputError: "Change the arguments as the message says; the same "
    "ones fail again.",
    errors.FalModerationError: "Change the prompt or the input file; the same ones are "
    "refused again.",
    errors.FalRateLimitError: "Wait a little, then call the tool again.",
    errors.FalServerError: "The service failed, not your arguments. Tell the user; it "
    "may work later.",
    errors.FalConnectionError: "Tell the user that the service cannot be reached; it "
    "may work later.",
    errors.FalSubmitUncertainError: "Tell the user that the request may or may not "
    "have been accepted. Call the tool again only if the user agrees: {product} could "
    "be paid twice.",
    errors.FalTimeoutError: "Tell the user that it took too long. Call the tool again "
    "only if the user agrees: {product} could be paid twice.",
    errors.FalCancelledError: "Call the tool again only if the user still wants "
    "{product}.",
    errors.FalDownloadError: "Tell the user that {product} could not be downloaded. Do "
    "not request it again: that would be paid twice.",
    errors.FalResponseError: "Tell the user that the response of the service could not "
    "be read. Call the tool again only if the user agrees: {product} could be paid "
    "twice.",
    errors.FalBudgetExceededError: "Request less if the budget leaves room; otherwise "
    "tell the user.",
    FalError: "Tell the user what happened.",
}


# --- Tools ---


def describe_endpoint(
    model: str, schema: EndpointSchema | None, *, price: Price | None
) -> str:
    """Describe the endpoint behind a tool: its purpose, its limits, its price.

    Args:
        model: The endpoint id.
        schema: Its contract, if it is known.
        price: Its price at fal, if it is known.
    """
    is_titled = schema is not None and schema.title != model
    name = f"{schema.title} ({model})" if schema and is_titled else model
    parts = [f"Served by {name}."]
    if schema and schema.about:
        parts.append(f"{schema.about.rstrip('.')}.")
    if schema and schema.kind == "image":
        parts += _describe_limits(schema)
    if price:
        parts.append(f"Costs {price}.")
    return " ".join(parts)


def _describe_limits(schema: EndpointSchema) -> Iterator[str]:
    if schema.takes_images and schema.max_images == 1:
        yield "It takes one image and cannot combine several."
    if not schema.count_field:
        most = count_images(schema, {})
        images = "one image" if most == 1 else f"up to {most} images"
        yield f"It makes {images} per call."
    if not schema.needs_image and not has_size_option(schema):
        yield "The size cannot be chosen."
    if not schema.fields.get("seed"):
        yield "It takes no seed: the same call returns a different image."


# --- Results ---


def describe_result(
    result: Any, *, vision: bool = False, max_characters: int = MAX_CHARACTERS
) -> Any:
    """Describe a result: the handles of its files, facts, warnings.

    Args:
        result: A result whose files have handles.
        vision: Whether to add blocks of the first 16 images, by URL, after the text.
        max_characters: How many characters of a transcription to return; the text
            says how many are left out.

    Returns:
        A text of at most 1,000 characters, except for a transcription. With `vision`,
        a list of content blocks that starts with the text.
    """
    text = _DESCRIBE[result.kind](result, max_characters)
    if not vision:
        return text
    shown = result.files[:_MAX_SHOWN]
    images = [file.to_content_block() for file in shown if file.url]
    return [{"type": "text", "text": text}, *images]


def _describe_images(result: ImageResult, _: int) -> str:
    number = len(result.images)
    made = "1 image" if number == 1 else f"{number} images"
    seed, description = result.seed, result.description
    lines = [f"Made {made} with {result.model}."]
    for image in result.images:
        facts = (
            [f"{image.width}x{image.height}"] if image.width and image.height else []
        )
        facts += [f"seed {seed}"] if seed is not None else []
        facts += ["flagged as not safe for work"] if image.nsfw else []
        lines.append(_describe_file(image.handle, image.url, facts))
    if description:
        lines.append(f"The model says: {_shorten(description, _MAX_LINE)}")
    return _shorten("\n".join([*lines, *_describe_warnings(result)]), _MAX_TEXT)


def _describe_speech(result: SpeechResult, _: int) -> str:
    lines = [f"Made audio with {result.model}."]
    for audio in result.audios:
        facts = [f"{audio.duration:.1f} s"] if audio.duration else []
        facts += [audio.mime_type] if audio.mime_type else []
        lines.append(_describe_file(audio.handle, audio.url, facts))
    if result.voice_id:
        lines.append(f"Voice id: {result.voice_id}")
    return _shorten("\n".join([*lines, *_describe_warnings(result)]), _MAX_TEXT)


def _describe_transcription(result: TranscriptionResult, max_characters: int) -> str:
    facts = [f"{result.duration:.1f} s"] if result.duration else []
    facts += [f"language {result.language}"] if result.language else []
    about = f" ({', '.join(facts)})" if facts else ""
    lines = [f"Transcribed with {result.model}{about}.", *_describe_warnings(result)]
    text = _write_dialogue(result) if len(result.speakers) > 1 else result.text
    if (rest := len(text) - max_characters) > 0:
        lines.append(f"The first {max_characters} characters; {rest} more are omitted.")
        text = text[:max_characters]
    return "\n".join([*lines, "Transcript:", text or "(empty)"])


_DESCRIBE: dict[Kind, Callable[[Any, int], str]] = {
    "image": _describe_images,
    "speech": _describe_speech,
    "transcription": _describe_transcription,
}


def _describe_file(handle: str | None, url: str | None, facts: list[str]) -> str:
    if url and len(url) <= _MAX_URL:
        facts = [*facts, url]
    return f"{handle}: {', '.join(facts) or 'ready'}"


def _describe_warnings(result: Any) -> list[str]:
    warnings = [each.removesuffix(STRICT_HINT) for each in result.warnings]
    return [f"Warning: {_shorten(each, _MAX_LINE)}" for each in warnings]


def _write_dialogue(result: TranscriptionResult) -> str:
    lines: list[str] = []
    speaker: str | None = None
    for each in result.segments:
        if lines and each.speaker == speaker:
            lines[-1] = f"{lines[-1]} {each.text.strip()}"
        else:
            lines.append(f"{each.speaker or 'unknown'}: {each.text.strip()}")
        speaker = each.speaker
    return "\n".join(lines)


# --- Failures ---


def describe_failure(
    error: FalError,
    *,
    kind: Kind,
    request: str | None = None,
    wait_tool: str | None = None,
) -> str:
    """Describe a failure: what was wrong, whether it was charged, what to do next.

    Args:
        error: The error that the runnable raised.
        kind: What the call should have made.
        request: The handle of the request, if it may still return a result.
        wait_tool: The name of the tool that waits for such requests.

    Returns:
        At most 1,000 characters.
    """
    step = _next_step(error, _PRODUCT[kind], request, wait_tool)
    end = f"{_CHARGED[error.charged]}\nNext: {step}"
    beginning = f"{_NOT_MADE[kind]} {error.message.strip()}"
    return f"{_shorten(beginning, _MAX_TEXT - len(end) - 1)}\n{end}"


def _next_step(
    error: FalError, product: str, request: str | None, wait_tool: str | None
) -> str:
    if request is None:
        steps = (_NEXT_STEPS[cls] for cls in type(error).__mro__ if cls in _NEXT_STEPS)
        return next(steps).format(product=product)
    if wait_tool is None:
        return (
            f"Tell the user that {product} is still being made, as {request}, and can "
            f"be fetched later. Do not request it again: that would be paid twice."
        )
    return (
        f"Call {wait_tool} with request={request!r} to wait for it, at no further "
        f"cost. Do not request {product} again: that would be paid twice."
    )


def describe_wrong_arguments(error: ValidationError, *, kind: Kind = "image") -> str:
    """Describe the arguments that do not fit a tool's schema.

    Args:
        error: The error that pydantic raised.
        kind: What the call should have made.

    Returns:
        A line for each wrong argument; long values are shortened.
    """
    lines = [f"{_NOT_MADE[kind][:-1]}: wrong arguments."]
    for each in error.errors(include_url=False, include_context=False):
        name = ".".join(map(str, each["loc"])) or "arguments"
        has_value = each["type"] != "missing" and each["loc"]
        value = f"={safe_repr(each['input'])}" if has_value else ""
        lines.append(f"- {name}{value}: {each['msg'].removeprefix('Value error, ')}")
    lines += ["Nothing was charged.", "Next: Correct them and call the tool again."]
    return "\n".join(lines)


def _shorten(text: str, max_length: int) -> str:
    text = text.strip()
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"
