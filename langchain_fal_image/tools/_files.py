"""Find the file that a chat model names by handle or URL."""

from __future__ import annotations

from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image._session.session import Session
from langchain_fal_image.errors import FalInputAudioError, FalInputImageError
from langchain_fal_image.inputs.reference import MediaType
from langchain_fal_image.library.handles import is_handle
from langchain_fal_image.library.library import ImageLibrary, LibraryFiles
from langchain_fal_image.library.thread import Thread

__all__ = ["find_file"]

_MAX_PATH = 400


def find_file(
    name: str,
    library: ImageLibrary,
    *,
    kind: MediaType,
    fal: Session,
    thread: Thread,
) -> Any:
    """Return the file that a chat model names; a new URL or a path is returned as is.

    Args:
        name: A handle, a URL, or a path; a path is checked when it is read.
        library: The library that has the files of the thread.
        kind: The type of file that the tool takes.
        fal: The provider that reads the file.
        thread: The thread of the call.

    Raises:
        FalInputError: The thread has no file with this handle; the URL looks like a
            known one with a typo; or the chat model passed the file's content instead
            of its name.
    """
    files: LibraryFiles[Any] = library.images if kind == "image" else library.audio
    error = FalInputImageError if kind == "image" else FalInputAudioError
    if name[:5].lower() == "data:" or (len(name) > _MAX_PATH and "://" not in name):
        known = ", ".join(files.handles(thread=thread)) or "none yet"
        message = (
            f"Name the {kind} by its handle or URL, not by {safe_repr(name)}. "
            f"Handles: {known}."
        )
        raise error(message)
    if is_handle(name):
        file = files.get(name, thread=thread)
        if file.url is None and file.sha256 is None:
            message = (
                f"Only the provider of the chat model has the file {name}; ask the "
                f"user for the {kind} itself, or for its URL."
            )
            raise error(message)
    else:
        file = files.find_url(name, thread=thread)
        if file is None and "://" not in name and not fal.allowed_dirs:
            message = f"{safe_repr(name)} is neither a handle nor a public URL."
            raise error(message)
    return file.using(fal) if file else name
