"""Generated audio, and the result of a speech request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_fal_image._formats.audio import EXTENSIONS, sniff_audio
from langchain_fal_image._formats.signatures import is_text
from langchain_fal_image.errors import FalDownloadError, FalResponseError
from langchain_fal_image.options.endpoint import TEXT_OPTIONS
from langchain_fal_image.options.kind import AUDIO_OUTPUTS, STEM_OUTPUTS
from langchain_fal_image.results._artifact import shorten_artifact
from langchain_fal_image.results._output import (
    find_audio,
    read_entry,
    read_seconds,
    write_entry,
)
from langchain_fal_image.results.base import FalResult
from langchain_fal_image.results.file import GeneratedFile

if TYPE_CHECKING:
    from langchain_fal_image.inputs.reference import MediaType
    from langchain_fal_image.options.kind import Kind

__all__ = ["GeneratedAudio", "SpeechResult"]

_ARTIFACT_BYTES_PER_AUDIO = 1024
_MAX_ID = 255


@dataclass(frozen=True, kw_only=True)
class GeneratedAudio(GeneratedFile):
    """One audio file that fal made.

    Attributes:
        duration: In seconds; None if fal does not report it and the file was not read
            yet.
    """

    duration: float | None = field(default=None, compare=False)

    media_type: ClassVar[MediaType] = "audio"
    _default_type: ClassVar[str] = "audio/mpeg"
    _extensions: ClassVar[Mapping[str, str]] = EXTENSIONS
    _url_advice: ClassVar[str] = "Leave output_format='hex' and sync_mode off"

    def to_html(self, *, embed: bool = False) -> str:
        """Return a player as HTML, by the audio's URL.

        Args:
            embed: Whether to put the bytes into the HTML, so that it works after the
                URL expires. Audio without a URL is always embedded.

        Raises:
            FalDownloadError: The bytes are not available.
        """
        # Imported when HTML is needed, to save start-up time.
        from langchain_fal_image.results._html import render_player  # noqa: PLC0415

        return render_player(self._html_source(embed=embed))

    def _check_content(self, head: bytes, size: int) -> None:
        audio_type = sniff_audio(head)
        if audio_type is None and is_text(head):
            message = f"{self._label} is not audio: it is {size} bytes of text."
            raise FalDownloadError(message, request_id=self.request_id)
        if audio_type:
            object.__setattr__(self, "mime_type", audio_type.mime_type)
            if audio_type.duration:
                object.__setattr__(self, "duration", audio_type.duration)


@dataclass(frozen=True, repr=False, kw_only=True)
class SpeechResult(FalResult):
    """The speech that one request to fal made.

    Attributes:
        audios: Usually one; none if the request only cloned a voice (see `voice_id`).
    """

    audios: tuple[GeneratedAudio, ...] = ()

    kind: ClassVar[Kind] = "speech"
    media_type: ClassVar[MediaType | None] = "audio"
    artifact_type: ClassVar[str] = "fal_speech_result"
    _files_field: ClassVar[str | None] = "audios"
    _output_noun: ClassVar[str] = "audio"
    _not_metadata: ClassVar[frozenset[str]] = frozenset(
        {*AUDIO_OUTPUTS, *STEM_OUTPUTS, "text"}
    )

    @property
    def audio(self) -> GeneratedAudio:
        """The audio, or the first of several.

        Raises:
            FalResponseError: The result has none: the request only cloned a voice.
        """
        if self.audios:
            return self.audios[0]
        message = f"{self.model} made no audio, only the voice {self.voice_id!r}."
        raise FalResponseError(
            message, model=self.model, request_id=self.request_id, charged="yes"
        )

    @property
    def text(self) -> str | None:
        """The text that was sent."""
        for name in TEXT_OPTIONS:
            if isinstance(text := self.options.get(name), str):
                return text
        return None

    @property
    def url(self) -> str | None:
        """The audio's URL; see `GeneratedAudio.url`."""
        return self.audio.url

    @property
    def mime_type(self) -> str | None:
        """The audio's type; see `GeneratedAudio.mime_type`."""
        return self.audio.mime_type

    @property
    def duration(self) -> float | None:
        """The audio's duration in seconds; see `GeneratedAudio.duration`."""
        return self.audio.duration

    @property
    def voice_id(self) -> str | None:
        """The id of a cloned or designed voice, for `voice` of the MiniMax models."""
        voice = self.raw.get("custom_voice_id")
        return voice if isinstance(voice, str) and len(voice) <= _MAX_ID else None

    def read(self) -> bytes:
        """Return the audio's bytes; see `GeneratedAudio.read`."""
        return self.audio.read()

    async def aread(self) -> bytes:
        """Return the audio's bytes; see `GeneratedAudio.read`."""
        return await self.audio.aread()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the audio to a file; see `GeneratedAudio.save`."""
        return self.audio.save(path, overwrite=overwrite)

    async def asave(
        self, path: str | os.PathLike[str], *, overwrite: bool = False
    ) -> Path:
        """Write the audio to a file; see `GeneratedAudio.save`."""
        return await self.audio.asave(path, overwrite=overwrite)

    def to_html(self, *, embed: bool = False) -> str:
        """Return a player as HTML, with the text; see `GeneratedAudio.to_html`."""
        # Imported when HTML is needed, to save start-up time.
        from langchain_fal_image.results._html import render_figure  # noqa: PLC0415

        players = "".join(audio.to_html(embed=embed) for audio in self.audios)
        return render_figure(players, f"{self.text or ''} — {self.model}")

    def __repr__(self) -> str:
        """Return the request and its audio."""
        return (
            f"SpeechResult(model={self.model!r}, request_id={self.request_id!r}, "
            f"audios=[{self._name_files()}])"
        )

    @classmethod
    def _parse(
        cls, body: Mapping[str, Any], request_id: str | None
    ) -> dict[str, Any] | None:
        entries = find_audio(body)
        response = body if len(entries) == 1 else {}
        audios = tuple(
            GeneratedAudio(
                **read_entry(entry),
                duration=read_seconds(entry, response),
                request_id=request_id,
                index=index,
            )
            for index, entry in enumerate(entries)
        )
        has_voice = isinstance(body.get("custom_voice_id"), str)
        return {"audios": audios} if audios or has_voice else None

    def _reduce(self) -> dict[str, Any]:
        raw: dict[str, Any] = {}
        if self.audios:
            raw["audio"] = [write_entry(audio) for audio in self.audios]
        if self.voice_id:
            raw["custom_voice_id"] = self.voice_id
        return raw

    def _shorten(
        self, artifact: dict[str, Any], essential: Mapping[str, Any]
    ) -> dict[str, Any]:
        return shorten_artifact(
            artifact,
            _ARTIFACT_BYTES_PER_AUDIO * max(1, len(self.audios)),
            essential=essential,
            droppable=("warnings", "options"),
        )
