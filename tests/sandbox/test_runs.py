"""Runs at `fal.run`: with a temporary token, and as a stream of events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from langchain_fal_image.sandbox import Fault, Sandbox
from langchain_fal_image.sandbox.api import openapi

KEY = {"authorization": "Key id:secret"}
QWEN = "fal-ai/qwen-image"
LORA_STREAM = "fal-ai/flux-lora/stream"
SMALL = {"width": 128, "height": 96}


@pytest.fixture
def http(fal_sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fal_sandbox.url, headers=KEY, timeout=30) as client:
        yield client


def request_token(http: httpx.Client, **body: Any) -> str:
    response = http.post("/rest/tokens/", json=body)
    assert response.status_code == 200
    token: str = response.json()
    return token


def test_a_token_is_enough_for_a_run_of_its_app(
    http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    apps = ["qwen-image", "fal-ai/nano-banana-pro"]
    token = request_token(http, allowed_apps=apps, token_expiration=60)
    late = request_token(http, allowed_apps=apps, token_expiration=-1)
    codes = [
        httpx.post(
            f"{fal_sandbox.url}/run/{model}",
            params={"fal_jwt_token": each},
            json={"prompt": "p"},
        ).status_code
        for model, each in [
            (QWEN, token),
            (QWEN, late),
            (QWEN, "x"),
            (QWEN, ""),
            ("fal-ai/nano-banana-pro", token),
        ]
    ]
    assert codes == [200, 401, 401, 401, 403]
    assert http.post("/rest/tokens/", json={}).status_code == 422
    assert token not in repr(fal_sandbox.requests)


def test_a_run_is_a_post(http: httpx.Client, fal_sandbox: Sandbox) -> None:
    assert http.get(f"/run/{QWEN}").status_code == 405
    assert fal_sandbox.submits == 0


def stream_output(http: httpx.Client, **payload: Any) -> Iterator[dict[str, Any]]:
    with http.stream("POST", f"/run/{LORA_STREAM}", json=payload) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-fal-request-id"]
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def test_a_stream_sends_a_preview_early_and_ends_when_the_client_disconnects() -> None:
    with (
        Sandbox(run_seconds=60) as sandbox,
        httpx.Client(base_url=sandbox.url, headers=KEY, timeout=30) as http,
    ):
        payload = {"prompt": "a hill", "image_size": SMALL}
        path = f"/run/{LORA_STREAM}"
        with http.stream("POST", path, json=payload) as stream:
            lines = stream.iter_lines()
            assert "data:image/jpeg;base64," in next(lines)
            request_id = stream.headers["x-fal-request-id"]
            url = f"{sandbox.url}/queue/fal-ai/flux-lora/requests/{request_id}"
            assert http.get(f"{url}/status").json()["status"] == "IN_PROGRESS"
        http.get(f"{url}/status/stream")  # ends when the request is done
        result = http.get(url)
        assert result.headers["x-fal-error-type"] == "client_disconnected"


def test_the_events_of_a_stream_conform_to_its_document(http: httpx.Client) -> None:
    for event in stream_output(http, prompt="a hill", image_size=SMALL, num_images=2):
        jsonschema.validate(event, openapi.get_output_schema(LORA_STREAM))
        assert len(event["images"]) == 2


def test_faults_of_runs_affect_streams(
    http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.add(Fault(on="run", corrupt="end early"))
    [event] = stream_output(http, prompt="a hill", image_size=SMALL)
    assert event["images"][0]["url"].startswith("data:")
    fal_sandbox.faults.respond("run", 429, {"detail": "busy"})
    path = f"/run/{LORA_STREAM}"
    assert http.post(path, json={"prompt": "a hill"}).status_code == 429
