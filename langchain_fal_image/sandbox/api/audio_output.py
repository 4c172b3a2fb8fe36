"""What the sandbox answers for endpoints that speak or listen."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_fal_image.sandbox.api import openapi
from langchain_fal_image.sandbox.api.files import Media, Unreadable
from langchain_fal_image.sandbox.voice.speech import Voice, speak
from langchain_fal_image.sandbox.voice.transcription import heard, transcription

__all__ = ["generate", "serves", "work"]

_AUDIO = ("audio", "audios", "audio_file", "audio_url")
_TEXTS = ("text", "preview_text", "gen_text", "script", "prompt", "lyrics", "tags")
_USUAL_RATE = 16000
_Path = list[str | int]


def serves(endpoint_id: str) -> bool:
    """Tell whether an endpoint speaks or listens."""
    names = _outputs(endpoint_id)
    is_image = "image" in names or "images" in names
    return not is_image and (_listens(endpoint_id) or any(n in names for n in _AUDIO))


def work(endpoint_id: str) -> str:
    """Say what is done for an endpoint, for its log."""
    if not serves(endpoint_id):
        return "drawing"
    return "listening" if _listens(endpoint_id) else "speaking"


def _listens(endpoint_id: str) -> bool:
    names = _outputs(endpoint_id)
    return not any(name in names for name in _AUDIO) and "text" in names


def generate(
    endpoint_id: str, payload: dict[str, Any], *, media: Media, seed: int
) -> dict[str, Any]:
    """Make an endpoint's output for an input that was checked.

    Args:
        endpoint_id: Whose output.
        payload: The input.
        media: Where inputs lie and audio goes.
        seed: Used where the input has none.

    Returns:
        The output in the endpoint's own form. Audio is a WAV file, whatever format was
        asked for.

    Raises:
        Unreadable: Input audio cannot be read; its message names it.
    """
    began = time.perf_counter()
    set_here = {name: value for name, value in payload.items() if value is not None}
    given = {**_defaults(endpoint_id), **set_here}
    if "language" in payload:
        given["language"] = payload["language"]
    inputs = list(_inputs(endpoint_id, set_here, media))
    if _listens(endpoint_id):
        known = transcription(inputs[0][1] if inputs else [], given)
    else:
        known = _spoken(endpoint_id, given, [digest for digest, _ in inputs], media)
    known["timings"] = {"inference": round(time.perf_counter() - began, 3)}
    known["seed"] = given.get("seed", seed)
    names = _outputs(endpoint_id)
    return {name: _shaped(known[name], names[name]) for name in names if name in known}


def _inputs(
    endpoint_id: str, payload: Mapping[str, Any], media: Media
) -> Iterator[tuple[str, list[Any]]]:
    """Give the input recordings: a digest of each, and its words."""
    for name, node in _fields(endpoint_id).items():
        file = node.get("file") or node.get("items", {}).get("file")
        if file != "audio" or name not in payload:
            continue
        urls = payload[name] if isinstance(payload[name], list) else [payload[name]]
        for place, url in enumerate(urls):
            path: _Path = [name, place] if isinstance(payload[name], list) else [name]
            content = media.content(path, url)
            words = heard(content, url)
            if words is None:
                message = "Unsupported audio format"
                raise Unreadable(message, path=path, kind="unsupported_audio_format")
            known = url.encode() if content is None else content
            yield hashlib.sha256(known).hexdigest(), words


def _spoken(
    endpoint_id: str, given: Mapping[str, Any], inputs: list[str], media: Media
) -> dict[str, Any]:
    text = next((str(given[name]) for name in _TEXTS if given.get(name)), "sandbox")
    voice = given.get("voice_setting") or {}
    audio = given.get("audio_setting") or {}
    name = [
        *(endpoint_id, given.get("voice"), voice.get("voice_id"), given.get("seed")),
        *(voice.get("emotion"), given.get("prompt"), *inputs),
    ]
    rate = int(audio.get("sample_rate") or _USUAL_RATE)
    channels = int(audio.get("channel") or 1)
    content, seconds = speak(
        text,
        Voice(
            name=str(name),
            speed=max(0.1, _number(voice.get("speed", given.get("speed")))),
            volume=_number(voice.get("vol")),
            pitch=float(voice.get("pitch") or 0),
            rate=rate,
            channels=channels,
        ),
    )
    seconds = round(seconds, 3)
    entry = {
        "url": _url(content, given, media),
        "content_type": "audio/wav",
        "file_name": "sandbox.wav",
        "file_size": len(content),
        "duration": seconds,
        "sample_rate": rate,
        "channels": channels,
        "bitrate": rate * channels * 16,
    }
    voice_id = uuid.UUID(hashlib.sha256(str(name).encode()).hexdigest()[:32])
    return {
        **dict.fromkeys(_AUDIO, entry),
        "duration_ms": round(seconds * 1000),
        "duration": seconds,
        "custom_voice_id": f"sandbox-{voice_id}",
        "text": text,
    }


def _url(content: bytes, given: Mapping[str, Any], media: Media) -> str:
    if given.get("output_format") == "hex":
        return content.hex()
    if given.get("sync_mode"):
        return f"data:audio/wav;base64,{base64.b64encode(content).decode()}"
    return media.put("sandbox.wav", content, "audio/wav")


def _shaped(value: Any, node: Mapping[str, Any]) -> Any:
    """Leave what the endpoint's output has; a list where it has one."""
    if node.get("type") == "array" and isinstance(value, dict):
        return [_shaped(value, node.get("items", {}))]
    if not isinstance(value, dict) or "url" not in value:
        return value
    names = node.get("properties")
    if node.get("type") == "string":
        return value["url"]
    return {key: value[key] for key in names if key in value} if names else value


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 1.0


def _outputs(endpoint_id: str) -> dict[str, Any]:
    names: dict[str, Any] = openapi.output_schema(endpoint_id).get("properties", {})
    return names


def _fields(endpoint_id: str) -> dict[str, Any]:
    schema = openapi.input_schema(endpoint_id) or {}
    fields: dict[str, Any] = schema.get("properties", {})
    return fields


def _defaults(endpoint_id: str) -> dict[str, Any]:
    fields = _fields(endpoint_id).items()
    return {name: node["default"] for name, node in fields if "default" in node}
