"""The runnables: speech, and transcription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import field_validator

from langchain_fal_image.audio.heard import TranscriptionResult
from langchain_fal_image.audio.spoken import SpeechResult
from langchain_fal_image.model_base import FalModel
from langchain_fal_image.options.schema import Kind
from langchain_fal_image.spending import Asked

__all__ = ["FalSpeech", "FalTranscription"]


class FalSpeech(FalModel[SpeechResult]):
    """Speak a text, with one request that is paid for once.

    The input is a text, a `PromptValue`, a message or a list of messages (the last one
    is spoken, so `prompt | llm | speech` works), a `TranscriptionResult`, or a dict of
    options. The output is a `SpeechResult`.

    Where an endpoint has `voice_setting`, its parts may be given beside it: `voice`,
    `speed`, `vol`, `pitch`, `emotion`. Where it can answer with a URL or with bytes, a
    URL is asked for.

    Example:
        ```python
        speech = FalSpeech("fal-ai/minimax/speech-02-hd", voice="Wise_Woman", speed=1.1)
        speech.invoke("Mount Fuji, this morning.").save("fuji.mp3")
        ```
    """

    model: str = "fal-ai/minimax/speech-02-hd"

    kind: ClassVar[Kind] = "audio"

    def __init__(
        self, model: str = "fal-ai/minimax/speech-02-hd", **settings: Any
    ) -> None:
        super().__init__(model=model, **settings)

    @property
    def OutputType(self) -> type[SpeechResult]:  # noqa: N802 - LangChain's name
        """What it gives."""
        return SpeechResult

    def read_input(self, given: Any) -> Mapping[str, Any]:
        """Read a text, messages or a dict as options."""
        from langchain_fal_image.audio.inputs import as_text  # noqa: PLC0415 - needed late

        return as_text(given, model=self.model)

    def defaults(self) -> Mapping[str, Any]:
        """Ask for a URL: bytes in the answer would have to be kept somewhere."""
        field = self.endpoint.field("output_format") if self.endpoint else None
        return (
            {"output_format": "url"} if field and "url" in field.shape.choices else {}
        )

    def asked(self, payload: Mapping[str, Any]) -> Asked:
        """Count the characters to be spoken."""
        field = self.endpoint.spoken_field if self.endpoint else None
        text = payload.get(field.name if field else "text")
        characters = len(text) if isinstance(text, str) else None
        return Asked(self.model, images=0, characters=characters)


class FalTranscription(FalModel[TranscriptionResult]):
    """Write down what is said in a recording, with one request that is paid for once.

    The input is a path (below one of the provider's `allowed_dirs`), bytes, a URL, a
    data URI, an audio content block, a message with one, a `SpeechResult`, or a dict of
    options with `audio`. The output is a `TranscriptionResult`.

    As in @ai-sdk/fal, `whisper` and `wizper` need no `fal-ai/`, and speakers are told
    apart, for which fal charges, unless `diarize=False`.

    Example:
        ```python
        transcription = FalTranscription("wizper", language="de")
        transcription.invoke("https://…/meeting.mp3").segments[0].start
        ```
    """

    model: str = "fal-ai/whisper"

    kind: ClassVar[Kind] = "text"

    def __init__(self, model: str = "fal-ai/whisper", **settings: Any) -> None:
        super().__init__(model=model, **settings)

    @field_validator("model", mode="before")
    @classmethod
    def _with_owner(cls, model: Any) -> Any:
        if not isinstance(model, str) or model.startswith("fal-ai/") or not model:
            return model
        if "/" not in model:
            return f"fal-ai/{model}"
        from langchain_fal_image.options import catalog  # noqa: PLC0415 - few need it

        owned = f"fal-ai/{model}"
        return owned if owned in catalog.endpoint_ids("text") else model

    @property
    def OutputType(self) -> type[TranscriptionResult]:  # noqa: N802 - LangChain's name
        """What it gives."""
        return TranscriptionResult

    def read_input(self, given: Any) -> Mapping[str, Any]:
        """Read a recording, messages or a dict as options."""
        from langchain_fal_image.audio.inputs import as_audio  # noqa: PLC0415 - needed late

        option = "audio" if self.endpoint else "audio_url"
        return as_audio(given, model=self.model, option=option)

    def defaults(self) -> Mapping[str, Any]:
        """Tell speakers apart, as the page of @ai-sdk/fal says; fal does when asked."""
        field = self.endpoint.field("diarize") if self.endpoint else None
        return {"diarize": True} if field and field.default is True else {}

    def asked(self, payload: Mapping[str, Any]) -> Asked:  # noqa: ARG002 - as the base says
        """Say that the length of a recording is not known before it is heard."""
        return Asked(self.model, images=0)
