"""The run as one page: the conversation and its pictures, in order."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_fal_image.results._html import render_figure, render_image, render_page


def write_page(
    path: Path,
    messages: Sequence[Any],
    files: Mapping[str, str],
    *,
    served_by: tuple[str, str],
    notes: Mapping[str, str],
) -> Path:
    """Write the page.

    Args:
        path: Where it goes; the pictures lie beside it.
        messages: The whole conversation.
        files: The pictures' file names by handle.
        served_by: Who made the images, and who the chat model was.
        notes: Texts that follow the conversation, by their titles.

    Returns:
        The path.
    """
    body = "\n".join(filter(None, (_part(message, files) for message in messages)))
    images, chat = served_by
    noted = "".join(
        f"<details open><summary>{html.escape(title)}</summary>"
        f"<pre>{html.escape(text)}</pre></details>"
        for title, text in notes.items()
    )
    path.write_text(
        render_page(
            "A poster in three turns",
            f"{body}\n{noted}",
            subtitle=f"Images by {images}. Chat model: {chat}.",
        ),
        encoding="utf-8",
    )
    return path


def _part(message: Any, files: Mapping[str, str]) -> str:
    text = html.escape(message.text)
    if isinstance(message, HumanMessage):
        return f"<p class='you'>{text}</p>"
    if isinstance(message, ToolMessage):
        if message.status == "error":
            return f"<p class='call refused'>{text}</p>"
        return "".join(
            render_figure(render_image(files[handle], handle), line)
            for line in message.text.splitlines()
            if (handle := re.match(r"img_\d+|", line)[0]) in files  # type: ignore[index]  # the empty alternative always matches
        )
    if isinstance(message, AIMessage):
        calls = "".join(
            f"<p class='call'>{html.escape(call['name'])}"
            f"({html.escape(json.dumps(call['args'], ensure_ascii=False))})</p>"
            for call in message.tool_calls
        )
        return calls + (f"<p class='agent'>{text}</p>" if text else "")
    return ""
