"""Decode `data:` URIs (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote, unquote_to_bytes

__all__ = ["decode_data_uri"]


def decode_data_uri(uri: str) -> tuple[bytes, str | None]:
    """Decode a `data:` URI into its bytes, and its MIME type if it names one.

    Raises `ValueError` if it is not a data URI, or its base64 is invalid.
    """
    head, comma, body = uri.partition(",")
    if head[:5].lower() != "data:" or not comma:
        message = "not a data URI"
        raise ValueError(message)
    mime_type, *parameters = head[5:].split(";")
    if any(parameter.strip().lower() == "base64" for parameter in parameters):
        try:
            content = base64.b64decode(unquote(body), validate=False)
        except binascii.Error as error:
            message = "its base64 is invalid"
            raise ValueError(message) from error
    else:
        content = unquote_to_bytes(body)
    return content, mime_type.strip().lower() or None
