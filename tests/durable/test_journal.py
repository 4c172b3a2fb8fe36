"""The journal of a durable batch: it fits its batch, has one user and loses nothing."""

from __future__ import annotations

import contextlib
import functools
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from durable_batches import PROMPTS, MakeBatch, count_states, make_batch

from langchain_fal_image import FalProvider, FalTextToImage, errors
from langchain_fal_image.sandbox import Sandbox


@pytest.fixture
def make(fal: FalProvider, tmp_path: Path) -> MakeBatch:
    return functools.partial(make_batch, tmp_path, fal)


def test_a_changed_batch_is_refused(
    make: MakeBatch, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    make().run(PROMPTS)
    for changed, problem in (
        ([*PROMPTS, "more"], "6 inputs, not 7"),
        (["other", *PROMPTS[1:]], "another input at index 0"),
    ):
        with pytest.raises(errors.FalJournalError, match=problem):
            make().run(changed)
    other = FalTextToImage(fal=fal, size="128x128")
    with pytest.raises(errors.FalJournalError, match="other options"):
        make(model=other).run(PROMPTS)
    assert count_states(make().report()) == {"done": 6}
    assert fal_sandbox.submits == 6


def test_a_second_process_is_refused(make: MakeBatch, tmp_path: Path) -> None:
    make().run(PROMPTS)
    code = "from pathlib import Path; from langchain_fal_image.durable.journal import"
    code += f" Journal; j = Journal(Path({str(tmp_path / 'run.sqlite')!r}));"
    code += "print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(errors.FalJournalError, match="in use by another process"):
            make().run(PROMPTS)
        other.kill()
    assert count_states(make().run(PROMPTS)) == {"done": 6}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The journal of a finished batch, several pages long."""
    folder = tmp_path_factory.mktemp("whole")
    with Sandbox() as sandbox, sandbox.provider() as fal:
        inputs = [f"hill {number} {'x' * 900}" for number in range(12)]
        make_batch(folder, fal, images=None).run(inputs)
    return (folder / "run.sqlite").read_bytes()


@pytest.mark.parametrize("kind", ["text", "cut", "overwritten", "another's", "newer"])
def test_a_damaged_journal_is_not_changed(
    kind: str, make: MakeBatch, whole: bytes, tmp_path: Path, fal_sandbox: Sandbox
) -> None:
    path = tmp_path / "run.sqlite"
    path.write_bytes(whole)
    if kind == "text":
        path.write_text("dear diary, " * 100)
    elif kind == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "overwritten":
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    else:
        path.unlink()
        with sqlite3.connect(path) as base:
            base.execute("create table cats (name text)")
            if kind == "newer":
                base.execute("create table inputs (number integer)")
                base.execute("create table meta (name text, value text)")
                base.execute("insert into meta values ('version', '7')")
        base.close()
    before = path.read_bytes()
    with pytest.raises(errors.FalJournalError) as caught:
        make().run(PROMPTS)
    assert caught.value.next_step
    assert path.read_bytes() == before
    assert fal_sandbox.submits == 0


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Limit the size of files, as on a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_another_batch_in_the_same_folder_loses_no_image(
    make: MakeBatch, tmp_path: Path
) -> None:
    first = make().run(PROMPTS)
    contents = {each: each.read_bytes() for each in (tmp_path / "images").iterdir()}
    second = make(journal=tmp_path / "other.sqlite").run(
        [f"{each}!" for each in PROMPTS]
    )
    assert all(path.read_bytes() == content for path, content in contents.items())
    names = {name for each in (*first.done, *second.done) for name in each.files}
    assert names == {each.name for each in (tmp_path / "images").iterdir()}
    assert len(names) == 12
    assert second.done[0].files == ("00000_2.png",)


def test_an_image_that_an_earlier_start_saved_is_not_saved_twice(
    make: MakeBatch, tmp_path: Path
) -> None:
    make().run(PROMPTS)
    with sqlite3.connect(tmp_path / "run.sqlite") as base:
        base.execute("update inputs set state = 'made', files = null")
    base.close()
    report = make().run(PROMPTS)
    assert report.done[0].files == ("00000.png",)
    assert len(list((tmp_path / "images").iterdir())) == 6


def test_a_full_disk_for_images_loses_nothing(
    make: MakeBatch, tmp_path: Path, fal_sandbox: Sandbox
) -> None:
    large = [{"prompt": "a hill", "size": "1024x768"}, "a lake"]
    # The journal is smaller than that, an image is not.
    with (
        files_up_to(60_000),
        pytest.raises(errors.FalJournalError, match="cannot be written") as caught,
    ):
        make(concurrency=1).run(large)
    assert caught.value.charged == "yes"
    assert caught.value.request_id
    assert list((tmp_path / "images").glob("*.png")) == []
    assert count_states(make().run(large)) == {"done": 2}
    assert fal_sandbox.submits == 2


def test_a_full_disk_for_the_journal_names_the_request(
    make: MakeBatch, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    inputs = [f"hill {number} {'long ' * 190}" for number in range(12)]
    with files_up_to(24_576), pytest.raises(errors.FalJournalError) as caught:
        make(concurrency=1).run(inputs)
    assert "cannot be written" in caught.value.message
    known = {each.request_id for each in make().report().open}
    known |= {each.request_id for each in make().report().done}
    lost = set(fal_sandbox.accepted) - known
    assert lost <= {caught.value.request_id}
    if caught.value.request is not None:
        assert caught.value.request.using(fal).result().images
    report = make().run(inputs)
    assert len(report.done) + len(report.uncertain) == 12
    assert fal_sandbox.submits <= 12
