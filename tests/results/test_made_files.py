"""Files that an endpoint made, images and audio alike: read, save and show them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from langchain_core.stores import InMemoryByteStore

from langchain_fal_image import (
    FalProvider,
    GeneratedAudio,
    GeneratedImage,
    ImageResult,
    SpeechResult,
    TranscriptionResult,
)
from langchain_fal_image.errors import FalConfigurationError, FalDownloadError
from langchain_fal_image.sandbox import Sandbox

File = GeneratedImage | GeneratedAudio
BEGINNINGS = {"image": b"\x89PNG", "audio": b"RIFF"}
SUFFIXES = {"image": ".png", "audio": ".wav"}


def make(fal: FalProvider, kind: str, *, inline: bool = False) -> File:
    """Generate a file; an inline one arrives as bytes, without a URL."""
    if kind == "image":
        model = fal.text_to_image(size="64x64", sync_mode=inline)
        return model.invoke("a hill").images[0]
    speech = fal.speech(output_format="hex" if inline else "url")
    return speech.invoke("Hello").audio


@pytest.fixture(params=["image", "audio"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def file(fal: FalProvider, kind: str) -> File:
    return make(fal, kind)


def test_a_file_is_saved_under_the_expected_name(
    file: File, kind: str, tmp_path: Path
) -> None:
    suffix = SUFFIXES[kind]
    assert file.save(tmp_path / f"fuji{suffix}").name == f"fuji{suffix}"
    assert file.save(str(tmp_path / "hello")).name == f"hello{suffix}"
    assert file.save(tmp_path / "deep" / "er" / "a").parent.name == "er"
    named = file._with(file_name="sandbox.xyz")
    assert named.save(tmp_path).name == f"sandbox{suffix}"
    assert (tmp_path / f"hello{suffix}").read_bytes() == file.read()
    assert not list(tmp_path.glob(".*"))


async def test_a_file_is_saved_async(file: File, tmp_path: Path) -> None:
    saved = await file.asave(tmp_path / "deep" / "hello")
    assert saved.read_bytes() == await file.aread()


def test_a_missing_file_is_a_failed_download(file: File, fal_sandbox: Sandbox) -> None:
    fal_sandbox.files.remove(str(file.url))
    with pytest.raises(FalDownloadError, match="404"):
        file.read()
    assert fal_sandbox.submits == 1


def test_a_page_instead_of_the_file_raises(
    file: File, kind: str, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.next("file of another type", on="file")
    with pytest.raises(FalDownloadError, match=f"is not (an )?{kind}") as caught:
        file.read()
    assert caught.value.charged == "yes"
    assert file.read().startswith(BEGINNINGS[kind])
    assert fal_sandbox.submits == 1


def test_a_content_block_has_the_url(file: File, kind: str) -> None:
    assert file.to_content_block() == {
        "type": kind,
        "url": file.url,
        "mime_type": f"{kind}/{SUFFIXES[kind][1:]}",
        "id": f"{file.request_id}-0",
    }


def test_bytes_in_the_response_go_to_the_store(fal_sandbox: Sandbox, kind: str) -> None:
    store = InMemoryByteStore()
    file = make(fal_sandbox.provider(store=store), kind, inline=True)
    assert file.url is None
    assert file.read().startswith(BEGINNINGS[kind])
    assert list(store.yield_keys()) == [file.sha256]
    assert "base64" not in repr(file)
    with pytest.raises(FalConfigurationError, match="no URL"):
        file.to_content_block()
    stored = pickle.dumps(file)
    assert len(stored) < 1000
    lost: Any = pickle.loads(stored)  # noqa: S301 - our own
    with pytest.raises(FalDownloadError, match="are lost"):
        lost.using(fal_sandbox.provider()).read()


@pytest.mark.parametrize("result", [ImageResult, SpeechResult, TranscriptionResult])
def test_another_dict_is_not_an_artifact(result: Any) -> None:
    for artifact in ({"type": "other"}, {}):
        with pytest.raises(ValueError, match="artifact"):
            result.from_artifact(artifact)
