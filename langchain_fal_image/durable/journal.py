"""The journal of a durable batch: an SQLite file, written at every step."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from langchain_fal_image.errors import FalJournalError

__all__ = ["Entry", "Journal", "State"]

State = Literal["waiting", "intended", "open", "made", "done", "failed", "uncertain"]
"""Where an input stands.

`waiting`: fal surely has no request of it. `intended`: a submit is under way; found so
by a later run, it becomes `uncertain`. `open`: fal has the request. `made`: the result
is known, its images are not all on disk. `failed`: fal or a check said no.
"""

_VERSION = "1"
_TABLES = """
create table meta (name text primary key, value text not null);
create table inputs (
    number integer primary key, digest text not null, summary text not null,
    state text not null, request text, artifact text, files text, error text,
    changed_at real not null
);
create index inputs_by_state on inputs (state);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal knows of one input.

    Attributes:
        number: Its place among the inputs, from 0.
        summary: Its prompt, or what it is, shortened.
        state: See `State`.
        request: The request that fal accepted, as `FalRequest.to_dict` gives it.
        artifact: The result, as `ImageResult.to_artifact` gives it.
        files: The images on disk.
        error: Its last failure: `type`, `message`, `charged`.
    """

    number: int
    summary: str
    state: State
    request: dict[str, Any] | None = None
    artifact: dict[str, Any] | None = None
    files: tuple[str, ...] = ()
    error: dict[str, Any] | None = field(default=None)

    @property
    def request_id(self) -> str | None:
        """Fal's id of its request."""
        return self.request["request_id"] if self.request else None


class Journal:
    """Opened by one process at a time; every change is on disk when a call returns.

    Args:
        path: The file; it is made where it does not exist.

    Raises:
        FalJournalError: Another process has it open, it is damaged or no journal, or
            it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # No waiting: whoever holds the lock holds it to its end.
            self._base = sqlite3.connect(path, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            message = f"The journal {path} cannot be opened: {error}."
            raise FalJournalError(message, next_step="Choose another path.") from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._base.close()
            raise self._unusable(error) from error
        except BaseException:
            self._base.close()
            raise

    def _prepare(self) -> None:
        # The lock is the operating system's and goes with the process.
        self._base.execute("pragma locking_mode = exclusive")
        self._base.execute("pragma synchronous = full")
        self._base.execute("begin exclusive")
        tables = {
            row[0] for row in self._base.execute("select name from sqlite_master")
        }
        if not tables:
            for statement in filter(str.strip, _TABLES.split(";")):
                self._base.execute(statement)
            self._put("version", _VERSION)
        self._base.execute("commit")
        [[verdict]] = self._base.execute("pragma quick_check(1)")
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if tables and not {"meta", "inputs"} <= tables:
            message = f"{self.path} is an SQLite file, but no journal of a batch."
            raise FalJournalError(message, next_step="Choose another path.")
        if (version := self._get("version")) != _VERSION:
            message = f"The journal {self.path} has version {version}."
            step = f"This package reads version {_VERSION}; finish it with the other."
            raise FalJournalError(message, next_step=step)

    def begin(self, *, model: str, inputs: Sequence[tuple[str, str]]) -> None:
        """Fix what the batch is about, or check that it is still the same.

        Args:
            model: What tells the endpoint and its options from others.
            inputs: Digest and summary of each input, in order.

        Raises:
            FalJournalError: The journal was begun with other inputs or another model.
        """
        with self._transaction():
            begun = self._get("model")
            if begun is None:
                self._put("model", model)
                now = time.time()
                self._base.executemany(
                    "insert into inputs values (?, ?, ?, 'waiting', null, null, null,"
                    " null, ?)",
                    [(n, digest, text, now) for n, (digest, text) in enumerate(inputs)],
                )
                return
        known = [row[0] for row in self._base.execute("select digest from inputs")]
        digests = [digest for digest, _ in inputs]
        if begun == model and known == digests:
            return
        if begun != model:
            what = "another model or other options"
        elif len(known) != len(digests):
            what = f"{len(known)} inputs, not {len(digests)}"
        else:
            pairs = enumerate(zip(known, digests, strict=True))
            first = next(n for n, (old, new) in pairs if old != new)
            what = f"another input at place {first}"
        message = f"The journal {self.path} was begun with {what}."
        raise FalJournalError(
            message,
            next_step="Go on with what it was begun with, or give the changed batch a "
            "journal of its own. Nothing was changed.",
        )

    def entries(self, *states: State) -> list[Entry]:
        """Give what is known of the inputs, in order.

        Args:
            *states: Only those in these states.
        """
        chosen = ",".join("?" * len(states))
        where = f"where state in ({chosen})" if states else ""
        rows = self._base.execute(
            f"select number, summary, state, request, artifact, files, error"  # noqa: S608 - no value is put in
            f" from inputs {where} order by number",
            states,
        )
        return [_entry(*row) for row in rows]

    def find(self, request_id: str) -> Entry | None:
        """Find the input of a request."""
        rows = self._base.execute(
            "select number, summary, state, request, artifact, files, error from inputs"
            " where json_extract(request, '$.request_id') = ?",
            (request_id,),
        )
        return next((_entry(*row) for row in rows), None)

    def note(self, number: int, state: State, **known: Any) -> None:
        """Write down where an input stands.

        Args:
            number: Which one.
            state: Its new state.
            **known: `request`, `artifact`, `files`, `error`: what is new of it.

        Raises:
            FalJournalError: It cannot be written.
        """
        columns = "".join(f", {name} = ?" for name in known)
        values = [
            None if value is None else json.dumps(value) for value in known.values()
        ]
        with self._transaction():
            changed = f"state = ?, changed_at = ?{columns}"
            self._base.execute(
                f"update inputs set {changed} where number = ?",  # noqa: S608 - the names are ours
                (state, time.time(), *values, number),
            )

    def close(self) -> None:
        """Let another process have it."""
        self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._base.execute("begin immediate")
            yield
            self._base.execute("commit")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._base.execute("rollback")
            message = f"The journal {self.path} cannot be written: {error}."
            raise FalJournalError(
                message,
                next_step="Make room on the disk, then start the batch again: what "
                "was written before is whole.",
            ) from error

    def _unusable(self, error: sqlite3.Error) -> FalJournalError:
        if "locked" in str(error):
            message = f"The journal {self.path} is in use by another process."
            step = "Wait until that one is done, or stop it; two would pay twice."
        elif "full" in str(error) or "disk I/O" in str(error):
            message = f"The journal {self.path} cannot be written: {error}."
            step = "Make room on the disk."
        else:
            message = f"The journal {self.path} is damaged or no journal: {error}."
            step = (
                "Restore it from a copy, or choose another path; fal's dashboard lists "
                "what was submitted. The file was left as it is."
            )
        return FalJournalError(message, next_step=step)

    def _get(self, name: str) -> str | None:
        row = self._base.execute(
            "select value from meta where name = ?", (name,)
        ).fetchone()
        return row[0] if row else None

    def _put(self, name: str, value: str) -> None:
        self._base.execute("insert into meta values (?, ?)", (name, value))


def _entry(number: int, summary: str, state: State, *json_columns: Any) -> Entry:
    request, artifact, files, error = (
        None if text is None else json.loads(text) for text in json_columns
    )
    return Entry(number, summary, state, request, artifact, tuple(files or ()), error)
