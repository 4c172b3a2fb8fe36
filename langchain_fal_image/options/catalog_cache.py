"""The catalog that `refresh_catalog` stores in the user's cache folder.

The file has the format that `catalog_file` describes, with its SHA-256 as the first
key, so that a damaged file is never used. It is written under a temporary name and
then renamed; a file that is there is therefore complete.

An exclusive transaction of SQLite on an empty file is the lock between processes.
SQLite comes with Python on every platform, and the operating system releases its locks
when a process dies, which a lock file that is merely created does not offer.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_fal_image.options.catalog_file import FORM, find_date

__all__ = ["FOLDER_VARIABLE", "find_folder", "lock_folder", "read_cached", "write_file"]

FOLDER_VARIABLE = "FAL_CATALOG_DIR"
"""The environment variable that sets the folder."""

_log = logging.getLogger("langchain_fal_image")
_APP = "langchain-fal-image"
_FILE = "catalog.json"
_LOCK = "catalog.lock"
_PATIENCE_S = 60.0
_DIGEST = re.compile(rb'\{\n"sha256":"([0-9a-f]{64})",\n')


def find_folder() -> Path | None:
    """Return the folder of the cached catalog; None if the user has no home folder."""
    if folder := os.environ.get(FOLDER_VARIABLE):
        return Path(folder)
    # Imported with the first lookup, to save start-up time.
    from platformdirs import user_cache_path  # noqa: PLC0415

    try:
        found = user_cache_path(_APP, appauthor=False)
    except RuntimeError:
        return None
    # Older versions return a relative path in place of the error.
    return found if found.is_absolute() else None


def read_cached(shipped_date: str) -> Mapping[str, Any] | None:
    """Return the cached catalog, unless it is missing, damaged or too old.

    A file that cannot be used is reported by a warning in the log.
    """
    folder = find_folder()
    if folder is None:
        return None
    path = folder / _FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        # Without read access to the home folder, it is unknown whether there is one.
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            _log.info("the catalog in %s cannot be read: %s", folder, error)
        return None
    data = _parse(content)
    if data is None:
        problem = "is damaged"
    elif data.get("form") != FORM:
        problem = "is from another version of this package"
    elif find_date(data) < shipped_date:
        problem = f"is older ({find_date(data)})"
    else:
        return data
    _log.warning(
        "%s %s; using the catalog that this package contains (%s). "
        "fal.refresh_catalog() replaces the file.",
        path,
        problem,
        shipped_date,
    )
    return None


def _parse(content: bytes) -> dict[str, Any] | None:
    start = _DIGEST.match(content)
    if not start or hashlib.sha256(content[start.end() :]).hexdigest() != (
        start[1].decode()
    ):
        return None
    data: dict[str, Any] = json.loads(content)
    return data


@contextmanager
def lock_folder() -> Iterator[Path]:
    """Yield the folder while no other thread or process writes to it.

    Raises:
        OSError: The folder cannot be written to, or another process keeps the lock.
    """
    # Only a refresh needs it.
    import sqlite3  # noqa: PLC0415

    folder = find_folder()
    if folder is None:
        message = "the user has no home folder"
        raise FileNotFoundError(message)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        database = sqlite3.connect(folder / _LOCK, _PATIENCE_S, isolation_level=None)
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    try:
        try:
            database.execute("begin exclusive")
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
        yield folder
    finally:
        database.close()


def write_file(folder: Path, text: str) -> Path:
    """Write a catalog into the locked folder and return its path.

    Raises:
        OSError: It cannot be written; the file that was there remains.
    """
    rest = text.removeprefix("{\n").encode()
    digest = hashlib.sha256(rest).hexdigest()
    path, temporary = folder / _FILE, folder / f"{_FILE}.part"
    with temporary.open("wb") as file:
        file.write(f'{{\n"sha256":"{digest}",\n'.encode())
        file.write(rest)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path
