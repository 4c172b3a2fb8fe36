"""Build `options/catalog.json` from the endpoint types of @fal-ai/client (npm).

usage: python scripts/build_catalog.py [--version 1.10.1]

Reads only facts: names, types, enums, defaults, required options, options that hold
files, and output fields. Needs node and npm: the TypeScript compiler parses the types.
The same version always produces the same file. Prints what changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langchain_fal_image.options.endpoint import AUDIO_OUTPUTS
from langchain_fal_image.options.openapi import detect_file_kind

HERE = Path(__file__).resolve().parent
CATALOG = HERE.parent / "langchain_fal_image" / "options" / "catalog.json"


def read_types(version: str) -> dict[str, Any]:
    """Install the package with a TypeScript compiler and read its types."""
    with tempfile.TemporaryDirectory() as folder:
        packages = [f"@fal-ai/client@{version}", "typescript@5"]
        npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder]
        subprocess.run([*npm, *packages], check=True, stdout=subprocess.DEVNULL)
        node = ["node", str(HERE / "read_types.mjs"), folder]
        run = subprocess.run(node, check=True, capture_output=True, text=True)
    types: dict[str, Any] = json.loads(run.stdout)
    return types


def convert_field(name: str, node: dict[str, Any]) -> dict[str, Any]:
    """Convert an option to the catalog's form."""
    shape = convert_shape(node)
    is_list = node.get("type") == "array" and name.endswith("_urls")
    if (node.get("file") or is_list) and (kind := detect_file_kind(name)):
        if is_list:
            shape["items"] = {"type": "string", "file": kind}
        else:
            shape["file"] = kind
    return shape


def convert_shape(node: dict[str, Any]) -> dict[str, Any]:
    """Convert a shape to JSON Schema."""
    kept = ("type", "default", "minItems", "maxItems")
    shape = {key: node[key] for key in kept if key in node}
    if "enum" in node:
        is_text = all(isinstance(value, str) for value in node["enum"])
        shape |= {"type": "string" if is_text else "number", "enum": node["enum"]}
    if "anyOf" in node:
        shape["anyOf"] = [convert_shape(each) for each in node["anyOf"]]
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            shape[key] = convert_shape(node[key])
    if "properties" in node:
        # The types are in alphabetical order; put width before height.
        named = sorted(node["properties"].items(), key=lambda each: each[0] == "height")
        shape["properties"] = {name: convert_field(name, each) for name, each in named}
    if node.get("required"):
        shape["required"] = node["required"]
    if node.get("nullable") and "type" in shape:
        shape["type"] = [shape["type"], "null"]
        if "enum" in shape:
            shape["enum"] = [*shape["enum"], None]
    return shape


def dump_sorted(node: Any) -> str:
    """Return JSON with sorted keys, so that equal shapes have equal text."""
    return json.dumps(node, ensure_ascii=False, sort_keys=True)


def dump_compact(node: Any) -> str:
    """Return JSON without white space."""
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"))


def share_shapes(endpoints: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Move the shapes of all fields to one dict and replace them with its keys.

    The key of a field's most frequent shape is the field's name; the keys of its other
    shapes also have a number.
    """
    halves = [
        entry[half] for entry in endpoints.values() for half in ("input", "output")
    ]
    found = [each for half in halves for each in half["properties"].items()]
    shapes = {(name, dump_sorted(node)): node for name, node in found}
    counts = Counter((name, dump_sorted(node)) for name, node in found)
    keys: dict[tuple[str, str], str] = {}
    fields: dict[str, dict[str, Any]] = {}
    numbers: Counter[str] = Counter()
    for each in sorted(counts, key=lambda each: (each[0], -counts[each], each[1])):
        name = each[0]
        numbers[name] += 1
        keys[each] = name if numbers[name] == 1 else f"{name}.{numbers[name]}"
        fields[keys[each]] = shapes[each]
    for half in halves:
        properties = half.pop("properties").items()
        half["fields"] = " ".join(keys[name, dump_sorted(n)] for name, n in properties)
        half["required"] = " ".join(half.get("required", ()))
    return fields


def has_audio_urls(output: dict[str, Any]) -> bool:
    """Return whether all audio in an output has a URL; one endpoint's types lack it."""
    for name in AUDIO_OUTPUTS:
        shape = output["properties"].get(name, {})
        shape = shape.get("items", shape)
        if shape.get("properties") and "url" not in shape["properties"]:
            return False
    return True


def build_catalog(types: dict[str, Any]) -> dict[str, Any]:
    """Build the catalog from the types."""
    endpoints = {
        name: {half: convert_shape(entry[half]) for half in ("input", "output")}
        for name, entry in sorted(types["endpoints"].items())
    }
    endpoints = {
        name: each for name, each in endpoints.items() if has_audio_urls(each["output"])
    }
    fields = share_shapes(endpoints)
    return {
        "form": 2,
        "read_from": f"@fal-ai/client {types['version']}",
        "endpoints_in_all": types["total"],
        "fields": fields,
        "endpoints": {
            name: [
                each["input"]["fields"],
                each["input"]["required"],
                each["output"]["fields"],
            ]
            for name, each in endpoints.items()
        },
    }


def format_catalog(catalog: dict[str, Any]) -> str:
    """Return the catalog as JSON, with one line for each field and each endpoint."""
    facts = ("form", "read_from", "endpoints_in_all")
    lines = ["{", *(f"{json.dumps(key)}:{json.dumps(catalog[key])}," for key in facts)]
    for key, end in (("fields", "},"), ("endpoints", "}")):
        entries = [
            f"{json.dumps(name)}:{dump_compact(entry)}"
            for name, entry in catalog[key].items()
        ]
        lines.append(f'"{key}":{{\n' + ",\n".join(entries) + f"\n{end}")
    return "\n".join([*lines, "}"]) + "\n"


def list_shapes(catalog: dict[str, Any], endpoint_id: str) -> set[str]:
    """Return an endpoint's input fields as text, without the numbers of the shapes."""
    return {
        f"{key.partition('.')[0]}:{dump_sorted(catalog['fields'][key])}"
        for key in catalog["endpoints"][endpoint_id][0].split()
    }


def describe_changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Describe what changed between two catalogs, one line for each endpoint."""
    old, new = before.get("endpoints", {}), after["endpoints"]
    yield f"{before.get('read_from', 'nothing')} -> {after['read_from']}"
    yield f"{len(old)} -> {len(new)} endpoints"
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"- {name}"
        elif name not in old:
            yield f"+ {name}"
        else:
            first, second = (list_shapes(each, name) for each in (before, after))
            removed, added = (
                {key.partition(":")[0] for key in one - other}
                for one, other in ((first, second), (second, first))
            )
            if removed or added:
                fields = [f"-{each}" for each in sorted(removed)]
                fields += [f"+{each}" for each in sorted(added)]
                yield f"~ {name}: {' '.join(fields)}"


def main() -> int:
    """Build the catalog, print what changed and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", default="1.10.1", help="version of @fal-ai/client")
    catalog = build_catalog(read_types(parser.parse_args().version))
    before: dict[str, Any] = {}
    if CATALOG.exists():
        before = json.loads(CATALOG.read_text(encoding="utf-8"))
    for line in describe_changes(before, catalog):
        print(line)
    CATALOG.write_text(format_catalog(catalog), encoding="utf-8")
    size, fields = CATALOG.stat().st_size, len(catalog["fields"])
    print(f"{CATALOG.name}: {size:,} bytes, {fields} fields")
    return 0


if __name__ == "__main__":
    sys.exit(main())
