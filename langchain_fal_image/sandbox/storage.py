"""fal's storage: uploads, whole and in parts, and the files it serves."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from langchain_fal_image.sandbox.media import Media

__all__ = ["Storage"]


class Storage:
    """Takes uploads as fal's two clients send them, and serves files.

    Args:
        media: Where the files lie.
    """

    def __init__(self, media: Media) -> None:
        self._media = media

    async def begun(self, request: Request) -> Response:
        """Begin an upload: name the place, or give a token for it."""
        path = request.path_params["path"]
        if path in {"storage/auth/token", "storage/auth/token/"}:
            token = {
                "token": "sandbox-upload",
                "token_type": "Bearer",
                "base_url": f"{self._media.base_url}/files",
                "expires_at": "2999-01-01T00:00:00+00:00",
            }
            return JSONResponse(token)
        body = await request.json()
        place = f"uploads/{uuid.uuid4()}/{body.get('file_name', 'file')}"
        if path not in {"storage/upload/initiate", "storage/upload/initiate-multipart"}:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
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
            name = request.headers.get("x-fal-file-name", "file")
            place = f"uploads/{uuid.uuid4()}/{name}"
            return JSONResponse({"access_url": self._media.keep(place, content, kind)})
        if path == "upload/multipart":
            place = f"uploads/{uuid.uuid4()}"
            url = self._media.url(place)
            return JSONResponse({"access_url": url, "uploadId": str(uuid.uuid4())})
        head, _, last = path.rpartition("/")
        if last == "complete":
            return self._joined(head, await request.json())
        if last.isdigit():
            etag = f'"{last}-{len(content)}"'
            self._media.keep(path, content, kind)
            body = {"partNumber": int(last), "etag": etag}
            return JSONResponse(body, headers={"etag": etag})
        return JSONResponse({"access_url": self._media.keep(path, content, kind)})

    def _joined(self, path: str, body: dict[str, Any]) -> Response:
        parts = [
            self._media.get(f"{path}/{part['partNumber']}") for part in body["parts"]
        ]
        if None in parts:
            return JSONResponse({"detail": "a part is missing"}, status_code=400)
        content = b"".join(part.content for part in parts if part)
        place = path.partition("/multipart/")[0]
        kind = parts[0].content_type if parts and parts[0] else ""
        return JSONResponse({"access_url": self._media.keep(place, content, kind)})
