"""Check the arguments of constructors, and describe wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options.casing import find_nearest, normalize_name
from langchain_fal_image.options.credentials import create_error, is_credential
from langchain_fal_image.options.endpoint import EndpointSchema

__all__ = ["check_keywords", "validate_settings"]

T = TypeVar("T")

# Names from other packages, and settings of the provider.
_SETTINGS = {
    **dict.fromkeys(("modelname", "modelid", "endpoint", "endpointid"), "model=…"),
    **dict.fromkeys(("provider", "client"), "fal=…"),
    **{
        normalize_name(name): f"fal=create_fal({name}=…)"
        for name in ("base_url", "http_client", "http_async_client", "allowed_dirs")
    },
}
_ALLOWED = {"fal": "Input should be a provider, such as create_fal() returns"}
# Without a contract, any other name may be an option.
_TYPO_SIMILARITY = 0.8


def validate_settings(
    cls: type[BaseModel],
    settings: Any,
    handler: Callable[[Any], T],
    *,
    unknown_step: str = "",
) -> T:
    """Return what pydantic's `handler` makes of the arguments of a constructor.

    Args:
        cls: The class whose constructor is called.
        settings: The arguments.
        handler: Validates them.
        unknown_step: What to do about an unknown argument.

    Raises:
        FalConfigurationError: There is an unknown argument, or one has a wrong value.
    """
    if isinstance(settings, Mapping):
        unknown = [name for name in settings if name not in cls.model_fields]
        for name in filter(is_credential, unknown):
            raise create_error(name, f"a setting of {cls.__name__}")
        if unknown:
            lines = [
                f"{name} is not a setting of {cls.__name__}"
                f"{_describe_guesses(_find_setting(cls, name), None)}"
                for name in unknown
            ]
            raise FalConfigurationError(" ".join(lines), next_step=unknown_step)
    try:
        return handler(settings)
    except ValidationError as error:
        wrong = _describe_errors(error)
    # Outside the except clause, so that pydantic's error, which has values, is dropped.
    end = "" if wrong.endswith("?") else "."
    message = f"Wrong settings of {cls.__name__}: {wrong}{end}"
    raise FalConfigurationError(message, next_step="Correct them.")


def check_keywords(
    cls: type[BaseModel],
    keywords: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    schema: EndpointSchema | None,
    check: bool,
) -> None:
    """Check the arguments of a runnable's constructor that are not settings.

    Args:
        cls: The class of the runnable.
        keywords: The arguments, which should be options.
        options: The options in its argument `options`.
        schema: The endpoint's contract; None for an unknown endpoint.
        check: Whether to check more than that there are no keys.

    Raises:
        FalConfigurationError: One is not an option, or has the name of a key.
    """
    from langchain_fal_image.options.resolve import find_unknown_options  # noqa: PLC0415 - start-up time

    layers = [("constructor", options), ("the constructor", keywords)]
    unknown = find_unknown_options(schema, layers)
    if not check:
        return
    if schema is not None:
        what = f"an option of {schema.endpoint_id}"
        guesses = {
            name: _describe_guesses(_find_setting(cls, name), nearest)
            for name, nearest in ((each.option, each.nearest) for each in unknown)
        }
    else:
        what = "sent as an option, because it is close to a setting"
        typos = {name: _find_typo(cls, name) for name in keywords}
        guesses = {k: _describe_guesses(v, None) for k, v in typos.items() if v}
    if not guesses:
        return
    name = re.split(r"[.[]", next(iter(guesses)))[0]
    raise FalConfigurationError(
        " ".join(
            f"{each} is not a setting of {cls.__name__}, and not {what}{guess}"
            for each, guess in guesses.items()
        ),
        model=schema.endpoint_id if schema else None,
        next_step=f"To send it as an option anyway, pass options={{{name!r}: …}}.",
    )


def _find_setting(cls: type[BaseModel], name: str) -> str | None:
    """Return the setting that a name may mean, such as `model=…`, or None."""
    setting = _SETTINGS.get(normalize_name(name))
    if setting is None or setting.split("=")[0] not in cls.model_fields:
        nearest = find_nearest(name, cls.model_fields)
        return f"{nearest}=…" if nearest else None
    return setting


def _find_typo(cls: type[BaseModel], name: str) -> str | None:
    """Return the setting that a name means, if it is surely not an option."""
    if normalize_name(name) in _SETTINGS:
        return None
    names = set(cls.model_fields) - {"name"}
    nearest = find_nearest(name, names, min_similarity=_TYPO_SIMILARITY)
    return f"{nearest}=…" if nearest and nearest[0] == name[0].lower() else None


def _describe_guesses(setting: str | None, option: str | None) -> str:
    if setting and option:
        return f"; did you mean the setting {setting} or the option {option!r}?"
    if setting:
        return f"; did you mean {setting}?"
    return f"; did you mean {option!r}?" if option else "."


def _describe_errors(error: ValidationError) -> str:
    """Describe each wrong setting: what was passed, and what is allowed."""
    found: dict[str, list[str]] = {}
    for each in error.errors(include_url=False):
        name = str(each["loc"][0]) if each["loc"] else ""
        value = "" if name in _ALLOWED or not name else f"={safe_repr(each['input'])}"
        text = _ALLOWED.get(name) or each["msg"].removeprefix("Value error, ")
        found.setdefault(f"{name}{value}: " if name else "", []).append(
            text.rstrip(".")
        )
    return "; ".join(f"{name}{' or '.join(texts)}" for name, texts in found.items())
