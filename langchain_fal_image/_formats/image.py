"""Recognise image formats by their first bytes, not by the file name."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from langchain_fal_image._formats.signatures import (
    IMAGE_BRANDS,
    read_ftyp_brands,
    read_riff_form,
)

__all__ = ["EXTENSIONS", "ImageType", "sniff_image"]

EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/jxl": ".jxl",
    "image/jp2": ".jp2",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/vnd.microsoft.icon": ".ico",
    "image/svg+xml": ".svg",
}

_SIGNATURES = (
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),  # without a container
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\0\0\1\0", "image/vnd.microsoft.icon"),
)
_SIZE_BOX = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)
_ROTATION_BOX = re.compile(rb"irot[\1\3]")

_MAX_READ = 1024 * 1024
_PNG_HEADER = 26
_PNG_ALPHA = frozenset({4, 6})  # the colour types with an alpha channel
# JPEG's start-of-frame markers; C4, C8 and CC in that range mark other segments.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# JPEG's markers without a length field.
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class ImageType:
    """The format, size in pixels and transparency of an image.

    None means that the header does not contain the value, or that it was not read.
    """

    mime_type: str
    width: int | None = None
    height: int | None = None
    has_alpha: bool | None = None


def sniff_image(data: bytes) -> ImageType | None:
    """Recognise the formats of `EXTENSIONS`; return None for other files.

    `data` is the file, or at least its beginning; only the first MiB is read. A JPEG's
    size comes after its metadata, which can be long.
    """
    data = data[:_MAX_READ]
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _read_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return ImageType("image/jpeg", *_read_jpeg_size(data))
    if read_riff_form(data) == b"WEBP":
        return ImageType("image/webp", *_read_webp_size(data))
    return _match_signature(data)


def _read_png(data: bytes) -> ImageType:
    if len(data) < _PNG_HEADER:
        return ImageType("image/png")
    width, height = struct.unpack(">II", data[16:24])
    return ImageType("image/png", width, height, data[25] in _PNG_ALPHA)


def _match_signature(data: bytes) -> ImageType | None:
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        size = struct.unpack("<HH", data[6:10]) if len(data) >= 10 else ()  # noqa: PLR2004 - where a GIF's screen size ends
        return ImageType("image/gif", *size)
    brands = read_ftyp_brands(data)
    if brands and brands[0] in IMAGE_BRANDS:
        found = [IMAGE_BRANDS[brand] for brand in brands if brand in IMAGE_BRANDS]
        codec = next((each for each in found if each != "image/heif"), "image/heif")
        return ImageType(codec, *_read_heif_size(data))
    if data[:2] == b"BM" and data[6:10] == b"\0\0\0\0":
        return ImageType("image/bmp")
    for signature, mime_type in _SIGNATURES:
        if data.startswith(signature):
            return ImageType(mime_type)
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in head):
        return ImageType("image/svg+xml")
    return None


def _read_jpeg_size(data: bytes) -> tuple[int | None, int | None]:
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:  # noqa: PLR2004 - the first byte of every marker
            return None, None
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - padding before a marker
            at += 1
        elif marker in _JPEG_BARE:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None, None


def _read_webp_size(data: bytes) -> tuple[int | None, int | None]:
    if len(data) < 30:  # noqa: PLR2004 - where the longest of the three headers ends
        return None, None
    form = data[12:16]
    if form == b"VP8X":
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None, None


def _read_heif_size(data: bytes) -> tuple[int | None, int | None]:
    """Return the size of the largest image: a file also has tiles and thumbnails."""
    at = int.from_bytes(data[:4])
    while data[at + 4 : at + 8] not in {b"meta", b""}:
        at += max(8, int.from_bytes(data[at : at + 4]))
    properties = data[at : at + int.from_bytes(data[at : at + 4])]
    sizes = [struct.unpack(">II", each) for each in _SIZE_BOX.findall(properties)]
    # A rotation by 90 degrees may belong to any of the images.
    if not sizes or _ROTATION_BOX.search(properties):
        return None, None
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return width, height
