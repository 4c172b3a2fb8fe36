"""Build `options/catalog.json` from the endpoint types of @fal-ai/client (npm).

usage: python scripts/build_catalog.py [--version 1.10.1]

Takes facts only: names, types, enums, defaults, required or not, which fields are
files, what the output has. Needs node and npm; the TypeScript compiler reads them.
The same version gives the same file, byte for byte. Prints what changed.
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

HERE = Path(__file__).resolve().parent
CATALOG = HERE.parent / "langchain_fal_image" / "options" / "catalog.json"
AUDIO = ("audio", "audios", "audio_file", "audio_url")
NOT_MEDIA = ("archive", "video", "lora", "model_url", "embedding", "data_url")


def read_types(version: str) -> dict[str, Any]:
    """Install the package beside a TypeScript compiler and read its types."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [f"@fal-ai/client@{version}", "typescript@5"]
        npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *wanted]
        subprocess.run(npm, check=True, stdout=subprocess.DEVNULL)
        node = ["node", str(HERE / "read_types.mjs"), folder]
        read = subprocess.run(node, check=True, capture_output=True, text=True)
    types: dict[str, Any] = json.loads(read.stdout)
    return types


def kind_of_file(name: str) -> str | None:
    """Tell by a field's name whether its file is an image, a mask or audio."""
    if any(word in name for word in NOT_MEDIA):
        return None
    if "audio" in name or "impulse_response" in name:
        return "audio"
    if "mask" in name:
        return "mask"
    return "image" if "image" in name else None


def field(name: str, node: dict[str, Any]) -> dict[str, Any]:
    """Bring a field into the catalog's form."""
    shape = plain(node)
    is_list = node.get("type") == "array" and name.endswith("_urls")
    if (node.get("file") or is_list) and (kind := kind_of_file(name)):
        if is_list:
            shape["items"] = {"type": "string", "file": kind}
        else:
            shape["file"] = kind
    return shape


def plain(node: dict[str, Any]) -> dict[str, Any]:
    """Bring a shape into JSON Schema."""
    kept = ("type", "default", "minItems", "maxItems")
    shape = {key: node[key] for key in kept if key in node}
    if "enum" in node:
        texts = all(isinstance(value, str) for value in node["enum"])
        shape |= {"type": "string" if texts else "number", "enum": node["enum"]}
    if "anyOf" in node:
        shape["anyOf"] = [plain(each) for each in node["anyOf"]]
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            shape[key] = plain(node[key])
    if "properties" in node:
        # The types are in the alphabet's order; width goes before height.
        named = sorted(node["properties"].items(), key=lambda each: each[0] == "height")
        shape["properties"] = {name: field(name, each) for name, each in named}
    if node.get("required"):
        shape["required"] = node["required"]
    if node.get("nullable") and "type" in shape:
        shape["type"] = [shape["type"], "null"]
        if "enum" in shape:
            shape["enum"] = [*shape["enum"], None]
    return shape


def text(node: Any) -> str:
    """Write a shape so that equal shapes are equal texts."""
    return json.dumps(node, ensure_ascii=False, sort_keys=True)


def shared(endpoints: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """State each shape of a field once, under its name and, from the second, a number.

    The most frequent shape of a name comes first. In the endpoints, each half becomes
    the keys of its fields.
    """
    halves = [
        entry[half] for entry in endpoints.values() for half in ("input", "output")
    ]
    found = [each for half in halves for each in half["properties"].items()]
    shapes = {(name, text(node)): node for name, node in found}
    counted = Counter((name, text(node)) for name, node in found)
    keys: dict[tuple[str, str], str] = {}
    fields: dict[str, dict[str, Any]] = {}
    numbers: Counter[str] = Counter()
    for each in sorted(counted, key=lambda each: (each[0], -counted[each], each[1])):
        name = each[0]
        numbers[name] += 1
        keys[each] = name if numbers[name] == 1 else f"{name}.{numbers[name]}"
        fields[keys[each]] = shapes[each]
    for entry in endpoints.values():
        for half in ("input", "output"):
            properties = entry[half]["properties"].items()
            entry[half] = {
                "fields": " ".join(keys[name, text(node)] for name, node in properties),
                "required": " ".join(entry[half].get("required", ())),
            }
    return fields


def is_whole(output: dict[str, Any]) -> bool:
    """Tell whether audio in an output has a URL; one endpoint's types lost it."""
    for name in AUDIO:
        shape = output["properties"].get(name, {})
        shape = shape.get("items", shape)
        if shape.get("properties") and "url" not in shape["properties"]:
            return False
    return True


def build(types: dict[str, Any]) -> dict[str, Any]:
    """Make the catalog of the types that were read."""
    endpoints = {
        name: {half: plain(entry[half]) for half in ("input", "output")}
        for name, entry in sorted(types["endpoints"].items())
    }
    endpoints = {
        name: each for name, each in endpoints.items() if is_whole(each["output"])
    }
    fields = shared(endpoints)
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


def written(catalog: dict[str, Any]) -> str:
    """Write the catalog, a line for each field and each endpoint."""
    facts = ("form", "read_from", "endpoints_in_all")
    lines = ["{", *(f"{json.dumps(key)}:{json.dumps(catalog[key])}," for key in facts)]
    for key, end in (("fields", "},"), ("endpoints", "}")):
        entries = [
            f"{json.dumps(name)}:{compact(entry)}"
            for name, entry in catalog[key].items()
        ]
        lines.append(f'"{key}":{{\n' + ",\n".join(entries) + f"\n{end}")
    return "\n".join([*lines, "}"]) + "\n"


def compact(node: Any) -> str:
    """Write without white space."""
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"))


def shapes(catalog: dict[str, Any], endpoint_id: str) -> set[str]:
    """Give an endpoint's input as texts; the numbers of the shapes may change."""
    return {
        f"{key.partition('.')[0]}:{text(catalog['fields'][key])}"
        for key in catalog["endpoints"][endpoint_id][0].split()
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Tell what changed between two catalogs."""
    old, new = before.get("endpoints", {}), after["endpoints"]
    yield f"{before.get('read_from', 'nothing')} -> {after['read_from']}"
    yield f"{len(old)} -> {len(new)} endpoints"
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"- {name}"
        elif name not in old:
            yield f"+ {name}"
        else:
            first, second = (shapes(each, name) for each in (before, after))
            gone, come = (
                {key.partition(":")[0] for key in one - other}
                for one, other in ((first, second), (second, first))
            )
            if gone or come:
                fields = [f"-{each}" for each in sorted(gone)]
                fields += [f"+{each}" for each in sorted(come)]
                yield f"~ {name}: {' '.join(fields)}"


def main() -> int:
    """Build the catalog."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", default="1.10.1", help="of @fal-ai/client")
    catalog = build(read_types(parser.parse_args().version))
    before: dict[str, Any] = {}
    if CATALOG.exists():
        before = json.loads(CATALOG.read_text(encoding="utf-8"))
    for line in changes(before, catalog):
        print(line)
    CATALOG.write_text(written(catalog), encoding="utf-8")
    size, fields = CATALOG.stat().st_size, len(catalog["fields"])
    print(f"{CATALOG.name}: {size:,} bytes, {fields} fields")
    return 0


if __name__ == "__main__":
    sys.exit(main())
