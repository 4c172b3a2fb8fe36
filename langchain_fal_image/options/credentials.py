"""Refuse keys and HTTP headers that were passed as options, before fal gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from langchain_fal_image._formats.safe_repr import redact_base64
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options.casing import match_name
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.paths import Path, format_path
from langchain_fal_image.options.shape import Shape

__all__ = ["create_error", "has_credential", "is_credential", "refuse_credentials"]

# Not a name with another prefix, such as `hf_token`: that is an endpoint's own option.
_CREDENTIAL = re.compile(
    r"x?(?:fal(?:ai)?)?(?:api|access|auth|bearer|client|private|secret)?"
    r"(?:keys?|key(?:id|secret)|token|secret)"
    r"|(?:fal)?credentials?|(?:fal|proxy|x)?auth(?:orization)?(?:headers?)?"
    r"|bearer|cookies?|jwt|passw(?:or)?d|(?:custom|default|extra|http|request)?headers"
)
_SEPARATORS = re.compile(r"[-_.\s]")
# Objects that hold a name and a value have such names too.
_TOP_LEVEL_ONLY = frozenset({"key", "keys"})
# `checks` refuses deeper values.
_MAX_DEPTH = 32
_MAX_LENGTH = 64
_PLAIN = (str, bytes, int, float, type(None))


def is_credential(name: str) -> bool:
    """Return whether a name, in any spelling, is that of a key or of HTTP headers."""
    return len(name) <= _MAX_LENGTH and _is_credential(name)


@lru_cache(maxsize=4096)
def _is_credential(name: str) -> bool:
    return _CREDENTIAL.fullmatch(_SEPARATORS.sub("", name).lower()) is not None


def has_credential(options: Mapping[str, Any]) -> bool:
    """Return whether a name in options, at any depth, is that of a credential."""
    return any(True for _ in _find_credentials(options, None, (), set()))


def refuse_credentials(
    schema: EndpointSchema | None, layer: str, options: Mapping[str, Any]
) -> None:
    """Raise if an option, at any depth, has the name of a key or of HTTP headers.

    Options of the endpoint may have such names.

    Raises:
        FalConfigurationError: There is such an option. The error has no value.
    """
    if not has_credential(options):
        return
    shape = Shape(fields=schema.fields) if schema else None
    for path in _find_credentials(options, shape, (), set()):
        if len(path) > 1 and str(path[-1]).lower() in _TOP_LEVEL_ONLY:
            continue
        what = "sent as an option, because it may be a secret"
        if schema is not None:
            what = f"an option of {schema.endpoint_id}"
        name = f"{redact_base64(format_path(path))} in {layer}"
        raise create_error(name, what)


def create_error(name: str, what: str) -> FalConfigurationError:
    """Create the error for a key or headers that are not `what`."""
    step = "Pass the key to the provider: fal=create_fal(api_key=…)."
    if "headers" in name.lower():
        step += " Pass HTTP headers outside providerOptions, or to the provider."
    message = f"{name} is not {what}."
    return FalConfigurationError(message, next_step=f"{step} Nothing was sent to fal.")


def _find_credentials(
    value: Any, shape: Shape | None, path: Path, seen: set[int]
) -> Iterator[Path]:
    """Find the paths of credentials that the shape does not name.

    Each container is read once, so that a value that contains itself has an end.
    """
    if id(value) in seen or len(path) > _MAX_DEPTH:
        return
    seen.add(id(value))
    if isinstance(value, list | tuple):
        inner = shape.list_items if shape else None
        for index, item in enumerate(value):
            if not isinstance(item, _PLAIN):
                yield from _find_credentials(item, inner, (*path, index), seen)
    elif isinstance(value, Mapping):
        fields = shape.object_fields if shape else {}
        for key, item in value.items():
            is_suspect = isinstance(key, str) and is_credential(key)
            if isinstance(item, _PLAIN) and not is_suspect:
                continue
            name = match_name(key, fields) if fields and isinstance(key, str) else None
            if is_suspect and name is None:
                yield (*path, key)
            # The parts of an option that has such a name are the endpoint's own.
            if not (is_suspect and name):
                inner = fields[name].shape if name else None
                yield from _find_credentials(item, inner, (*path, key), seen)
