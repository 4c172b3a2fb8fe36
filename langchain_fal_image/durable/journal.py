"""The journal of a durable batch: an SQLite file that records every step."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import ConfigDict, Json, TypeAdapter, ValidationError

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalError, FalJournalError
from langchain_fal_image.results._disk import create_private_file, make_private_folder
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.results.request import FalRequest

__all__ = ["Entry", "Journal", "State"]

T = TypeVar("T")
State = Literal["waiting", "intended", "open", "made", "done", "failed", "uncertain"]
"""The state of an input.

`waiting`: fal certainly did not accept it. `intended`: its submit is running; a later
start changes this to `uncertain`. `open`: fal accepted it. `made`: the result is known,
but not all images are on disk. `done`: all images are on disk. `failed`: fal or a check
refused it. `uncertain`: fal may have accepted it.
"""

_Object = Json[dict[str, Any]] | None
_ROW = TypeAdapter(
    tuple[int, str, State, _Object, _Object, Json[list[str]] | None, _Object],
    config=ConfigDict(strict=True, hide_input_in_errors=True),
)
_COLUMNS = ("number", "summary", "state", "request", "artifact", "files", "error")
_SELECT = f"select {', '.join(_COLUMNS)} from inputs"  # noqa: S608 - fixed names
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
            make_private_folder(path.parent)
            with contextlib.suppress(FileExistsError):
                create_private_file(path).close()
            # Do not wait for the lock: another process holds it until it ends.
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
        except (OSError, ValueError, sqlite3.Error) as error:
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
        tables = dict(self._database.execute("select name, type from sqlite_master"))
        if not tables:
            for statement in filter(str.strip, _TABLES.split(";")):
                self._database.execute(statement)
            self._put("version", _VERSION)
        self._database.execute("commit")
        [[verdict]] = self._database.execute("pragma quick_check(1)")
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        # A trigger could drop what the batch records.
        is_foreign = {"trigger", "view"} & set(tables.values())
        if tables and (is_foreign or not {"meta", "inputs"} <= set(tables)):
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
        known = [row[0] for row in self._read("select digest from inputs")]
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
        found = map(self._parse_row, self._read(f"{_SELECT} order by number"))
        return [entry for entry in found if not states or entry.state in states]

    def find(self, request_id: str) -> Entry | None:
        """Return the input of a request; None if the journal has no such request."""
        where = "where json_extract(request, '$.request_id') = ?"
        # SQLite does not accept lone surrogates.
        rows = self._read(
            f"{_SELECT} {where}", request_id.encode(errors="replace").decode()
        )
        return next(map(self._parse_row, rows), None)

    def restore_request(self, entry: Entry) -> FalRequest:
        """Return the request that fal accepted for an input.

        Raises:
            FalJournalError: The entry has no request, or a damaged one.
        """
        return self._restore(FalRequest.from_dict, entry.request, entry)

    def restore_result(self, entry: Entry) -> ImageResult:
        """Return the result of an input.

        Raises:
            FalJournalError: The entry has no result, or a damaged one.
        """
        return self._restore(ImageResult.from_artifact, entry.artifact, entry)

    def _restore(
        self, restore: Callable[[dict[str, Any]], T], stored: Any, entry: Entry
    ) -> T:
        try:
            return restore(stored or {})
        except (FalError, LookupError, TypeError, ValueError, AttributeError) as error:
            what = f"the record of input {entry.number} cannot be read"
            raise self._build_damage(what) from error

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
            return self._build_damage(str(error))
        return FalJournalError(message, next_step=step)

    def _build_damage(self, what: str) -> FalJournalError:
        message = f"The journal {self.path} is damaged or not a journal: {what}."
        step = (
            "Restore it from a copy, or choose another path; fal's dashboard lists "
            "the submitted requests. The file was not changed."
        )
        return FalJournalError(message, next_step=step)

    def _read(self, statement: str, *values: str) -> list[Any]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._convert_error(error) from error

    def _parse_row(self, row: Any) -> Entry:
        try:
            number, summary, state, request, artifact, files, error = (
                _ROW.validate_python(row)
            )
        except ValidationError as invalid:
            fault = invalid.errors(include_url=False, include_input=False)[0]
            column = _COLUMNS[int(fault["loc"][0])] if fault["loc"] else "row"
            what = f"{column} of input {safe_repr(row[0])}: {fault['msg']}"
            raise self._build_damage(what) from invalid
        for name, found in (("request_id", request), ("message", error)):
            if found is not None and not isinstance(found.get(name), str):
                what = f"the record of input {number} has no {name}"
                raise self._build_damage(what)
        return Entry(
            number, summary, state, request, artifact, tuple(files or ()), error
        )

    def _get(self, name: str) -> str | None:
        rows = self._read("select value from meta where name = ?", name)
        return rows[0][0] if rows else None

    def _put(self, name: str, value: str) -> None:
        self._database.execute("insert into meta values (?, ?)", (name, value))
