"""fal's storage: single and multipart uploads, and downloads.

The upload protocols are those of fal_client/client.py and of @fal-ai/client's storage.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from langchain_fal_image.sandbox.api.files import Files

__all__ = ["Storage", "may_have_key"]


class Storage:
    """Handlers for downloads, and for uploads in the protocols of fal's two clients."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._content_types: dict[str, str] = {}

    async def initiate(self, request: Request, path: str, body: Any) -> Response:
        """Start an upload: respond with the URL to upload to, or with a token."""
        if path == "storage/auth/token":
            token = {
                "token": "sandbox-upload",
                "token_type": "Bearer",
                "base_url": self._files.base_url,
                "expires_at": "2999-01-01T00:00:00+00:00",
            }
            return JSONResponse(token)
        if path not in {"storage/upload/initiate", "storage/upload/initiate-multipart"}:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        if not isinstance(body, dict):
            return JSONResponse({"detail": "Expected a JSON object"}, status_code=422)
        target = _make_path(body.get("file_name"))
        self._content_types[target] = str(body.get("content_type") or "")
        url = self._files.url_of(target)
        query = urlencode({"upload": request.query_params.get("storage_type", "")})
        return JSONResponse({"upload_url": f"{url}?{query}", "file_url": url})

    async def download(self, path: str) -> Response:
        """Serve a file."""
        stored = self._files.get(path)
        if stored is None:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return Response(stored.content, media_type=stored.content_type)

    async def upload(self, request: Request, path: str, content: bytes) -> Response:
        """Store a file or a part of one, or complete a multipart upload."""
        content_type = request.headers.get("content-type", "application/octet-stream")
        if path == "upload":
            target = _make_path(request.headers.get("x-fal-file-name"))
            return self._put(target, content, content_type)
        if path == "upload/multipart":
            target = _make_path(request.headers.get("x-fal-file-name"))
            self._content_types[target] = content_type
            url = self._files.url_of(target)
            return JSONResponse({"access_url": url, "uploadId": str(uuid.uuid4())})
        upload, _, last = path.rpartition("/")
        if last == "complete" and request.method == "POST":
            return self._join(upload, content)
        if last.isdigit():
            etag = f'"{last}-{len(content)}"'
            self._files.put_at(path, content, content_type)
            body = {"partNumber": int(last), "etag": etag}
            return JSONResponse(body, headers={"etag": etag})
        return self._put(path, content, content_type)

    def _put(self, path: str, content: bytes, content_type: str) -> Response:
        url = self._files.put_at(path, content, content_type)
        return JSONResponse({"access_url": url})

    def _join(self, upload: str, content: bytes) -> Response:
        try:
            numbers = [int(each["partNumber"]) for each in json.loads(content)["parts"]]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"detail": "Expected the parts"}, status_code=422)
        found = [self._files.get(f"{upload}/{number}") for number in sorted(numbers)]
        parts = [each for each in found if each]
        if not parts or len(parts) < len(found):
            return JSONResponse({"detail": "A part is missing"}, status_code=400)
        target = upload.partition("/multipart/")[0]
        content_type = self._content_types.get(target) or parts[0].content_type
        for number in numbers:
            self._files.remove(self._files.url_of(f"{upload}/{number}"))
        return self._put(target, b"".join(each.content for each in parts), content_type)


def may_have_key(request: Request) -> bool:
    """Return whether fal's own clients send their key with a request to a file host.

    fal_client/client.py does with the upload to a URL of the older storage, "gcs".
    """
    return request.method == "PUT" and request.query_params.get("upload") == "gcs"


def _make_path(name: object) -> str:
    """Return a new path that ends with a file name; unsafe characters become `_`."""
    safe_name = re.sub(r"[^\w.-]+", "_", str(name or "file"), flags=re.ASCII)[-100:]
    return f"uploads/{uuid.uuid4()}/{safe_name.lstrip('.') or 'file'}"
