"""The sandbox speaks as fal does, to any client."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import PIL.Image
import pytest

from langchain_fal_image.sandbox import Fault, Sandbox
from langchain_fal_image.sandbox.__main__ import main
from langchain_fal_image.sandbox.api import openapi

KEY = {"authorization": "Key id:secret"}
QWEN = "fal-ai/qwen-image"
CONTRACTS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent.parent / "contracts").glob("*.json"))
]


@pytest.fixture
def http(fal_sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fal_sandbox.url, headers=KEY, timeout=30) as client:
        yield client


def submitted(http: httpx.Client, model: str = QWEN, **payload: Any) -> dict[str, Any]:
    answer = http.post(f"/queue/{model}", json={"prompt": "a hill", **payload})
    assert answer.status_code == 200
    assert answer.headers["x-fal-request-id"] == answer.json()["request_id"]
    body: dict[str, Any] = answer.json()
    return body


def finished(http: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    with http.stream("GET", f"{request['status_url']}/stream?logs=1") as stream:
        stream.read()
    return http.get(request["response_url"])


def test_a_request_goes_through_its_three_states(http: httpx.Client) -> None:
    request = submitted(http)
    assert request["status"] == "IN_QUEUE"
    assert request["queue_position"] == 0
    with http.stream("GET", f"{request['status_url']}/stream?logs=1") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = [
            json.loads(line.removeprefix("data: "))
            for line in stream.iter_lines()
            if line.startswith("data: ")
        ]
    assert [each["status"] for each in events][-1] == "COMPLETED"
    done = http.get(request["status_url"], params={"logs": "true"})
    assert done.status_code == 200
    assert done.json()["logs"][0]["source"] == "USER"
    assert done.json()["metrics"]["inference_time"] > 0
    assert http.get(request["status_url"]).json()["logs"] is None


def test_states_before_the_end(http: httpx.Client) -> None:
    with Sandbox(queue_seconds=60) as sandbox:
        request = httpx.post(
            f"{sandbox.url}/queue/{QWEN}", json={"prompt": "p"}, headers=KEY
        ).json()
        state = httpx.get(request["status_url"], headers=KEY)
        assert state.status_code == 202
        assert state.json()["queue_position"] == 0
        early = httpx.get(request["response_url"], headers=KEY)
        assert early.status_code == 400
        assert early.json() == {"detail": "Request is still in progress"}
        assert httpx.put(request["cancel_url"], headers=KEY).json() == {"status": "OK"}
        gone = httpx.get(request["response_url"], headers=KEY)
        assert gone.status_code == 499
        assert gone.headers["x-fal-error-type"] == "client_cancelled"
        again = httpx.put(request["cancel_url"], headers=KEY)
        assert (again.status_code, again.json()["status"]) == (400, "ALREADY_COMPLETED")


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each["endpoint_id"])
def test_published_examples_are_taken_and_answered_in_the_endpoints_form(
    contract: dict[str, Any], http: httpx.Client
) -> None:
    model = contract["endpoint_id"]
    for example in contract["requests"]:
        if example.get("image_size") == {"height": 2048, "width": 2048}:
            example = {**example, "image_size": {"height": 512, "width": 512}}  # noqa: PLW2901 - the same, drawn faster
        answer = finished(http, submitted(http, model, **example))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        jsonschema.validate(body, openapi.output_schema(model))
        assert set(contract["answer"]) <= set(body)
        for image in body["images"]:
            picture = PIL.Image.open(io.BytesIO(httpx.get(image["url"]).content))
            assert picture.format == "PNG"
            assert picture.mode == "RGB"


@pytest.mark.parametrize(
    ("model", "payload", "size", "kind"),
    [
        (QWEN, {"image_size": "portrait_16_9"}, (576, 1024), "PNG"),
        (QWEN, {"image_size": {"width": 640, "height": 360}}, (640, 360), "PNG"),
        (QWEN, {"output_format": "jpeg"}, (1024, 768), "JPEG"),
        (
            "fal-ai/nano-banana-pro",
            {"aspect_ratio": "21:9", "output_format": "webp"},
            (1024, 438),
            "WEBP",
        ),
        ("fal-ai/nano-banana-pro", {"aspect_ratio": "1:1"}, (1024, 1024), "PNG"),
    ],
)
def test_size_and_format_are_honoured(
    http: httpx.Client,
    model: str,
    payload: dict[str, Any],
    size: tuple[int, int],
    kind: str,
) -> None:
    body = finished(http, submitted(http, model, **payload)).json()
    picture = PIL.Image.open(io.BytesIO(httpx.get(body["images"][0]["url"]).content))
    assert (picture.size, picture.format) == (size, kind)


@pytest.mark.parametrize(
    ("model", "payload", "where", "kind"),
    [
        (QWEN, {"num_images": 5}, ["body", "num_images"], "less_than_equal"),
        (QWEN, {"acceleration": "ultra"}, ["body", "acceleration"], "literal_error"),
        (QWEN, {"prompt": None}, ["body", "prompt"], "string_type"),
        ("fal-ai/qwen-image-edit", {}, ["body", "image_url"], "missing"),
        (
            "fal-ai/qwen-image-2/edit",
            {"image_urls": ["https://a.example/b.png"], "prompt": "x" * 801},
            ["body", "prompt"],
            "string_too_long",
        ),
        (
            "fal-ai/qwen-image-2/edit",
            {
                "image_urls": ["https://a.example/b.png"],
                "image_size": {"width": 200, "height": 200},
            },
            ["body", "image_size"],
            "value_error",
        ),
        (
            "fal-ai/qwen-image-edit",
            {"image_url": "img_1"},
            ["body", "image_url"],
            "file_download_error",
        ),
    ],
)
def test_wrong_inputs_end_with_fals_error_body(
    http: httpx.Client, model: str, payload: dict[str, Any], where: list[str], kind: str
) -> None:
    request = submitted(http, model, **payload)
    answer = finished(http, request)
    assert answer.status_code == 422
    details = answer.json()["detail"]
    assert (where, kind) in [(each["loc"], each["type"]) for each in details]
    assert "422" in http.get(request["status_url"]).json()["error"]


def test_pictures_are_the_same_for_the_same_seed_only(http: httpx.Client) -> None:
    urls = [
        finished(http, submitted(http, seed=seed)).json()["images"][0]["url"]
        for seed in (1, 1, 2)
    ]
    # A file's name is the digest of its bytes.
    assert urls[0] == urls[1] != urls[2]


def test_batches_differ_and_flags_fit(http: httpx.Client) -> None:
    body = finished(http, submitted(http, num_images=3, seed=7)).json()
    assert len({each["url"] for each in body["images"]}) == 3
    assert body["has_nsfw_concepts"] == [False] * 3
    assert body["seed"] == 7


def test_a_sync_run_answers_with_the_output(http: httpx.Client) -> None:
    answer = http.post(f"/run/{QWEN}", json={"prompt": "p", "sync_mode": True})
    assert answer.headers["x-fal-request-id"]
    assert answer.json()["images"][0]["url"].startswith("data:image/png;base64,")
    wrong = http.post(f"/run/{QWEN}", json={})
    assert wrong.json()["detail"][0]["type"] == "missing"


@pytest.mark.parametrize("path", [f"/queue/{QWEN}", f"/run/{QWEN}", "/rest/tokens/"])
def test_without_a_key_nothing_is_done(fal_sandbox: Sandbox, path: str) -> None:
    answer = httpx.post(f"{fal_sandbox.url}{path}", json={"prompt": "p"})
    assert answer.status_code == 401
    assert "detail" in answer.json()
    assert fal_sandbox.submits == 0


def test_unknown_apps_and_requests_are_not_found(http: httpx.Client) -> None:
    assert http.post("/queue/me/nothing", json={"prompt": "p"}).status_code == 404
    assert http.get(f"/queue/{QWEN}/requests/none/status").status_code == 404
    cancelled = http.put(f"/queue/{QWEN}/requests/none/cancel")
    assert cancelled.json() == {"status": "NOT_FOUND"}
    with Sandbox(unknown_endpoints=True) as sandbox:
        answer = httpx.post(
            f"{sandbox.url}/run/me/mine", json={"prompt": "p"}, headers=KEY
        )
        assert answer.json()["images"]


def test_recorded_requests_hold_no_key(
    http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    submitted(http)
    [request] = fal_sandbox.requests
    assert request.headers["authorization"] == "Key …"
    assert "secret" not in repr(request)


def test_a_key_on_a_file_is_a_leak(http: httpx.Client, fal_sandbox: Sandbox) -> None:
    url = fal_sandbox.files.put("a.bin", b"x", "application/octet-stream")
    assert httpx.get(url).content == b"x"
    assert fal_sandbox.leaks == []
    assert http.get(url).status_code == 403
    assert len(fal_sandbox.leaks) == 1


def test_faults_come_in_order_and_pass(
    http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.respond("submit", 429, {"detail": "busy"}, times=2)
    fal_sandbox.faults.add(Fault(on="submit", drop="before", skip=1))
    codes = [
        http.post(f"/queue/{QWEN}", json={"prompt": "p"}).status_code for _ in range(3)
    ]
    assert codes == [429, 429, 200]
    with pytest.raises(httpx.TransportError):
        http.post(f"/queue/{QWEN}", json={"prompt": "p"})
    assert fal_sandbox.submits == 1


def test_it_serves_documents_in_fals_form(http: httpx.Client) -> None:
    document = http.get("/openapi.json", params={"endpoint_id": QWEN}).json()
    assert document["openapi"].startswith("3.0")
    assert f"/{QWEN}" in document["paths"]
    schema = document["components"]["schemas"]["Input"]
    assert schema["x-fal-order-properties"][0] == "prompt"
    assert "$ref" not in json.dumps(schema)
    assert http.get("/openapi.json", params={"endpoint_id": "a/b"}).status_code == 404


def test_the_command_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "offline fal" in capsys.readouterr().out
    with Sandbox() as sandbox:
        assert f"export FAL_SANDBOX_URL={sandbox.url}" in sandbox.usage()
