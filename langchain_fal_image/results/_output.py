"""Read fal's output JSON: find its files, extract its bytes."""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from langchain_fal_image._formats.audio import sniff_audio
from langchain_fal_image._formats.data_uri import decode_data_uri
from langchain_fal_image._formats.image import sniff_image
from langchain_fal_image.options.kind import AUDIO_OUTPUTS, STEM_OUTPUTS

if TYPE_CHECKING:
    from langchain_fal_image.results.file import GeneratedFile

__all__ = [
    "extract_bytes",
    "find_audio",
    "find_images",
    "read_entry",
    "read_seconds",
    "wrap_audio_bytes",
    "write_entry",
]

_MIN_ENCODED = 64
# No endpoint makes nearly as many; every file becomes a value, a handle and a block.
_MAX_FILES = 256
# No server accepts a longer one.
_MAX_URL = 8192
_MAX_TEXT = 255
_MAX_INTEGER = 2**53
_DIGEST = re.compile(r"[0-9a-f]{64}")
_AUDIO_NAMES = frozenset({*AUDIO_OUTPUTS, *STEM_OUTPUTS})


def find_images(output: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the image entries of fal's output.

    Most endpoints return `images`, some a single `image`, few fields of other names,
    such as `depth_map` and `normal_map`.
    """
    return (
        _find_entries(output, ("images", "image"))
        or [
            entry
            for name in output
            for entry in _find_entries(output, (name,))
            if "width" in entry
            or (_read_text(entry, "content_type") or "").startswith("image/")
        ][:_MAX_FILES]
    )


def find_audio(output: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the audio entries of fal's output, under any name that endpoints use."""
    return (
        _find_entries(output, AUDIO_OUTPUTS)
        or [entry for name in STEM_OUTPUTS for entry in _find_entries(output, (name,))][
            :_MAX_FILES
        ]
    )


def _find_entries(
    output: Mapping[str, Any], names: Iterable[str]
) -> list[Mapping[str, Any]]:
    """Return the entries under the first name that has any.

    An entry is an object with a `url` or `sha256`, or the URL itself. Other items are
    skipped.
    """
    for name in names:
        found = output.get(name)
        if isinstance(found, str | Mapping):
            found = [found]
        if isinstance(found, list | tuple):
            entries = (entry for entry in map(_to_entry, found) if entry)
            if first := list(itertools.islice(entries, _MAX_FILES)):
                return first
    return []


def _to_entry(found: Any) -> Mapping[str, Any]:
    if isinstance(found, str):
        digest = found.removeprefix("sha256:")
        found = {"url": found} if digest == found else {"url": None, "sha256": digest}
    is_file = isinstance(found, Mapping) and (_read_url(found) or _read_digest(found))
    return found if is_file else {}


def read_entry(entry: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """Return the fields of a file's entry; a field of an unexpected type is None.

    Args:
        entry: An entry of fal's output.
        *more: The names of further integer fields, such as `width`.
    """
    return {
        "url": _read_url(entry),
        "mime_type": _read_text(entry, "content_type"),
        "file_name": _read_text(entry, "file_name"),
        "sha256": _read_digest(entry),
        **{name: _read_integer(entry, name) for name in ("file_size", *more)},
    }


def write_entry(file: GeneratedFile) -> dict[str, Any]:
    """Return an entry of fal's output that is read as this file."""
    names = ("url", "sha256", "file_name", "file_size", "width", "height", "duration")
    fields = {name: getattr(file, name, None) for name in names}
    fields["content_type"] = file.mime_type
    return {name: value for name, value in fields.items() if value is not None}


def _read_url(entry: Mapping[str, Any]) -> str | None:
    url = entry.get("url")
    return url if isinstance(url, str) and 0 < len(url) <= _MAX_URL else None


def _read_digest(entry: Mapping[str, Any]) -> str | None:
    digest = entry.get("sha256")
    is_digest = isinstance(digest, str) and _DIGEST.fullmatch(digest)
    return digest if is_digest else None


def _read_text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return value[:_MAX_TEXT] if isinstance(value, str) else None


def _read_integer(entry: Mapping[str, Any], name: str) -> int | None:
    value = entry.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < _MAX_INTEGER else None


def read_seconds(*sources: Mapping[str, Any]) -> float | None:
    """Return the duration of audio in seconds; None if no source has it.

    Args:
        *sources: The audio's entry, then the response that contains it.
    """
    for source in sources:
        for name, unit in (("duration", 1.0), ("duration_ms", 0.001)):
            value = source.get(name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            try:
                seconds = value * unit
            except OverflowError:  # integers in JSON have no upper limit
                continue
            if math.isfinite(seconds) and seconds > 0:
                return seconds
    return None


def extract_bytes(output: Any) -> tuple[Any, dict[str, bytes]]:
    """Extract file bytes from JSON.

    Args:
        output: JSON as fal sent it.

    Returns:
        The JSON without file bytes, and the bytes by their SHA-256 in hex. Each `data:`
        URI, and base64 in `file_data`, is replaced: in a file's entry by `url: None`
        and the `sha256` of the bytes, elsewhere by the text `sha256:…`.
    """
    contents: dict[str, bytes] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return _replace_data_uri(value, contents)
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        fields = {key: walk(item) for key, item in value.items()}
        url = fields.get("url")
        if isinstance(url, str) and url.startswith("sha256:"):
            fields |= {"url": None, "sha256": url.removeprefix("sha256:")}
        for name in ("file_data", "content"):
            data = fields.get(name)
            if isinstance(data, str) and (name == "file_data" or _is_image(data)):
                fields[name] = reference = _replace_base64(data, contents)
                if not url and reference.startswith("sha256:"):
                    # A realtime endpoint sends the image itself and no URL.
                    fields["sha256"] = reference.removeprefix("sha256:")
        return fields

    return walk(output), contents


def _is_image(text: str) -> bool:
    """Return whether a text is an image in base64, by its first bytes."""
    try:
        return sniff_image(base64.b64decode(text[:64], validate=True)) is not None
    except ValueError:  # not base64, or not even ASCII
        return False


def _replace_data_uri(text: str, contents: dict[str, bytes]) -> str:
    # Spaces before a URL do not count (WHATWG URL Standard).
    if text[:64].lstrip()[:5].lower() != "data:":
        return text
    try:
        content, _ = decode_data_uri(text.lstrip())
    except ValueError as error:
        return f"unreadable data URI ({error})"
    return _keep(content, contents)


def _replace_base64(text: str, contents: dict[str, bytes]) -> str:
    """Replace base64 by its digest; return a short or any other text unchanged."""
    if len(text) < _MIN_ENCODED:
        return text
    try:
        lines = text.replace("\r", "").replace("\n", "")
        return _keep(base64.b64decode(lines, validate=True), contents)
    except ValueError:
        return text


def _keep(content: bytes, contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256(content).hexdigest()
    contents[digest] = content
    return f"sha256:{digest}"


def wrap_audio_bytes(output: Any) -> Any:
    """Convert audio that fal sent inside its response to data URIs.

    The MiniMax models send hexadecimal if `output_format` is `hex`, other endpoints
    base64. fal does not document which field of the response contains it, so every
    audio field is decoded, and any other field whose first bytes are audio.

    Args:
        output: JSON as fal sent it.
    """
    if not isinstance(output, Mapping):
        return output
    return {
        name: _wrap_audio(value, is_audio=name in _AUDIO_NAMES)
        for name, value in output.items()
    }


def _wrap_audio(value: Any, *, is_audio: bool) -> Any:
    if isinstance(value, list) and is_audio:
        return [_wrap_audio(each, is_audio=is_audio) for each in value]
    if isinstance(value, Mapping):
        return {
            name: _wrap_audio(item, is_audio=is_audio and name == "url")
            for name, item in value.items()
        }
    if not isinstance(value, str) or ":" in value[:8] or len(value) < _MIN_ENCODED:
        return value
    content = _decode(value)
    if content is None or not (is_audio or sniff_audio(content)):
        return value
    return f"data:;base64,{base64.b64encode(content).decode('ascii')}"


def _decode(text: str) -> bytes | None:
    """Decode hexadecimal or base64; return None for any other text."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
