"""The figures of the README are those of the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_fal_image.options import catalog
from langchain_fal_image.options.kind import SERVED_KINDS

README = Path(__file__).parents[2] / "README.md"
LIMITS = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems"),
    }
)


def count_limits(node: Mapping[str, Any]) -> int:
    """Return how many shapes in a schema have a range or a length."""
    inner = [*node.get("properties", {}).values()]
    inner += [*node.get("anyOf", ()), *node.get("oneOf", ())]
    inner += [node[key] for key in ("items",) if isinstance(node.get(key), Mapping)]
    return bool(LIMITS & node.keys()) + sum(map(count_limits, inner))


def test_the_figures_of_the_readme_are_those_of_the_catalog() -> None:
    text = " ".join(README.read_text(encoding="utf-8").split())
    contracts = [
        contract
        for name in catalog.list_endpoint_ids(None)
        if (contract := catalog.get_contract(name))
    ]
    served = [each for each in contracts if each.kind in SERVED_KINDS and each.input]
    kinds = Counter(each.kind for each in served)
    types = sum(each.source.origin == "types" for each in served)
    limits = sum(count_limits(each.input) for each in served)
    for figure in (
        f"contracts of {len(served)} endpoints: {kinds['image']} make images",
        f"{kinds['speech']} speech, music or sounds, and {kinds['transcription']} ",
        f"{len(served) - types} contracts are fal's own OpenAPI documents",
        f"{limits:,} ranges and lengths",
        f"for {types} endpoints only the types",
        f"The other {len(contracts) - len(served)} endpoints",
    ):
        assert figure in text
