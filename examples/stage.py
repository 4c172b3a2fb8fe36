"""What the examples share: fal or the sandbox, a chat model or a script."""

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
# Made up, so that the account has something to reckon with; they are not fal's.
SANDBOX_PRICES: dict[str, float | tuple[float, str]] = {
    "fal-ai/qwen-image": 0.02,
    "fal-ai/qwen-image-2/edit": 0.03,
}


@contextlib.contextmanager
def provider(
    *, queue_seconds: float = 0.0, run_seconds: float = 0.0
) -> Iterator[tuple[FalProvider, str]]:
    """Choose fal or the sandbox, and say which.

    Args:
        queue_seconds: How long the sandbox lets a request wait.
        run_seconds: How long it lets it run.
    """
    if os.environ.get("FAL_API_KEY") or os.environ.get("FAL_KEY"):
        yield fal, "fal.ai (this costs money)"
        return
    with Sandbox(
        queue_seconds=queue_seconds, run_seconds=run_seconds, prices=SANDBOX_PRICES
    ) as sandbox:
        yield sandbox.provider(), "the sandbox on this machine (no fal key is set)"


def chat_model(script: BaseChatModel) -> tuple[BaseChatModel, str]:
    """Choose the chat model, and say which.

    Args:
        script: Plays the part where no chat model's key is set.
    """
    for variable, name in CHAT_MODELS.items():
        if os.environ.get(variable):
            return init_chat_model(name), name
    return script, "a scripted stand-in (no chat model's key is set)"
