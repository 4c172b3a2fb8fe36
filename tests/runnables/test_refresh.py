"""`refresh_catalog` brings the catalog up to date."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from canned_models import TODAY, make_document, make_model, make_page, use_folder
from servers import LocalServer, QuietHandler

from langchain_fal_image import FalProvider, FalTextToImage, Retry, create_fal
from langchain_fal_image._session.refresh import CatalogUpdate
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalDownloadError,
    FalError,
    FalOptionError,
    FalResponseError,
)
from langchain_fal_image.options import catalog
from langchain_fal_image.options.catalog_cache import FOLDER_VARIABLE
from langchain_fal_image.sandbox import Sandbox

STEPS = {"type": "integer", "minimum": 1, "maximum": 4}
OLD = [make_model(f"me/old-{number}") for number in range(4)]
CHANGED = make_model("me/old-1", steps=STEPS)
NEW = make_model("me/painter", steps=STEPS)
VIDEO = make_model("me/new-video", "text-to-video")

Refresh = Callable[[FalProvider], CatalogUpdate]


def refresh_async(fal: FalProvider) -> CatalogUpdate:
    return asyncio.run(fal.arefresh_catalog())


@pytest.fixture(params=[FalProvider.refresh_catalog, refresh_async])
def refresh(request: pytest.FixtureRequest) -> Refresh:
    """Refresh the catalog, sync or async."""
    found: Refresh = request.param
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Use a catalog of four endpoints."""
    with use_folder(monkeypatch, tmp_path, *OLD) as path:
        yield path


def make_fal(*pages: Any) -> FalProvider:
    """Return a provider whose fal responds with pages, or raises what is among them."""
    left = list(pages)

    def respond(_: httpx.Request) -> httpx.Response:
        page = left.pop(0)
        if isinstance(page, Exception):
            raise page
        return httpx.Response(200, json=page)

    transport = httpx.MockTransport(respond)
    return create_fal(
        "canary-5f1e2d3c-not-a-key",
        retry=Retry(attempts=1),
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )


def test_a_refresh_reports_what_changed(folder: Path, refresh: Refresh) -> None:
    pages = make_page(NEW, OLD[0], cursor="Mg=="), make_page(CHANGED, VIDEO)
    update = refresh(make_fal(*pages))
    assert update.date == TODAY
    assert update.endpoints == 6
    assert update.added == ("me/new-video", "me/painter")
    assert update.changed == ("me/old-1",)
    assert update.unlisted == ("me/old-2", "me/old-3")
    assert update.broken == ()
    assert update.path == folder / "catalog.json"
    report = str(update).splitlines()
    assert report[0].startswith(f"6 endpoints on {TODAY}: 2 added, 1 changed, 2 not")
    assert report[1:] == [
        "+ me/new-video",
        "+ me/painter",
        "~ me/old-1",
        f"stored in {update.path}",
    ]


def test_new_endpoints_are_checked_after_a_refresh(
    folder: Path, refresh: Refresh
) -> None:
    fal = make_fal(make_page(NEW, VIDEO, *OLD))
    assert fal.contract("me/painter") is None
    assert fal.contract("me/old-1") is not None
    refresh(fal)
    schema = fal.contract("me/painter")
    assert schema
    assert schema.source.date == TODAY
    assert [each.endpoint_id for each in fal.endpoints("painter")] == ["me/painter"]
    with pytest.raises(FalOptionError, match=r"steps=5 .* 1 to 4"):
        FalTextToImage(model="me/painter", fal=fal, steps=5).invoke("a hill")
    with pytest.raises(FalConfigurationError, match="me/new-video makes videos"):
        FalTextToImage(model="me/new-video", fal=fal)
    with pytest.raises(FalConfigurationError, match="Did you mean me/painter"):
        fal.image("me/paintre")


def test_other_processes_use_the_refreshed_catalog(folder: Path) -> None:
    make_fal(make_page(NEW, *OLD)).refresh_catalog()
    assert catalog.load_catalog()["endpoints"].keys() >= {"me/painter", "me/old-3"}


def test_describe_agrees_with_the_refreshed_catalog(folder: Path) -> None:
    face = {"type": "string", "description": "The URL of the image of a face."}
    loras = {"type": "array", "items": {"type": "object", "properties": {"a": STEPS}}}
    options = {"face": face, "faces": {"type": "array", "items": face}, "loras": loras}
    document = make_document("me/painter", "text-to-image", **options)
    with Sandbox() as sandbox:
        url = sandbox.files.put("a.json", json.dumps(document).encode(), "text/json")
        described = sandbox.provider(openapi_url=url).describe("me/painter")
    fal = make_fal(make_page({**NEW, "openapi": document}, *OLD))
    fal.refresh_catalog()
    refreshed = fal.contract("me/painter")
    assert refreshed
    assert refreshed.kind == described.kind
    assert refreshed.source == described.source
    assert [*refreshed.fields] == [*described.fields]
    for name, field in described.fields.items():
        assert refreshed.fields[name].shape == field.shape, name
    assert refreshed.fields["face"].file == "image"


def test_a_refresh_replaces_what_describe_fetched(folder: Path) -> None:
    document = make_document("me/old-1", "text-to-image", first=STEPS)
    with Sandbox() as sandbox:
        url = sandbox.files.put("a.json", json.dumps(document).encode(), "text/json")
        fal = make_fal(make_page(CHANGED, *OLD[2:]))
        fal.context = sandbox.provider(openapi_url=url).context
        assert "first" in fal.describe("me/old-1").fields
    fal.refresh_catalog()
    schema = fal.contract("me/old-1")
    assert schema
    assert "steps" in schema.fields


def test_a_broken_document_keeps_the_old_contract(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {**OLD[1], "openapi": {"paths": {}}}
    missing = {**OLD[2], "openapi": None}
    fal = make_fal(make_page(NEW, OLD[0], broken, missing))
    before = catalog.get_contract("me/old-1")
    with caplog.at_level(logging.WARNING):
        update = fal.refresh_catalog()
    assert update.broken == ("me/old-1",)
    assert update.changed == ()
    assert "the document of me/old-1 cannot be used: The document has" in caplog.text
    assert catalog.get_contract("me/old-1") == before
    assert catalog.get_contract("me/old-2") is not None
    assert "! me/old-1" in str(update)


@pytest.mark.parametrize(
    ("pages", "error", "match"),
    [
        ([make_page(NEW, *OLD, cursor="a"), {"models": 1}], FalResponseError, "page"),
        (
            [make_page(NEW, *OLD, cursor="a"), httpx.ReadError("reset")],
            FalDownloadError,
            "models API cannot be read",
        ),
        ([make_page(NEW)], FalResponseError, "contracts of 1 endpoints .* has 4"),
        ([make_page()], FalResponseError, "contracts of 0 endpoints"),
    ],
    ids=["broken page", "broken off", "too few", "empty"],
)
def test_a_failed_refresh_changes_nothing(
    folder: Path, refresh: Refresh, pages: list[Any], error: type[FalError], match: str
) -> None:
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    with pytest.raises(error, match=match) as raised:
        refresh(make_fal(*pages))
    assert raised.value.charged == "no"
    assert "catalog in use did not change" in str(raised.value)
    after = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert after["catalog.json"] == before["catalog.json"]
    assert {*after} <= {"catalog.json", "catalog.lock"}
    assert len(catalog.list_endpoint_ids(None)) == 4


def make_many() -> list[Any]:
    """Return enough models to refresh the catalog of the package."""
    count = sum(
        len(entry) > 4 for entry in catalog.load_catalog()["endpoints"].values()
    )
    return [make_model(f"me/{number}") for number in range(count // 2)]


@pytest.mark.parametrize(
    "place", [f"{__file__}/cache", "/proc/cache"], ids=["below a file", "read-only"]
)
def test_an_unwritable_folder_limits_the_refresh_to_this_process(
    folder: Path,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, place)
    with caplog.at_level(logging.WARNING):
        update = make_fal(make_page(NEW, *make_many())).refresh_catalog()
    assert update.path is None
    assert "not stored" in str(update)
    assert "only this process uses it" in caplog.text
    assert FOLDER_VARIABLE in caplog.text
    assert catalog.get_schema("me/painter") is not None


def test_a_sandbox_does_not_fill_the_cache_of_the_user(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home = folder / "home"
    monkeypatch.delenv(FOLDER_VARIABLE)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    fal = make_fal(make_page(NEW, *make_many()))
    fal.context = create_fal(platform_url="http://127.0.0.1:9/platform").context
    with caplog.at_level(logging.WARNING):
        assert fal.refresh_catalog().path is None
    assert "it is not from fal's own API" in caplog.text
    assert not home.exists()
    assert catalog.get_schema("me/painter") is not None


def test_the_sandbox_has_all_endpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fal: FalProvider
) -> None:
    with use_folder(monkeypatch, tmp_path):
        before = {each.endpoint_id: each for each in fal.endpoints()}
        update = fal.refresh_catalog()
        assert update.added == update.unlisted == update.broken == ()
        for name, schema in before.items():
            after = fal.contract(name)
            assert after
            assert after.fields == schema.fields, name
            assert after.source.date == TODAY


# --- Several processes ---


class ModelsServer(LocalServer):
    """A models API with one page."""

    def __init__(self, *models: Any) -> None:
        page = json.dumps(make_page(*models)).encode()

        class Handler(QuietHandler, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

        super().__init__(Handler)

    def start_refresh(self) -> subprocess.Popen[str]:
        """Start a process that refreshes its catalog from this server."""
        code = (
            "from langchain_fal_image import create_fal;"
            f"print(create_fal(platform_url={self.url!r}).refresh_catalog())"
        )
        return start(code)


def start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True)


def test_two_processes_merge_their_documents(folder: Path) -> None:
    with ModelsServer(NEW, *OLD) as one, ModelsServer(VIDEO, *OLD[1:]) as two:
        processes = [each.start_refresh() for each in (one, two)]
        reports = [each.communicate(timeout=120)[0] for each in processes]
    assert all(report.endswith("catalog.json\n") for report in reports)
    data = catalog.load_catalog()
    ids = {each["endpoint_id"] for each in (NEW, VIDEO, *OLD)}
    assert data["endpoints"].keys() == ids
    assert {each.name for each in folder.iterdir()} == {"catalog.json", "catalog.lock"}


@pytest.mark.parametrize(
    ("models", "status", "text"),
    [([NEW, *OLD], 0, "+ me/painter"), ([NEW], 1, "probably incomplete")],
)
def test_the_command_line_prints_the_report_or_the_error(
    folder: Path, models: list[Any], status: int, text: str
) -> None:
    command = [sys.executable, "-m", "langchain_fal_image", "catalog", "refresh"]
    with ModelsServer(*models) as server:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "FAL_SANDBOX_URL": server.url},
            timeout=120,
        )
    assert done.returncode == status
    assert text in (done.stderr if status else done.stdout)
    assert "Traceback" not in done.stderr


def test_a_killed_writer_leaves_the_catalog_and_the_lock(folder: Path) -> None:
    code = (
        "import time\n"
        "from langchain_fal_image.options.catalog_cache import lock_folder\n"
        "with lock_folder() as folder:\n"
        "    (folder / 'catalog.json.part').write_bytes(b'{')\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(600)"
    )
    with start(code) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        found: list[CatalogUpdate] = []
        fal = make_fal(make_page(NEW, *OLD))
        thread = threading.Thread(target=lambda: found.append(fal.refresh_catalog()))
        thread.start()
        assert len(catalog.load_catalog()["endpoints"]) == 4
        process.kill()
        thread.join()
    assert found[0].path == folder / "catalog.json"
    assert "me/painter" in catalog.load_catalog()["endpoints"]
    assert not (folder / "catalog.json.part").exists()
