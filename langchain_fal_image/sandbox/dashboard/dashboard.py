"""The dashboard: a web page that shows the sandbox's requests as they arrive."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final

from langchain_fal_image.sandbox.api.queue import Job, Queue

__all__ = ["ASSETS", "describe_queue", "read_asset"]

ASSETS: Final = {
    "page.html": "text/html",
    "dashboard.css": "text/css",
    "dashboard.js": "text/javascript",
}
"""The content types of the page's files."""

_MAX_REQUESTS = 100
_MAX_LENGTH = 160
_INPUT_NAMES = ("prompt", "text", "preview_text", "gen_text", "script", "audio_url")


def read_asset(name: str) -> str:
    """Return one of the page's files (`ASSETS`)."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def describe_queue(queue: Queue) -> dict[str, Any]:
    """Return the newest requests, as `state.json` serves them to the page."""
    jobs = list(queue.jobs.values())
    newest = reversed(jobs[-_MAX_REQUESTS:])
    requests = [_describe(each, queue) for each in newest]
    return {"count": len(jobs), "requests": requests}


def _describe(job: Job, queue: Queue) -> dict[str, Any]:
    payload = job.payload if isinstance(job.payload, Mapping) else {}
    output = job.response_body if isinstance(job.response_body, Mapping) else {}
    is_failed = job.is_done and job.response_status >= 400  # noqa: PLR2004 - HTTP's
    status = job.status
    if job.status == "IN_QUEUE":
        status = f"IN_QUEUE, position {queue.position(job)}"
    now = time.time()
    started_at = job.started_at or job.ended_at or now
    run_end = job.ended_at or now
    input_name = next((name for name in _INPUT_NAMES if payload.get(name)), None)
    options = {name: value for name, value in payload.items() if name != input_name}
    images = output.get("images") or [output.get("image")]
    audio = [output.get(name) for name in ("audio", "audio_file", "audio_url")]
    is_transcription = "chunks" in output or "words" in output
    return {
        "request_id": job.request_id,
        "endpoint_id": job.endpoint_id,
        "status": f"{status}, {job.response_status}" if is_failed else status,
        "is_failed": is_failed,
        "input": _shorten(payload[input_name] if input_name else ""),
        "options": _shorten(options),
        "images": _find_urls(images),
        "audio": _find_urls(audio),
        "transcript": _shorten(output.get("text") or "") if is_transcription else "",
        "error": _format_error(output.get("detail")) if is_failed else "",
        "wait_seconds": round(started_at - job.submitted_at, 1),
        "run_seconds": round(run_end - job.started_at, 1) if job.started_at else None,
    }


def _find_urls(values: Iterable[Any]) -> list[str]:
    return [
        each["url"]
        for each in values
        if isinstance(each, Mapping) and str(each.get("url")).startswith("http")
    ]


def _format_error(detail: Any) -> str:
    if not isinstance(detail, list):
        return _shorten(detail)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in detail
    )


def _shorten(value: Any) -> str:
    """Format a value in one line; show only the length of a data URI."""
    if isinstance(value, str):
        if value[:5].lower() == "data:":
            return f"data URI of {len(value)} characters"
        return value if len(value) <= _MAX_LENGTH else f"{value[:_MAX_LENGTH]}…"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shorten(each)}" for name, each in value.items())
    if isinstance(value, list):
        return f"[{', '.join(map(_shorten, value))}]"
    return str(value)
