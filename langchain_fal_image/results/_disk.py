"""Files on disk: private, under safe names, and never in place of another file."""

from __future__ import annotations

import filecmp
import itertools
import os
import re
import shutil
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "create_private_file",
    "make_private_folder",
    "make_stem",
    "publish",
    "publish_in_folder",
]

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_MAX_STEM = 80
# Windows opens devices under these names, with any suffix.
_RESERVED = re.compile(r"(con|prn|aux|nul|conin|conout|(com|lpt)\d?)", re.IGNORECASE)


def make_stem(name: str | None) -> str:
    """Return the safe part of a file name from elsewhere, without its suffix.

    It has letters, digits, `_` and `-` of ASCII only; it is empty if none are left.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    stem = _UNSAFE.sub("_", Path(last).stem).strip("_-")[:_MAX_STEM]
    return f"{stem}_file" if _RESERVED.fullmatch(stem) else stem


def make_private_folder(folder: Path) -> None:
    """Create a folder and its parents for this user only; leave existing ones."""
    for each in (*reversed(folder.parents), folder):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def create_private_file(path: Path) -> BinaryIO:
    """Create a file that only this user can read; raise if the name is taken."""
    return open(path, "x+b", opener=lambda name, flags: os.open(name, flags, 0o600))


def publish(part: Path, path: Path, *, overwrite: bool) -> None:
    """Move a complete file to its final name.

    Args:
        part: The complete file, on the same disk.
        path: Its final name. A file with the same bytes is left as it is.
        overwrite: Whether to replace another file, and keep its mode.

    Raises:
        FileExistsError: Another file has this name.
    """
    if overwrite:
        if path.is_file():
            shutil.copymode(path, part)
        part.replace(path)
        return
    try:
        _take_name(part, path)
    except FileExistsError:
        if not (path.is_file() and filecmp.cmp(part, path, shallow=False)):
            raise


def _take_name(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)  # unlike a rename, it fails if the name is taken
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links, such as exFAT
        path.open("xb").close()
        part.replace(path)


def publish_in_folder(
    part: Path, folder: Path, stem: str, extension: str, *, overwrite: bool
) -> Path:
    """Move a complete file into a folder; number its name if another file has it.

    Such as `fuji.png`, `fuji_2.png`, `fuji_3.png`.
    """
    path, numbers = folder / f"{stem}{extension}", itertools.count(2)
    while True:
        try:
            publish(part, path, overwrite=overwrite)
        except FileExistsError:
            path = folder / f"{stem}_{next(numbers)}{extension}"
        else:
            return path
