"""The transcription runnable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import field_validator

from langchain_fal_image.models.base import FalModel, add_owner
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.results.transcription import TranscriptionResult

if TYPE_CHECKING:
    from langchain_fal_image.budget.ledger import RequestEstimate

__all__ = ["FalTranscription"]


class FalTranscription(FalModel[TranscriptionResult]):
    """A runnable that transcribes recordings; each call is charged once.

    The input is a path (below one of the provider's `allowed_dirs`), bytes, a URL, a
    data URI, an audio content block, a message with one, a `SpeechResult`, or a dict of
    options with `audio`. The output is a `TranscriptionResult`.

    As in @ai-sdk/fal, `fal-ai/` can be omitted from the endpoint id (`whisper`), and
    `diarize` is True by default: fal separates the speakers, and charges for it.

    Example:
        ```python
        transcription = FalTranscription("wizper", language="de")
        transcription.invoke("https://…/meeting.mp3").segments[0].start
        ```
    """

    model: str = "fal-ai/whisper"

    kind: ClassVar[Kind] = "transcription"
    result_type: ClassVar[type[TranscriptionResult]] = TranscriptionResult

    def __init__(self, model: str = "fal-ai/whisper", **settings: Any) -> None:
        super().__init__(model=model, **settings)

    @field_validator("model", mode="before")
    @classmethod
    def _add_owner(cls, model: Any) -> Any:
        is_bare = isinstance(model, str) and model and "/" not in model
        return f"fal-ai/{model}" if is_bare else add_owner(model, cls.kind)

    def _read_input(
        self,
        input: Any,
        schema: EndpointSchema | None,
    ) -> Mapping[str, Any]:
        from langchain_fal_image.models import _input  # noqa: PLC0415 - start-up time

        options = _input.read_transcription_input(input, model=self.model)
        if schema is not None or "audio" not in options:
            return options
        # Without a contract, use the name that most endpoints have for the recording.
        return {("audio_url" if k == "audio" else k): v for k, v in options.items()}

    def _default_options(self, schema: EndpointSchema | None) -> Mapping[str, Any]:
        # @ai-sdk/fal documents diarize=True as the default; fal's API separates
        # speakers only if the option is sent.
        field = schema.fields.get("diarize") if schema else None
        return {"diarize": True} if field and field.default is True else {}

    def _estimate(self, payload: Mapping[str, Any]) -> RequestEstimate:
        from langchain_fal_image.budget.ledger import RequestEstimate  # noqa: PLC0415 - start-up time

        return RequestEstimate(self.model, images=0)
