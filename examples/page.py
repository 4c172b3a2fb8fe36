"""The demo's conversation as one HTML page, with its images in order."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #b4462f; }
@media (prefers-color-scheme: dark) { :root { --accent: #f08a6c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 46rem;
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .4rem; }
header p { margin: 0 0 2.2rem; opacity: .7; font-size: .9rem; }
.user { margin: 2.6rem 0 1rem; padding: .7rem 1rem; border-radius: .8rem;
  background: var(--soft); border-left: .25rem solid var(--accent); }
.agent { margin: .8rem 0; }
.call { margin: .6rem 0; font: .82rem/1.5 ui-monospace, monospace; opacity: .75;
  overflow-wrap: anywhere; }
.error { color: var(--accent); white-space: pre-line; }
details { margin: 2.6rem 0 0; border-top: 1px solid var(--line); padding-top: 1rem; }
summary { font-weight: 600; cursor: pointer; }
pre { overflow-x: auto; padding: .8rem 1rem; border-radius: .6rem;
  background: var(--soft); font: .78rem/1.5 ui-monospace, monospace; }
figure { margin: 1rem 0; }
img { display: block; max-width: 100%; max-height: 80vh; border-radius: .5rem;
  border: 1px solid var(--line); }
figcaption { margin-top: .45rem; font-size: .82rem; opacity: .7; }
"""


def render_page(title: str, body: str, *, subtitle: str) -> str:
    """Return a complete HTML page.

    Args:
        title: Plain text.
        body: HTML.
        subtitle: Plain text.
    """
    name = html.escape(title)
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{name}</title><style>{STYLE}</style></head>\n"
        f"<body><header><h1>{name}</h1><p>{html.escape(subtitle)}</p></header>\n"
        f"{body}\n</body></html>\n"
    )


def write_page(
    path: Path,
    messages: Sequence[Any],
    files: Mapping[str, str],
    *,
    served_by: tuple[str, str],
    notes: Mapping[str, str],
) -> Path:
    """Write the conversation as a page.

    Args:
        path: The file to write, in the folder that contains the images.
        messages: The whole conversation.
        files: The images' file names by handle.
        served_by: The names of the image service and of the chat model.
        notes: Texts to show after the conversation, by title.

    Returns:
        The path.
    """
    body = "\n".join(filter(None, (_render(message, files) for message in messages)))
    details = "".join(
        f"<details open><summary>{html.escape(title)}</summary>"
        f"<pre>{html.escape(text)}</pre></details>"
        for title, text in notes.items()
    )
    images, chat = served_by
    page = render_page(
        "A poster in three turns",
        f"{body}\n{details}",
        subtitle=f"Images by {images}. Chat model: {chat}.",
    )
    path.write_text(page, encoding="utf-8")
    return path


def _render(message: Any, files: Mapping[str, str]) -> str:
    text = html.escape(message.text)
    if isinstance(message, HumanMessage):
        return f"<p class='user'>{text}</p>"
    if isinstance(message, ToolMessage):
        if message.status == "error":
            return f"<p class='call error'>{text}</p>"
        return "".join(_render_image(line, files) for line in text.splitlines())
    if isinstance(message, AIMessage):
        calls = "".join(
            f"<p class='call'>{html.escape(call['name'])}"
            f"({html.escape(json.dumps(call['args'], ensure_ascii=False))})</p>"
            for call in message.tool_calls
        )
        return calls + (f"<p class='agent'>{text}</p>" if text else "")
    return ""


def _render_image(line: str, files: Mapping[str, str]) -> str:
    """Return the image whose handle begins a line of a tool's answer, or nothing."""
    found = re.match(r"img_\d+", line)
    if found is None or found[0] not in files:
        return ""
    source = html.escape(files[found[0]])
    return (
        f'<figure><img src="{source}" alt="{found[0]}">'
        f"<figcaption>{line}</figcaption></figure>"
    )
