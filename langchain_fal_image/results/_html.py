"""Results as HTML, for notebooks. Texts are escaped here; callers pass plain text."""

from __future__ import annotations

import html
from collections.abc import Iterable

__all__ = [
    "STYLE",
    "render_figure",
    "render_image",
    "render_page",
    "render_player",
    "render_transcript",
]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #b4462f; }
@media (prefers-color-scheme: dark) { :root { --accent: #f08a6c; } }
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


def render_image(source: str, alt: str) -> str:
    """Return an image, no larger than a screen.

    Args:
        source: A URL or a data URI.
        alt: Plain text that stands for an image that cannot be shown.
    """
    return (
        f'<img src="{html.escape(source)}" alt="{html.escape(alt)}" '
        f'style="max-width:100%;max-height:32em">'
    )


def render_player(source: str) -> str:
    """Return a player for audio.

    Args:
        source: A URL or a data URI.
    """
    return (
        f'<audio controls preload="metadata" src="{html.escape(source)}" '
        f'style="display:block;width:100%;max-width:32em"></audio>'
    )


def render_transcript(
    lines: Iterable[tuple[float | None, str, str]], caption: str
) -> str:
    """Return a transcription, a line for each segment.

    Args:
        lines: The start in seconds, the speaker and the text of each segment.
        caption: Plain text.
    """
    rows = "".join(
        f"<p style='margin:.3em 0'><span style='opacity:.6'>{_time(start)} "
        f"{html.escape(speaker)}</span> {html.escape(text.strip())}</p>"
        for start, speaker, text in lines
    )
    return render_figure(rows, caption)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def render_figure(content: str, caption: str) -> str:
    """Return images or players with a caption.

    Args:
        content: HTML.
        caption: Plain text.
    """
    return f"<figure>{content}<figcaption>{html.escape(caption)}</figcaption></figure>"


def render_page(
    title: str, body: str, *, subtitle: str = "", style: str = "", script: str = ""
) -> str:
    """Return a whole page.

    Args:
        title: Plain text.
        body: HTML.
        subtitle: Plain text.
        style: CSS that follows `STYLE`.
        script: JavaScript that runs at the end.
    """
    name = html.escape(title)
    scripts = f"<script>{script}</script>\n" if script else ""
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{name}</title><style>{STYLE}{style}</style></head>\n"
        f"<body><header><h1>{name}</h1><p>{html.escape(subtitle)}</p></header>\n"
        f"{body}\n{scripts}</body></html>\n"
    )
