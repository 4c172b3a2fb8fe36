"""From what a caller gave, in layers and in any spelling, to fal's payload."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_fal_image.errors import FalOptionError, OptionFault
from langchain_fal_image.options.casing import normalize_name
from langchain_fal_image.options.checks import Checker
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.issues import Findings, Given
from langchain_fal_image.options.layers import Layer, merged, read
from langchain_fal_image.options.paths import Path
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.sizes import sized
from langchain_fal_image.options.voice import list_voice_options, voiced

__all__ = ["ResolvedOptions", "resolve_options"]

# Options that hold files by their name, where no contract says so.
_FILE = re.compile(r"(?:.*_)?(?:(?:image|mask)s?(_urls?)?|audio(_urls?))")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOptions:
    """Options as fal wants them.

    Attributes:
        payload: The request's JSON in fal's spelling. Where it holds a picture, it
            holds what the caller gave, whatever that is.
        warnings: What was done that the caller may not expect, a sentence each.
        files: The places in `payload` that hold pictures, such as
            `("image_urls", 0)`; each must become a URL before the payload is sent.
    """

    payload: dict[str, Any]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def resolve_options(
    schema: EndpointSchema | None,
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    check: bool = True,
    strict: bool = False,
    nearest_size: bool = False,
) -> ResolvedOptions:
    """Bring options into fal's names and check them before anything is paid.

    Keys may be camelCase or snake_case. `n`, `size`, `aspectRatio`, `images` or
    `files`, `mask` and `providerOptions.fal` mean what they mean in the AI SDK; for an
    endpoint that speaks or listens `text`, `voice`, `speed` and `audio` do.
    A value None counts as not given, unless the endpoint takes null there.

    Args:
        schema: The endpoint's contract, or None for an endpoint that is not known:
            then names are brought into snake_case and nothing else is checked.
        layers: Pairs of a name for messages ("constructor", "bind", "input") and
            options; later layers win. `providerOptions.fal` inside a layer counts
            as a layer of its own right after it. The words for the size replace
            each other as one group; those for a voice change one another's parts.
        check: Whether values are checked against the contract. Without it, only
            what cannot be sent at all is refused.
        strict: Whether an option that the contract does not name is refused;
            otherwise it is sent with a warning.
        nearest_size: Whether a size that the endpoint does not have becomes the
            nearest one, with a warning; otherwise it is refused.

    Returns:
        The payload, the warnings and the places of pictures.

    Raises:
        FalOptionError: Naming every fault found; nothing was sent.
    """
    findings = Findings()
    read_layers = voiced(schema, read(schema, layers, findings), findings)
    options = merged(read_layers, findings, schema)
    options = sized(schema, options, findings, nearest=nearest_size)
    checker = Checker(findings=findings, check=check, strict=strict)
    if schema is None:
        payload = {
            name: _loose(given, name, checker) for name, given in options.items()
        }
    else:
        payload = _checked(schema, options, checker)
    if findings.faults:
        model = schema.endpoint_id if schema else None
        raise FalOptionError.from_faults(
            tuple(findings.faults), model=model, warnings=tuple(findings.warnings)
        )
    return ResolvedOptions(
        payload=payload,
        warnings=tuple(findings.warnings),
        files=tuple(checker.files),
    )


def _checked(
    schema: EndpointSchema, options: Layer, checker: Checker
) -> dict[str, Any]:
    payload = {}
    known = (*schema.names, *list_voice_options(schema))
    for name, given in options.items():
        field = schema.get_field(name)
        if field is None:
            checker.unknown(given, (name,), known)
            payload[name] = _loose(given, name, checker)
            continue
        checker.layer = given.layer
        before = len(checker.findings.faults)
        if field is schema.text_field and (field.required or name != "prompt"):
            checker.words(given.value, (name,))
        payload[name] = checker.value(field.shape, _fitted(field, given), (name,))
        if normalize_name(given.spelled) != normalize_name(name):
            _name_call_word(checker.findings.faults, given.spelled, since=before)
    for name in schema.required:
        field = schema.get_field(name)
        if field is not None and name not in options:
            checker.missing(field, (name,))
    return payload


def _name_call_word(faults: list[OptionFault], word: str, *, since: int) -> None:
    """Say which of the caller's words became the option that is at fault."""
    faults[since:] = [
        replace(fault, problem=f"(given as {word}) {fault.problem}")
        for fault in faults[since:]
    ]


def _fitted(field: Field, given: Given) -> Any:
    """Give a list of pictures where one was given, and one where a list of one was."""
    if field.file is None:
        return given.value
    is_list = isinstance(given.value, list | tuple)
    if field.takes_list:
        return given.value if is_list else [given.value]
    return given.value[0] if is_list and len(given.value) == 1 else given.value


def _loose(given: Given, name: str, checker: Checker) -> Any:
    """Read an option without a contract; its name tells whether it holds pictures."""
    found = _FILE.fullmatch(name)
    if not found:
        return checker.plain(given.value, (name,))
    is_list = isinstance(given.value, list | tuple)
    values = list(given.value) if is_list else [given.value]
    result = []
    for index, value in enumerate(values):
        path: Path = (name, index) if is_list else (name,)
        # Text under a name without "url" may be anything, such as "auto".
        text = isinstance(value, str) and not (found[1] or found[2])
        if text or value is None or isinstance(value, bool | int | float | Mapping):
            result.append(checker.plain(value, path))
        else:
            checker.files.append(path)
            result.append(value)
    return result if is_list else result[0]
