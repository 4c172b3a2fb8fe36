"""Resolve layers of options, in any spelling, into the payload for fal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalOptionError, OptionFault
from langchain_fal_image.options.call_settings import (
    CallSettings,
    take_call_settings,
)
from langchain_fal_image.options.casing import normalize_name
from langchain_fal_image.options.checks import UNKNOWN, Checker
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.issues import Issues, Option
from langchain_fal_image.options.layers import Layer, merge_layers, parse_layers
from langchain_fal_image.options.paths import Path
from langchain_fal_image.options.quantity import count_images
from langchain_fal_image.options.shape import Field
from langchain_fal_image.options.sizes import resolve_size
from langchain_fal_image.options.voice import list_voice_options, place_voice_options

__all__ = ["ResolvedOptions", "find_unknown_options", "resolve_options"]

# The names that hold files, if the endpoint has no schema.
_FILE = re.compile(r"(?:.*_)?(?:(?:image|mask)s?(_urls?)?|audio(_urls?))")
# The texts that decide what is made, if the endpoint has no schema.
_TEXTS = frozenset({"prompt", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOptions:
    """Options that are ready to send, except for files.

    Attributes:
        payload: The request's JSON in fal's spelling. Files are in it as the caller
            passed them.
        warnings: Sentences about what the caller may not expect.
        files: The paths of the files in `payload`, such as `("image_urls", 0)`; each
            file must become a URL before the payload is sent.
        settings: How the call is sent, such as its HTTP headers.
    """

    payload: dict[str, Any]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    settings: CallSettings = field(default_factory=CallSettings)


def resolve_options(
    schema: EndpointSchema | None,
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    check: bool = True,
    strict: bool = False,
    nearest_size: bool = False,
) -> ResolvedOptions:
    """Convert options to fal's names and check them before a request is sent.

    Names may be camelCase or snake_case. `n`, `size`, `aspectRatio`, `images` or
    `files`, `mask` and `providerOptions.fal` mean the same as in the AI SDK; so do
    `text`, `voice`, `speed` and `audio` for endpoints that make speech or
    transcriptions. An option that is None is left out, unless the endpoint accepts
    null for it. Without a schema, names are converted to snake_case and values are not
    checked.

    Each layer is a name for messages ("constructor", "bind", "input") and options;
    later layers win. `providerOptions.fal` in a layer counts as a layer right after it.
    Size options replace each other as a group. An object with voice options is merged
    property by property.

    An option that the schema does not have is a fault. In the layers "constructor",
    "message" and `providerOptions.fal`, it is sent with a warning, unless `strict`. If
    not `check`, only values that cannot be sent are faults. If `nearest_size`, the
    nearest size replaces one that the endpoint does not have, with a warning; else such
    a size is a fault.

    Raises:
        FalOptionError: At least one fault was found; the error lists all of them.
        FalConfigurationError: An option has the name of a key or of HTTP headers.
    """
    issues = Issues()
    resolved = _resolve(
        schema, layers, issues, check=check, strict=strict, nearest_size=nearest_size
    )
    if issues.faults:
        error = FalOptionError.from_faults(
            tuple(issues.faults),
            model=schema.endpoint_id if schema else None,
            warnings=tuple(issues.warnings),
        )
        if unknown := [each for each in issues.faults if each.problem == UNKNOWN]:
            error.next_step = _describe_unknown(unknown)
        raise error
    return resolved


def find_unknown_options(
    schema: EndpointSchema | None, layers: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[OptionFault]:
    """Return the options that the schema does not have, as faults.

    Raises:
        FalConfigurationError: An option has the name of a key or of HTTP headers.
    """
    issues = Issues()
    _resolve(schema, layers, issues)
    return [each for each in issues.faults if each.problem == UNKNOWN]


def _describe_unknown(unknown: Sequence[OptionFault]) -> str:
    """Return the next step for unknown options."""
    name = safe_repr(re.split(r"[.[]", unknown[0].option)[0])
    step = "Correct the name"
    if not all(each.nearest for each in unknown):
        step += (
            " or leave it out; in a chain, itemgetter('prompt') or RunnablePick(["
            "'prompt', …]) before the runnable passes on only what it names"
        )
    return (
        f"{step}. To send it anyway, pass providerOptions={{'fal': {{{name}: …}}}}. "
        "Nothing was sent to fal."
    )


def _resolve(
    schema: EndpointSchema | None,
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    issues: Issues,
    *,
    check: bool = True,
    strict: bool = False,
    nearest_size: bool = False,
) -> ResolvedOptions:
    """Resolve options, and add their faults and warnings to `issues`."""
    layers, settings = take_call_settings(schema, layers, issues)
    parsed = parse_layers(schema, layers, issues)
    if schema is not None and schema.kind == "speech":
        parsed = place_voice_options(schema, parsed, issues)
    options = merge_layers(parsed, issues, schema)
    options = resolve_size(schema, options, issues, nearest=nearest_size)
    checker = Checker(
        issues=issues,
        check=check,
        strict=strict,
        source=schema.source if schema else None,
    )
    if schema is None:
        payload = {
            name: _check_without_shape(option, name, checker)
            for name, option in options.items()
        }
        for name in _TEXTS & payload.keys():
            if _needs_words(None, name, options):
                checker.check_not_blank(payload[name], (name,))
    else:
        payload = _check_options(schema, options, checker)
    settings.check_images(count_images(schema, payload), issues)
    return ResolvedOptions(
        payload=payload,
        warnings=tuple(issues.warnings),
        files=tuple(checker.files),
        settings=settings,
    )


def _check_options(
    schema: EndpointSchema, options: Layer, checker: Checker
) -> dict[str, Any]:
    payload = {}
    faults = checker.issues.faults
    for name, option in options.items():
        path = (name,)
        field = schema.fields.get(name)
        if field is None:
            known = (*schema.fields, *list_voice_options(schema))
            if checker.add_unknown(option, path, known):
                payload[name] = _check_without_shape(option, name, checker)
            continue
        checker.layer = option.layer
        before = len(faults)
        if _needs_words(schema, name, options):
            checker.check_not_blank(option.value, path)
        value = _wrap_file(field, option.value) if field.file else option.value
        payload[name] = checker.check_field(field, value, path)
        if len(faults) > before:
            _add_given_name(faults, option.name, name, since=before)
    for field in schema.fields.values():
        if field.required and field.name not in options:
            checker.add_missing(field, (field.name,))
    return payload


def _needs_words(schema: EndpointSchema | None, name: str, options: Layer) -> bool:
    """Return whether an option is the text that decides what an endpoint makes.

    If the endpoint does not require it, and another option can decide it (a file or
    another prompt), the text may be blank.
    """
    if schema is not None:
        field = schema.fields[name]
        if field is schema.text_field:
            return field.required or name != "prompt"
        if name != "prompt" or field.required or schema.kind != "image":
            return name == "prompt" and field.required
    return not any(
        _is_input(schema, option, other)
        for other, option in options.items()
        if other != name
    )


def _is_input(schema: EndpointSchema | None, option: Option, name: str) -> bool:
    """Return whether an option has a file or a prompt."""
    if isinstance(option.value, str | list | tuple) and not option.value:
        return False
    if name.endswith("prompt"):
        return not name.startswith("negative")
    if schema is None:
        return _FILE.fullmatch(name) is not None
    return name in schema.fields and schema.fields[name].file is not None


def _add_given_name(
    faults: list[OptionFault], given_name: str, name: str, *, since: int
) -> None:
    """Add the name that the caller used, if it differs, to the faults of an option."""
    if normalize_name(given_name) == normalize_name(name):
        return
    faults[since:] = [
        replace(fault, problem=f"(given as {given_name}) {fault.problem}")
        for fault in faults[since:]
    ]


def _wrap_file(field: Field, value: Any) -> Any:
    """Wrap a single file for an option that takes a list; unwrap a list of one."""
    if value is None or (isinstance(value, str) and not value):
        return value
    is_list = isinstance(value, list | tuple)
    if field.takes_list:
        return value if is_list else [value]
    is_wrapped = is_list and len(value) == 1 and value[0] is not None
    return value[0] if is_wrapped else value


def _check_without_shape(option: Option, name: str, checker: Checker) -> Any:
    """Check an option that has no shape; its name decides whether it holds files."""
    found = _FILE.fullmatch(name)
    if not found:
        return checker.check_json(option.value, (name,))
    is_list = isinstance(option.value, list | tuple)
    values = list(option.value) if is_list else [option.value]
    result = []
    for index, value in enumerate(values):
        path: Path = (name, index) if is_list else (name,)
        # Without "url" in the name, a text may be a setting, such as "auto".
        is_setting = isinstance(value, str) and not (found[1] or found[2])
        if (
            is_setting
            or value is None
            or isinstance(value, bool | int | float | Mapping)
        ):
            result.append(checker.check_json(value, path))
        else:
            checker.files.append(path)
            result.append(value)
    return result if is_list else result[0]
