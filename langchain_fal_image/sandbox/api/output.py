"""Build an output that has the form that a document states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

__all__ = ["build_output"]

_Node = Mapping[str, Any]
_JSON_TYPES: Final[Mapping[type, tuple[str, ...]]] = {
    type(None): ("null",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    str: ("string",),
    list: ("array",),
    dict: ("object",),
}
_ABSENT: Final = object()
# The fields of a file whose schema states none.
_FILE: Final = (
    *("url", "width", "height", "content_type", "file_name", "file_size"),
    "duration",
)


class _UnfitError(Exception):
    """A value that cannot be brought into the form of a schema."""


def build_output(
    schema: _Node, made: Mapping[str, Any], make_file: Callable[[str], Any]
) -> dict[str, Any]:
    """Return the output that a schema states.

    Args:
        schema: The JSON Schema of an endpoint's output.
        made: The values of its fields by name. A list stands for its first value if
            the schema has only one; a file for its URL.
        make_file: Makes the file, or the list of files, of a required field that is not
            in `made`.
    """
    output: dict[str, Any] = _Builder(made, make_file).complete_object(schema)
    return output


class _Builder:
    def __init__(
        self, made: Mapping[str, Any], make_file: Callable[[str], Any]
    ) -> None:
        self._made = made
        self._make_file = make_file

    def complete_object(self, node: _Node) -> dict[str, Any]:
        """Return an object with all required fields and the optional ones made."""
        required = node.get("required", ())
        found = {
            name: self._complete(name, each, is_required=name in required)
            for name, each in node.get("properties", {}).items()
        }
        return {name: value for name, value in found.items() if value is not _ABSENT}

    def _complete(self, name: str, node: _Node, *, is_required: bool) -> Any:
        if name in self._made:
            try:
                return self._fit(node, self._made[name])
            except _UnfitError:
                pass
        if not is_required:
            return _ABSENT
        if any("url" in each.get("properties", {}) for each in _list_nodes(node)):
            return self._fit(node, self._make_file(name))
        return self._invent(node)

    def _fit(self, node: _Node, value: Any) -> Any:
        """Return a value in the form of a schema."""
        if branches := _list_branches(node):
            return self._fit_branch(branches, value)
        kind = node.get("type")
        if kind == "array":
            return self._fit_list(node, value if isinstance(value, list) else [value])
        if isinstance(value, list) and kind:
            if not value:
                raise _UnfitError
            value = value[0]
        if isinstance(value, dict):
            return self._fit_object(node, value)
        value = _convert(value, kind)
        if value not in node.get("enum", [value]):
            raise _UnfitError
        return value

    def _fit_branch(self, branches: list[_Node], value: Any) -> Any:
        types = _JSON_TYPES[type(value)]
        for each in sorted(branches, key=lambda each: each.get("type") not in types):
            try:
                return self._fit(each, value)
            except _UnfitError:
                continue
        raise _UnfitError

    def _fit_list(self, node: _Node, values: list[Any]) -> list[Any]:
        items = node.get("items") or {}
        nodes = [*node.get("prefixItems", ()), *[items] * len(values)]
        fitted = [self._fit(*each) for each in zip(nodes, values, strict=False)]
        if len(fitted) < node.get("minItems", 0):
            raise _UnfitError
        return fitted[: node.get("maxItems")]

    def _fit_object(self, node: _Node, value: dict[str, Any]) -> Any:
        is_file = "url" in value
        if node.get("type") == "string" and is_file:
            return value["url"]
        if node.get("type") not in {None, "object"}:
            raise _UnfitError
        fields = node.get("properties")
        if fields is None:
            return {n: value[n] for n in _FILE if n in value} if is_file else value
        required = node.get("required", ())
        return {
            name: self._fit(each, value[name]) if name in value else self._invent(each)
            for name, each in fields.items()
            if name in value or name in required
        }

    def _invent(self, node: _Node) -> Any:
        """Return the plainest value that a schema allows."""
        if "default" in node:
            return node["default"]
        if branches := _list_branches(node):
            is_nullable = any(each.get("type") == "null" for each in branches)
            return None if is_nullable else self._invent(branches[0])
        if choices := node.get("enum"):
            return choices[0]
        kind = node.get("type")
        if kind == "array":
            items = node.get("items") or {}
            has_more = any(
                self._made.keys() & each.get("properties", {}).keys()
                for each in _list_nodes(items)
            )
            number = node.get("minItems", int(has_more))
            return [self._invent(items) for _ in range(number)]
        if kind == "object":
            return self.complete_object(node)
        if kind in {"integer", "number"}:
            return node.get("minimum", 0)
        return {"boolean": False, "string": ""}.get(str(kind))


def _list_branches(node: _Node) -> list[_Node]:
    return [each for word in ("anyOf", "oneOf", "allOf") for each in node.get(word, ())]


def _list_nodes(node: _Node) -> Iterator[_Node]:
    """Iterate over a schema, its branches and its items."""
    yield node
    for each in (*_list_branches(node), node.get("items") or {}):
        if each:
            yield from _list_nodes(each)


def _convert(value: Any, kind: str | None) -> Any:
    """Convert a value that is not a list or an object to a JSON type."""
    if kind is None or kind in _JSON_TYPES[type(value)]:
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "string" and is_number:
        return str(value)
    if kind == "integer" and is_number:
        return round(value)
    raise _UnfitError
