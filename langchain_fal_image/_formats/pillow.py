"""Decode images with Pillow, which is optional.

Pillow chooses a decoder by the first bytes, and some of its decoders start programs,
such as Ghostscript for EPS. Only the decoder of the recognised format runs here.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from langchain_fal_image._formats.image import sniff_image

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["decode_image", "make_thumbnail"]

# Not ICO: Pillow decodes the image inside without the check of its size below.
_DECODERS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
    "image/heif": "HEIF",
    "image/jxl": "JXL",
    "image/jp2": "JPEG2000",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
}
# Each scan of a progressive JPEG writes all pixels again; encoders make about ten.
_MAX_SCANS = 100
_MAX_REASON = 200
_QUALITY = 80


def decode_image(content: bytes, *, max_pixels: int) -> PIL.Image.Image:
    """Decode an image, or the first frame of an animation.

    Raises `ImportError` without Pillow, and `ValueError` if the bytes are not an image
    that Pillow decodes or have more than `max_pixels` pixels.
    """
    import PIL.Image  # noqa: PLC0415 - Pillow is an extra

    found = sniff_image(content)
    decoder = _DECODERS.get(found.mime_type if found else "")
    PIL.Image.preinit()
    if decoder not in PIL.Image.OPEN:
        PIL.Image.init()
    if found is None or decoder not in PIL.Image.OPEN:
        message = f"Pillow has no decoder for {found.mime_type if found else 'it'}"
        raise ValueError(message)
    if decoder == "JPEG" and content.count(b"\xff\xda") > _MAX_SCANS:
        message = "it has too many scans"
        raise ValueError(message)
    # Some decoders allocate the pixels as soon as they open a file.
    _check_pixels(found.width or 0, found.height or 0, max_pixels)
    with _convert_errors():
        image = PIL.Image.open(io.BytesIO(content), formats=[decoder])
        _check_pixels(image.width, image.height, max_pixels)
        image.load()
    return image


def make_thumbnail(content: bytes, *, side: int, max_pixels: int) -> bytes:
    """Return a JPEG of an image, at most `side` pixels wide and high.

    Raises the errors of `decode_image`.
    """
    image = decode_image(content, max_pixels=max_pixels)
    encoded = io.BytesIO()
    with _convert_errors():
        image.thumbnail((side, side))
        image.convert("RGB").save(encoded, format="JPEG", quality=_QUALITY)
    return encoded.getvalue()


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        message = (
            f"it has {width}x{height} pixels, and limits.image_pixels is {max_pixels}"
        )
        raise ValueError(message)


@contextlib.contextmanager
def _convert_errors() -> Iterator[None]:
    """Raise a `ValueError` in place of any error of Pillow."""
    try:
        yield
    except Exception as error:  # Pillow raises errors of any class for a broken file
        message = str(error)[:_MAX_REASON] or type(error).__name__
        raise ValueError(message) from error
