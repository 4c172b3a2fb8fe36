"""Report a request's updates as LangChain and LangGraph events."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from langchain_core.callbacks import (
    BaseCallbackManager,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.runnables import RunnableConfig

from langchain_fal_image.wire.effects import Call, Flow, Notify
from langchain_fal_image.wire.queue import QueueUpdate

__all__ = ["EVENT", "report_updates"]

_T = TypeVar("_T")

EVENT = "fal_queue_update"
"""The name of the custom event, and the `type` of a LangGraph stream entry."""


def report_updates(flow: Flow[_T], config: RunnableConfig) -> Flow[_T]:
    """Report the updates of a flow; return it unchanged if nothing receives them.

    Args:
        flow: A flow that makes a request.
        config: The config whose callbacks receive the custom events.
    """
    writer = _get_stream_writer()
    has_listener = _has_listener(config)
    if not writer and not has_listener:
        return flow

    def report(update: QueueUpdate) -> Call:
        data = _describe_update(update)

        def send() -> None:
            if writer:
                writer({"type": EVENT, **data})
            if has_listener:
                dispatch_custom_event(EVENT, data, config=config)

        async def asend() -> None:
            if writer:
                writer({"type": EVENT, **data})
            if has_listener:
                await adispatch_custom_event(EVENT, data, config=config)

        return Call(send, asend)

    return _report_each(flow, report)


def _report_each(flow: Flow[_T], report: Callable[[QueueUpdate], Call]) -> Flow[_T]:
    """Run a flow, and after each `Notify` also yield the call that reports it."""
    answer: Any = None
    error: BaseException | None = None
    try:
        while True:
            try:
                effect = flow.throw(error) if error else flow.send(answer)
            except StopIteration as end:
                result: _T = end.value
                return result
            answer, error = None, None
            try:
                answer = yield effect
                if isinstance(effect, Notify):
                    yield report(effect.update)
            except GeneratorExit:
                raise
            except BaseException as raised:  # noqa: BLE001 - thrown into the flow
                error = raised
    finally:
        flow.close()


def _describe_update(update: QueueUpdate) -> dict[str, Any]:
    fields = {
        "model": update.request.endpoint_id,
        "request_id": update.request.request_id,
        "status": update.status,
        "queue_position": update.queue_position,
        "logs": [entry.message for entry in update.logs],
    }
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _get_stream_writer() -> Callable[[Any], None] | None:
    # If a graph runs, LangGraph is already imported; this package does not import it.
    module = sys.modules.get("langgraph.config")
    if module is None:
        return None
    try:
        writer: Callable[[Any], None] = module.get_stream_writer()
    except (KeyError, RuntimeError):
        return None
    return writer


def _has_listener(config: RunnableConfig) -> bool:
    """Return whether a callback handler takes custom events; dispatching is slow."""
    callbacks = config.get("callbacks")
    if not isinstance(callbacks, BaseCallbackManager):
        return True
    return any(not each.ignore_custom_event for each in callbacks.handlers)
