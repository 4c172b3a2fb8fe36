"""fal's storage: uploads, whole and in parts, and the files it serves."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from langchain_fal_image.sandbox.api.files import Media

__all__ = ["Storage"]


class Storage:
    """Takes uploads as fal's two clients send them, and serves files.

    Args:
        media: Where the files lie.
    """

    def __init__(self, media: Media) -> None:
        self._media = media
        self._kinds: dict[str, str] = {}

    async def begun(self, path: str, body: Any) -> Response:
        """Begin an upload: name the place, or give a token for it.

        Args:
            path: Below `/rest/`.
            body: The request's JSON.
        """
        if path == "storage/auth/token":
            token = {
                "token": "sandbox-upload",
                "token_type": "Bearer",
                "base_url": f"{self._media.base_url}/files",
                "expires_at": "2999-01-01T00:00:00+00:00",
            }
            return JSONResponse(token)
        if path not in {"storage/upload/initiate", "storage/upload/initiate-multipart"}:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        if not isinstance(body, dict):
            return JSONResponse({"detail": "Expected a JSON object"}, status_code=422)
        place = _place(body.get("file_name"))
        self._kinds[place] = str(body.get("content_type") or "")
        url = self._media.url(place)
        return JSONResponse({"upload_url": f"{url}?upload=sandbox", "file_url": url})

    async def read(self, path: str) -> Response:
        """Serve a file."""
        stored = self._media.get(path)
        if stored is None:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return Response(stored.content, media_type=stored.content_type)

    async def stored(self, request: Request, path: str, content: bytes) -> Response:
        """Take a file, a part of one, or the word that all parts are there."""
        kind = request.headers.get("content-type", "application/octet-stream")
        if path == "upload":
            place = _place(request.headers.get("x-fal-file-name"))
            return JSONResponse({"access_url": self._media.keep(place, content, kind)})
        if path == "upload/multipart":
            place = f"uploads/{uuid.uuid4()}"
            self._kinds[place] = kind
            url = self._media.url(place)
            return JSONResponse({"access_url": url, "uploadId": str(uuid.uuid4())})
        head, _, last = path.rpartition("/")
        if last == "complete":
            return self._joined(head, content)
        if last.isdigit():
            etag = f'"{last}-{len(content)}"'
            self._media.keep(path, content, kind)
            body = {"partNumber": int(last), "etag": etag}
            return JSONResponse(body, headers={"etag": etag})
        return JSONResponse({"access_url": self._media.keep(path, content, kind)})

    def _joined(self, path: str, content: bytes) -> Response:
        try:
            numbers = [int(each["partNumber"]) for each in json.loads(content)["parts"]]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"detail": "Expected the parts"}, status_code=422)
        parts = [self._media.get(f"{path}/{number}") for number in sorted(numbers)]
        if not parts or None in parts:
            return JSONResponse({"detail": "a part is missing"}, status_code=400)
        whole = b"".join(part.content for part in parts if part)
        place = path.partition("/multipart/")[0]
        kind = self._kinds.get(place) or (parts[0].content_type if parts[0] else "")
        for number in numbers:
            self._media.remove(self._media.url(f"{path}/{number}"))
        return JSONResponse({"access_url": self._media.keep(place, whole, kind)})


def _place(name: object) -> str:
    """Choose where an upload lies; its name keeps only what a path may hold."""
    plain = re.sub(r"[^\w.-]+", "_", str(name or "file"), flags=re.ASCII)[-100:]
    return f"uploads/{uuid.uuid4()}/{plain.lstrip('.') or 'file'}"
