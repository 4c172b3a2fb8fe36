"""Whether a webhook is fal's: its signature, its keys, its age.

fal signs with Ed25519 over four lines: the request id, the user id, the time and the
SHA-256 of the body in hex. Its public keys lie in a JWKS document on the REST host.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.errors import FalConfigurationError, FalWebhookError
from langchain_fal_image.wire.context import Context, exchange
from langchain_fal_image.wire.effects import Flow, TransportFailure
from langchain_fal_image.wire.retry import STATE

__all__ = ["WebhookKeys", "parse_signed_webhook"]

_KEPT_S = 24 * 60 * 60
_ASKED_AGAIN_S = 60.0
_PATIENCE_S = 10.0
_MOST_BYTES = 64 * 1024
_KEY_BYTES = 32
_PREFIX = "x-fal-webhook-"


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """What a webhook's headers say, and what was signed.

    Attributes:
        request_id: Of the request it is about.
        message: The bytes under the signature.
        signature: As fal made it.
    """

    request_id: str
    message: bytes
    signature: bytes


def parse_signed_webhook(
    headers: Mapping[str, str], body: bytes, *, now: float, tolerance: float
) -> SignedWebhook:
    """Read a webhook's headers and check its age.

    Args:
        headers: As the server gives them; letters' case does not matter.
        body: As it came, not parsed and written anew.
        now: Seconds since 1970.
        tolerance: How old, or how far in the future, it may be, in seconds.

    Raises:
        FalWebhookError: A header is missing or cannot be read, or it is too old.
    """
    known = {str(name).lower(): value for name, value in headers.items()}
    names = ("request-id", "user-id", "timestamp", "signature")
    missing = [name for name in names if not known.get(_PREFIX + name)]
    if missing:
        message = f"The header {_PREFIX}{missing[0]} is missing."
        raise FalWebhookError(message)
    request_id, user_id, timestamp, signature = (
        str(known[_PREFIX + name]).strip() for name in names
    )
    try:
        age = now - int(timestamp)
    except ValueError as error:
        message = f"The time {safe_repr(timestamp)} is no number of seconds."
        raise FalWebhookError(message) from error
    if abs(age) > tolerance:
        when = "old" if age > 0 else "in the future"
        message = (
            f"The webhook is {abs(age):.0f} s {when}; {tolerance:g} s are allowed."
        )
        raise FalWebhookError(
            message,
            next_step="Check this machine's clock; if it is right, somebody sent an "
            "old webhook again.",
        )
    try:
        made = bytes.fromhex(signature)
    except ValueError as error:
        message = "The signature is not written in hex."
        raise FalWebhookError(message) from error
    digest = hashlib.sha256(body).hexdigest()
    lines = f"{request_id}\n{user_id}\n{timestamp}\n{digest}"
    return SignedWebhook(request_id, lines.encode(), made)


class WebhookKeys:
    """fal's public keys, kept for a day at most."""

    def __init__(self) -> None:
        self._keys: tuple[bytes, ...] = ()
        self._at = float("-inf")
        self._lock = threading.Lock()

    def check(self, context: Context, webhook: SignedWebhook) -> Flow[None]:
        """Check a signature against fal's keys.

        Where none fits, the keys are fetched anew, at most once a minute: fal may have
        changed them.

        Raises:
            FalWebhookError: The signature is not fal's, or the keys cannot be had.
            FalConfigurationError: `cryptography` is not installed.
        """
        _verifier()
        with self._lock:
            keys, age = self._keys, context.now() - self._at
        if age < _KEPT_S and _fits(keys, webhook):
            return
        if age < _ASKED_AGAIN_S:
            raise _forged()
        keys = yield from _fetched(context)
        with self._lock:
            self._keys, self._at = keys, context.now()
        if not _fits(keys, webhook):
            raise _forged()


def _forged() -> FalWebhookError:
    message = "The signature is not fal's, or the body was changed on the way."
    return FalWebhookError(
        message,
        next_step="Do not act on it. Give verify() the body's bytes as they came, not "
        "parsed and written anew.",
    )


def _verifier() -> tuple[Any, type[Exception]]:
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - an extra
            Ed25519PublicKey,
        )
    except ImportError as error:
        message = "Checking a webhook needs cryptography."
        raise FalConfigurationError(
            message, next_step="pip install 'langchain-fal-image[webhooks]'"
        ) from error
    return Ed25519PublicKey, InvalidSignature


def _fits(keys: tuple[bytes, ...], webhook: SignedWebhook) -> bool:
    public_key, invalid = _verifier()
    for key in keys:
        try:
            public_key.from_public_bytes(key).verify(webhook.signature, webhook.message)
        except (invalid, ValueError):
            continue
        return True
    return False


def _fetched(context: Context) -> Flow[tuple[bytes, ...]]:
    url = f"{context.hosts.rest}/.well-known/jwks.json"
    # The document is public: it is read like media, without the key.
    request = context.build_request(
        "GET", url, read_timeout=_PATIENCE_S, max_bytes=_MOST_BYTES, client="media"
    )
    try:
        response = yield from exchange(
            context, request, STATE, deadline=context.deadline(_PATIENCE_S)
        )
    except TransportFailure as error:
        raise _no_keys(url, str(error)) from error
    if not response.ok:
        raise _no_keys(url, f"it answered {response.status}")
    keys = tuple(_keys(response.json_or_none()))
    if not keys:
        raise _no_keys(url, "it holds no Ed25519 key")
    return keys


def _no_keys(url: str, why: str) -> FalWebhookError:
    message = f"fal's public keys cannot be had from {url}: {why}."
    return FalWebhookError(
        message,
        next_step="Answer the webhook with an error status: fal sends it again.",
        is_retryable=True,
    )


def _keys(document: Any) -> list[bytes]:
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
