"""Check the arguments of constructors, and describe wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options.casing import find_nearest, normalize_name
from langchain_fal_image.options.credentials import create_error, is_credential

if TYPE_CHECKING:
    from langchain_fal_image.models.base import FalModel

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
                f"{_describe_guesses(find_setting(cls, name), None)}"
                for name in unknown
            ]
            raise FalConfigurationError(" ".join(lines), next_step=unknown_step)
    try:
        return handler(settings)
    except ValidationError as error:
        wrong = "; ".join(map(_describe_error, error.errors(include_url=False)))
    # Outside the except clause, so that pydantic's error, which has values, is dropped.
    message = f"Wrong settings of {cls.__name__}: {wrong}."
    raise FalConfigurationError(message, next_step="Correct them.")


def check_keywords(model: FalModel[Any], keywords: Mapping[str, Any]) -> None:
    """Check that the other arguments of a runnable's constructor are options.

    Args:
        model: The runnable.
        keywords: The arguments that are not settings.

    Raises:
        FalConfigurationError: One is not an option, or has the name of a key.
    """
    from langchain_fal_image.options.resolve import find_unknown_options  # noqa: PLC0415 - start-up time

    schema, name = model.endpoint, type(model).__name__
    others = {k: v for k, v in model.options.items() if k not in keywords}
    layers = [("constructor", others), ("the constructor", keywords)]
    faults = find_unknown_options(schema, layers)
    if not model.check_options:
        return
    where = schema.endpoint_id if schema else ""
    lines = [
        f"{each.option} is neither a setting of {name} nor an option of {where}"
        f"{_describe_guesses(find_setting(type(model), each.option), each.nearest)}"
        for each in faults
    ]
    unknown = [each.option for each in faults]
    if schema is None:
        settings = set(type(model).model_fields) - {"name"}
        typos = {each: _find_typo(each, settings) for each in keywords}
        unknown = [each for each, nearest in typos.items() if nearest]
        lines = [
            f"{each} is not a setting of {name}{_describe_guesses(typos[each], None)}"
            for each in unknown
        ]
    if not lines:
        return
    top = unknown[0].split(".")[0].split("[")[0]
    raise FalConfigurationError(
        " ".join(lines),
        model=model.model,
        next_step=f"To send it as an option anyway, pass options={{{top!r}: …}}.",
    )


def find_setting(cls: type[BaseModel], name: str) -> str | None:
    """Return the setting that a name may mean, such as `model=…`, or None."""
    setting = _SETTINGS.get(normalize_name(name))
    if setting is None or setting.split("=")[0] not in cls.model_fields:
        nearest = find_nearest(name, cls.model_fields)
        return f"{nearest}=…" if nearest else None
    return setting


def _find_typo(name: str, settings: Collection[str]) -> str | None:
    nearest = find_nearest(name, settings, min_similarity=_TYPO_SIMILARITY)
    return f"{nearest}=…" if nearest and nearest[0] == name[0].lower() else None


def _describe_guesses(setting: str | None, option: str | None) -> str:
    if setting and option:
        return f"; did you mean the setting {setting} or the option {option!r}?"
    if setting:
        return f"; did you mean {setting}?"
    return f"; did you mean {option!r}?" if option else "."


def _describe_error(error: Any) -> str:
    """Describe one of pydantic's errors: what was passed, and what is allowed."""
    name = ".".join(map(str, error["loc"]))
    text = error["msg"].removeprefix("Value error, ").rstrip(".")
    if not name:
        return str(text)
    if name in _ALLOWED:  # a key may have been passed there
        return f"{name}: {_ALLOWED[name]}"
    return f"{name}={safe_repr(error['input'])}: {text}"
