"""Record and replay HTTP exchanges; `cassettes/README.md` describes how.

Three modes: `replay` needs no network and no key, `record` writes the cassettes again,
`live` sends the requests and records nothing. Where a key is set, `record` and `live`
go to fal (that costs money), else to the sandbox.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vcr
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serialize import serialize

from langchain_fal_image import FalProvider, create_fal
from langchain_fal_image.sandbox import Sandbox

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
RECORDINGS = CASSETTES / "recordings"
SANDBOX = "the sandbox, not at fal,"
HOSTS = {
    "/queue/": "https://queue.fal.run/",
    "/run/": "https://fal.run/",
    "/rest/": "https://rest.fal.ai/",
    "/platform/": "https://api.fal.ai/v1/",
    "/files/": "https://v3.fal.media/files/",
}
KEPT_HEADERS = {"content-type", "accept", "retry-after"}
DATA_URI = re.compile(r"data:[\w/+.-]*;base64,[A-Za-z0-9+/=]+")


def scrub_text(text: str) -> str:
    """Replace the sandbox's address by fal's hosts, and data URIs by their hash."""
    for path, host in HOSTS.items():
        text = re.sub(rf"http://127\.0\.0\.1:\d+{path}", host, text)
    return DATA_URI.sub(
        lambda found: f"sha256:{hashlib.sha256(found[0].encode()).hexdigest()}", text
    )


def scrub_request(request: Any) -> Any:
    """Scrub a request, before it is recorded and before it is compared."""
    request.uri = scrub_text(request.uri)
    if request.body:
        request.body = scrub_text(bytes(request.body).decode("utf-8")).encode("utf-8")
    request.headers = _keep_headers(request.headers)
    return request


def scrub_response(response: dict[str, Any]) -> dict[str, Any]:
    """Scrub a response."""
    body = response.get("body", {}).get("string", b"")
    text = body if isinstance(body, str) else body.decode("utf-8")
    return {
        **response,
        "headers": _keep_headers(response["headers"]),
        "body": {"string": scrub_text(text).encode("utf-8")},
    }


def _keep_headers(headers: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in dict(headers).items()
        if name.lower() in KEPT_HEADERS or name.lower().startswith("x-fal-")
    }


def match_json(first: Any, second: Any) -> None:
    """Compare bodies as JSON; vcrpy takes an AssertionError for a difference."""
    one, other = (
        (json.loads(each.body) if each.body else None) for each in (first, second)
    )
    assert one == other


def create_recorder(mode: str, *, source: str = "") -> vcr.VCR:
    """Return a vcrpy recorder.

    Args:
        mode: `replay` or `record`.
        source: Where the exchanges are recorded, for the first line of a cassette.
    """

    class Persister(FilesystemPersister):  # type: ignore[misc]  # vcrpy is untyped
        @staticmethod
        def save_cassette(
            cassette_path: Any, cassette_dict: Any, serializer: Any
        ) -> None:
            today = dt.datetime.now(dt.UTC).date().isoformat()
            head = f"# recorded at {source} on {today}\n"
            path = Path(cassette_path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head + serialize(cassette_dict, serializer), "utf-8")

    recorder = vcr.VCR(
        record_mode=vcr.mode.NONE if mode == "replay" else vcr.mode.ALL,
        before_record_request=scrub_request,
        before_record_response=scrub_response,
        match_on=["method", "uri", "json"],
    )
    recorder.register_matcher("json", match_json)
    recorder.register_persister(Persister)
    return recorder


@pytest.fixture
def recorded_fal(request: pytest.FixtureRequest) -> Iterator[FalProvider]:
    """Yield a provider whose exchanges are replayed, recorded or live."""
    mode = request.config.getoption("--cassettes")
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    path = str(RECORDINGS / f"{name}.yaml")
    if mode == "replay":
        with create_recorder(mode).use_cassette(path), create_fal("replayed") as fal:
            yield fal
        return
    has_key = bool(os.environ.get("FAL_KEY") or os.environ.get("FAL_API_KEY"))
    if has_key:
        with create_fal() as fal:
            yield from _record(fal, "fal", mode, path)
    else:
        with Sandbox() as sandbox, sandbox.provider() as fal:
            yield from _record(fal, SANDBOX, mode, path)


def _record(
    fal: FalProvider, source: str, mode: str, path: str
) -> Iterator[FalProvider]:
    if mode == "live":
        yield fal
        return
    Path(path).unlink(missing_ok=True)  # vcrpy adds to a cassette that exists
    with create_recorder(mode, source=source).use_cassette(path):
        yield fal
