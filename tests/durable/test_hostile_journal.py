"""A journal that somebody changed or broke ends in a FalJournalError."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_fal_image import FalTextToImage, create_fal
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.errors import (
    FalError,
    FalJournalError,
    FalResponseError,
    FalWebhookError,
)

PROMPTS = ["a red kite"]
IMAGE = {"url": "https://v3.fal.media/files/a.png", "width": 64}
ARTIFACT = {
    "type": "fal_image_result",
    "model": "fal-ai/qwen-image",
    "request_id": "r",
    "raw": {"images": [IMAGE]},
    "options": {"prompt": "a red kite"},
}
REQUEST = {
    "endpoint_id": "fal-ai/qwen-image",
    "request_id": "r",
    **dict.fromkeys(("status_url", "response_url", "cancel_url"), "https://a.b/c"),
    "options": {"prompt": "a red kite"},
    "inputs": [{"url": "https://a.b/c.png"}],
}
ROW = {
    "state": "made",
    "summary": "a red kite",
    "request": json.dumps(REQUEST),
    "artifact": json.dumps(ARTIFACT),
    "files": json.dumps(["00000.png"]),
    "error": json.dumps({"type": "FalError", "message": "m", "charged": "no"}),
}


def refuse(_: httpx.Request) -> httpx.Response:
    return httpx.Response(422, json={"detail": "no"})


def make_batch(folder: Path) -> DurableBatch:
    client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    model = FalTextToImage(fal=create_fal("k", http_async_client=client))
    return DurableBatch(model, journal=folder / "run.sqlite", progress=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the journal of a batch that ended; fal had refused it."""
    make_batch(tmp_path).run(PROMPTS)
    return tmp_path


def change(folder: Path, **columns: Any) -> None:
    base = sqlite3.connect(folder / "run.sqlite")
    with base:
        for name, value in {**ROW, **columns}.items():
            base.execute(f"update inputs set {name} = ?", (value,))  # noqa: S608 - our names
    base.close()


def run_everything(folder: Path) -> None:
    """Read and continue the batch; every failure must be a FalError."""
    batch = make_batch(folder)
    for work in (
        lambda: str(batch.report().to_dict()) + str(batch.report()),
        lambda: batch.run(PROMPTS),
        lambda: batch.complete({"request_id": "r", "status": "OK", "payload": {}}),
    ):
        try:
            work()
        except FalError as error:
            assert error.next_step  # noqa: PT017 - one of two outcomes


@pytest.mark.parametrize(
    "columns",
    [
        *({name: "{"} for name in ROW if name != "summary"),
        *({name: "[1]"} for name in ("request", "artifact", "error")),
        *({name: b"\xff\xfe"} for name in ROW),
        *({name: "[" * 100_000} for name in ("request", "artifact", "files")),
        *({name: "{}"} for name in ("request", "error", "files")),
        *({"state": "paid"}, {"state": 5}, {"files": "[5]"}),
        *({"number": "x"}, {"number": 2**40}),
    ],
    ids=lambda columns: str(columns)[:40],
)
def test_a_changed_row_is_a_journal_error(
    folder: Path, columns: dict[str, Any]
) -> None:
    try:
        change(folder, **columns)
    except sqlite3.IntegrityError:
        pytest.skip("SQLite does not store it")
    if "number" not in columns:
        with pytest.raises(FalJournalError, match="damaged") as caught:
            make_batch(folder).report()
        assert "Restore it" in caught.value.next_step
    run_everything(folder)


@pytest.mark.parametrize("state", ["made", "open"])
@pytest.mark.parametrize("record", [None, "{}", '{"request_id": "r"}', '{"type": 1}'])
def test_an_input_without_its_record_is_not_submitted_again(
    folder: Path, state: str, record: str | None
) -> None:
    request = record and json.dumps({**json.loads(record), "request_id": "r"})
    change(folder, state=state, request=request, artifact=record)
    with pytest.raises(FalJournalError, match=r"record of input 0|damaged"):
        make_batch(folder).run(PROMPTS)


@pytest.mark.parametrize(
    "statement",
    [
        "drop table inputs",
        "drop table meta",
        "alter table inputs drop column error",
        "alter table meta rename to other",
        "create trigger t after update on inputs begin delete from inputs; end",
        "create view v as select * from inputs",
        "delete from meta",
    ],
)
def test_another_form_of_the_file_is_a_journal_error(
    folder: Path, statement: str
) -> None:
    base = sqlite3.connect(folder / "run.sqlite")
    with base:
        base.execute(statement)
    base.close()
    with pytest.raises(FalJournalError):
        make_batch(folder).report()
    with pytest.raises(FalJournalError):
        make_batch(folder).run(PROMPTS)


VALUES: Any = st.sampled_from(
    [None, 5, "", "x", "..", [], {}, [5], {"a": 1}, True, 1e308, "\ud800", 10**30]
)
JSON_COLUMNS = {"request": REQUEST, "artifact": ARTIFACT, "files": ["a"], "error": {}}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    state=st.sampled_from(["waiting", "intended", "open", "made", "done", "failed"]),
    column=st.sampled_from(sorted(JSON_COLUMNS)),
    key=st.sampled_from(sorted({*REQUEST, *ARTIFACT, "message", "handles", "kind"})),
    value=VALUES | st.dictionaries(st.sampled_from(["images", "url"]), VALUES),
    cut=st.none() | st.integers(0, 200),
)
def test_a_mutated_journal_is_read_or_raises_a_fal_error(  # noqa: PLR0917 - filled by name
    folder: Path, state: str, column: str, key: str, value: Any, cut: int | None
) -> None:
    whole: Any = JSON_COLUMNS[column]
    changed = {**whole, key: value} if isinstance(whole, dict) else [value]
    change(folder, state=state, **{column: json.dumps(changed)[:cut]})
    run_everything(folder)


@pytest.mark.parametrize(
    "payload",
    [None, [], "r", {}, {"request_id": None}, {"request_id": 5}, {"request_id": ["r"]}],
)
def test_a_webhook_without_a_request_id_is_refused(folder: Path, payload: Any) -> None:
    with pytest.raises(FalWebhookError, match="no request_id"):
        make_batch(folder).complete(payload)


def test_a_webhook_of_an_odd_request_is_refused(folder: Path) -> None:
    for request_id in ("\ud800", "x" * 10_000, "' or 1=1"):
        with pytest.raises(FalJournalError, match="has no request") as caught:
            make_batch(folder).complete({"request_id": request_id})
        assert len(str(caught.value)) < 500


def test_bytes_in_a_webhook_stay_out_of_the_journal(folder: Path) -> None:
    change(folder, state="open")
    batch = make_batch(folder)
    with pytest.raises(FalResponseError):
        batch.complete({"request_id": "r", "status": "OK", "payload": {"images": []}})
    uri = f"data:image/gif;base64,{'R0lG' * 400}"
    assert batch.complete(
        {"request_id": "r", "status": "OK", "payload": {"images": [{"url": uri}]}}
    )
    assert b"R0lGR0lG" not in (folder / "run.sqlite").read_bytes()
    [entry] = batch.report().done
    assert entry.artifact is not None


@pytest.mark.skipif(os.name != "posix", reason="has no modes")
def test_only_this_user_can_read_a_journal(tmp_path: Path) -> None:
    def read_mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    make_batch(tmp_path / "new").run(PROMPTS)
    assert read_mode(tmp_path / "new") == 0o700
    assert read_mode(tmp_path / "new" / "run.sqlite") == 0o600
    (tmp_path / "run.sqlite").touch(0o644)
    make_batch(tmp_path).run(PROMPTS)
    assert read_mode(tmp_path / "run.sqlite") == 0o644
