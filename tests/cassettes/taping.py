"""Recorded exchanges: replayed by default, recorded anew, or run live.

    make test        replays them: no network, no key
    make cassettes   records all, against fal where a key is set, else the sandbox
    make live        runs the same tests against fal, or the sandbox, and records none

Each file says in its first line where it was recorded. What is written down is
scrubbed: no key, no bytes, none of the headers but a few, and the sandbox's address
replaced by fal's hosts, so that one test serves all three.
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

TAPES = Path(__file__).with_name("recorded")
HOSTS = {
    "/queue/": "https://queue.fal.run/",
    "/run/": "https://fal.run/",
    "/rest/": "https://rest.fal.ai/",
    "/platform/": "https://api.fal.ai/v1/",
    "/files/": "https://v3.fal.media/files/",
}
KEPT = {"content-type", "accept", "retry-after"}
BYTES = re.compile(r"data:[\w/+.-]*;base64,[A-Za-z0-9+/=]+")


def plain(text: str) -> str:
    """Leave out what no file may hold; fal's hosts take the sandbox's place."""
    for path, host in HOSTS.items():
        text = re.sub(rf"http://127\.0\.0\.1:\d+{path}", host, text)
    return BYTES.sub(
        lambda found: f"sha256:{hashlib.sha256(found[0].encode()).hexdigest()}", text
    )


def scrubbed_request(request: Any) -> Any:
    """Scrub a request, when it is recorded and when it is looked for."""
    request.uri = plain(request.uri)
    if request.body:
        request.body = plain(bytes(request.body).decode("utf-8")).encode("utf-8")
    request.headers = _few(request.headers)
    return request


def scrubbed_response(response: dict[str, Any]) -> dict[str, Any]:
    """Scrub an answer."""
    body = response.get("body", {}).get("string", b"")
    text = body if isinstance(body, str) else body.decode("utf-8")
    return {
        **response,
        "headers": _few(response["headers"]),
        "body": {"string": plain(text).encode("utf-8")},
    }


def _few(headers: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in dict(headers).items()
        if name.lower() in KEPT or name.lower().startswith("x-fal-")
    }


def same_json(first: Any, second: Any) -> None:
    """Compare bodies as JSON; vcrpy takes an AssertionError for a difference."""
    one, other = (
        (json.loads(each.body) if each.body else None) for each in (first, second)
    )
    assert one == other


def tape(where: str, way: str) -> vcr.VCR:
    """Make the recorder.

    Args:
        where: At which place it records, for the first line.
        way: `replay` or `record`.
    """

    class Persister(FilesystemPersister):  # type: ignore[misc]  # vcrpy is untyped
        @staticmethod
        def save_cassette(
            cassette_path: Any, cassette_dict: Any, serializer: Any
        ) -> None:
            today = dt.datetime.now(dt.UTC).date().isoformat()
            head = f"# recorded at {where} on {today}\n"
            path = Path(cassette_path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head + serialize(cassette_dict, serializer), "utf-8")

    made = vcr.VCR(
        record_mode=vcr.mode.NONE if way == "replay" else vcr.mode.ALL,
        before_record_request=scrubbed_request,
        before_record_response=scrubbed_response,
        match_on=["method", "uri", "json"],
    )
    made.register_matcher("json", same_json)
    made.register_persister(Persister)
    return made


@pytest.fixture
def taped(request: pytest.FixtureRequest) -> Iterator[FalProvider]:
    """Give a provider whose exchanges are replayed, recorded or live."""
    way = request.config.getoption("--cassettes")
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    path = str(TAPES / f"{name}.yaml")
    if way == "replay":
        with tape("", way).use_cassette(path), create_fal("replayed") as fal:
            yield fal
        return
    has_key = bool(os.environ.get("FAL_KEY") or os.environ.get("FAL_API_KEY"))
    if has_key:
        with create_fal() as fal:
            yield from _played(fal, "fal", way, path)
    else:
        with Sandbox() as sandbox, sandbox.provider() as fal:
            yield from _played(fal, "the sandbox, not at fal,", way, path)


def _played(fal: FalProvider, where: str, way: str, path: str) -> Iterator[FalProvider]:
    if way == "live":
        yield fal
        return
    with tape(where, way).use_cassette(path):
        yield fal
