"""The journal of a durable batch: an SQLite file that records every step."""

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
"""The state of an input.

`waiting`: fal certainly did not accept it. `intended`: its submit is running; a later
start changes this to `uncertain`. `open`: fal accepted it. `made`: the result is known,
but not all images are on disk. `done`: all images are on disk. `failed`: fal or a check
refused it. `uncertain`: fal may have accepted it.
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
    """The journal's record of one input.

    Attributes:
        number: The index of the input, from 0.
        summary: The prompt or a description of the input, shortened.
        state: The state of the input.
        request: The request that fal accepted, from `FalRequest.to_dict`.
        artifact: The result, from `ImageResult.to_artifact`.
        files: The names of the images on disk.
        error: The last error: `type`, `message`, `charged`.
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
        """The request id; None if fal has not accepted the input."""
        return self.request["request_id"] if self.request else None


class Journal:
    """A journal; each change is on disk when the call that makes it returns.

    Only one process at a time can open it.

    Args:
        path: The file; it is created if it does not exist.

    Raises:
        FalJournalError: The file is in use by another process, damaged, not a journal,
            or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Do not wait for the lock: another process holds it until it ends.
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            message = f"The journal {path} cannot be opened: {error}."
            raise FalJournalError(message, next_step="Choose another path.") from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._database.close()
            raise self._convert_error(error) from error
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        # The operating system releases the lock when the process ends.
        self._database.execute("pragma locking_mode = exclusive")
        self._database.execute("pragma synchronous = full")
        self._database.execute("begin exclusive")
        tables = {
            row[0] for row in self._database.execute("select name from sqlite_master")
        }
        if not tables:
            for statement in filter(str.strip, _TABLES.split(";")):
                self._database.execute(statement)
            self._put("version", _VERSION)
        self._database.execute("commit")
        [[verdict]] = self._database.execute("pragma quick_check(1)")
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if tables and not {"meta", "inputs"} <= tables:
            message = f"{self.path} is an SQLite file, but not a batch's journal."
            raise FalJournalError(message, next_step="Choose another path.")
        if (version := self._get("version")) != _VERSION:
            message = f"The journal {self.path} has version {version}."
            step = (
                f"This release reads version {_VERSION}; use the release that wrote it."
            )
            raise FalJournalError(message, next_step=step)

    def begin(self, *, model: str, inputs: Sequence[tuple[str, str]]) -> None:
        """Record the model and the inputs, or check that they have not changed.

        Args:
            model: A description of the endpoint and its options.
            inputs: The digest and summary of each input, in order.

        Raises:
            FalJournalError: The journal has another model or other inputs.
        """
        with self._transaction():
            known_model = self._get("model")
            if known_model is None:
                self._put("model", model)
                now = time.time()
                self._database.executemany(
                    "insert into inputs values (?, ?, ?, 'waiting', null, null, null,"
                    " null, ?)",
                    [(n, digest, text, now) for n, (digest, text) in enumerate(inputs)],
                )
                return
        known = [row[0] for row in self._database.execute("select digest from inputs")]
        digests = [digest for digest, _ in inputs]
        if known_model == model and known == digests:
            return
        if known_model != model:
            difference = "another model or other options"
        elif len(known) != len(digests):
            difference = f"{len(known)} inputs, not {len(digests)}"
        else:
            pairs = enumerate(zip(known, digests, strict=True))
            first = next(n for n, (old, new) in pairs if old != new)
            difference = f"another input at index {first}"
        message = f"The journal {self.path} was created for {difference}."
        raise FalJournalError(
            message,
            next_step="Use the same model and inputs, or another journal for the "
            "changed batch. Nothing was changed.",
        )

    def entries(self, *states: State) -> list[Entry]:
        """Return the inputs, in order.

        Args:
            *states: The states to return; by default all.
        """
        chosen = ",".join("?" * len(states))
        where = f"where state in ({chosen})" if states else ""
        rows = self._database.execute(
            f"select number, summary, state, request, artifact, files, error"  # noqa: S608 - contains no values
            f" from inputs {where} order by number",
            states,
        )
        return [_parse_row(*row) for row in rows]

    def find(self, request_id: str) -> Entry | None:
        """Return the input of a request; None if the journal has no such request."""
        rows = self._database.execute(
            "select number, summary, state, request, artifact, files, error from inputs"
            " where json_extract(request, '$.request_id') = ?",
            (request_id,),
        )
        return next((_parse_row(*row) for row in rows), None)

    def update(self, number: int, state: State, **columns: Any) -> None:
        """Record the state of an input.

        Args:
            number: The index of the input.
            state: Its new state.
            **columns: New values of `request`, `artifact`, `files` or `error`.

        Raises:
            FalJournalError: The journal cannot be written.
        """
        assignments = "".join(f", {name} = ?" for name in columns)
        values = [
            None if value is None else json.dumps(value) for value in columns.values()
        ]
        with self._transaction():
            assignments = f"state = ?, changed_at = ?{assignments}"
            self._database.execute(
                f"update inputs set {assignments} where number = ?",  # noqa: S608 - fixed column names
                (state, time.time(), *values, number),
            )

    def close(self) -> None:
        """Close the file, so that another process can open it."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("begin immediate")
            yield
            self._database.execute("commit")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("rollback")
            message = f"The journal {self.path} cannot be written: {error}."
            raise FalJournalError(
                message,
                next_step="Free some disk space, then start the batch again: earlier "
                "records are intact.",
            ) from error

    def _convert_error(self, error: sqlite3.Error) -> FalJournalError:
        if "locked" in str(error):
            message = f"The journal {self.path} is in use by another process."
            step = "Wait for that process, or stop it; two would pay twice."
        elif "full" in str(error) or "disk I/O" in str(error):
            message = f"The journal {self.path} cannot be written: {error}."
            step = "Free some disk space."
        else:
            message = f"The journal {self.path} is damaged or not a journal: {error}."
            step = (
                "Restore it from a copy, or choose another path; fal's dashboard lists "
                "the submitted requests. The file was not changed."
            )
        return FalJournalError(message, next_step=step)

    def _get(self, name: str) -> str | None:
        row = self._database.execute(
            "select value from meta where name = ?", (name,)
        ).fetchone()
        return row[0] if row else None

    def _put(self, name: str, value: str) -> None:
        self._database.execute("insert into meta values (?, ?)", (name, value))


def _parse_row(number: int, summary: str, state: State, *json_columns: Any) -> Entry:
    request, artifact, files, error = (
        None if text is None else json.loads(text) for text in json_columns
    )
    return Entry(number, summary, state, request, artifact, tuple(files or ()), error)
