"""Cassettes hold no secret and say where they were recorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from recorder import DATA_URI, RECORDINGS, SANDBOX, create_recorder, scrub_text

from langchain_fal_image import FalImageEdit, FalTextToImage
from langchain_fal_image.sandbox import Sandbox

CANARY = "canary-of-a-cassette"
FILES = sorted(RECORDINGS.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_cassette_says_where_it_was_recorded_and_holds_no_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.match(r"# recorded at (fal|the sandbox, not at fal,) on \d{4}-", text)
    assert not re.search(
        r"authorization|cookie|127\.0\.0\.1|Key [\w…-]", text, re.IGNORECASE
    )
    assert not DATA_URI.search(text)
    assert not re.search(r"[A-Za-z0-9+/]{200,}", text)


def test_the_cassettes_are_found() -> None:
    assert len(FILES) >= 11


def test_recording_leaves_out_the_key_and_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with Sandbox() as sandbox, sandbox.provider(api_key=CANARY) as fal:
        pixels = FalTextToImage(fal=fal).invoke("a hill").images[0].read()
        with create_recorder("record", source=SANDBOX).use_cassette(str(path)):
            edit = FalImageEdit(fal=fal, sync_mode=True)
            edit.invoke({"prompt": "make it blue", "images": pixels})
    text = path.read_text("utf-8")
    assert "make it blue" in text
    assert CANARY not in text
    assert "sha256:" in text
    assert not DATA_URI.search(text)


def test_a_data_uri_is_replaced_by_its_hash() -> None:
    text = scrub_text(
        '{"a": "data:image/png;base64,QUJD", "b": "http://127.0.0.1:9/files/x"}'
    )
    assert "QUJD" not in text
    assert '"b": "https://v3.fal.media/files/x"' in text
