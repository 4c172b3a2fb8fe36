"""Verify webhooks: their age, and their signature with fal's public keys.

fal signs four lines with Ed25519: the request id, the user id, the timestamp and the
SHA-256 of the body in hex. Its public keys are in a JWKS document on the REST host
(docs.fal.ai/model-endpoints/webhooks).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_fal_image._formats.headers import is_valid_header
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalConfigurationError, FalWebhookError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Flow, HttpRequest, TransportFailure
from langchain_fal_image.wire.exchange import STATUS, exchange

__all__ = ["WebhookKeys", "parse_signed_webhook"]

_MAX_KEY_AGE_S = 24 * 60 * 60
_MIN_KEY_AGE_S = 60.0
_KEYS_PATH = "/.well-known/jwks.json"
_TIMEOUT_S = 10.0
_MAX_DOCUMENT_BYTES = 64 * 1024
_KEY_BYTES = 32
_PREFIX = "x-fal-webhook-"
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """The signed parts of a webhook.

    Attributes:
        request_id: fal's id of the request.
        message: The bytes that fal signed.
        signature: fal's signature.
    """

    request_id: str
    message: bytes
    signature: bytes


def parse_signed_webhook(
    headers: Mapping[str, str], body: bytes, *, now: float, tolerance: float
) -> SignedWebhook:
    """Parse a webhook's headers and check its age.

    Args:
        headers: The headers of the webhook, in any case.
        body: The bytes of the body exactly as they arrived.
        now: Seconds since 1970.
        tolerance: The largest difference between its timestamp and `now`, in seconds.

    Raises:
        FalWebhookError: A header is missing or invalid, or the webhook is too old.
    """
    lower = {str(name).lower(): value for name, value in headers.items()}
    names = ("request-id", "user-id", "timestamp", "signature")
    missing = [name for name in names if not lower.get(_PREFIX + name)]
    if missing:
        message = f"The header {_PREFIX}{missing[0]} is missing."
        raise FalWebhookError(message)
    values = [str(lower[_PREFIX + name]).strip() for name in names]
    if not all(map(is_valid_header, names, values)):
        message = "A header contains characters that HTTP does not allow."
        raise FalWebhookError(message)
    request_id, user_id, timestamp, signature = values
    if not _TIMESTAMP.fullmatch(timestamp):
        message = f"The timestamp {safe_repr(timestamp)} is not a number of seconds."
        raise FalWebhookError(message)
    age = now - int(timestamp)
    if abs(age) > tolerance:
        direction = "old" if age > 0 else "in the future"
        message = (
            f"The webhook is {abs(age):.0f} s {direction}; {tolerance:g} s are allowed."
        )
        raise FalWebhookError(
            message,
            next_step="Check this machine's clock. If it is right, the webhook may be "
            "a replay: ignore it.",
        )
    try:
        signature_bytes = bytes.fromhex(signature)
    except ValueError as error:
        message = "The signature is not hexadecimal."
        raise FalWebhookError(message) from error
    digest = hashlib.sha256(body).hexdigest()
    lines = f"{request_id}\n{user_id}\n{timestamp}\n{digest}"
    return SignedWebhook(request_id, lines.encode(), signature_bytes)


class WebhookKeys:
    """fal's public keys, cached for a day at most."""

    def __init__(self) -> None:
        self._keys: tuple[bytes, ...] = ()
        self._at = float("-inf")
        self._failed_at = float("-inf")
        self._lock = threading.Lock()

    def check(self, ctx: Context, webhook: SignedWebhook) -> Flow[None]:
        """Check a signature against fal's keys.

        If none matches, the keys are fetched again: fal may have changed them. This
        happens at most once a minute, also if they cannot be fetched.

        Raises:
            FalWebhookError: The signature is not fal's, or the keys are not available.
            FalConfigurationError: `cryptography` is not installed.
        """
        _load_cryptography()
        with self._lock:
            keys, age = self._keys, ctx.now() - self._at
            since_failure = ctx.now() - self._failed_at
        if age < _MAX_KEY_AGE_S and _matches_any(keys, webhook):
            return
        if age < _MIN_KEY_AGE_S:
            raise _build_signature_error()
        if since_failure < _MIN_KEY_AGE_S:
            raise _build_keys_error(ctx, "the last attempt failed less than 60 s ago")
        try:
            keys = yield from _fetch_keys(ctx)
        except FalWebhookError:
            with self._lock:
                self._failed_at = ctx.now()
            raise
        with self._lock:
            self._keys, self._at = keys, ctx.now()
        if not _matches_any(keys, webhook):
            raise _build_signature_error()


def _build_signature_error() -> FalWebhookError:
    message = "The signature is not fal's, or the body was changed."
    return FalWebhookError(
        message,
        next_step="Do not process this webhook. Pass the bytes of the body to verify() "
        "exactly as they arrived, not parsed and encoded again.",
    )


def _load_cryptography() -> tuple[Any, type[Exception]]:
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - an extra
            Ed25519PublicKey,
        )
    except ImportError as error:
        message = "Verifying a webhook requires cryptography."
        raise FalConfigurationError(
            message, next_step="pip install 'langchain-fal-image[webhooks]'"
        ) from error
    return Ed25519PublicKey, InvalidSignature


def _matches_any(keys: tuple[bytes, ...], webhook: SignedWebhook) -> bool:
    public_key, invalid = _load_cryptography()
    for key in keys:
        try:
            public_key.from_public_bytes(key).verify(webhook.signature, webhook.message)
        except (invalid, ValueError):
            continue
        return True
    return False


def _fetch_keys(ctx: Context) -> Flow[tuple[bytes, ...]]:
    # The document is public: it is fetched without the key.
    request = HttpRequest(
        method="GET",
        url=f"{ctx.hosts.rest}{_KEYS_PATH}",
        read_timeout=_TIMEOUT_S,
        max_bytes=_MAX_DOCUMENT_BYTES,
        client="media",
    )
    try:
        response = yield from exchange(
            ctx, request, rule=STATUS, deadline=ctx.start_deadline(_TIMEOUT_S)
        )
    except (TransportFailure, guard.AccessRefused) as error:
        raise _build_keys_error(ctx, str(error)) from error
    if not response.is_success:
        raise _build_keys_error(ctx, f"the server answered {response.status}")
    keys = tuple(_parse_keys(response.json_or_none()))
    if not keys:
        raise _build_keys_error(ctx, "the document contains no Ed25519 key")
    return keys


def _build_keys_error(ctx: Context, reason: str) -> FalWebhookError:
    url = f"{ctx.hosts.rest}{_KEYS_PATH}"
    message = f"fal's public keys could not be fetched from {url}: {reason}."
    return FalWebhookError(
        message,
        next_step="Respond to the webhook with an error status: fal sends it again.",
        is_retryable=True,
    )


def _parse_keys(document: Any) -> list[bytes]:
    entries = document.get("keys") if isinstance(document, Mapping) else None
    found = []
    for entry in entries if isinstance(entries, list) else ():
        text = entry.get("x") if isinstance(entry, Mapping) else None
        if not isinstance(text, str):
            continue
        try:
            key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (ValueError, binascii.Error):
            continue
        if len(key) == _KEY_BYTES:
            found.append(key)
    return found
