"""The types of files that an option takes: images, or audio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_fal_image._formats import audio, image
from langchain_fal_image.errors import (
    FalInputAudioError,
    FalInputError,
    FalInputImageError,
)
from langchain_fal_image.inputs.reference import MediaType

__all__ = ["AUDIO", "IMAGE", "FileType"]


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file that an option takes.

    Attributes:
        media_type: What such files contain.
        word: The noun for such a file in messages.
        accepted: The Python values that are accepted as such a file, for messages.
        formats: The names of the recognised formats, for messages.
        extensions: File name extensions by MIME type.
        sniff: Returns the format of bytes, or None if it is not recognised.
        error: Raised if a value is not such a file.
    """

    media_type: MediaType
    word: str
    accepted: str
    formats: str
    extensions: Mapping[str, str]
    sniff: Callable[[bytes], Any]
    error: type[FalInputError]


IMAGE = FileType(
    media_type="image",
    word="image",
    accepted="a Pillow image, a GeneratedImage, an ImageResult, an image content block",
    formats="PNG, JPEG, WebP, GIF, AVIF, HEIC, JPEG XL, JPEG 2000, BMP, TIFF, ICO, SVG",
    extensions=image.EXTENSIONS,
    sniff=image.sniff_image,
    error=FalInputImageError,
)

AUDIO = FileType(
    media_type="audio",
    word="recording",
    accepted="a GeneratedAudio, a SpeechResult, an audio content block",
    formats="MP3, WAV, FLAC, Ogg, M4A, MP4, WebM, AAC, AIFF or AMR",
    extensions=audio.EXTENSIONS,
    sniff=audio.sniff_audio,
    error=FalInputAudioError,
)
