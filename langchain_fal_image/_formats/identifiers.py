"""The ids that become parts of URLs: of endpoints and of requests."""

from __future__ import annotations

import re

__all__ = ["is_endpoint_id", "is_request_id"]

# No part is `.` or `..`, which would leave the path of the endpoint.
_PART = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+"
_ENDPOINT_ID = re.compile(rf"(?=.{{3,200}}\Z){_PART}(?:/{_PART})+")
# fal's ids are UUIDs; a gateway may form others.
_REQUEST_ID = re.compile(r"(?!\.)[A-Za-z0-9._:=~+@-]{1,200}")


def is_endpoint_id(text: str) -> bool:
    """Return whether a text has the form of an endpoint id: `owner/name` and more."""
    return _ENDPOINT_ID.fullmatch(text) is not None


def is_request_id(text: str) -> bool:
    """Return whether a text has the form of a request id."""
    return _REQUEST_ID.fullmatch(text) is not None
