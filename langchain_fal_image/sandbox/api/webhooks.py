"""Webhooks, signed as fal signs them and sent to this machine only.

Body, headers and signature: docs.fal.ai/model-endpoints/webhooks.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import json
import logging
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from langchain_fal_image.sandbox.api.queue import Job, Queue

__all__ = ["Webhooks"]

_log = logging.getLogger(__name__)
_ATTEMPTS = 4
_PAUSE_S = 0.2
_TIMEOUT_S = 15.0
_USER_ID = "sandbox-user"


class Webhooks:
    """The webhooks of a sandbox, and their public key.

    Needs `cryptography`; nothing is sent without it.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._key: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    def get_jwks(self) -> dict[str, Any]:
        """Return the JWKS document."""
        public = self._get_key().public_key().public_bytes_raw()
        encoded = base64.urlsafe_b64encode(public).decode().rstrip("=")
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": encoded}]}

    def renew(self) -> None:
        """Replace the key."""
        self._key = None

    def register(self, job: Job, url: str) -> None:
        """Send a request's result to a URL once it is done."""
        if not _is_local(url):
            _log.warning(
                "No webhook will be sent to %s: the sandbox sends only to this machine",
                url,
            )
            return
        try:
            self._get_key()
        except ImportError as error:
            _log.warning("No webhook will be sent to %s: %s", url, error)
            return
        task = asyncio.get_running_loop().create_task(self._send(job, url))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def sign(self, body: bytes, request_id: str, *, at: float) -> dict[str, str]:
        """Return the headers of a webhook, signed at a time in seconds since 1970."""
        timestamp, digest = str(int(at)), hashlib.sha256(body).hexdigest()
        message = f"{request_id}\n{_USER_ID}\n{timestamp}\n{digest}".encode()
        return {
            "content-type": "application/json",
            "x-fal-webhook-request-id": request_id,
            "x-fal-webhook-user-id": _USER_ID,
            "x-fal-webhook-timestamp": timestamp,
            "x-fal-webhook-signature": self._get_key().sign(message).hex(),
        }

    async def _send(self, job: Job, url: str) -> None:
        await self._queue.wait(job)
        is_ok = job.response_status == 200  # noqa: PLR2004 - HTTP's
        payload = {
            "request_id": job.request_id,
            "gateway_request_id": job.request_id,
            "status": "OK" if is_ok else "ERROR",
            "payload": job.response_body,
            "error": None if is_ok else f"Invalid status code: {job.response_status}",
        }
        body = json.dumps(payload).encode()
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            for attempt in range(_ATTEMPTS):
                headers = self.sign(body, job.request_id, at=time.time())
                try:
                    response = await client.post(url, content=body, headers=headers)
                except httpx.TransportError as error:
                    _log.info("Webhook to %s failed: %s", url, error)
                else:
                    if response.is_success:
                        return
                await asyncio.sleep(_PAUSE_S * 2**attempt)
        _log.warning(
            "Webhook to %s failed %d times; it is not sent again", url, _ATTEMPTS
        )

    def _get_key(self) -> Any:
        if self._key is None:
            try:
                from cryptography.hazmat.primitives.asymmetric import (  # noqa: PLC0415 - an extra
                    ed25519,
                )
            except ImportError as error:
                message = (
                    "The sandbox's webhooks need cryptography: "
                    "pip install 'langchain-fal-image[sandbox,webhooks]'"
                )
                raise ImportError(message) from error
            self._key = ed25519.Ed25519PrivateKey.generate()
        return self._key


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
