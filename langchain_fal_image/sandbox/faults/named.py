"""Named faults: failures of fal or the network that a client must handle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from langchain_fal_image.sandbox.faults.fault import OPERATIONS, Operation

__all__ = ["FAULTS"]

_RUNS = tuple(on for on in OPERATIONS if on != "models")
_API = tuple(on for on in _RUNS if on != "file")
_JSON: tuple[Operation, ...] = ("submit", "status", "result", "run")
_INGRESS = "<html><head><title>{0}</title></head><body>{0}<hr>nginx</body></html>"
_FROM_APP = {"x-fal-request-id": "00000000-0000-4000-8000-000000000000"}
_TOO_MANY: Final = {"status": 429, "body": {"detail": "Too many requests"}}
_NOT_FOUND: Final = {"status": 404, "body": {"detail": "Not Found"}}
_REFUSAL: Final = {
    "loc": ["body", "prompt"],
    "msg": "Refused by the sandbox",
    "type": "content_policy_violation",
}


def _ingress(status: int, reason: str) -> dict[str, Any]:
    return {"status": status, "body": _INGRESS.format(f"{status} {reason}")}


def _app(status: int, error_type: str) -> dict[str, Any]:
    body = {"detail": f"Sandbox fault: {error_type}", "error_type": error_type}
    return {"status": status, "body": body, "headers": _FROM_APP}


FAULTS: Final[Mapping[str, tuple[tuple[Operation, ...], Mapping[str, Any]]]] = {
    "dropped before": (_RUNS, {"drop": "before"}),
    "dropped after": (_RUNS, {"drop": "after"}),
    "cut short": ((*_JSON, "file"), {"corrupt": "cut short"}),
    "429": (_API, _TOO_MANY),
    "429 with Retry-After": (_API, {**_TOO_MANY, "headers": {"retry-after": "0.05"}}),
    "500 from the app": (_API, _app(500, "internal_error")),
    "502 from the ingress": (_API, _ingress(502, "Bad Gateway")),
    "503 from the ingress": (_API, _ingress(503, "Service Unavailable")),
    "504 from the ingress": (_API, _ingress(504, "Gateway Time-out")),
    "502 from the app": (_API, _app(502, "runner_incomplete_response")),
    "503 from the app": (_API, _app(503, "runner_scheduling_failure")),
    "504 from the app": (_API, _app(504, "request_timeout")),
    "stream stalls": (("stream",), {"corrupt": "stall"}),
    "stream ends early": (("stream",), {"corrupt": "end early"}),
    "stream repeats": (("stream",), {"corrupt": "repeat"}),
    "stream of nonsense": (("stream",), {"corrupt": "nonsense"}),
    "stream never starts": (("stream",), {"corrupt": "never start"}),
    "completed with an error": (("status",), {"corrupt": "error"}),
    "late": (
        ("result",),
        {"status": 400, "body": {"detail": "Request is still in progress"}},
    ),
    "gone": (("result",), {**_NOT_FOUND, "headers": _FROM_APP}),
    "malformed": (_JSON, {"corrupt": "malformed"}),
    "empty": (_JSON, {"corrupt": "empty"}),
    "wrong shape": (_JSON, {"corrupt": "wrong shape"}),
    "fewer images": (("result", "run"), {"corrupt": "fewer images"}),
    "moderation": (
        ("result", "run"),
        {
            "status": 422,
            "body": {"detail": [_REFUSAL]},
            "headers": _FROM_APP,
        },
    ),
    "missing file": (("file",), _NOT_FOUND),
    "huge file": (("file",), {"corrupt": "huge"}),
    "file of another type": (("file",), {"corrupt": "other type"}),
    "file redirected elsewhere": (
        ("file",),
        {
            "status": 302,
            "headers": {"location": "http://169.254.169.254/latest/meta-data/"},
        },
    ),
    "slow bytes": (("result", "file"), {"corrupt": "slow"}),
}
"""The operations of each named fault, and the arguments of its `Fault`."""
