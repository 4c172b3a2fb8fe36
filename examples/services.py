"""The provider and the chat model of the examples."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from langchain_fal_image import FalProvider, fal
from langchain_fal_image.sandbox import Sandbox

OUT = Path.cwd() / "out"
CHAT_MODELS = {
    "OPENAI_API_KEY": "openai:gpt-5-mini",
    "ANTHROPIC_API_KEY": "anthropic:claude-haiku-4-5",
    "GOOGLE_API_KEY": "google_genai:gemini-2.5-flash",
}
# Invented prices, so that the budget can count costs; fal's differ.
SANDBOX_PRICES: dict[str, float | tuple[float, str]] = {
    "fal-ai/qwen-image": 0.02,
    "fal-ai/qwen-image-2/edit": 0.03,
}


@contextlib.contextmanager
def provider(
    *, queue_seconds: float = 0.0, run_seconds: float = 0.0
) -> Iterator[tuple[FalProvider, str]]:
    """Yield a provider and the name of its service: fal, or the sandbox without a key.

    Args:
        queue_seconds: How long a request waits in the sandbox's queue.
        run_seconds: How long a request runs in the sandbox.
    """
    if os.environ.get("FAL_API_KEY") or os.environ.get("FAL_KEY"):
        yield fal, "fal.ai (this costs money)"
        return
    with Sandbox(
        queue_seconds=queue_seconds, run_seconds=run_seconds, prices=SANDBOX_PRICES
    ) as sandbox:
        yield sandbox.provider(), "the sandbox on this machine (no fal key is set)"


def chat_model(script: BaseChatModel) -> tuple[BaseChatModel, str]:
    """Return the chat model and its name.

    Args:
        script: The model to use if no chat model's key is set.
    """
    for variable, name in CHAT_MODELS.items():
        if os.environ.get(variable):
            return init_chat_model(name), name
    return script, "a scripted stand-in (no chat model's key is set)"
