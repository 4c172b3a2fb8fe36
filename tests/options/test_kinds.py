"""Endpoints make images, speech or transcriptions, and each kind has its factory."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_fal_image import (
    FalProvider,
    FalSpeech,
    FalTextToImage,
    FalTextToImageTool,
)
from langchain_fal_image.errors import FalConfigurationError, FalOptionError
from langchain_fal_image.options import catalog
from langchain_fal_image.sandbox import Sandbox

TRANSCRIPTION = ("fal-ai/whisper", "fal-ai/wizper")

MINIMAX = ("fal-ai/minimax/speech-02-hd", "fal-ai/minimax/speech-02-turbo")

SPEECH = (
    *MINIMAX,
    "fal-ai/minimax/voice-clone",
    "fal-ai/minimax/voice-design",
    "fal-ai/dia-tts",
    "fal-ai/dia-tts/voice-clone",
    "resemble-ai/chatterboxhd/text-to-speech",
)

URL = "https://v3.fal.media/files/a.mp3"


@pytest.mark.parametrize("name", [*TRANSCRIPTION, *SPEECH])
def test_the_models_of_the_ai_sdks_page_have_a_description_and_a_source(
    name: str,
) -> None:
    schema = catalog.get_schema(name)
    assert schema is not None
    assert schema.title != name
    assert schema.about
    assert schema.source.date
    assert schema.kind == ("transcription" if name in TRANSCRIPTION else "speech")


def test_an_endpoint_of_another_kind_raises_before_any_request(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    for make, name, use in (
        (fal.image, "fal-ai/whisper", "fal.transcription"),
        (fal.image, SPEECH[0], "fal.speech"),
    ):
        with pytest.raises(FalConfigurationError, match=use):
            make(name)
    made: list[tuple[Any, str, str]] = [
        (fal.speech, "fal-ai/qwen-image", "fal.image"),
        (fal.speech, "fal-ai/whisper", "fal.transcription"),
        (fal.transcription, SPEECH[0], "fal.speech"),
        (fal.text_to_image, SPEECH[0], "fal.speech"),
        (fal.image, "fal-ai/veo3", "makes videos"),
        (FalTextToImage, "fal-ai/kling-video/o3/4k/text-to-video", "makes videos"),
        (fal.image, "fal-ai/ltx-2.3-quality/hdr", "makes videos"),
        (fal.image_edit, "fal-ai/flux-lora-fast-training", "makes trained models"),
        (FalTextToImageTool, "fal-ai/hunyuan3d-v3/text-to-3d", "makes 3D models"),
    ]
    for make, name, use in made:
        with pytest.raises(FalConfigurationError, match=use):
            make(model=name)
    assert fal_sandbox.requests == []


def test_endpoints_are_found_by_kind(fal: FalProvider) -> None:
    images = fal.endpoints()
    audio = {each.endpoint_id for each in fal.endpoints(kind="speech")}
    texts = {each.endpoint_id for each in fal.endpoints(kind="transcription")}
    assert set(SPEECH) <= audio
    assert set(TRANSCRIPTION) <= texts
    assert not (audio | texts) & {each.endpoint_id for each in images}
    assert {
        each.endpoint_id for each in fal.endpoints("minimax hd", kind="speech")
    } >= {"fal-ai/minimax/speech-02-hd"}


def test_an_unknown_kind_is_an_error(fal: FalProvider) -> None:
    kind: Any = "audio"
    with pytest.raises(FalConfigurationError, match="'image', 'speech', 'transcr"):
        fal.endpoints(kind=kind)


def test_options_for_images_are_faults_for_speech() -> None:
    with pytest.raises(FalOptionError, match="takes no images"):
        FalSpeech().payload("Hi", images=[URL])
    with pytest.raises(FalOptionError, match="the number of results"):
        FalSpeech().payload("Hi", n=2)


def test_known_speech_endpoints_need_no_prefix() -> None:
    assert FalSpeech("minimax/speech-02-hd").model == "fal-ai/minimax/speech-02-hd"
    assert FalSpeech("dia-tts").model == "fal-ai/dia-tts"
    assert FalSpeech("resemble-ai/x").model == "resemble-ai/x"
