"""The run as one page: the conversation and its pictures, in order."""

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
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 46rem;
  font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .4rem; }
header p { margin: 0 0 2.2rem; opacity: .7; font-size: .9rem; }
.you { margin: 2.6rem 0 1rem; padding: .7rem 1rem; border-radius: .8rem;
  background: var(--soft); border-left: .25rem solid var(--accent); }
.agent { margin: .8rem 0; }
.call { margin: .6rem 0; font: .82rem/1.5 ui-monospace, monospace; opacity: .75;
  overflow-wrap: anywhere; }
.refused { color: var(--accent); white-space: pre-line; }
details { margin: 2.6rem 0 0; border-top: 1px solid var(--line); padding-top: 1rem; }
summary { font-weight: 600; cursor: pointer; }
pre { overflow-x: auto; padding: .8rem 1rem; border-radius: .6rem;
  background: var(--soft); font: .78rem/1.5 ui-monospace, monospace; }
figure { margin: 1rem 0; }
img { display: block; max-width: 100%; max-height: 80vh; border-radius: .5rem;
  border: 1px solid var(--line); }
figcaption { margin-top: .45rem; font-size: .82rem; opacity: .7; }
"""


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
    images, chat = map(html.escape, served_by)
    noted = "".join(
        f"<details open><summary>{html.escape(title)}</summary>"
        f"<pre>{html.escape(text)}</pre></details>"
        for title, text in notes.items()
    )
    path.write_text(
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>A poster in three turns</title><style>{STYLE}</style></head>\n"
        f"<body><header><h1>A poster in three turns</h1>"
        f"<p>Images by {images}. Chat model: {chat}.</p></header>\n"
        f"{body}\n{noted}\n</body></html>\n",
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
            f"<figure><img src='{html.escape(files[handle])}' alt='{handle}'>"
            f"<figcaption>{html.escape(line)}</figcaption></figure>"
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
