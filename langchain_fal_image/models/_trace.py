"""Start the LangChain run of a call, and convert its input for the trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import (
    get_async_callback_manager_for_config,
    get_callback_manager_for_config,
)

from langchain_fal_image._formats.headers import mask_headers
from langchain_fal_image._formats.safe_repr import redact_base64, safe_repr
from langchain_fal_image.options.credentials import is_credential
from langchain_fal_image.results.base import FalResult
from langchain_fal_image.results.file import GeneratedFile
from langchain_fal_image.wire.effects import Call

__all__ = ["start_run", "trace_input"]

# The names that content blocks use for base64 without the prefix of a data URI.
_BASE64_NAMES = frozenset({"base64", "data", "file_data"})
_MAX_PLAIN = 64
_MAX_DEPTH = 32


def start_run(name: str, input: Any, config: RunnableConfig) -> Call:
    """Return the effect that starts a LangChain run; it returns the run's manager.

    Args:
        name: The run's name, unless the config has one.
        input: The run's input, as `trace_input` returned it.
        config: The run's config.
    """
    arguments: dict[str, Any] = {
        "name": config.get("run_name") or name,
        "run_id": config.pop("run_id", None),
    }
    return Call(
        lambda: get_callback_manager_for_config(config).on_chain_start(
            None, input, **arguments
        ),
        lambda: get_async_callback_manager_for_config(config).on_chain_start(
            None, input, **arguments
        ),
    )


def trace_input(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Return an input as JSON for a trace, without file bytes."""
    if isinstance(value, str):
        return (
            safe_repr(value) if value[:5].lower() == "data:" else redact_base64(value)
        )
    if isinstance(value, PromptValue):
        value = value.to_messages()
    if isinstance(value, BaseMessage):
        return {"type": value.type, "content": trace_input(value.content, depth)}
    if isinstance(value, Mapping | list | tuple) and not depth:
        return "…"
    if isinstance(value, Mapping):
        return dict(_trace_field(name, value[name], depth - 1) for name in value)
    if isinstance(value, list | tuple):
        return [trace_input(item, depth - 1) for item in value]
    if isinstance(value, GeneratedFile):
        return value.reference().to_dict()
    if isinstance(value, FalResult):
        files = [file.reference().to_dict() for file in value.files]
        return files or {"model": value.model, "request_id": value.request_id}
    if value is None or isinstance(value, bool | int | float):
        return value
    return safe_repr(value)


def _trace_field(name: Any, value: Any, depth: int) -> tuple[str, Any]:
    if not isinstance(name, str):
        return safe_repr(name), trace_input(value, depth)
    if name.lower() == "headers" and value is not None:
        value = mask_headers(value) if isinstance(value, Mapping) else "<hidden>"
    elif is_credential(name) and value is not None:
        return name, "<hidden>"
    is_base64 = isinstance(value, str) and name in _BASE64_NAMES
    if is_base64 and len(value) > _MAX_PLAIN:
        return name, f"<{len(value)} characters of base64>"
    return redact_base64(name), trace_input(value, depth)
