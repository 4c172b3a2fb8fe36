"""Temporary tokens, which clients send from a browser in place of the key.

(`_get_realtime_token` of fal_client/client.py, libs/client/src/auth.ts of fal-js)
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from langchain_fal_image.sandbox.api.responses import (
    json_response,
    reject_without_key,
    to_app_id,
)

__all__ = ["issue_token", "reject_run"]


def issue_token(body: Any) -> Response:
    """Respond with a token for the apps that a body names."""
    body = body if isinstance(body, dict) else {}
    apps, seconds = body.get("allowed_apps"), body.get("token_expiration")
    if not isinstance(apps, list) or not isinstance(seconds, int | float):
        detail = "Expected allowed_apps and token_expiration"
        return json_response(422, {"detail": detail})
    claims = {"allowed_apps": apps, "exp": time.time() + seconds}
    # The sandbox accepts any key, so a signature would prove nothing.
    return JSONResponse(f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{_encode(claims)}.")


def reject_run(request: Request, path: str) -> Response | None:
    """Return an error response if a run has neither a key nor a token for its app."""
    token = request.query_params.get("fal_jwt_token")
    if token is None:
        return reject_without_key(request)
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
        is_valid = claims["exp"] > time.time()
        apps = claims["allowed_apps"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        is_valid, apps = False, []
    if not is_valid:
        return json_response(401, {"detail": "Invalid or expired token"})
    # fal's clients name an app by its alias, without the owner and the path.
    alias = to_app_id(path).rpartition("/")[2]
    if alias not in apps:
        return json_response(403, {"detail": f"The token does not allow {alias!r}"})
    return None


def _encode(value: Any) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(value).encode())
    return encoded.decode("ascii").rstrip("=")
