"""One call of a tool: its id, its arguments, its thread."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables.config import ensure_config

from langchain_fal_image.library.thread import Thread

__all__ = ["ToolCall", "read_call"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        id: The id of the tool call; None outside agents.
        arguments: The validated arguments.
        thread: The thread that the handles belong to.
        key: A digest of id and arguments, the same if the call is repeated; None
            without an id.
    """

    id: str | None
    arguments: Mapping[str, Any]
    thread: Thread
    key: str | None


def read_call(
    tool_call_id: str | None, arguments: Mapping[str, Any], runtime: Any
) -> ToolCall:
    """Return the call that a tool runs.

    Args:
        tool_call_id: The id of the tool call; None outside agents.
        arguments: The validated arguments.
        runtime: LangGraph's `ToolRuntime`; None outside graphs.
    """
    key = None
    if tool_call_id:
        text = json.dumps(dict(arguments), sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        key = f"{tool_call_id} {digest}"
    return ToolCall(tool_call_id, arguments, _read_thread(runtime), key)


def _read_thread(runtime: Any) -> Thread:
    configurable = ensure_config().get("configurable", {})
    state = getattr(runtime, "state", None)
    messages = state.get("messages", ()) if isinstance(state, dict) else ()
    messages = messages or getattr(state, "messages", ())
    if (thread_id := configurable.get("thread_id")) is not None:
        store = getattr(runtime, "store", None)
        return Thread(str(thread_id), messages=messages, store=store)
    if runtime is None:
        return Thread()
    # All calls of one step have the same checkpoint id, which no other run has. The
    # results of earlier steps are in the messages.
    step = getattr(getattr(runtime, "execution_info", None), "checkpoint_id", None)
    return Thread(run=str(step or uuid.uuid4()), messages=messages)
