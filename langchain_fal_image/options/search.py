"""Search the catalog, and check what an endpoint makes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import PRODUCTS, SERVED_KINDS, Kind

__all__ = ["check_endpoint", "find_endpoints", "find_nearest_id"]

_MIN_SIMILARITY = 0.8
_SEPARATORS = re.compile(r"[-/._\s]+")


def find_endpoints(
    *,
    search: str | Iterable[str] = (),
    takes_images: bool | None = None,
    kind: Kind = "image",
) -> tuple[EndpointSchema, ...]:
    """Find endpoints in the catalog.

    All words of `search` must be in the id, title, category or description. A kind that
    this package does not serve raises FalConfigurationError.
    """
    if kind not in SERVED_KINDS:
        message = f"kind={kind!r} is not a kind that this package serves."
        kinds = ", ".join(map(repr, SERVED_KINDS))
        raise FalConfigurationError(message, next_step=f"Use one of {kinds}.")
    words = search.split() if isinstance(search, str) else list(search)
    found = []
    for endpoint_id in catalog.list_endpoint_ids(kind):
        schema = catalog.get_schema(endpoint_id)
        if schema is None or takes_images not in {None, schema.takes_images}:
            continue
        text = f"{endpoint_id} {schema.title} {schema.category} {schema.about}".lower()
        if all(word.lower() in text for word in words):
            found.append(schema)
    return tuple(found)


def check_endpoint(
    endpoint_id: str, schema: EndpointSchema | None, kind: Kind, *, check: bool = True
) -> str:
    """Check that an endpoint makes `kind`, before anything is sent.

    Returns a warning for an unknown id that is close to a known one, or an empty text.
    Raises FalConfigurationError if the endpoint makes something else, or, with `check`,
    if the id is a known one with a typo.
    """
    made = schema.kind if schema else catalog.get_kind(endpoint_id)
    if made is not None:
        if made != kind:
            raise _describe_other_kind(endpoint_id, made, kind)
        return ""
    nearest = find_nearest_id(endpoint_id) if check else None
    if nearest is None:
        return ""
    if _is_typo(endpoint_id, nearest):
        message = f"{endpoint_id} is not a known endpoint. Did you mean {nearest}?"
        raise FalConfigurationError(
            message,
            model=endpoint_id,
            next_step=f"Use {nearest}. If fal has added {endpoint_id}, call "
            f"fal.describe({endpoint_id!r}) first.",
        )
    return (
        f"{endpoint_id} is not in the catalog, so its options are not checked. "
        f"Did you mean {nearest}?"
    )


def find_nearest_id(endpoint_id: str) -> str | None:
    """Return the known id that is most similar to an unknown one, or None.

    An id that lacks its owner, such as `flux/dev`, means the one that has it.
    """
    return _find_nearest(endpoint_id, catalog.list_endpoint_ids(None))


@lru_cache(maxsize=256)
def _find_nearest(endpoint_id: str, known_ids: tuple[str, ...]) -> str | None:
    known = {each.lower(): each for each in known_ids}
    names = {each.partition("/")[2]: each for each in known}
    if own := names.get(endpoint_id.lower()):
        return known[own]
    found = get_close_matches(endpoint_id.lower(), known, n=1, cutoff=_MIN_SIMILARITY)
    return known[found[0]] if found else None


def _is_typo(endpoint_id: str, known: str) -> bool:
    """Return whether an id has the words of a known one, some with other letters.

    Another number, another word or another ending can be a new endpoint: fal adds some
    every day. So can other capitals: fal has ids that differ in nothing else.
    """
    words, known_words = (
        _SEPARATORS.split(each.lower()) for each in (endpoint_id, known)
    )
    if words == known_words or len(words) != len(known_words):
        return False
    pairs = zip(words, known_words, strict=True)
    return all(_is_misspelt(*pair) for pair in pairs if pair[0] != pair[1])


def _is_misspelt(word: str, known: str) -> bool:
    short, long = sorted((word, known), key=len)
    ending = long.removeprefix(short) if long.startswith(short) else ""
    has_ending = ending.strip(short[-1:]) != ""  # a doubled letter is not an ending
    if has_ending or re.search(r"\d", word + known):
        return False
    is_similar = SequenceMatcher(None, word, known).ratio() >= _MIN_SIMILARITY
    return is_similar or sorted(word) == sorted(known)  # the same letters: dve, dev


def _describe_other_kind(
    endpoint_id: str, made: Kind, kind: Kind
) -> FalConfigurationError:
    if made in SERVED_KINDS:
        message = f"{endpoint_id} makes {PRODUCTS[made]}, not {PRODUCTS[kind]}."
        step = f"Use fal.{made}() for it, or choose another endpoint."
    else:
        message = (
            f"{endpoint_id} makes {PRODUCTS[made]}; this package serves images, speech "
            f"and transcriptions."
        )
        step = "Call it with fal's own client, fal-client, or choose another endpoint."
    return FalConfigurationError(message, model=endpoint_id, next_step=step)
