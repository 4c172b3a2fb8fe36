"""The sandbox's webhooks: signed as fal signs, sent to this machine only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import json
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from langchain_fal_image.sandbox.api.queue import Job, Queue

__all__ = ["Webhooks"]

_log = logging.getLogger(__name__)
_TRIES = 4
_PAUSE_S = 0.2
_PATIENCE_S = 15.0
_USER = "sandbox-user"


class Webhooks:
    """Sends what came of requests, and has the public key for it.

    Needs `cryptography`; without it nothing is signed and nothing sent.

    Args:
        queue: Whose requests they are.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._key: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = 0

    def keys(self) -> dict[str, Any]:
        """Give the JWKS document."""
        public = self._signer().public_key().public_bytes_raw()
        written = base64.urlsafe_b64encode(public).decode().rstrip("=")
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": written}]}

    def renew(self) -> None:
        """Take another key."""
        self._key = None

    def expect(self, job: Job, url: str) -> None:
        """Send a request's end to a URL, once it comes."""
        if not _is_here(url):
            _log.warning("%s is not on this machine: no webhook goes there", url)
            return
        try:
            self._signer()
        except ImportError as error:
            _log.warning("no webhook goes to %s: %s", url, error)
            return
        task = asyncio.get_running_loop().create_task(self._send(job, url))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def signed(self, body: bytes, request_id: str, *, at: float) -> dict[str, str]:
        """Make the headers of a webhook.

        Args:
            body: What is sent.
            request_id: Of the request it is about.
            at: When, in seconds since 1970.
        """
        timestamp, digest = str(int(at)), hashlib.sha256(body).hexdigest()
        message = f"{request_id}\n{_USER}\n{timestamp}\n{digest}".encode()
        return {
            "content-type": "application/json",
            "x-fal-webhook-request-id": request_id,
            "x-fal-webhook-user-id": _USER,
            "x-fal-webhook-timestamp": timestamp,
            "x-fal-webhook-signature": self._signer().sign(message).hex(),
        }

    async def _send(self, job: Job, url: str) -> None:
        await self._queue.wait(job)
        is_ok = job.answer_status == 200  # noqa: PLR2004 - HTTP's
        told = {
            "request_id": job.request_id,
            "gateway_request_id": job.request_id,
            "status": "OK" if is_ok else "ERROR",
            "payload": job.answer,
            "error": None if is_ok else f"Invalid status code: {job.answer_status}",
        }
        body = json.dumps(told).encode()
        async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False) as client:
            for attempt in range(_TRIES):
                headers = self.signed(body, job.request_id, at=time.time())
                try:
                    response = await client.post(url, content=body, headers=headers)
                except httpx.TransportError as error:
                    _log.info("webhook to %s: %s", url, error)
                else:
                    if response.is_success:
                        self.sent += 1
                        return
                await asyncio.sleep(_PAUSE_S * 2**attempt)
        _log.warning("the webhook to %s was not taken in %d tries", url, _TRIES)

    def _signer(self) -> Any:
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


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
