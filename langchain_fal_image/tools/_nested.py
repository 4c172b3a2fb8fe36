"""Options inside objects, such as `fill_image.fill_image_url`, as tool arguments."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options.casing import match_name
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.shape import Field

__all__ = ["find_nested_option", "list_nested_options", "nest_options"]

OptionPath = tuple[str, ...]


def find_nested_option(name: str, schema: EndpointSchema) -> tuple[OptionPath, Field]:
    """Return the path and the field of an option inside an object.

    A name that the endpoint does not have raises FalConfigurationError.
    """
    path: list[str] = []
    fields = schema.fields
    field = None
    for part in name.split("."):
        found = match_name(part, fields)
        field = fields.get(found) if found else None
        if field is None:
            close = difflib.get_close_matches(part, fields, n=1)
            hint = f" Did you mean {'.'.join([*path, *close])!r}?" if close else ""
            message = f"expose={name!r}: {schema.endpoint_id} has no such option.{hint}"
            options = ", ".join(fields) or "none inside it"
            raise FalConfigurationError(message, next_step=f"Options: {options}.")
        path.append(field.name)
        fields = field.shape.object_fields
    if field is None:
        message = "An empty name has no option."
        raise ValueError(message)
    return tuple(path), field


def list_nested_options(
    expose: Iterable[str], schema: EndpointSchema | None
) -> dict[str, tuple[OptionPath, Field]]:
    """Return the exposed options inside objects by the name of their argument."""
    if schema is None:
        return {}
    found = [find_nested_option(name, schema) for name in expose if "." in name]
    return {path[-1]: (path, field) for path, field in found}


def nest_options(
    options: dict[str, Any],
    paths: Mapping[str, OptionPath],
    bound: Mapping[str, Any],
) -> dict[str, Any]:
    """Move arguments into their objects, which keep the options that are bound."""
    nested = {name: value for name, value in options.items() if name not in paths}
    for name in options.keys() & paths.keys():
        path, inner = paths[name], nested
        outer: Any = bound
        for step in path[:-1]:
            key = match_name(step, outer) if isinstance(outer, Mapping) else None
            outer = outer[key] if key is not None else {}
            own = dict(outer) if isinstance(outer, Mapping) else {}
            inner = inner.setdefault(step, own)
        spelled = [key for key in inner if match_name(key, [path[-1]])]
        for key in spelled:
            del inner[key]
        inner[path[-1]] = options[name]
    return nested
