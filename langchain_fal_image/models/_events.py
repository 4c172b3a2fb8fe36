"""A request's progress, told to LangChain and LangGraph."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.callbacks import (
    BaseCallbackManager,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.runnables import RunnableConfig

from langchain_fal_image.wire.queue import QueueUpdate

__all__ = ["EVENT", "aevents", "events"]

EVENT = "fal_queue_update"
"""The name of the custom event, and the `type` of what a graph's stream carries."""


def _progress(update: QueueUpdate) -> dict[str, Any]:
    told = {
        "model": update.request.endpoint_id,
        "request_id": update.request.request_id,
        "status": update.status,
        "queue_position": update.queue_position,
        "logs": [entry.message for entry in update.logs],
    }
    return {name: value for name, value in told.items() if value not in (None, [])}


def _stream_writer() -> Callable[[Any], None] | None:
    # LangGraph is there exactly where a graph runs; we never import it ourselves.
    module = sys.modules.get("langgraph.config")
    if module is None:
        return None
    try:
        writer: Callable[[Any], None] = module.get_stream_writer()
    except (KeyError, RuntimeError):
        return None
    return writer


def _is_heard(config: RunnableConfig) -> bool:
    """Tell whether a handler listens to custom events; asking each costs more."""
    callbacks = config.get("callbacks")
    if not isinstance(callbacks, BaseCallbackManager):
        return True
    return any(not each.ignore_custom_event for each in callbacks.handlers)


def events(config: RunnableConfig) -> Callable[[QueueUpdate], None] | None:
    """Make the callback of a sync run: it tells LangChain and a graph's stream.

    Args:
        config: The run's config, whose callbacks hear of it.

    Returns:
        None where nobody listens.
    """
    writer = _stream_writer()
    is_heard = _is_heard(config)
    if not writer and not is_heard:
        return None

    def tell(update: QueueUpdate) -> None:
        told = _progress(update)
        if writer:
            writer({"type": EVENT, **told})
        if is_heard:
            dispatch_custom_event(EVENT, told, config=config)

    return tell


def aevents(config: RunnableConfig) -> Callable[[QueueUpdate], Awaitable[None]] | None:
    """Make the callback of an async run; see `events`."""
    writer = _stream_writer()
    is_heard = _is_heard(config)
    if not writer and not is_heard:
        return None

    async def tell(update: QueueUpdate) -> None:
        told = _progress(update)
        if writer:
            writer({"type": EVENT, **told})
        if is_heard:
            await adispatch_custom_event(EVENT, told, config=config)

    return tell
