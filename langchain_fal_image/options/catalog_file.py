"""The format of the catalog's file.

```
{
  "form": 3,                            version of this format
  "sources": [["document", "2026-06-11"], …],
  "shapes": {                           each shape of a field, once
    "seed": {"type": "integer"},        the most frequent one under the field's name,
    "seed.2": {...}, ...                the others with a number
  },
  "endpoints": {
    "fal-ai/qwen-image": [
      0,                                the index of its source
      "image",                          what it makes
      "text-to-image",                  fal's category
      "Qwen Image",                     its name
      "prompt image_size.4 … seed.2",   the fields of the input, in fal's order
      "prompt",                         the required ones
      "images seed …",                  the fields of the output
      "images"                          the required ones
    ],
    "fal-ai/veo3": [0, "video", "text-to-video", "Veo 3"],   not served
    ...
  }
}
```

A shape is the JSON Schema that fal states, without sentences. An endpoint that this
package does not serve, or whose contract is unknown, has no fields.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_fal_image.options.contract import Contract, ContractSource
from langchain_fal_image.options.file_options import detect_file
from langchain_fal_image.options.kind import SERVED_KINDS

__all__ = [
    "FORM",
    "clean_schema",
    "find_date",
    "format_catalog",
    "read_contract",
    "read_contracts",
    "read_fields",
    "read_header",
]

FORM = 3
"""The version of the format."""

_SENTENCES = frozenset(
    {"title", "description", "examples", "example", "limit_description"}
)
_VALUES = frozenset({"default", "enum", "const"})
_NAME = re.compile(r"[^\s.]+")
_Shapes = dict[tuple[str, str], str]


def read_header(content: bytes) -> dict[str, Any]:
    """Return the form and the sources of a file, without parsing the rest of it."""
    start = content[: content.index(b'"shapes":')]
    header: dict[str, Any] = json.loads(start.rstrip(b",\n") + b"}")
    return header


def find_date(data: Mapping[str, Any]) -> str:
    """Return the date of the newest source."""
    return max((date for _, date in data["sources"]), default="")


def read_contracts(data: Mapping[str, Any]) -> dict[str, Contract]:
    """Return all contracts from the file's JSON, by endpoint id."""
    found = ((each, read_contract(data, each)) for each in data["endpoints"])
    return {name: contract for name, contract in found if contract}


def read_contract(data: Mapping[str, Any], endpoint_id: str) -> Contract | None:
    """Return the contract of an endpoint from the file's JSON, or None."""
    entry = data["endpoints"].get(endpoint_id)
    if entry is None:
        return None
    source, kind, category, title, *halves = entry
    objects = [_read_object(data, *halves[i : i + 2]) for i in range(0, len(halves), 2)]
    input_, output = objects or ({}, {})
    return Contract(
        endpoint_id=endpoint_id,
        source=ContractSource(*data["sources"][source]),
        kind=kind,
        category=category,
        title=title or endpoint_id,
        input=input_,
        output=output,
    )


def read_fields(keys: str) -> list[tuple[str, str]]:
    """Return the name and the key of each field in a list of keys."""
    return [(key.partition(".")[0], key) for key in keys.split()]


def _read_object(data: Mapping[str, Any], keys: str, required: str) -> dict[str, Any]:
    shapes = data["shapes"]
    properties = {name: shapes[key] for name, key in read_fields(keys)}
    node: dict[str, Any] = {"type": "object", "properties": properties}
    return {**node, "required": required.split()} if required else node


def format_catalog(contracts: Iterable[Contract]) -> str:
    """Return the file: JSON with one line for each shape and each endpoint."""
    ordered = sorted(contracts, key=lambda each: each.endpoint_id)
    sources = sorted({(each.source.origin, each.source.date) for each in ordered})
    shapes, keys = _share_shapes(ordered)
    lines = ["{", f'"form":{FORM},', f'"sources":{_dump(sources)},']
    entries = {
        each.endpoint_id: [
            sources.index((each.source.origin, each.source.date)),
            *(each.kind, each.category, each.title),
            *_list_halves(each, keys),
        ]
        for each in ordered
    }
    for name, values in (("shapes", shapes), ("endpoints", entries)):
        found = [f"{_dump(key)}:{_dump(value)}" for key, value in values.items()]
        end = "}," if name == "shapes" else "}"
        lines.append(f'"{name}":{{\n' + ",\n".join(found) + f"\n{end}")
    return "\n".join([*lines, "}"]) + "\n"


def _share_shapes(
    contracts: Sequence[Contract],
) -> tuple[dict[str, Any], _Shapes]:
    """Return each shape by its key, and the keys by name and shape."""
    found = [
        (name, _dump(clean_schema(node, name)))
        for contract in contracts
        for half in _get_halves(contract)
        for name, node in half.get("properties", {}).items()
    ]
    if odd := [name for name, _ in found if not _NAME.fullmatch(name)]:
        message = f"The option name {odd[0]!r} has a dot or a space."
        raise ValueError(message)
    counts, numbers = Counter(found), Counter[str]()
    shapes: dict[str, Any] = {}
    keys: _Shapes = {}
    for each in sorted(counts, key=lambda each: (each[0], -counts[each], each[1])):
        name, text = each
        numbers[name] += 1
        keys[each] = name if numbers[name] == 1 else f"{name}.{numbers[name]}"
        shapes[keys[each]] = json.loads(text)
    return shapes, keys


def _get_halves(contract: Contract) -> tuple[Mapping[str, Any], ...]:
    is_served = contract.kind in SERVED_KINDS and contract.input
    return (contract.input, contract.output) if is_served else ()


def _list_halves(contract: Contract, keys: _Shapes) -> Iterator[str]:
    for half in _get_halves(contract):
        fields = half.get("properties", {}).items()
        yield " ".join(keys[name, _dump(clean_schema(n, name))] for name, n in fields)
        yield " ".join(half.get("required", ()))


def clean_schema(node: Any, name: str = "") -> Any:
    """Return a schema without sentences, with its keywords in alphabetical order.

    If only its description says that an option holds a file, `_fal_ui_field` replaces
    the description.
    """
    if isinstance(node, list):
        return [clean_schema(each, name) for each in node]
    if not isinstance(node, Mapping):
        return node
    cleaned: dict[str, Any] = {}
    facts = {key: value for key, value in node.items() if key != "description"}
    if not detect_file(name, facts) and (file := detect_file(name, node)):
        facts["_fal_ui_field"] = "image_mask" if file == "mask" else file
    for key, value in sorted(facts.items()):
        if key == "properties":
            inner = value.items()
            cleaned[key] = {each: clean_schema(child, each) for each, child in inner}
        elif key in _VALUES:
            cleaned[key] = value
        elif key not in _SENTENCES:
            cleaned[key] = clean_schema(value, name)
    return cleaned


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
