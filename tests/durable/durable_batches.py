"""Durable batches for the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_fal_image import FalProvider, FalTextToImage
from langchain_fal_image.durable import BatchReport, DurableBatch

__all__ = ["PROMPTS", "MakeBatch", "count_states", "make_batch"]

PROMPTS = [f"hill {number}" for number in range(6)]
MakeBatch = Callable[..., DurableBatch]


def make_batch(
    folder: Path, fal: FalProvider, *, model: Any = None, **settings: Any
) -> DurableBatch:
    """Make a batch whose journal and images are in a folder."""
    defaults = {
        "journal": folder / "run.sqlite",
        "images": folder / "images",
        "progress": False,
    }
    model = model or FalTextToImage(fal=fal, size="64x64")
    return DurableBatch(model, **{**defaults, **settings})


def count_states(report: BatchReport) -> dict[str, int]:
    """Return the number of inputs in each state."""
    return {name: len(found) for name, found in vars(report).items() if found}
