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

__all__ = ["ToolCall", "read_thread"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        id: As the chat model wrote it; None outside agents.
        arguments: As the chat model filled them in, validated.
        thread: The conversation that its handles belong to.
    """

    id: str | None
    arguments: Mapping[str, Any]
    thread: Thread

    @property
    def key(self) -> str | None:
        """What the same call has in common when it is made again."""
        if not self.id:
            return None
        text = json.dumps(dict(self.arguments), sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return f"{self.id} {digest}"


def read_thread(runtime: Any) -> Thread:
    """Return the thread of a tool call.

    Args:
        runtime: LangGraph's; None outside graphs.
    """
    configurable = ensure_config().get("configurable", {})
    state = getattr(runtime, "state", None)
    messages = state.get("messages", ()) if isinstance(state, dict) else ()
    messages = messages or getattr(state, "messages", ())
    if (thread_id := configurable.get("thread_id")) is not None:
        store = getattr(runtime, "store", None)
        return Thread(str(thread_id), messages=messages, store=store)
    if runtime is None:
        return Thread()
    # The calls of one step share the checkpoint's id and no other run has it. The
    # results of earlier steps are in the messages.
    step = getattr(getattr(runtime, "execution_info", None), "checkpoint_id", None)
    return Thread(run=str(step or uuid.uuid4()), messages=messages)
