"""The catalog in the user's cache folder replaces an older one of the package."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
from canned_models import make_model, write_catalog

from langchain_fal_image.options import catalog
from langchain_fal_image.options.catalog_cache import (
    FOLDER_VARIABLE,
    find_folder,
    write_file,
)

SHIPPED = len(catalog.list_endpoint_ids(None))
MODEL = make_model("me/new")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def count_endpoints() -> int:
    return len(catalog.load_catalog()["endpoints"])


def test_no_test_uses_the_cache_of_the_user() -> None:
    used = platformdirs.user_cache_path("langchain-fal-image", appauthor=False)
    assert find_folder() != used


def test_a_newer_catalog_is_used(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert count_endpoints() == SHIPPED
    write_catalog(folder, MODEL)
    assert [*catalog.load_catalog()["endpoints"]] == ["me/new"]
    assert not caplog.records


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def write_other_form(path: Path) -> None:
    text = path.read_text("utf-8").partition("\n")[2].partition("\n")[2]
    write_file(path.parent, "{\n" + text.replace('"form":', '"form":9'))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (cut, "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.write_bytes(os.urandom(999)), "is damaged"),
        (lambda path: edit(path, '"string"', '"number"'), "is damaged"),
        (write_other_form, "is from another version of this package"),
        (
            lambda path: write_catalog(path.parent, MODEL, date="2026-01-02"),
            "is older (2026-01-02)",
        ),
    ],
    ids=["cut", "empty", "random", "edited", "other form", "older"],
)
def test_a_file_that_cannot_be_used_is_one_warning(
    folder: Path,
    damage: Callable[[Path], object],
    problem: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = write_catalog(folder, MODEL)
    damage(path)
    with caplog.at_level(logging.WARNING):
        assert count_endpoints() == SHIPPED
    [record] = caplog.records
    assert f"{path} {problem}; using the catalog that" in record.getMessage()


LOOKUP = (
    "from langchain_fal_image.options import catalog;"
    "print(len(catalog.list_endpoint_ids(None)))"
)


def run_lookup(
    code: str = LOOKUP, **environment: str
) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, **environment}
    known = {name: value for name, value in known.items() if value}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=known,
        timeout=120,
    )


@pytest.mark.parametrize(
    "home", ["/no/such/home", "/dev/null", ""], ids=["missing", "no folder", "unset"]
)
def test_a_home_folder_is_not_needed(home: str) -> None:
    done = run_lookup(HOME=home, XDG_CACHE_HOME="", **{FOLDER_VARIABLE: ""})
    assert done.stdout.strip() == str(SHIPPED)
    assert not done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")
def test_a_user_without_a_home_folder_has_no_cache() -> None:
    code = (
        "import os, platformdirs.unix\n"
        "from langchain_fal_image.options import catalog_cache\n"
        "os.setuid(54321)\n"
        "print(catalog_cache.find_folder(), catalog_cache.read_cached(''))"
    )
    done = run_lookup(code, HOME="", XDG_CACHE_HOME="", **{FOLDER_VARIABLE: ""})
    assert done.stdout == "None None\n"


def test_another_process_uses_the_file_when_it_starts(folder: Path) -> None:
    write_catalog(folder, MODEL)
    assert run_lookup().stdout.strip() == "1"


def test_the_file_is_json_like_the_one_of_the_package(folder: Path) -> None:
    data = json.loads(write_catalog(folder, MODEL).read_bytes())
    assert {*data} == {"sha256", "form", "sources", "shapes", "endpoints"}
