"""Saving: a name from elsewhere is made safe, and no other file is replaced."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.stores import InMemoryByteStore

from langchain_fal_image import (
    FalProvider,
    GeneratedImage,
    ImageResult,
    SpeechResult,
    create_fal,
)

GIF = b"GIF89a\1\0\1\0\0\0\0;"
OTHER_GIF = GIF + b"print('also Python')"
WAV = b"RIFF\x04\0\0\0WAVE"


@pytest.fixture
def fal() -> Iterator[FalProvider]:
    with create_fal("k", store=InMemoryByteStore()) as provider:
        yield provider


def store(fal: FalProvider, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    fal.store.mset([(digest, content)])
    return digest


def make_result(fal: FalProvider, *files: tuple[str | None, bytes]) -> ImageResult:
    """Return a result with a file of each name and content."""
    entries = [
        {"file_name": name, "sha256": store(fal, content)} for name, content in files
    ]
    return ImageResult.from_output({"images": entries}, model="fal-ai/x").using(fal)


def make_image(
    fal: FalProvider, name: str | None, content: bytes = GIF
) -> GeneratedImage:
    return make_result(fal, (name, content)).image


# --- Names from fal ---


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("conftest.py", "conftest.gif"),
        (".env", "env.gif"),
        ("../../evil.sh", "evil.gif"),
        ("C:\\Windows\\evil.exe", "evil.gif"),
        ("..", "image.gif"),
        ("", "image.gif"),
        (None, "image.gif"),
        ("a\0b", "a_b.gif"),
        ("x" * 300, f"{'x' * 80}.gif"),
        ("CON.png", "CON_file.gif"),
        ("lpt1", "lpt1_file.gif"),
        ("-rf *.png", "rf.gif"),
        ("$(touch x).png", "touch_x.gif"),
        ("\u202egnp.exe", "gnp.gif"),
        ("ein Bär.jpeg", "ein_B_r.gif"),
        ("fuji-01.png", "fuji-01.gif"),
    ],
)
def test_a_name_from_fal_is_made_safe(
    fal: FalProvider, tmp_path: Path, name: str | None, saved: str
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    assert make_image(fal, name).save(folder) == folder / saved
    assert make_result(fal, (name, OTHER_GIF)).save(tmp_path / "more")
    assert sorted(tmp_path.rglob("*.*")) == [
        folder / saved,
        *(tmp_path / "more").iterdir(),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(), handle=st.text())
def test_any_name_stays_in_its_folder(
    fal: FalProvider, tmp_path: Path, name: str, handle: str
) -> None:
    result = make_result(fal, (name, GIF), ("", GIF)).with_handles([handle, handle])
    for path in (result.image.save(tmp_path), *result.save(tmp_path)):
        assert path.parent == tmp_path
        assert path.suffix == ".gif"
        assert path.name.isascii()
        assert path.read_bytes() == GIF


def test_the_suffix_is_that_of_the_bytes(fal: FalProvider, tmp_path: Path) -> None:
    entry = {"content_type": "text/x-python", "sha256": store(fal, b"\x89\x01\0\0")}
    output = {"images": [entry]}
    unknown = ImageResult.from_output(output, model="fal-ai/x").using(fal)
    assert unknown.image.save(tmp_path / "a") == tmp_path / "a"
    assert unknown.image.save(tmp_path) == tmp_path / "image"


# --- Other files ---


def test_another_file_is_not_replaced(fal: FalProvider, tmp_path: Path) -> None:
    mine = tmp_path / "conftest.gif"
    mine.write_text("mine")
    image = make_image(fal, "conftest.py", OTHER_GIF)
    with pytest.raises(FileExistsError, match="overwrite=True") as caught:
        image.save(mine)
    assert caught.value.errno == errno.EEXIST
    assert caught.value.filename == str(mine)
    assert image.save(tmp_path) == tmp_path / "conftest_2.gif"
    assert make_image(fal, "conftest").save(tmp_path) == tmp_path / "conftest_3.gif"
    assert mine.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


async def test_overwrite_replaces_a_file(fal: FalProvider, tmp_path: Path) -> None:
    mine = tmp_path / "fuji.gif"
    for content in (GIF, OTHER_GIF):
        result = make_result(fal, ("fuji.png", content))
        assert result.image.save(mine, overwrite=True) == mine
        assert mine.read_bytes() == content
        assert await result.image.asave(tmp_path, overwrite=True) == mine
        assert result.save(tmp_path, overwrite=True) == (mine,)
        assert await result.asave(tmp_path, overwrite=True) == (mine,)
    assert len(list(tmp_path.iterdir())) == 1  # noqa: ASYNC240 - of a test


def test_speech_is_not_replaced_either(fal: FalProvider, tmp_path: Path) -> None:
    entry = {"audio": {"sha256": store(fal, WAV)}}
    speech = SpeechResult.from_output(entry, model="fal-ai/x").using(fal)
    mine = tmp_path / "a.wav"
    mine.write_text("mine")
    with pytest.raises(FileExistsError):
        speech.save(mine)
    assert speech.save(mine, overwrite=True).read_bytes() == WAV


def test_the_same_bytes_are_saved_once(fal: FalProvider, tmp_path: Path) -> None:
    result = make_result(fal, ("fuji.png", GIF))
    for _ in range(2):
        assert result.image.save(tmp_path / "fuji.gif") == tmp_path / "fuji.gif"
        assert result.save(tmp_path) == (tmp_path / "fuji.gif",)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_is_not_followed(fal: FalProvider, tmp_path: Path) -> None:
    (tmp_path / "fuji.gif").symlink_to(tmp_path / "missing")
    (tmp_path / "pipe.gif").mkdir()
    image = make_image(fal, "fuji.png")
    with pytest.raises(FileExistsError):
        image.save(tmp_path / "fuji.gif")
    assert image.save(tmp_path).name == "fuji_2.gif"
    assert make_image(fal, "pipe").save(tmp_path).name == "pipe_2.gif"
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "link.gif").symlink_to(target)
    assert image.save(tmp_path / "link.gif", overwrite=True).read_bytes() == GIF
    assert target.read_text() == "mine"


@pytest.mark.parametrize(
    "names", [("a/x.png", "b/x.png"), ("X.png", "x.PNG"), (".", "")]
)
def test_no_image_of_a_result_is_lost(
    fal: FalProvider, tmp_path: Path, names: tuple[str, str]
) -> None:
    contents = [GIF, OTHER_GIF]
    result = make_result(fal, *zip(names, contents, strict=True))
    for overwrite in (False, True):
        paths = result.save(tmp_path / "images", overwrite=overwrite)
        assert [path.read_bytes() for path in paths] == contents
        assert [path.name for path in paths] == ["image_1.gif", "image_2.gif"]


def test_a_disk_without_hard_links_loses_nothing(
    fal: FalProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for number, content in enumerate((GIF, OTHER_GIF)):
        image = make_image(fal, "fuji", content)
        assert image.save(tmp_path).name == ("fuji.gif", "fuji_2.gif")[number]
    with pytest.raises(FileExistsError):
        image.save(tmp_path / "fuji.gif")
    assert (tmp_path / "fuji.gif").read_bytes() == GIF


# --- Modes ---


@pytest.mark.skipif(os.name != "posix", reason="has no modes")
def test_only_this_user_can_read_the_files(fal: FalProvider, tmp_path: Path) -> None:
    def read_mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    [path] = make_result(fal, ("a", GIF)).save(tmp_path / "new" / "images")
    assert read_mode(path) == 0o600
    assert read_mode(path.parent) == read_mode(path.parent.parent) == 0o700
    path.chmod(0o644)
    make_image(fal, "a", OTHER_GIF).save(path, overwrite=True)
    assert read_mode(path) == 0o644
