"""The docs: each Python block and command runs, the site builds, links work."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import langchain_fal_image
from langchain_fal_image.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands that install something, wait, or change the reader's shell.
NOT_RUN = (
    "pip ",
    "export ",
    "unset ",
    "make ",
    "python3 -m venv",
    ". .venv",
    "python benchmarks/",
)
SERVES = "python -m langchain_fal_image.sandbox"


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def pages_with_python() -> list[Path]:
    return [page for page in PAGES if "\n```python" in page.read_text("utf-8")]


@pytest.mark.examples
@pytest.mark.parametrize("page", pages_with_python(), ids=page_name)
def test_every_python_block_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    runner = Path(__file__).with_name("run_page.py")
    done = subprocess.run(
        [sys.executable, str(runner), page_name(page)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"^[1-9][0-9]* blocks", done.stdout, re.MULTILINE)


def commands() -> list[str]:
    found = []
    for page in PAGES:
        for block in SHELL.findall(page.read_text("utf-8")):
            lines = block.replace("\\\n", " ").splitlines()
            found += [line.partition(" #")[0].strip() for line in lines]
    return sorted(
        {each for each in found if not each.startswith(NOT_RUN)} - {SERVES, ""}
    )


@pytest.mark.examples
@pytest.mark.parametrize("command", commands())
def test_every_command_runs(command: str, fal_sandbox: Sandbox, tmp_path: Path) -> None:
    settings = {"FAL_SANDBOX_URL": fal_sandbox.url, "FAL_CATALOG_DIR": str(tmp_path)}
    program, *arguments = shlex.split(command)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_every_make_target_in_the_docs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in PAGES:
        for target in re.findall(
            r"^make (\w+)|`make (\w+)`", page.read_text("utf-8"), re.MULTILINE
        ):
            assert f"\n{target[0] or target[1]}:" in makefile, (page, target)


@pytest.mark.docs
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "FalTextToImage" in (tmp_path / "reference" / "index.html").read_text(
        "utf-8"
    )


def test_the_table_of_public_names_is_complete() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("## Public names")[2].partition("\n## ")[0]
    names = []
    for row in re.findall(r"^\| (`.+`) \| `(\S+)` \|$", table, re.MULTILINE):
        module = importlib.import_module(f"langchain_fal_image.{row[1]}")
        for name in re.findall(r"`(\w+)`", row[0]):
            assert getattr(module, name) is getattr(langchain_fal_image, name)
            names.append(name)
    assert sorted(names) == langchain_fal_image.__all__


def test_every_public_name_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "index.md").read_text("utf-8")
    for name in langchain_fal_image.__all__:
        assert name == "fal" or f"::: langchain_fal_image.{name}\n" in page, name


def test_docs_and_examples_import_no_private_module() -> None:
    for path in [*PAGES, *(ROOT / "examples").glob("*.py")]:
        found = re.findall(
            r"(?:from|import) (langchain_fal_image\S*)", path.read_text()
        )
        assert not [each for each in found if "._" in each], path


def test_the_links_of_the_readme_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / link).exists(), link


@pytest.mark.docs
def test_the_notebook_runs_and_shows_its_images() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    path = ROOT / "docs" / "notebook.ipynb"
    committed = nbformat.read(path, as_version=4)
    assert count_images(committed) == 4
    again = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(again, timeout=300).execute()
    assert count_images(again) == 4


def count_images(notebook: Any) -> int:
    """Count the images in a notebook's outputs."""
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", ())]
    pages = [each["data"].get("text/html", "") for each in outputs if "data" in each]
    assert all("<figcaption>" in page for page in pages if page)
    return sum(page.count('<img src="data:image/jpeg;base64,') for page in pages)
