"""Match a URL that a chat model wrote against the URLs of known files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import urlsplit

from langchain_fal_image.results.file import GeneratedFile

__all__ = ["clean_url", "is_similar", "match_url"]

F = TypeVar("F", bound=GeneratedFile)

_URL = re.compile(r"https?://[^\s<>\"'`\]]+", re.IGNORECASE)
_MIN_RATIO = 0.8
_MIN_NAME_RATIO = 0.7


def match_url(url: str, files: Iterable[F]) -> tuple[F | None, bool]:
    """Find the file at a URL.

    Args:
        url: As a chat model wrote it.
        files: The known files.

    Returns:
        The file with the same or a similar URL, or None; and whether it is the same.
    """
    cleaned = clean_url(url)
    known = [file for file in files if file.url]
    for file in known:
        if cleaned in {file.url, clean_url(str(file.url))}:
            return file, True
    similar = (file for file in known if is_similar(cleaned, str(file.url)))
    return next(similar, None), False


def clean_url(text: str) -> str:
    """Strip the quotes, brackets and full stops that a chat model puts around a URL."""
    found = _URL.search(text)
    if found is None:
        return text.strip()
    url = found[0]
    if text.lstrip().startswith(("[", "![")):
        url = url.partition(")")[0]
    return url.rstrip(".,;:!)}\u2026")


def is_similar(url: str, known: str) -> bool:
    """Check whether a URL is probably a known one with a typo.

    Both the whole URL and the file name must be similar: URLs of one host often differ
    only in the file name, and files of different hosts often have the same name.

    Args:
        url: As the chat model wrote it, cleaned.
        known: The URL of a file.
    """
    host = urlsplit(known).netloc
    path = url.partition(host)[2]
    if len(path.strip("/")) > len(host) // 2 and known.startswith(url):
        return True
    if _compute_ratio(url, known) < _MIN_RATIO:
        return False
    names = (urlsplit(each).path.rsplit("/", 1)[-1] for each in (url, known))
    return _compute_ratio(*names) >= _MIN_NAME_RATIO


def _compute_ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
