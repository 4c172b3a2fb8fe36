"""`scripts/build_catalog.py` reads answers of fal's models API from a file."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from canned_models import TODAY, make_model, make_page

from langchain_fal_image.options.contract import Contract, ContractSource

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_catalog.py"
MODELS = [make_model("me/a"), make_model("me/b", "text-to-video")]


@pytest.fixture(scope="module")
def script() -> Any:
    """Load the script as a module."""
    spec = importlib.util.spec_from_file_location("build_catalog", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "content", [MODELS, [make_page(MODELS[0], cursor="b"), make_page(MODELS[1])]]
)
def test_a_file_has_pages_or_models(script: Any, tmp_path: Path, content: Any) -> None:
    path = tmp_path / "models.json"
    path.write_text(json.dumps(content), "utf-8")
    models, date = script.read_models(path)
    kinds = {name: each.kind for name, each in models.contracts.items()}
    assert kinds == {"me/a": "image", "me/b": "video"}
    assert date == TODAY


def test_the_name_of_a_file_has_its_date(script: Any, tmp_path: Path) -> None:
    path = tmp_path / "models-2026-06-11.json.gz"
    path.write_bytes(gzip.compress(json.dumps(MODELS).encode()))
    models, date = script.read_models(path)
    assert date == models.contracts["me/a"].source.date == "2026-06-11"


def make_contract(kind: Any, **fields: Any) -> Contract:
    input_ = {"type": "object", "properties": fields} if fields else {}
    source = ContractSource("types" if "typed" in fields else "document", TODAY)
    return Contract(endpoint_id="me/a", source=source, kind=kind, input=input_)


def test_types_fill_only_what_documents_lack(script: Any) -> None:
    typed = {"me/a": make_contract("image", typed={"type": "string"})}
    for own, origin in [
        (make_contract("image", prompt={"type": "string"}), "document"),
        (make_contract("video"), "document"),
        (make_contract("image"), "types"),
        (make_contract("other"), "types"),
    ]:
        merged = script.merge_types({"me/a": own}, typed)
        assert merged["me/a"].source.origin == origin
    assert script.merge_types({}, typed) == typed
