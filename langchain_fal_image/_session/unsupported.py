"""Methods of other providers that raise a clear error here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from langchain_fal_image.errors import FalConfigurationError

__all__ = ["refuse_models"]


def refuse_models(models: str) -> Callable[..., NoReturn]:
    """Return a method for models that other providers have, and this one lacks."""

    def refuse(self: object, model: str = "", **_: Any) -> NoReturn:  # noqa: ARG001 - a method
        requested = f" (requested: {model!r})" if model else ""
        message = f"{models} are not supported by this package{requested}."
        step = "Use image, speech or transcription of fal, or another package."
        raise FalConfigurationError(message, next_step=step)

    refuse.__doc__ = f"Raise `FalConfigurationError`: {models} are not supported."
    return refuse
