"""Results as HTML, for notebooks. The functions escape plain text."""

from __future__ import annotations

import html
from collections.abc import Sequence

__all__ = ["render_figure", "render_image", "render_player", "render_transcript"]

_MAX_CAPTION = 2000
_MAX_LINES = 1000
_MAX_TEXT = 100_000


def render_image(source: str, alt: str) -> str:
    """Return an image, with a limited height and width.

    Args:
        source: A URL or a data URI.
        alt: Plain text shown if the image does not load.
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
    lines: Sequence[tuple[float | None, str, str]], caption: str
) -> str:
    """Return a transcription with one line for each of the first segments.

    Args:
        lines: The start in seconds, the speaker and the text of each segment.
        caption: Plain text.
    """
    rows = "".join(
        f"<p style='margin:.3em 0'><span style='opacity:.6'>{_format_time(start)} "
        f"{html.escape(speaker[:_MAX_CAPTION])}</span> "
        f"{html.escape(text[:_MAX_TEXT].strip())}</p>"
        for start, speaker, text in lines[:_MAX_LINES]
    )
    if (rest := len(lines) - _MAX_LINES) > 0:
        rows += f"<p>… {rest} more segments</p>"
    return render_figure(rows, caption)


def _format_time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def render_figure(content: str, caption: str) -> str:
    """Return images or players with a caption.

    Args:
        content: HTML.
        caption: Plain text; its end is left out if it is long.
    """
    caption = html.escape(caption[:_MAX_CAPTION])
    return f"<figure>{content}<figcaption>{caption}</figcaption></figure>"
