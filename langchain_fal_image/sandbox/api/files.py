"""The files that the sandbox serves: outputs and uploads."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, unquote_to_bytes

from langchain_fal_image.sandbox.input_file import (
    InputFile,
    PayloadPath,
    UnreadableInputError,
)

__all__ = ["Files", "StoredFile"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is served."""

    content: bytes = field(repr=False)
    content_type: str


class Files:
    """Files by their path below `/files/`.

    Attributes:
        base_url: The sandbox's URL.
    """

    def __init__(self) -> None:
        self.base_url = ""
        self._files: dict[str, StoredFile] = {}

    def put(self, name: str, content: bytes, content_type: str) -> str:
        """Store a file and return its URL.

        Args:
            name: The last part of its path, after a digest of the content, as at fal.
            content: Its bytes.
            content_type: Its MIME type.
        """
        digest = hashlib.sha256(content).hexdigest()[:12]
        return self.put_at(f"{digest}/{name}", content, content_type)

    def put_at(self, path: str, content: bytes, content_type: str) -> str:
        """Store a file at a path and return its URL."""
        self._files[path] = StoredFile(content, content_type)
        return self.url_of(path)

    def url_of(self, path: str) -> str:
        """Return the URL of a path."""
        return f"{self.base_url}/files/{quote(path)}"

    def get(self, path: str) -> StoredFile | None:
        """Return the file at a path."""
        return self._files.get(path)

    def remove(self, url: str) -> bool:
        """Delete a file, as if it had expired; return whether it existed."""
        return self._files.pop(self._path_of(url), None) is not None

    def read_input(self, path: PayloadPath, url: str) -> InputFile:
        """Return an input file; its content is None if it is on another host.

        Args:
            path: The path of the file's URL in the payload.
            url: Its URL, or a data URI.

        Raises:
            UnreadableInputError: It is not a URL, or it is the sandbox's and no such
                file exists.
        """
        if not url.lower().startswith(("http://", "https://", "data:")):
            message = "Failed to download the file: not a URL"
            raise UnreadableInputError(
                message, path=path, error_type="file_download_error"
            )
        content = self._read(url)
        if content is None and url.startswith(f"{self.base_url}/"):
            message = "Failed to download the file: 404 Not Found"
            error_type = "file_download_error"
            raise UnreadableInputError(message, path=path, error_type=error_type)
        return InputFile(path, url, content)

    def _read(self, url: str) -> bytes | None:
        if url[:5].lower() == "data:":
            head, _, body = url.partition(",")
            content = unquote_to_bytes(body)
            if not head.lower().endswith(";base64"):
                return content
            try:
                return base64.b64decode(content)
            except ValueError:
                return b""
        stored = self.get(self._path_of(url))
        return stored.content if stored else None

    def _path_of(self, url: str) -> str:
        path = url.removeprefix(f"{self.base_url}/files/").partition("?")[0]
        return unquote(path)
