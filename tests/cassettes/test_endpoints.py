"""One exchange for each kind of endpoint. A new one is five lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from taping import taped

from langchain_fal_image import FalImageEdit, FalProvider, FalTextToImage
from langchain_fal_image.errors import FalInvalidInputError, FalRequestError

__all__ = ["taped"]  # the fixture, for pytest to find

# Tones of the sandbox: what fal's models make of them is theirs to say.
KITE = Path(__file__).with_name("kite.wav").read_bytes()
HILL = Path(__file__).with_name("hill.png").read_bytes()


@pytest.mark.parametrize(
    "model",
    [
        "fal-ai/qwen-image",
        "fal-ai/qwen-image-2/pro/text-to-image",
        "fal-ai/nano-banana-pro",
        "fal-ai/flux/dev",
    ],
)
def test_text_to_image(taped: FalProvider, model: str) -> None:
    result = FalTextToImage(model, fal=taped).invoke("a red kite")
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
def test_image_edit(taped: FalProvider, model: str) -> None:
    edit = FalImageEdit(model, fal=taped)
    result = edit.invoke({"prompt": "make it blue", "images": HILL})
    assert str(result.images[0].url).startswith("http")
    assert result.inputs[0].sha256


@pytest.mark.parametrize("model", ["fal-ai/minimax/speech-02-hd", "fal-ai/dia-tts"])
def test_speech(taped: FalProvider, model: str) -> None:
    result = taped.speech(model).invoke("A red kite.")
    assert str(result.url).startswith("http")
    assert result.request_id


@pytest.mark.parametrize("model", ["fal-ai/whisper", "fal-ai/wizper"])
def test_transcription(taped: FalProvider, model: str) -> None:
    result = taped.transcription(model).invoke(KITE)
    assert result.request_id
    assert result.inputs[0].sha256
    assert len(result.to_documents()) == len(result.segments)


async def test_async(taped: FalProvider) -> None:
    result = await FalTextToImage(fal=taped).ainvoke({"prompt": "a kite", "seed": 7})
    assert result.seed == 7


def test_one_post(taped: FalProvider) -> None:
    result = FalTextToImage(fal=taped, mode="sync").invoke("a red kite")
    assert result.request_id


def test_a_refused_option(taped: FalProvider) -> None:
    t2i = FalTextToImage(fal=taped, check_options=False)
    with pytest.raises(FalInvalidInputError, match="num_images"):
        t2i.invoke({"prompt": "a red kite", "num_images": 99})


def test_an_unknown_request(taped: FalProvider) -> None:
    request = taped.request("fal-ai/qwen-image", "764cabcf-b745-4b3e-ae38-1200304cf45b")
    with pytest.raises(FalRequestError):
        request.status()
