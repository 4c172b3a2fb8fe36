"""The default session, for values that have none of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session

__all__ = ["default_session", "set_default_session"]

_load: Callable[[], Session] | None = None


def set_default_session(load: Callable[[], Session]) -> None:
    """Register the function that returns the default session, the same one each time.

    The package's `__init__` registers `langchain_fal_image.fal`, so that modules
    below the provider need not import it.
    """
    global _load  # noqa: PLW0603 - set once, when the package is imported
    _load = load


def default_session() -> Session:
    """Return the default session: `langchain_fal_image.fal`."""
    if _load is None:
        message = "no default session is registered; import langchain_fal_image"
        raise RuntimeError(message)
    return _load()
