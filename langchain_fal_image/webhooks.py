"""Webhooks: fal's word that a request has ended, checked before it is believed.

```python
request = FalTextToImage().submit("a red kite", webhook_url="https://me.example/fal")
...
hook = webhooks.verify(request.headers, request.body)  # in the server
result = hook.result(model="fal-ai/qwen-image")
```

fal may send a webhook twice; `request_id` tells them apart. Needs the extra `webhooks`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_fal_image.errors import FalError, FalWebhookError
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.provider import fal as default_fal
from langchain_fal_image.results._parse import result_in
from langchain_fal_image.wire.effects import HttpResponse, parse_json
from langchain_fal_image.wire.error_responses import build_error
from langchain_fal_image.wire.queue import QueuedRequest
from langchain_fal_image.wire.signature import parse_signed_webhook

if TYPE_CHECKING:
    from langchain_fal_image.wire.effects import Flow

__all__ = ["Webhook", "averify", "verify"]

_TOLERANCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """What a webhook says; once it came out of `verify`, fal said it.

    Attributes:
        request_id: fal's id of the request; the same for one that comes twice.
        gateway_request_id: Its id at fal's gateway; another one where fal ran the
            request again.
        status: `OK` or `ERROR`.
        payload: The model's output, or its error body; None where fal could not
            write it (`payload_error` then says why).
        error: Such as `Invalid status code: 422`.
        payload_error: Why there is no payload.
    """

    request_id: str
    gateway_request_id: str | None = None
    status: str = "OK"
    payload: Any = field(default=None, repr=False)
    error: str | None = None
    payload_error: str | None = None

    def result(self, *, model: str, fal: FalProvider | None = None) -> Any:
        """Give the result, or raise the error that the request ended in.

        Args:
            model: The endpoint id: the webhook does not say it.
            fal: The provider that reads the images; by default the default instance.

        Returns:
            An `ImageResult`; a `SpeechResult` or `TranscriptionResult` for an endpoint
            that speaks or listens.

        Raises:
            FalError: The request failed; its kind and `charged` are as if the result
                had been fetched, and it carries the request.
            FalResponseError: What was asked for is not in it; the result can be fetched
                with `fal.request(model, hook.request_id).result()`.
        """
        fal = fal or default_fal
        if self.status != "OK":
            raise self._failure(model, fal)
        result, _ = result_in(
            self.payload,
            schema=fal.contract(model),
            model=model,
            request_id=self.request_id,
        )
        return result.using(fal)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON, as `DurableBatch.complete` takes it."""
        return {
            "request_id": self.request_id,
            "gateway_request_id": self.gateway_request_id,
            "status": self.status,
            "payload": self.payload,
            "error": self.error,
            "payload_error": self.payload_error,
        }

    def _failure(self, model: str, fal: FalProvider) -> FalError:
        import json  # noqa: PLC0415 - for failures only

        digits = "".join(filter(str.isdigit, self.error or ""))[:3]
        status = int(digits) if len(digits) == 3 else 500  # noqa: PLR2004 - HTTP's
        queued = QueuedRequest.for_id(
            fal.context.hosts, endpoint_id=model, request_id=self.request_id
        )
        body = self.payload if self.payload is not None else {"detail": self.error}
        response = HttpResponse(
            status=max(status, 400),
            headers={"x-fal-request-id": self.request_id},
            body=json.dumps(body).encode(),
        )
        error = build_error(response, model=model, request=queued, outcome=True)
        error.request = fal.request(model, self.request_id)
        return error


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    fal: FalProvider | None = None,
    tolerance: float = _TOLERANCE_S,
    now: Callable[[], float] = time.time,
) -> Webhook:
    """Check that a webhook is fal's and read it.

    Args:
        headers: As the server gives them; letters' case does not matter.
        body: The bytes as they came, not parsed and written anew.
        fal: Whose REST host has the public keys; by default the default instance.
            They are kept for a day.
        tolerance: How old, or how far in the future, it may be, in seconds.
        now: The time of day, in seconds since 1970.

    Raises:
        FalWebhookError: It is not fal's, too old, or cannot be read. Answer it with an
            error status and do nothing.
        FalConfigurationError: The extra `webhooks` is not installed.
    """
    fal = fal or default_fal
    return fal.run(_verified(fal, headers, body, tolerance, now()))


async def averify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    fal: FalProvider | None = None,
    tolerance: float = _TOLERANCE_S,
    now: Callable[[], float] = time.time,
) -> Webhook:
    """Check that a webhook is fal's and read it; see `verify`."""
    fal = fal or default_fal
    return await fal.arun(_verified(fal, headers, body, tolerance, now()))


def _verified(
    fal: FalProvider,
    headers: Mapping[str, str],
    body: bytes,
    tolerance: float,
    now: float,
) -> Flow[Webhook]:
    claimed = parse_signed_webhook(headers, body, now=now, tolerance=tolerance)
    yield from fal.webhook_keys.check(fal.context, claimed)
    return _read(body, claimed.request_id)


def _read(body: bytes, claimed_id: str) -> Webhook:
    try:
        told = parse_json(body)
    except ValueError as error:
        message = f"The body is no JSON: {error}."
        raise FalWebhookError(message) from error
    if not isinstance(told, Mapping) or not isinstance(told.get("request_id"), str):
        message = "The body is no webhook of fal's: it holds no request id."
        raise FalWebhookError(message)
    if told["request_id"] != claimed_id:
        message = "The request id in the body is not the one in the headers."
        raise FalWebhookError(message)
    texts = {
        name: told[name]
        for name in ("gateway_request_id", "error", "payload_error")
        if isinstance(told.get(name), str)
    }
    status = "OK" if told.get("status") == "OK" else "ERROR"
    return Webhook(claimed_id, status=status, payload=told.get("payload"), **texts)
