"""Whether a URL that a model wrote is a known one with a slip in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalInputError
from langchain_fal_image.results.file import GeneratedFile

__all__ = ["cleaned", "is_near", "lying_at"]

F = TypeVar("F", bound=GeneratedFile)

_URL = re.compile(r"https?://[^\s<>\"'`\]]+", re.IGNORECASE)
_ALIKE = 0.8
_NAMES_ALIKE = 0.7


def lying_at(
    url: str, files: Sequence[F], word: str, refused: type[FalInputError]
) -> F | None:
    """Find the file that lies at a URL.

    Args:
        url: As a model wrote it.
        files: Where it may be among.
        word: What such a file is called.
        refused: What is raised for a URL with a slip in it.

    Raises:
        FalInputError: No file lies there, but the URL looks like a known one with a
            slip in it.
    """
    meant = cleaned(url)
    known = [each for each in files if each.url]
    for file in known:
        if meant in {file.url, cleaned(str(file.url))}:
            return file
    near = next((each for each in known if is_near(meant, str(each.url))), None)
    if near is None:
        return None
    message = (
        f"{safe_repr(url)} is no {word} of this conversation; it looks like the URL of "
        f"{near.handle} with a slip in it."
    )
    raise refused(message, next_step=f"Name the {word} by its handle: {near.handle}.")


def cleaned(text: str) -> str:
    """Take a URL out of the quotes, brackets and full stops a model puts around it."""
    found = _URL.search(text)
    if found is None:
        return text.strip()
    url = found[0]
    if text.lstrip().startswith(("[", "![")):
        url = url.partition(")")[0]
    return url.rstrip(".,;:!)}\u2026")


def is_near(url: str, known: str) -> bool:
    """Tell whether one URL looks like the other with a slip in it.

    Both the whole and the file's name must be alike: files at one host share most of
    their URLs, and files of different hosts often a plain name.

    Args:
        url: As the model wrote it, cleaned.
        known: The URL of an image.
    """
    host = urlsplit(known).netloc
    begun = url.partition(host)[2]
    if len(begun.strip("/")) > len(host) // 2 and known.startswith(url):
        return True
    if _likeness(url, known) < _ALIKE:
        return False
    mine, its = (urlsplit(each).path.rsplit("/", 1)[-1] for each in (url, known))
    return _likeness(mine, its) >= _NAMES_ALIKE


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
