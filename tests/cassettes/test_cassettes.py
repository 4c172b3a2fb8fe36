"""One recorded call for each kind of endpoint. A new one takes five lines."""

from __future__ import annotations

import pytest
from recorder import CASSETTES, recorded_fal

from langchain_fal_image import FalImageEdit, FalProvider, FalTextToImage
from langchain_fal_image.errors import FalInvalidInputError, FalRequestError

__all__ = ["recorded_fal"]  # the fixture, so that pytest finds it

# Made by the sandbox; no test depends on what a model reads in them.
KITE = (CASSETTES / "kite.wav").read_bytes()
HILL = (CASSETTES / "hill.png").read_bytes()


@pytest.mark.parametrize(
    "model",
    [
        "fal-ai/qwen-image",
        "fal-ai/qwen-image-2/pro/text-to-image",
        "fal-ai/nano-banana-pro",
        "fal-ai/flux/dev",
    ],
)
def test_text_to_image(recorded_fal: FalProvider, model: str) -> None:
    result = FalTextToImage(model, fal=recorded_fal).invoke("a red kite")
    assert str(result.images[0].url).startswith("http")
    assert result.request_id


@pytest.mark.parametrize(
    "model",
    [
        "fal-ai/qwen-image-edit",
        "fal-ai/qwen-image-2/edit",
        "fal-ai/nano-banana-pro/edit",
    ],
)
def test_image_edit(recorded_fal: FalProvider, model: str) -> None:
    edit = FalImageEdit(model, fal=recorded_fal)
    result = edit.invoke({"prompt": "make it blue", "images": HILL})
    assert str(result.images[0].url).startswith("http")
    assert result.inputs[0].sha256


@pytest.mark.parametrize("model", ["fal-ai/minimax/speech-02-hd", "fal-ai/dia-tts"])
def test_speech(recorded_fal: FalProvider, model: str) -> None:
    result = recorded_fal.speech(model).invoke("A red kite.")
    assert str(result.url).startswith("http")
    assert result.request_id


@pytest.mark.parametrize("model", ["fal-ai/whisper", "fal-ai/wizper"])
def test_transcription(recorded_fal: FalProvider, model: str) -> None:
    result = recorded_fal.transcription(model).invoke(KITE)
    assert result.request_id
    assert result.inputs[0].sha256
    assert len(result.to_documents()) == len(result.segments)


async def test_async(recorded_fal: FalProvider) -> None:
    result = await FalTextToImage(fal=recorded_fal).ainvoke(
        {"prompt": "a kite", "seed": 7}
    )
    assert result.seed == 7


def test_one_post(recorded_fal: FalProvider) -> None:
    result = FalTextToImage(fal=recorded_fal, mode="sync").invoke("a red kite")
    assert result.request_id


def test_a_refused_option(recorded_fal: FalProvider) -> None:
    t2i = FalTextToImage(fal=recorded_fal, check_options=False)
    with pytest.raises(FalInvalidInputError, match="num_images"):
        t2i.invoke({"prompt": "a red kite", "num_images": 99})


def test_an_unknown_request(recorded_fal: FalProvider) -> None:
    request = recorded_fal.request(
        "fal-ai/qwen-image", "764cabcf-b745-4b3e-ae38-1200304cf45b"
    )
    with pytest.raises(FalRequestError):
        request.status()
