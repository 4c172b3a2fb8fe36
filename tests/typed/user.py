"""A user's typed code: mypy --strict and pyright accept it, and know its types."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig

from langchain_fal_image import (
    Budget,
    FalImageEdit,
    FalImageToolkit,
    FalProvider,
    FalRequest,
    FalTextToImage,
    FalTranscription,
    GeneratedAudio,
    GeneratedImage,
    ImageResult,
    SpeechResult,
    TranscriptionResult,
    create_fal,
)
from langchain_fal_image.durable import BatchReport, DurableBatch
from langchain_fal_image.errors import FalError


def make(fal: FalProvider) -> tuple[Path, ...]:
    """Draw, edit, save."""
    t2i = FalTextToImage("fal-ai/qwen-image", fal=fal, guidance_scale=4)
    result = t2i.invoke("a red kite")
    assert_type(result, ImageResult)
    assert_type(result.images, tuple[GeneratedImage, ...])
    assert_type(result.seed, int | None)
    config: RunnableConfig = {"max_concurrency": 4}
    assert_type(t2i.batch(["a", "b"], config=config), list[ImageResult])
    edit = FalImageEdit(fal=fal, prompt="make it night")
    chain: Runnable[object, ImageResult] = t2i | edit
    return chain.invoke("a red kite").save("out")


async def later(fal: FalProvider) -> ImageResult:
    """Submit, store, take up."""
    request = await FalTextToImage(fal=fal).asubmit("a red kite")
    assert_type(request, FalRequest)
    stored: dict[str, object] = request.to_dict()
    try:
        return await FalRequest.from_dict(stored).aresult(timeout=30)
    except FalError as error:
        assert_type(error.is_retryable, bool)
        raise


def many(prompts: list[str]) -> BatchReport:
    """Run a batch."""
    fal = create_fal(timeout=60, async_transport="aiohttp")
    budget = Budget(max_images=10, max_cost="1.50")
    tools = FalImageToolkit(fal=fal, budget=budget).get_tools()
    names: list[str] = [tool.name for tool in tools]
    batch = DurableBatch(fal.text_to_image(), journal=f"{names[0]}.sqlite")
    return batch.run(prompts)


async def aloud(fal: FalProvider, recording: bytes) -> list[Document]:
    """Speak, listen, and take both up again."""
    spoken = fal.speech(voice="Wise_Woman").invoke("Hello")
    assert_type(spoken, SpeechResult)
    assert_type(spoken.audio, GeneratedAudio)
    assert_type(spoken.duration, float | None)
    request = await FalTranscription("wizper", fal=fal).asubmit(recording)
    assert_type(request, FalRequest[TranscriptionResult])
    heard = await request.aresult()
    assert_type(heard, TranscriptionResult)
    chain: Runnable[object, TranscriptionResult] = fal.speech() | fal.transcription()
    assert_type(chain.invoke("Hello").text, str)
    return heard.to_documents(source="hello.mp3")
