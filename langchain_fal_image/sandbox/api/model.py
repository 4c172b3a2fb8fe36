"""The sandbox's models: make an endpoint's output from a valid payload."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from langchain_fal_image.sandbox.api import openapi
from langchain_fal_image.sandbox.api.files import Files
from langchain_fal_image.sandbox.drawing.image import DrawnImage, draw_images
from langchain_fal_image.sandbox.input_file import InputFile, PayloadPath
from langchain_fal_image.sandbox.voice.speech import Voice, synthesize
from langchain_fal_image.sandbox.voice.transcription import build_output, transcribe

__all__ = ["find_kind", "generate_output"]

_FORMATS = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}
_FORMAT_OPTIONS = ("output_format", "image_format", "format")
_COUNT_OPTIONS = ("num_images", "number_of_images")
_AUDIO_OUTPUTS = ("audio", "audios", "audio_file", "audio_url")
_TEXT_OPTIONS = (
    *("text", "preview_text", "gen_text", "script", "prompt", "lyrics", "tags"),
)
_USUAL_SAMPLE_RATE = 16000
_Json = dict[str, Any]


def find_kind(endpoint_id: str) -> Literal["image", "speech", "transcription"]:
    """Return what an endpoint makes."""
    names = openapi.get_output_fields(endpoint_id)
    if not names.keys() & {"image", "images"}:
        if names.keys() & set(_AUDIO_OUTPUTS):
            return "speech"
        if names.keys() & {"text", "output"}:
            return "transcription"
    return "image"


def generate_output(
    endpoint_id: str, payload: Mapping[str, Any], *, files: Files, seed: int
) -> _Json:
    """Make an endpoint's output.

    Args:
        endpoint_id: fal's id, such as `fal-ai/qwen-image`.
        payload: A valid input.
        files: The store that holds input files and receives output files.
        seed: The seed for a payload that does not have one.

    Returns:
        The output with the fields that the endpoint has. Audio is always a WAV file,
        even if another format was requested.

    Raises:
        UnreadableInputError: An input file cannot be fetched or decoded.
    """
    started = time.perf_counter()
    fields = openapi.get_input_fields(endpoint_id)
    given = {name: value for name, value in payload.items() if value is not None}
    defaults = {
        name: node["default"] for name, node in fields.items() if "default" in node
    }
    options = {**defaults, **given}
    call = _Call(endpoint_id, given, options, options.get("seed", seed), files)
    made = _MAKERS[find_kind(endpoint_id)](call)
    seconds = round(time.perf_counter() - started, 3)
    made |= {"seed": call.seed, "timings": {"inference": seconds}}
    outputs = openapi.get_output_fields(endpoint_id)
    return {
        name: _select_fields(made[name], node)
        for name, node in outputs.items()
        if name in made
    }


@dataclass(frozen=True, slots=True)
class _Call:
    """One run of a model; `given` is the payload, `options` has the defaults too."""

    endpoint_id: str
    given: _Json
    options: _Json
    seed: Any
    files: Files

    def read_images(self) -> Iterator[InputFile]:
        fields = openapi.get_input_fields(self.endpoint_id)
        for name in fields or self.given:
            is_mask = openapi.find_file_kind(name, fields.get(name, {})) == "mask"
            if name.endswith(("image_url", "image_urls", "images")) and not is_mask:
                yield from self._read(name)

    def read_files(self, kind: str) -> Iterator[InputFile]:
        """Read the input files of a kind: `mask` or `audio`."""
        for name, node in openapi.get_input_fields(self.endpoint_id).items():
            if kind == openapi.find_file_kind(name, node):
                yield from self._read(name)

    def _read(self, name: str) -> Iterator[InputFile]:
        for path, url in _find_urls([name], self.given.get(name)):
            yield self.files.read_input(path, url)

    def to_url(self, content: bytes, name: str, content_type: str) -> str:
        """Store an output file and return its URL; a data URI with `sync_mode`."""
        if self.options.get("sync_mode"):
            encoded = base64.b64encode(content).decode("ascii")
            return f"data:{content_type};base64,{encoded}"
        return self.files.put(name, content, content_type)


def _make_images(call: _Call) -> _Json:
    prompt = str(call.options.get("prompt", ""))
    name = str(_get_first(call.options, _FORMAT_OPTIONS, "png"))
    image_format = _FORMATS.get(name, "png")
    drawn = draw_images(
        prompt,
        endpoint_id=call.endpoint_id,
        seed=call.seed,
        count=int(_get_first(call.options, _COUNT_OPTIONS, 1)),
        size_options=call.options,
        inputs=list(call.read_images()),
        mask=next(call.read_files("mask"), None),
        format=image_format,
    )
    images = [_to_image(each, image_format, call) for each in drawn]
    return {
        "images": images,
        "image": images[0],
        "prompt": prompt,
        "has_nsfw_concepts": [False] * len(images),
        "nsfw_content_detected": [False] * len(images),
        "description": "",
    }


def _to_image(image: DrawnImage, image_format: str, call: _Call) -> _Json:
    content_type, name = f"image/{image_format}", f"sandbox.{image_format}"
    return {
        "url": call.to_url(image.content, name, content_type),
        "content": base64.b64encode(image.content).decode("ascii"),
        "width": image.width,
        "height": image.height,
        "content_type": content_type,
        "file_name": name,
        "file_size": len(image.content),
    }


def _make_speech(call: _Call) -> _Json:
    options = call.options
    texts = (str(options[name]) for name in _TEXT_OPTIONS if options.get(name))
    text = next(texts, "sandbox")
    voice = options.get("voice_setting") or {}
    audio = options.get("audio_setting") or {}
    digests = []
    for file in call.read_files("audio"):
        transcribe(file)  # raises for a file that is not audio
        content = file.url.encode() if file.content is None else file.content
        digests.append(hashlib.sha256(content).hexdigest())
    name = [
        *(call.endpoint_id, options.get("voice"), voice.get("voice_id")),
        *(options.get("seed"), voice.get("emotion"), options.get("prompt"), *digests),
    ]
    rate = int(audio.get("sample_rate") or _USUAL_SAMPLE_RATE)
    channels = int(audio.get("channel") or 1)
    speech = synthesize(
        text,
        Voice(
            name=str(name),
            speed=max(0.1, _to_number(voice.get("speed", options.get("speed")))),
            volume=_to_number(voice.get("vol")),
            pitch=float(voice.get("pitch") or 0),
            rate=rate,
            channels=channels,
        ),
    )
    is_hex = options.get("output_format") == "hex"
    file_name, content_type = "sandbox.wav", "audio/wav"
    audio_file = {
        "url": speech.content.hex()
        if is_hex
        else call.to_url(speech.content, file_name, content_type),
        "content_type": content_type,
        "file_name": file_name,
        "file_size": len(speech.content),
        "duration": speech.seconds,
        "sample_rate": rate,
        "channels": channels,
        "bitrate": rate * channels * 16,
    }
    voice_id = uuid.UUID(hashlib.sha256(str(name).encode()).hexdigest()[:32])
    return {
        **dict.fromkeys(_AUDIO_OUTPUTS, audio_file),
        "duration_ms": round(speech.seconds * 1000),
        "duration": speech.seconds,
        "custom_voice_id": f"sandbox-{voice_id}",
        "text": text,
    }


def _make_transcription(call: _Call) -> _Json:
    transcriptions = [transcribe(each) for each in call.read_files("audio")]
    output = build_output(transcriptions[0] if transcriptions else [], call.options)
    return {**output, "output": output["text"], "partial": False}


_MAKERS: Final = {
    "image": _make_images,
    "speech": _make_speech,
    "transcription": _make_transcription,
}


def _find_urls(path: PayloadPath, value: object) -> Iterator[tuple[PayloadPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _find_urls([*path, index], each)
    elif isinstance(value, dict):
        yield from _find_urls([*path, "image_url"], value.get("image_url"))


def _select_fields(value: Any, node: Mapping[str, Any]) -> Any:
    """Return a file with only the fields that the output's schema has."""
    if isinstance(value, list):
        return [_select_fields(each, node.get("items", {})) for each in value]
    if not isinstance(value, dict) or "url" not in value:
        return value
    if node.get("type") == "array":
        return [_select_fields(value, node.get("items", {}))]
    if node.get("type") == "string":
        return value["url"]
    names = node.get("properties", {"url": {}})
    return {name: value[name] for name in names if name in value}


def _get_first(options: _Json, names: tuple[str, ...], default: Any) -> Any:
    return next((options[name] for name in names if name in options), default)


def _to_number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 1.0
