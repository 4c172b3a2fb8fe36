"""The speech runnable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import field_validator

from langchain_fal_image.models.base import FalModel, add_owner
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.results.speech import SpeechResult

if TYPE_CHECKING:
    from langchain_fal_image.budget.ledger import RequestEstimate

__all__ = ["FalSpeech"]


class FalSpeech(FalModel[SpeechResult]):
    """A runnable that turns text into speech; each call is charged once.

    The input is a text, a `PromptValue`, a message or a list of messages (the last one
    is spoken, so `prompt | llm | speech` works), a `TranscriptionResult`, or a dict of
    options. The output is a `SpeechResult`.

    If an endpoint has `voice_setting`, its fields can also be passed as options:
    `voice`, `speed`, `vol`, `pitch`, `emotion`. If an endpoint can return a URL or
    bytes, the default is a URL.

    Example:
        ```python
        speech = FalSpeech("fal-ai/minimax/speech-02-hd", voice="Wise_Woman", speed=1.1)
        speech.invoke("Mount Fuji, this morning.").save("fuji.mp3")
        ```
    """

    model: str = "fal-ai/minimax/speech-02-hd"

    kind: ClassVar[Kind] = "speech"
    result_type: ClassVar[type[SpeechResult]] = SpeechResult

    def __init__(
        self, model: str = "fal-ai/minimax/speech-02-hd", **settings: Any
    ) -> None:
        super().__init__(model=model, **settings)

    @field_validator("model", mode="before")
    @classmethod
    def _add_owner(cls, model: Any) -> Any:
        return add_owner(model, cls.kind)

    def _read_input(
        self,
        input: Any,
        schema: EndpointSchema | None,
    ) -> Mapping[str, Any]:
        from langchain_fal_image.models import _input  # noqa: PLC0415 - start-up time

        return _input.read_speech_input(input, model=self.model)

    def _default_options(self, schema: EndpointSchema | None) -> Mapping[str, Any]:
        field = schema.fields.get("output_format") if schema else None
        has_url = field is not None and "url" in field.shape.choices
        return {"output_format": "url"} if has_url else {}

    def _estimate(self, payload: Mapping[str, Any]) -> RequestEstimate:
        from langchain_fal_image.budget.ledger import RequestEstimate  # noqa: PLC0415 - start-up time

        field = self.endpoint.text_field if self.endpoint else None
        text = payload.get(field.name if field else "text")
        characters = len(text) if isinstance(text, str) else None
        return RequestEstimate(self.model, images=0, characters=characters)
