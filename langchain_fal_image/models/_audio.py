"""The runnables: speech, and transcription."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import field_validator

from langchain_fal_image.models.base import FalModel
from langchain_fal_image.options.endpoint import Kind
from langchain_fal_image.results.speech import SpeechResult
from langchain_fal_image.results.transcription import TranscriptionResult

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

    kind: ClassVar[Kind] = "speech"

    def __init__(
        self, model: str = "fal-ai/minimax/speech-02-hd", **settings: Any
    ) -> None:
        super().__init__(model=model, **settings)

    @field_validator("model", mode="before")
    @classmethod
    def _with_owner(cls, model: Any) -> Any:
        return _owned(model, cls.kind)

    @property
    def OutputType(self) -> type[SpeechResult]:  # noqa: N802 - LangChain's name
        """What it gives."""
        return SpeechResult


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

    kind: ClassVar[Kind] = "transcription"

    def __init__(self, model: str = "fal-ai/whisper", **settings: Any) -> None:
        super().__init__(model=model, **settings)

    @field_validator("model", mode="before")
    @classmethod
    def _with_owner(cls, model: Any) -> Any:
        is_bare = isinstance(model, str) and model and "/" not in model
        return f"fal-ai/{model}" if is_bare else _owned(model, cls.kind)

    @property
    def OutputType(self) -> type[TranscriptionResult]:  # noqa: N802 - LangChain's name
        """What it gives."""
        return TranscriptionResult


def _owned(model: Any, kind: Kind) -> Any:
    """Put `fal-ai/` before a known id that lacks it."""
    if not isinstance(model, str) or model.startswith("fal-ai/"):
        return model
    from langchain_fal_image.options import catalog  # noqa: PLC0415 - few need it

    owned = f"fal-ai/{model}"
    return owned if owned in catalog.list_endpoint_ids(kind) else model
