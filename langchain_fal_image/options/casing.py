"""Match option names in camelCase or snake_case to fal's spelling.

Most of fal's options are snake_case. If an endpoint spells an option differently,
its spelling is used. Names that differ only in capitals and underscores are equal.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache

__all__ = ["find_nearest", "match_name", "normalize_name", "to_snake_case"]

_NAME = re.compile(r"[a-z][A-Za-z0-9_]*")
# The plural s in imageURLs does not begin a new word.
_BEFORE_CAPITALS = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?:[A-Z_]|$))[a-z])"
)
_MIN_SIMILARITY = 0.72


def normalize_name(name: str) -> str:
    """Return a form in which all spellings of a name are equal."""
    return name.replace("_", "").lower()


@lru_cache(maxsize=4096)
def to_snake_case(name: str) -> str:
    """Convert a camelCase name to snake_case: `imageURL` becomes `image_url`.

    Other names, such as those with a leading capital or a space, stay unchanged.
    """
    if not _NAME.fullmatch(name) or name.islower():
        return name
    return _BEFORE_CAPITALS.sub("_", name).lower()


def match_name(name: str, names: Collection[str]) -> str | None:
    """Return the endpoint's spelling of a name, or None if it has no such name.

    The same name wins over its snake_case form, and this over other spellings.
    """
    if name in names:
        return name
    matches = _group_by_form(tuple(names)).get(normalize_name(name))
    if not matches:
        return None
    return to_snake_case(name) if to_snake_case(name) in matches else matches[0]


@lru_cache(maxsize=1024)
def _group_by_form(names: tuple[str, ...]) -> dict[str, list[str]]:
    forms: dict[str, list[str]] = {}
    for name in names:
        forms.setdefault(normalize_name(name), []).append(name)
    return forms


def find_nearest(
    name: str, names: Iterable[str], *, min_similarity: float = _MIN_SIMILARITY
) -> str | None:
    """Return the most similar name, or None if none is similar enough.

    A name of the same letters is the most similar: `modle` means `model`, not `mode`.
    """
    by_form = {normalize_name(each): each for each in names}
    form = normalize_name(name)
    letters = sorted(form)
    for each, known in by_form.items():
        if len(each) == len(form) and sorted(each) == letters:
            return known
    close = get_close_matches(form, by_form, n=1, cutoff=min_similarity)
    return by_form[close[0]] if close else None
