"""Every endpoint makes a runnable and a tool; the newest models are among them."""

from __future__ import annotations

from typing import Any

import pytest
from payloads import SERVED, get_input
from valid_inputs import InputDrawer

from langchain_fal_image import (
    FalImageEditTool,
    FalProvider,
    FalSpeechTool,
    FalTextToImageTool,
    FalTranscriptionTool,
    create_fal,
)
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema

TOOLS = {"speech": FalSpeechTool, "transcription": FalTranscriptionTool}
# Models that fal added after April 2026.
NEWEST = (
    *("openai/gpt-image-2", "openai/gpt-image-2/edit"),
    *("ideogram/v4", "ideogram/v4/fast", "ideogram/v4/lora"),
    *("ideogram/v4/instant", "ideogram/v4/image-to-image", "ideogram/v4/tiling"),
    "bytedance/seedream/v5/lite/text-to-image",
    "bytedance/seedream/v5/lite/edit",
    "bytedance/seedream/v5/pro/text-to-image",
    "bytedance/seedream/v5/pro/edit",
    *("krea/v2/large/text-to-image", "krea/v2/medium/text-to-image"),
    *("fal-ai/krea-2/turbo", "fal-ai/krea-2/turbo/style"),
    *("reve/2.1/text-to-image", "reve/2.1/edit", "reve/2.1/remix"),
    *("microsoft/mai-image-2.5", "microsoft/mai-image-2.5/edit"),
    *("microsoft/mai-image-2.5-pro", "microsoft/mai-image-2.5-pro/edit"),
    *("google/nano-banana-2-lite", "google/nano-banana-lite/edit"),
    *("luma/agent/uni-1/v1/text-to-image", "luma/agent/uni-1/v1/edit"),
    *("luma/agent/uni-1/v1/max", "luma/agent/uni-1/v1/max/edit"),
    *("fal-ai/hidream-o1-image", "fal-ai/hidream-o1-image/edit"),
    *("fal-ai/recraft/v4.1/text-to-image", "fal-ai/recraft/v4.1/text-to-vector"),
    *("fal-ai/ernie-image", "nvidia/cosmos-3-super/text-to-image"),
    *("imagineart/imagineart-2.0-preview/text-to-image", "fal-ai/boogu-image"),
    *("xai/grok-imagine-image/quality/text-to-image", "fal-ai/nucleus-image"),
    *("alibaba/qwen-audio-3-tts", "async/tts-pro/v1.0", "fal-ai/zonos2"),
    *("fal-ai/gemini-3.1-flash-tts", "fal-ai/lyria3", "bytedance/seed-audio-1.0"),
    *("fal-ai/cohere-transcribe", "nvidia/nemotron-asr-multilingual/asr"),
)
# Named in fal's pages on text to image, editing, sizes, LoRAs and masks.
NAMED_IN_PAGES = (
    *("fal-ai/qwen-image", "fal-ai/qwen-image-2/pro/text-to-image"),
    *("fal-ai/qwen-image-edit", "fal-ai/qwen-image-2/edit"),
    *("fal-ai/nano-banana-pro", "fal-ai/nano-banana-pro/edit"),
    *("fal-ai/flux/dev", "fal-ai/flux-pro/kontext", "fal-ai/flux-pro/kontext/max"),
    *("fal-ai/flux-lora", "fal-ai/ideogram/character", "fal-ai/omnigen-v2"),
    "fal-ai/bytedance/dreamina/v3.1/text-to-image",
    "fal-ai/recraft/v3/text-to-image",
    "fal-ai/wan/v2.2-a14b/text-to-image",
)
# Endpoints that require an object or a list of objects, which no chat model fills in
# reliably: the tool asks to bind it in code.
BOUND_IN_CODE = {
    "async/tts-pro/v1.0": "voice",
    "bria/product-dimensions": "dimensions",
    "fal-ai/csm-1b": "scene",
    "fal-ai/elevenlabs/text-to-dialogue/eleven-v3": "inputs",
    "fal-ai/finegrain-eraser/bbox": "box_prompts",
    "fal-ai/florence-2-large/region-to-segmentation": "region",
    "fal-ai/fooocus/image-prompt": "image_prompt_1",
    "fal-ai/ltx-2.3-quality/text-to-audio/lora": "loras",
    "fal-ai/pulid": "reference_images",
    "fal-ai/sam-audio/span-separate": "spans",
    "fal-ai/vibevoice": "speakers",
    "fal-ai/vibevoice/7b": "speakers",
    "mirelo-ai/sfx1.6/inpaint-audio": "segment",
    "sonauto/v2/inpaint": "sections",
}
# Their text is inside the list that is bound, so their tools have no arguments.
NOTHING_TO_FILL_IN = ("fal-ai/csm-1b", "fal-ai/elevenlabs/text-to-dialogue/eleven-v3")
# It takes audio or a video and requires neither: `expose` chooses one.
EXPOSED = {"fal-ai/elevenlabs/audio-isolation": ("audio_url",)}


@pytest.fixture(scope="module")
def fal() -> FalProvider:
    """A provider of which nothing is requested, so it needs no sandbox."""
    return create_fal(api_key="unused")


def get_schema(endpoint_id: str) -> EndpointSchema:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    return schema


def test_the_newest_models_are_served() -> None:
    assert set(NEWEST) <= set(SERVED)
    assert set(NAMED_IN_PAGES) <= set(SERVED)


@pytest.mark.parametrize("endpoint_id", SERVED)
def test_an_endpoint_makes_a_runnable_and_a_tool(
    fal: FalProvider, endpoint_id: str
) -> None:
    schema = get_schema(endpoint_id)
    create: Any = getattr(fal, schema.kind)
    given = InputDrawer(get_input(endpoint_id), endpoint_id).draw()
    resolved = create(endpoint_id).payload(given)
    assert resolved.payload.items() >= given.items()
    assert resolved.warnings == ()
    edit_or_text = FalImageEditTool if schema.needs_image else FalTextToImageTool
    make: Any = TOOLS.get(schema.kind, edit_or_text)
    if endpoint_id in BOUND_IN_CODE:
        name = BOUND_IN_CODE[endpoint_id]
        with pytest.raises(FalConfigurationError, match=f"{name}.*Bind it in code"):
            make(model=endpoint_id, fal=fal)
        tool = make(model=create(endpoint_id, options={name: given[name]}))
    else:
        expose = EXPOSED.get(endpoint_id, ())
        tool = make(model=endpoint_id, fal=fal, expose=expose)
    assert tool.args or endpoint_id in NOTHING_TO_FILL_IN
    assert len(tool.description) <= 1024
