"""Names: from camelCase or snake_case to the spelling that fal uses.

Most of fal's options are snake_case, a few are not; what an endpoint calls its
option always wins. Two names are the same where they differ only in capitals and
underscores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

__all__ = ["match_name", "nearest", "normalize_name", "to_snake_case"]

_NAME = re.compile(r"[a-z][A-Za-z0-9_]*")
# The s of a plural such as URLs is no word of its own.
_BEFORE_CAPITALS = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?:[A-Z_]|$))[a-z])"
)
_LIKENESS = 0.72


def normalize_name(name: str) -> str:
    """Give the form in which every spelling of a name is equal."""
    return name.replace("_", "").lower()


@lru_cache(maxsize=4096)
def to_snake_case(name: str) -> str:
    """Write a camelCase name in snake_case.

    Args:
        name: Any name. Capitals in a row are one word: `imageURL` is `image_url`.

    Returns:
        The name in snake_case. A name that is not camelCase (it begins with a
        capital, or holds more than letters, digits and underscores) stays as it is.
    """
    if not _NAME.fullmatch(name) or name.islower():
        return name
    return _BEFORE_CAPITALS.sub("_", name).lower()


def match_name(name: str, names: Sequence[str]) -> str | None:
    """Find the endpoint's own spelling of a name.

    Args:
        name: The name as somebody wrote it.
        names: The names that the endpoint uses.

    Returns:
        The name among `names` that is meant: the very same, else its snake_case
        form, else the first that differs only in capitals and underscores; None
        where there is none.
    """
    if name in names:
        return name
    alike = _by_form(tuple(names)).get(normalize_name(name))
    if not alike:
        return None
    return to_snake_case(name) if to_snake_case(name) in alike else alike[0]


@lru_cache(maxsize=1024)
def _by_form(names: tuple[str, ...]) -> dict[str, list[str]]:
    forms: dict[str, list[str]] = {}
    for name in names:
        forms.setdefault(normalize_name(name), []).append(name)
    return forms


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Find the name that was probably meant, or None where none is close."""
    by_form = {normalize_name(candidate): candidate for candidate in names}
    close = get_close_matches(normalize_name(name), by_form, n=1, cutoff=_LIKENESS)
    return by_form[close[0]] if close else None
