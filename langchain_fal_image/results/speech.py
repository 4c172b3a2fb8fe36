"""What one request to fal spoke."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from langchain_fal_image._formats.audio import EXTENSIONS, sniff_audio
from langchain_fal_image._formats.signatures import is_text
from langchain_fal_image.errors import FalDownloadError, FalResponseError
from langchain_fal_image.options.endpoint import AUDIO_OUTPUTS, TEXT_OPTIONS
from langchain_fal_image.results._audio_base import AudioResult
from langchain_fal_image.results._output import fitted, typed
from langchain_fal_image.results.file import GeneratedFile

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider

__all__ = ["GeneratedAudio", "SpeechResult", "plain"]

_ARTIFACT_BYTES_PER_AUDIO = 1024
_FEWEST = 64


@dataclass(frozen=True)
class GeneratedAudio(GeneratedFile):
    """Audio that fal made.

    Attributes:
        url: Where it lies; None where fal sent the bytes in its answer. fal's URLs are
            public to all who know them, and expire.
        duration: In seconds; None where neither fal nor the bytes told yet.
        mime_type: fal's word until it was read, then what the bytes are.
        file_name: fal's name for the file.
        file_size: In bytes, as fal says.
        handle: Its short name in a conversation, such as `audio_1`.
        sha256: The digest under which the provider's store has the bytes.
        request_id: The request that made it.
        index: Its place in the result, from 0.
    """

    url: str | None
    duration: float | None = field(default=None, compare=False)
    mime_type: str | None = field(default=None, compare=False)
    file_name: str | None = None
    file_size: int | None = None
    handle: str | None = None
    sha256: str | None = None
    request_id: str | None = None
    index: int = 0

    _word: ClassVar[str] = "audio"
    _usual_type: ClassVar[str] = "audio/mpeg"
    _extensions: ClassVar[Mapping[str, str]] = EXTENSIONS
    _by_url: ClassVar[str] = "Leave output_format='hex' and sync_mode off"

    def to_html(self, *, embed: bool = False) -> str:
        """Give a player as HTML, by its URL.

        Args:
            embed: Put its bytes into the HTML, so that it can still be heard when the
                URL has expired. Audio without a URL always is.

        Raises:
            FalDownloadError: The bytes cannot be had.
        """
        from langchain_fal_image.results._html import player  # noqa: PLC0415 - needed late

        return player(self._source(embed=embed))

    def _look(self, head: bytes, size: int) -> None:
        seen = sniff_audio(head)
        if seen is None and is_text(head):
            message = f"{self._name()} is no audio: {size} bytes of text lie there."
            raise FalDownloadError(message, request_id=self.request_id)
        if seen:
            object.__setattr__(self, "mime_type", seen.mime_type)
            if seen.duration:
                object.__setattr__(self, "duration", seen.duration)

    def _repr_html_(self) -> str:
        return self.to_html()


@dataclass(frozen=True, repr=False, kw_only=True)
class SpeechResult(AudioResult):
    """What one request to fal spoke.

    Attributes:
        audios: Mostly one; none where a voice was only copied (see `voice_id`).
    """

    audios: tuple[GeneratedAudio, ...] = ()

    artifact_type: ClassVar[str] = "fal_speech_result"

    @property
    def audio(self) -> GeneratedAudio:
        """The audio, or the first of several.

        Raises:
            FalResponseError: fal gave none: the request only copied a voice.
        """
        if self.audios:
            return self.audios[0]
        message = f"{self.model} gave no audio, only the voice {self.voice_id!r}."
        raise FalResponseError(
            message, model=self.model, request_id=self.request_id, charged="yes"
        )

    @property
    def text(self) -> str | None:
        """What was spoken, as it was sent."""
        for name in TEXT_OPTIONS:
            if isinstance(text := self.options.get(name), str):
                return text
        return None

    @property
    def url(self) -> str | None:
        """Where the audio lies; see `GeneratedAudio.url`."""
        return self.audio.url

    @property
    def mime_type(self) -> str | None:
        """The audio's type; see `GeneratedAudio.mime_type`."""
        return self.audio.mime_type

    @property
    def duration(self) -> float | None:
        """How long the audio is, in seconds; None where nothing tells it yet."""
        return self.audio.duration

    @property
    def voice_id(self) -> str | None:
        """The id of a copied or designed voice, for `voice` of the MiniMax models."""
        voice = self.raw.get("custom_voice_id")
        return voice if isinstance(voice, str) else None

    def read(self) -> bytes:
        """Read the audio's bytes; see `GeneratedAudio.read`."""
        return self.audio.read()

    async def aread(self) -> bytes:
        """Read the audio's bytes; see `GeneratedAudio.read`."""
        return await self.audio.aread()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the audio to a file; see `GeneratedAudio.save`."""
        return self.audio.save(path)

    async def asave(self, path: str | os.PathLike[str]) -> Path:
        """Write the audio to a file; see `GeneratedAudio.save`."""
        return await self.audio.asave(path)

    def using(self, fal: FalProvider | None) -> Self:
        """Give the same result, its audio acting through another provider."""
        return self._with(_fal=fal, audios=tuple(a.using(fal) for a in self.audios))

    def with_handles(self, handles: Sequence[str]) -> Self:
        """Give the same result with its audio named.

        Args:
            handles: One for each, in order.
        """
        named = zip(self.audios, handles, strict=True)
        return self._with(audios=tuple(a.with_handle(handle) for a, handle in named))

    def to_html(self, *, embed: bool = False) -> str:
        """Give a player as HTML, with what it says; see `GeneratedAudio.to_html`."""
        from langchain_fal_image.results._html import figure  # noqa: PLC0415 - needed late

        players = "".join(audio.to_html(embed=embed) for audio in self.audios)
        return figure(players, f"{self.text or ''} — {self.model}")

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        """Name the request and its audio."""
        audios = ", ".join(
            a.handle or a.url or f"sha256:{a.sha256}" for a in self.audios
        )
        return (
            f"SpeechResult(model={self.model!r}, request_id={self.request_id!r}, "
            f"audios=[{audios}])"
        )

    def _more(self) -> dict[str, Any]:
        return {"handles": [audio.handle for audio in self.audios if audio.handle]}

    def _fitted(self, artifact: dict[str, Any]) -> dict[str, Any]:
        limit = _ARTIFACT_BYTES_PER_AUDIO * max(1, len(self.audios))
        return fitted(artifact, limit, spare=("raw", "options", "warnings"))

    def named(self, artifact: Mapping[str, Any]) -> dict[str, Any]:
        """Give the audio with the handles that an artifact keeps."""
        handles = artifact.get("handles")
        return {"audios": self.with_handles(handles).audios} if handles else {}

    @classmethod
    def _read(
        cls, body: Mapping[str, Any], request_id: str | None
    ) -> tuple[dict[str, Any], str | None]:
        entries = _entries(body)
        audios = tuple(
            GeneratedAudio(
                url=typed(entry, "url", str),
                duration=_seconds(entry, body if len(entries) == 1 else {}),
                mime_type=typed(entry, "content_type", str),
                file_name=typed(entry, "file_name", str),
                file_size=typed(entry, "file_size", int),
                sha256=typed(entry, "sha256", str),
                request_id=request_id,
                index=index,
            )
            for index, entry in enumerate(entries)
        )
        is_empty = not audios and not isinstance(body.get("custom_voice_id"), str)
        return {"audios": audios}, "audio" if is_empty else None


# --- fal's output JSON ---


def _entries(output: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Find the audio in fal's output, whatever its form.

    An entry is an object with a `url`, or the URL itself; most endpoints give one, a
    few a list. Entries that hold no audio are passed over.
    """
    for name in AUDIO_OUTPUTS:
        found = output.get(name)
        if isinstance(found, str | Mapping):
            found = [found]
        if isinstance(found, list | tuple):
            entries = [entry for entry in map(_entry, found) if entry]
            if entries:
                return entries
    return []


def _entry(found: Any) -> Mapping[str, Any]:
    if isinstance(found, str):
        digest = found.removeprefix("sha256:")
        return {"url": found} if digest == found else {"url": None, "sha256": digest}
    if isinstance(found, Mapping) and any(
        isinstance(found.get(name), str) for name in ("url", "sha256")
    ):
        return found
    return {}


def plain(output: Any) -> Any:
    """Write audio that fal sent inside its answer as data URIs.

    The MiniMax models send it in hexadecimal where `output_format` says `hex`, other
    endpoints in base64. Where in the answer is not documented; it is looked for
    wherever audio may stand, and elsewhere by its first bytes.

    Args:
        output: JSON as fal sent it.
    """
    if not isinstance(output, Mapping):
        return output
    return {
        name: _plain(value, is_audio=name in AUDIO_OUTPUTS)
        for name, value in output.items()
    }


def _plain(value: Any, *, is_audio: bool) -> Any:
    if isinstance(value, list) and is_audio:
        return [_plain(each, is_audio=is_audio) for each in value]
    if isinstance(value, Mapping):
        return {
            name: _plain(item, is_audio=is_audio and name == "url")
            for name, item in value.items()
        }
    if not isinstance(value, str) or ":" in value[:8] or len(value) < _FEWEST:
        return value
    try:
        content = bytes.fromhex(value)
    except ValueError:
        try:
            content = base64.b64decode(value, validate=True)
        except ValueError:
            return value
    if not is_audio and sniff_audio(content) is None:
        return value
    return f"data:;base64,{base64.b64encode(content).decode('ascii')}"


def _seconds(*parts: Mapping[str, Any]) -> float | None:
    """Find how long audio is, in seconds; None where nothing says it.

    Args:
        *parts: The audio's own entry, then the answer that holds it.
    """
    for part in parts:
        for name, unit in (("duration", 1.0), ("duration_ms", 0.001)):
            value = part.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                seconds = _product(value, unit)
                if math.isfinite(seconds) and seconds > 0:
                    return seconds
    return None


def _product(value: float, unit: float) -> float:
    try:
        return value * unit
    except OverflowError:  # JSON's whole numbers have no largest
        return math.inf
