"""The sandbox's models: make an endpoint's output from a valid payload."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from langchain_fal_image.options import catalog
from langchain_fal_image.options.kind import SERVED_KINDS
from langchain_fal_image.sandbox.api import openapi
from langchain_fal_image.sandbox.api.files import Files
from langchain_fal_image.sandbox.api.input_files import find_files
from langchain_fal_image.sandbox.api.output import build_output
from langchain_fal_image.sandbox.drawing.image import DrawnImage, draw_images
from langchain_fal_image.sandbox.input_file import InputFile
from langchain_fal_image.sandbox.voice.speech import Voice, synthesize
from langchain_fal_image.sandbox.voice.transcription import build_transcript, transcribe

__all__ = ["find_kind", "generate_output"]

_FORMATS = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}
_FORMAT_OPTIONS = ("output_format", "image_format", "format")
_COUNT_OPTIONS = (
    *("num_images", "number_of_images", "num_results", "num_samples", "num_layers"),
    *("num_songs", "max_images", "num_images_per_size"),
)
# A payload that is not fully checked may request any number.
_MAX_COUNT = 64
_MAX_NUMBER = 1e6
_AUDIO_OUTPUTS = ("audio", "audios", "audio_file", "audio_url")
_TEXT_OPTIONS = (
    *("text", "preview_text", "gen_text", "script", "prompt", "lyrics", "tags"),
)
# Output files that are neither images nor audio.
_OTHER_OUTPUTS = ("video", "latents", "exr")
_USUAL_SAMPLE_RATE = 16000
_MAX_SAMPLE_RATE = 192_000
_Kind = Literal["image", "speech", "transcription"]
_Json = dict[str, Any]


def find_kind(endpoint_id: str) -> _Kind:
    """Return what an endpoint makes; images for one outside the catalog."""
    kind = catalog.get_kind(endpoint_id)
    return cast("_Kind", kind) if kind in SERVED_KINDS else "image"


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
        The output that the endpoint's document states. Audio is always a WAV file,
        even if another format was requested.

    Raises:
        UnreadableInputError: An input file cannot be fetched or decoded.
    """
    started = time.perf_counter()
    schema = openapi.get_input_schema(endpoint_id) or {}
    given = {name: value for name, value in payload.items() if value is not None}
    defaults = {
        name: node["default"]
        for name, node in schema.get("properties", {}).items()
        if "default" in node
    }
    options = {**defaults, **given}
    inputs: dict[str, list[InputFile]] = {"image": [], "mask": [], "audio": []}
    for path, kind, url in find_files(schema, given):
        inputs[kind].append(files.read_input(path, url))
    call = _Call(endpoint_id, options, inputs, options.get("seed", seed), files)
    made = {"seed": call.seed, "seeds": call.seed, "used_seed": call.seed}
    made |= _MAKERS[find_kind(endpoint_id)](call)
    made["timings"] = {"inference": round(time.perf_counter() - started, 3)}
    return build_output(
        openapi.get_output_schema(endpoint_id), made, lambda name: call.make(name, made)
    )


@dataclass(frozen=True, slots=True)
class _Call:
    """One run of a model; `options` is the payload with the defaults."""

    endpoint_id: str
    options: _Json
    inputs: Mapping[str, list[InputFile]]
    seed: Any
    files: Files

    @property
    def count(self) -> int:
        """The number of results that it makes."""
        numbers = [self.get_number(name, 1) for name in _COUNT_OPTIONS]
        if self.options.get("output_type") == "images":
            numbers.append(self.get_number("num_frames", 1))
        if isinstance(maps := self.options.get("maps"), list):
            # Each map of each image, and the image itself unless it was the input.
            numbers.append(len(maps) + ("num_images" in self.options))
        return min(_MAX_COUNT, math.prod(max(1, int(each)) for each in numbers))

    def get_number(self, name: str, default: float) -> float:
        """Return the value of an option, which may be an object's, such as `a.b`."""
        value: Any = self.options
        for each in name.split("."):
            value = value.get(each) if isinstance(value, dict) else None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number and abs(value) < _MAX_NUMBER else default

    def make(self, name: str, made: _Json) -> Any:
        """Return what is stored under a name of the output that `made` lacks."""
        if not any(each in name for each in _OTHER_OUTPUTS):
            if "images" in made:
                return made["images"]
            return _make_audio(self, name)
        content = f"The sandbox does not make {name}.".encode()
        return _describe_file(self, content, "sandbox.txt", "text/plain")

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
        count=call.count,
        size_options=call.options,
        inputs=call.inputs["image"],
        mask=next(iter(call.inputs["mask"]), None),
        format=image_format,
    )
    images = [_describe_image(each, image_format, call) for each in drawn]
    return {
        "images": images,
        "image": images,
        "prompt": prompt,
        "num_images": len(images),
        "has_nsfw_concepts": [False] * len(images),
        "nsfw_content_detected": [False] * len(images),
        "description": "",
    }


def _describe_image(image: DrawnImage, image_format: str, call: _Call) -> _Json:
    content_type, name = f"image/{image_format}", f"sandbox.{image_format}"
    return {
        **_describe_file(call, image.content, name, content_type),
        "content": base64.b64encode(image.content).decode("ascii"),
        "width": image.width,
        "height": image.height,
    }


def _describe_file(call: _Call, content: bytes, name: str, content_type: str) -> _Json:
    return {
        "url": call.to_url(content, name, content_type),
        "content_type": content_type,
        "file_name": name,
        "file_size": len(content),
    }


def _make_speech(call: _Call) -> _Json:
    for file in call.inputs["audio"]:
        transcribe(file)  # raises for a file that is not audio
    audios = [_make_audio(call, str(n or "")) for n in range(call.count)]
    durations = [each["duration"] for each in audios]
    stems = call.options.get("stems")
    names = [each for each in stems or () if isinstance(each, str)]
    return {
        **dict.fromkeys(_AUDIO_OUTPUTS, audios),
        **{name: _make_audio(call, name) for name in names},
        "duration": durations[0],
        "durations": durations,
        "duration_ms": round(durations[0] * 1000),
        "sample_rate": audios[0]["sample_rate"],
        "size_bytes": audios[0]["file_size"],
        "content_type": audios[0]["content_type"],
        "custom_voice_id": f"sandbox-{uuid.UUID(_digest_voice(call)[:32])}",
        "prompt": str(call.options.get("prompt", "")),
        "text": _find_text(call),
    }


def _make_audio(call: _Call, variant: str = "") -> _Json:
    """Return a file of speech; each variant has another voice."""
    rate = int(call.get_number("audio_setting.sample_rate", _USUAL_SAMPLE_RATE))
    rate = min(_MAX_SAMPLE_RATE, max(1000, rate))
    channels = 2 if call.get_number("audio_setting.channel", 1) == 2 else 1  # noqa: PLR2004 - stereo
    speed = call.get_number("voice_setting.speed", call.get_number("speed", 1))
    pitch = call.get_number("voice_setting.pitch", 0)
    speech = synthesize(
        _find_text(call),
        Voice(
            name=_digest_voice(call) + variant,
            speed=max(0.1, speed),
            volume=call.get_number("voice_setting.vol", 1),
            pitch=max(-48, min(48, pitch)),
            rate=rate,
            channels=channels,
        ),
    )
    entry = {
        **_describe_file(call, speech.content, "sandbox.wav", "audio/wav"),
        "duration": speech.seconds,
        "sample_rate": rate,
        "channels": channels,
        "bitrate": rate * channels * 16,
    }
    is_hex = call.options.get("output_format") == "hex"
    return {**entry, "url": speech.content.hex()} if is_hex else entry


def _find_text(call: _Call) -> str:
    texts = (call.options[each] for each in _TEXT_OPTIONS if call.options.get(each))
    return str(next(texts, "sandbox"))


def _digest_voice(call: _Call) -> str:
    """Return a digest of everything that decides a voice."""
    options = call.options
    names = [options.get(each) for each in ("voice", "seed", "voice_setting", "prompt")]
    files = [
        each.url.encode() if each.content is None else each.content
        for each in call.inputs["audio"]
    ]
    digests = [hashlib.sha256(each).hexdigest() for each in files]
    name = json.dumps([call.endpoint_id, *names, *digests])
    return hashlib.sha256(name.encode()).hexdigest()


def _make_transcription(call: _Call) -> _Json:
    transcriptions = [transcribe(each) for each in call.inputs["audio"]]
    output = build_transcript(transcriptions[0] if transcriptions else [], call.options)
    return {**output, "output": output["text"], "partial": False}


_MAKERS: Final = {
    "image": _make_images,
    "speech": _make_speech,
    "transcription": _make_transcription,
}


def _get_first(options: _Json, names: tuple[str, ...], default: Any) -> Any:
    return next((options[name] for name in names if name in options), default)
