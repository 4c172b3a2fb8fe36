"""Verify and parse fal's webhooks.

```python
request = FalTextToImage().submit("a red kite", webhook_url="https://me.example/fal")
...
hook = webhooks.verify(request.headers, request.body)  # in the server
result = hook.result(model="fal-ai/qwen-image")
```

fal may deliver a webhook more than once, with the same `request_id`
(docs.fal.ai/model-endpoints/webhooks). Requires the extra `webhooks`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image.errors import FalError, FalWebhookError
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.provider import fal as default_fal
from langchain_fal_image.results._parse import parse_output
from langchain_fal_image.wire.effects import Flow, HttpResponse, parse_json
from langchain_fal_image.wire.error_responses import build_error
from langchain_fal_image.wire.queue import QueuedRequest, check_endpoint_id
from langchain_fal_image.wire.signature import parse_signed_webhook

__all__ = ["Webhook", "averify", "verify"]

_STATUS = re.compile(r"\b[45][0-9]{2}\b")  # in "Invalid status code: 422"
_TOLERANCE_S = 300.0  # docs.fal.ai/model-endpoints/webhooks


@dataclass(frozen=True, slots=True)
class Webhook:
    """The content of a webhook. Trust it only if `verify` returned it.

    Attributes:
        request_id: fal's request id; the same in repeated deliveries.
        gateway_request_id: The id at fal's gateway; a new one if fal retried the
            request.
        status: `OK` or `ERROR`.
        payload: The model's output or its error body; None if fal could not serialize
            it.
        error: The error, such as `Invalid status code: 422`.
        payload_error: Why the payload is missing.
    """

    request_id: str
    gateway_request_id: str | None = None
    status: str = "OK"
    payload: Any = field(default=None, repr=False)
    error: str | None = None
    payload_error: str | None = None

    def result(self, *, model: str, fal: FalProvider | None = None) -> Any:
        """Return the result, or raise the error of the request.

        Args:
            model: The endpoint id, which a webhook does not contain.
            fal: The provider that downloads the files, and whose store gets bytes that
                the payload contains; by default the default instance.

        Returns:
            An `ImageResult`, `SpeechResult` or `TranscriptionResult`, depending on
            the endpoint.

        Raises:
            FalError: The request failed; the error is the one that
                `FalRequest.result` raises.
            FalResponseError: The payload contains no result; you can fetch it with
                `fal.request(model, hook.request_id).result()`.
        """
        fal, model = fal or default_fal, check_endpoint_id(model)
        if self.status != "OK":
            raise self._build_error(model, fal)
        result, contents = parse_output(
            self.payload,
            schema=fal.contract(model),
            model=model,
            request_id=self.request_id,
        )
        if contents:
            fal.store.mset(list(contents.items()))
        return result.using(fal)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON, which `DurableBatch.complete` accepts."""
        return {
            "request_id": self.request_id,
            "gateway_request_id": self.gateway_request_id,
            "status": self.status,
            "payload": self.payload,
            "error": self.error,
            "payload_error": self.payload_error,
        }

    def _build_error(self, model: str, fal: FalProvider) -> FalError:
        found = _STATUS.search(self.error or "")
        status = int(found[0]) if found else 500
        queued = QueuedRequest.for_id(
            fal.context.hosts, endpoint_id=model, request_id=self.request_id
        )
        body = self.payload if self.payload is not None else {"detail": self.error}
        response = HttpResponse(
            status=status,
            headers={"x-fal-request-id": self.request_id},
            body=json.dumps(body).encode(),
        )
        error = build_error(response, model=model, request=queued, is_result=True)
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
    """Verify that a webhook is from fal, and parse it.

    Args:
        headers: The request's headers; names in upper or lower case.
        body: The request's body as received, not parsed and serialized again.
        fal: The provider that fetches fal's public keys, cached for a day; by default
            the default instance.
        tolerance: The maximum difference between the webhook's timestamp and `now`,
            in seconds.
        now: Returns the current time, in seconds since 1970.

    Returns:
        The verified webhook.

    Raises:
        FalWebhookError: The webhook is not from fal, too old or unreadable. Respond
            with an error status and ignore it.
        FalConfigurationError: The extra `webhooks` is not installed.
    """
    fal = fal or default_fal
    return fal.run(_verify(fal, headers, body, tolerance, now()))


async def averify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    fal: FalProvider | None = None,
    tolerance: float = _TOLERANCE_S,
    now: Callable[[], float] = time.time,
) -> Webhook:
    """Verify and parse a webhook; the async version of `verify`."""
    fal = fal or default_fal
    return await fal.arun(_verify(fal, headers, body, tolerance, now()))


def _verify(
    fal: FalProvider,
    headers: Mapping[str, str],
    body: bytes,
    tolerance: float,
    now: float,
) -> Flow[Webhook]:
    claimed = parse_signed_webhook(headers, body, now=now, tolerance=tolerance)
    yield from fal.webhook_keys.check(fal.context, claimed)
    return _parse_webhook(body, claimed.request_id)


def _parse_webhook(body: bytes, request_id: str) -> Webhook:
    try:
        content = parse_json(body)
    except ValueError as error:
        message = f"The body is not JSON: {error}."
        raise FalWebhookError(message) from error
    if not isinstance(content, Mapping) or not isinstance(
        content.get("request_id"), str
    ):
        message = "The body is not a webhook from fal: it has no request id."
        raise FalWebhookError(message)
    if content["request_id"] != request_id:
        message = "The request ids in the body and in the headers differ."
        raise FalWebhookError(message)
    texts = {
        name: content[name]
        for name in ("gateway_request_id", "error", "payload_error")
        if isinstance(content.get(name), str)
    }
    status = "OK" if content.get("status") == "OK" else "ERROR"
    return Webhook(request_id, status=status, payload=content.get("payload"), **texts)
