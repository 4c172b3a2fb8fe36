"""Build `options/catalog.json`, the catalog of endpoints that ships with the package.

    python scripts/build_catalog.py                    fetch fal's documents
    python scripts/build_catalog.py --models FILE      read answers of fal's models API
    python scripts/build_catalog.py --documents FILE   read resolved documents

The contracts come from fal's OpenAPI documents. Without a file, they are fetched from
fal's models API, with the key of the environment if there is one, and merged over the
present catalog, as `refresh_catalog` does. `--models` reads pages or models of that API
from a JSON list. `--documents` builds the whole catalog again.

`--types FILE` or `--types VERSION` adds endpoints that have no document, from the types
of fal's JavaScript client: a file, as `read_types.mjs` prints it, or a version of
@fal-ai/client, which needs node and npm. Of several types, the first that has an
endpoint counts.

Only facts are kept: names, types, choices, ranges, defaults, required options. The
same files always produce the same catalog. Prints what changed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langchain_fal_image import create_fal
from langchain_fal_image._session.models_api import Models, fetch_models, parse_models
from langchain_fal_image._session.refresh import complete_contract, merge_models
from langchain_fal_image.options.catalog_file import (
    FORM,
    clean_schema,
    format_catalog,
    read_contract,
    read_contracts,
)
from langchain_fal_image.options.contract import Contract, ContractSource, Origin
from langchain_fal_image.options.kind import SERVED_KINDS, detect_kind

HERE = Path(__file__).resolve().parent
CATALOG = HERE.parent / "langchain_fal_image" / "options" / "catalog.json"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_Contracts = dict[str, Contract]


def read_json(path: Path) -> Any:
    """Read a JSON file, which may be compressed with gzip."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return json.loads(content)


def read_models(path: Path | None) -> tuple[Models, str]:
    """Return the models of a file, else of fal's models API, and their date."""
    today = datetime.now(UTC).date().isoformat()
    if path is None:
        with create_fal() as fal:
            return fal.run(fetch_models(fal.context, today)), today
    date = found[0] if (found := _DATE.search(path.name)) else today
    models = [model for each in read_json(path) for model in each.get("models", [each])]
    return parse_models(models, date), date


def read_documents(path: Path) -> _Contracts:
    """Read contracts from documents whose references are resolved."""
    found = {}
    for name, entry in read_json(path)["endpoints"].items():
        origin: Origin = "merged" if "merged" in entry["source"] else "document"
        output = entry.get("output") or {}
        # An input that refers to a schema outside its document is not known.
        known = (entry.get("input") or {}).get("properties")
        found[name] = Contract(
            endpoint_id=name,
            source=ContractSource(origin, _find_date(entry["source"])),
            kind=detect_kind(output.get("properties", {}), entry["category"]),
            category=entry["category"],
            title=entry.get("display_name") or "",
            input=entry["input"] if known else {},
            output=output,
        )
    return found


def read_types(origin: str, documents: _Contracts) -> _Contracts:
    """Read contracts from types: a file's, or those of a version of @fal-ai/client."""
    if Path(origin).exists():
        types = read_json(Path(origin))
        date = _find_date(types["version"])
    else:
        types, date = load_package(origin)
    integers = find_integers(documents.values())
    texts = find_numeric_texts(documents.values())
    found = {}
    for name, entry in types["endpoints"].items():
        halves = [convert_shape(entry[each], integers) for each in ("input", "output")]
        required = [*halves[0].get("required", ())]
        fields = halves[0].get("properties", {})
        if not Path(origin).exists():
            fields = allow_numbers(fields, texts)
        # The types are in alphabetical order.
        names = [*required, *(each for each in fields if each not in required)]
        kind = detect_kind(halves[1].get("properties", {}))
        found[name] = Contract(
            endpoint_id=name,
            source=ContractSource("types", date),
            kind=kind,
            category=derive_category(kind, halves[0]),
            input={**halves[0], "properties": {each: fields[each] for each in names}},
            output=halves[1],
        )
    return found


def load_package(version: str) -> tuple[dict[str, Any], str]:
    """Install @fal-ai/client with a TypeScript compiler; return types and date."""
    with tempfile.TemporaryDirectory() as folder:
        packages = [f"@fal-ai/client@{version}", "typescript@5"]
        npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder]
        subprocess.run([*npm, *packages], check=True, stdout=subprocess.DEVNULL)
        node = ["node", str(HERE / "read_types.mjs"), folder]
        run = subprocess.run(node, check=True, capture_output=True, text=True)
    command = ["npm", "view", "@fal-ai/client", "time", "--json"]
    times = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(run.stdout), _find_date(json.loads(times.stdout)[version])


def convert_shape(
    node: Mapping[str, Any], integers: frozenset[str], name: str = ""
) -> dict[str, Any]:
    """Convert a type to JSON Schema; `integers` are the names of whole numbers."""
    kept = ("type", "default", "minItems", "maxItems", "required")
    shape = {key: node[key] for key in kept if node.get(key) not in (None, [])}
    if shape.get("type") == "number" and name in integers:
        shape["type"] = "integer"
    if "enum" in node:
        is_text = all(isinstance(value, str) for value in node["enum"])
        shape |= {"type": "string" if is_text else "number", "enum": node["enum"]}
    if "anyOf" in node:
        shape["anyOf"] = [convert_shape(each, integers, name) for each in node["anyOf"]]
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            shape[key] = convert_shape(node[key], integers)
    if "properties" in node:
        # The types are in alphabetical order; put width before height.
        named = sorted(node["properties"].items(), key=lambda each: each[0] == "height")
        shape["properties"] = {
            inner: convert_shape(each, integers, inner) for inner, each in named
        }
    if node.get("nullable"):
        shape["nullable"] = True
    return shape


def allow_numbers(fields: Mapping[str, Any], texts: frozenset[str]) -> dict[str, Any]:
    """Allow choices that are whole numbers as text also as numbers.

    The types up to @fal-ai/client 1.10.1 have all choices as text. `texts` are the
    names of options whose choices are text in fal's documents too.
    """
    allowed = dict(fields)
    for name, node in fields.items():
        if name in texts or not has_digits(node):
            continue
        numbers = {"type": "integer", "enum": [int(each) for each in node["enum"]]}
        choices = {"anyOf": [numbers, {"type": "string", "enum": node["enum"]}]}
        allowed[name] = choices | {k: node[k] for k in node if k not in numbers}
    return allowed


def has_digits(node: Mapping[str, Any]) -> bool:
    """Return whether all choices are whole numbers as text."""
    choices = node.get("enum", ())
    return bool(choices) and all(str(each).isdigit() for each in choices)


def derive_category(kind: str, node: Mapping[str, Any]) -> str:
    """Return a category in fal's terms, which the types do not have."""
    names = node.get("required", ())
    if kind == "image":
        has_image = any("image" in name for name in names)
        return "image-to-image" if has_image else "text-to-image"
    if kind == "speech":
        has_audio = any("audio" in name for name in names)
        return "audio-to-audio" if has_audio else "text-to-audio"
    return "speech-to-text" if kind == "transcription" else ""


def find_integers(contracts: Iterable[Contract]) -> frozenset[str]:
    """Return the option names that are whole numbers in every document."""
    types: defaultdict[str, set[str]] = defaultdict(set)
    for contract in contracts:
        for name, node in contract.input.get("properties", {}).items():
            for each in node.get("anyOf", [node]):
                types[name].add(str(each.get("type")))
    return frozenset(n for n, found in types.items() if found - {"null"} == {"integer"})


def find_numeric_texts(contracts: Iterable[Contract]) -> frozenset[str]:
    """Return the option names whose choices are whole numbers as text."""
    return frozenset(
        name
        for contract in contracts
        for name, node in contract.input.get("properties", {}).items()
        if has_digits(node)
    )


def merge_types(contracts: _Contracts, types: _Contracts) -> _Contracts:
    """Add what the types have and the documents do not: endpoints, inputs, outputs."""
    merged = dict(contracts)
    for name, other in types.items():
        own = merged.get(name)
        if own is None:
            merged[name] = other
        elif own.kind in SERVED_KINDS or (own.kind == "other" and not own.input):
            merged[name] = complete_contract(own, other)
    return merged


def describe_changes(before: Mapping[str, Any], after: _Contracts) -> Iterator[str]:
    """Describe what changed since an older catalog, one line for each endpoint."""
    old = before.get("endpoints", {}) if before.get("form") == FORM else {}
    yield f"{len(old)} -> {len(after)} endpoints"
    for name in sorted(old.keys() | after.keys()):
        if name not in after:
            yield f"- {name}"
        elif name not in old:
            yield f"+ {name}"
        elif after[name].kind in SERVED_KINDS:
            contract = read_contract(before, name) or after[name]
            first, second = contract.input, clean_schema(after[name].input)
            properties = [each.get("properties", {}) for each in (first, second)]
            changed = [
                each
                for each in sorted(properties[0].keys() | properties[1].keys())
                if properties[0].get(each) != properties[1].get(each)
            ]
            # The file has no inputs of endpoints that are not served.
            if changed and after[name].kind in SERVED_KINDS:
                yield f"~ {name}: {' '.join(changed)}"


def _find_date(text: str) -> str:
    found = _DATE.search(text)
    if found is None:
        message = f"No date in {text!r}."
        raise ValueError(message)
    return found[0]


def main() -> int:
    """Build the catalog, print what changed and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    files = parser.add_mutually_exclusive_group()
    files.add_argument("--models", type=Path, help="answers of fal's models API")
    files.add_argument("--documents", type=Path, help="resolved documents")
    parser.add_argument("--types", action="append", default=[], help="file or version")
    arguments = parser.parse_args()
    before = read_json(CATALOG) if CATALOG.exists() else {}
    if arguments.documents:
        contracts = read_documents(arguments.documents)
    else:
        models, date = read_models(arguments.models)
        text, _ = merge_models(before, models, date)
        contracts = read_contracts(json.loads(text))
    documents = contracts
    for origin in arguments.types:
        contracts = merge_types(contracts, read_types(origin, documents))
    for line in describe_changes(before, contracts):
        print(line)
    CATALOG.write_text(format_catalog(contracts.values()), encoding="utf-8")
    for part in ("kind", "source"):
        counts = Counter(str(getattr(each, part)) for each in contracts.values())
        print(f"by {part}: {dict(counts.most_common())}")
    print(f"{CATALOG.name}: {CATALOG.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
