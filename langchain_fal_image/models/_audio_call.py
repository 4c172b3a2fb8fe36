"""What a call of the audio runnables does otherwise than one for images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_fal_image.budget.ledger import RequestEstimate
from langchain_fal_image.inputs._audio import as_audio, as_text

if TYPE_CHECKING:
    from langchain_fal_image.models.base import FalModel

__all__ = ["asked", "defaults", "options_of"]


def options_of(model: FalModel[Any], given: Any) -> Mapping[str, Any]:
    """Read a runnable's input as options.

    Args:
        model: The runnable.
        given: Its input.

    Raises:
        FalOptionError: It is nothing that the runnable takes.
    """
    if model.kind == "speech":
        return as_text(given, model=model.model)
    read = as_audio(given, model=model.model)
    if model.endpoint is not None or "audio" not in read:
        return read
    # What most endpoints call it: without a contract nothing else says where it goes.
    return {("audio_url" if name == "audio" else name): read[name] for name in read}


def defaults(model: FalModel[Any]) -> Mapping[str, Any]:
    """Give what is asked for where nobody says anything else.

    A URL, where an endpoint could also answer with bytes; and that speakers are told
    apart, as the page of @ai-sdk/fal says, while fal does so only when asked.

    Args:
        model: The runnable.
    """
    schema = model.endpoint
    if schema is None:
        return {}
    found: dict[str, Any] = {}
    form, speakers = schema.get_field("output_format"), schema.get_field("diarize")
    if model.kind == "speech" and form and "url" in form.shape.choices:
        found["output_format"] = "url"
    if model.kind == "transcription" and speakers and speakers.default is True:
        found["diarize"] = True
    return found


def asked(model: FalModel[Any], payload: Mapping[str, Any]) -> RequestEstimate:
    """Say what a payload asks for: characters to be spoken.

    How long a recording is, and so what it costs, is not known before it is heard.

    Args:
        model: The runnable.
        payload: In fal's names, checked.
    """
    field = model.endpoint.text_field if model.endpoint else None
    text = payload.get(field.name if field else "text")
    characters = len(text) if model.kind == "speech" and isinstance(text, str) else None
    return RequestEstimate(model.model, images=0, characters=characters)
