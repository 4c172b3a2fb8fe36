"""The sandbox speaks fal's protocol to any client."""

from __future__ import annotations

import io
import json
import re
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
SMALL = {"width": 128, "height": 96}
CONTRACTS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent.parent / "contracts").glob("*.json"))
]


@pytest.fixture
def http(fal_sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fal_sandbox.url, headers=KEY, timeout=30) as client:
        yield client


def submit(http: httpx.Client, model: str = QWEN, **payload: Any) -> dict[str, Any]:
    response = http.post(f"/queue/{model}", json={"prompt": "a hill", **payload})
    assert response.status_code == 200
    assert response.headers["x-fal-request-id"] == response.json()["request_id"]
    body: dict[str, Any] = response.json()
    return body


def fetch_result(http: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    with http.stream("GET", f"{request['status_url']}/stream?logs=1") as stream:
        stream.read()
    return http.get(request["response_url"])


def test_the_status_stream_ends_with_completed_and_logs_and_metrics_follow(
    http: httpx.Client,
) -> None:
    request = submit(http)
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


def test_a_request_in_the_queue_has_a_position_no_result_and_can_be_cancelled(
    http: httpx.Client,
) -> None:
    with Sandbox(queue_seconds=60) as sandbox:
        request = httpx.post(
            f"{sandbox.url}/queue/{QWEN}", json={"prompt": "p"}, headers=KEY
        ).json()
        status = httpx.get(request["status_url"], headers=KEY)
        assert status.status_code == 202
        assert status.json()["queue_position"] == 0
        early = httpx.get(request["response_url"], headers=KEY)
        assert early.status_code == 400
        assert early.json() == {"detail": "Request is still in progress"}
        assert httpx.put(request["cancel_url"], headers=KEY).json() == {"status": "OK"}
        cancelled = httpx.get(request["response_url"], headers=KEY)
        assert cancelled.status_code == 499
        assert cancelled.headers["x-fal-error-type"] == "client_cancelled"
        again = httpx.put(request["cancel_url"], headers=KEY)
        assert (again.status_code, again.json()["status"]) == (400, "ALREADY_COMPLETED")


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each["endpoint_id"])
def test_published_examples_get_an_output_with_the_endpoints_schema(
    contract: dict[str, Any], http: httpx.Client
) -> None:
    model = contract["endpoint_id"]
    for example in contract["requests"]:
        if example.get("image_size") == {"height": 2048, "width": 2048}:
            example = {**example, "image_size": {"height": 512, "width": 512}}  # noqa: PLW2901 - smaller images are drawn faster
        response = fetch_result(http, submit(http, model, **example))
        assert response.status_code == 200, response.text
        body = response.json()
        jsonschema.validate(body, openapi.get_output_schema(model))
        assert set(contract["answer"]) <= set(body)
        for image in body["images"]:
            opened = PIL.Image.open(io.BytesIO(httpx.get(image["url"]).content))
            assert (opened.format, opened.mode) == ("PNG", "RGB")


@pytest.mark.parametrize(
    ("model", "payload", "size", "format_"),
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
def test_an_image_has_the_requested_size_and_format(
    http: httpx.Client,
    model: str,
    payload: dict[str, Any],
    size: tuple[int, int],
    format_: str,
) -> None:
    body = fetch_result(http, submit(http, model, **payload)).json()
    image = PIL.Image.open(io.BytesIO(httpx.get(body["images"][0]["url"]).content))
    assert (image.size, image.format) == (size, format_)


@pytest.mark.parametrize(
    ("model", "payload", "loc", "error_type"),
    [
        (QWEN, {"num_images": 5}, ["body", "num_images"], "less_than_equal"),
        (QWEN, {"acceleration": "ultra"}, ["body", "acceleration"], "literal_error"),
        (QWEN, {"prompt": None}, ["body", "prompt"], "string_type"),
        ("fal-ai/qwen-image-edit", {}, ["body", "image_url"], "missing"),
        (
            "fal-ai/maya",
            {"text": "x" * 5001, "prompt": "calm"},
            ["body", "text"],
            "string_too_long",
        ),
        (
            QWEN,
            {"image_size": {"width": 20_000, "height": 200}},
            ["body", "image_size", "width"],
            "less_than_equal",
        ),
        (
            "fal-ai/qwen-image-edit",
            {"image_url": "img_1"},
            ["body", "image_url"],
            "file_download_error",
        ),
    ],
)
def test_an_invalid_payload_completes_with_fals_error_entries(
    http: httpx.Client,
    model: str,
    payload: dict[str, Any],
    loc: list[str],
    error_type: str,
) -> None:
    request = submit(http, model, **payload)
    response = fetch_result(http, request)
    assert response.status_code == 422
    details = response.json()["detail"]
    assert (loc, error_type) in [(each["loc"], each["type"]) for each in details]
    assert "422" in http.get(request["status_url"]).json()["error"]


def test_the_seed_determines_the_image(http: httpx.Client) -> None:
    urls = [
        fetch_result(http, submit(http, seed=seed, image_size=SMALL)).json()["images"][
            0
        ]["url"]
        for seed in (1, 1, 2)
    ]
    # A file's name is the digest of its bytes.
    assert urls[0] == urls[1] != urls[2]


def test_the_images_of_a_batch_differ_and_each_has_its_flag(http: httpx.Client) -> None:
    request = submit(http, num_images=3, seed=7, image_size=SMALL)
    body = fetch_result(http, request).json()
    assert len({each["url"] for each in body["images"]}) == 3
    assert body["has_nsfw_concepts"] == [False] * 3
    assert body["seed"] == 7


def test_a_sync_run_returns_the_output(http: httpx.Client) -> None:
    response = http.post(f"/run/{QWEN}", json={"prompt": "p", "sync_mode": True})
    assert response.headers["x-fal-request-id"]
    assert response.json()["images"][0]["url"].startswith("data:image/png;base64,")
    wrong = http.post(f"/run/{QWEN}", json={})
    assert wrong.json()["detail"][0]["type"] == "missing"


@pytest.mark.parametrize("path", [f"/queue/{QWEN}", f"/run/{QWEN}", "/rest/tokens/"])
def test_a_request_without_a_key_is_rejected(fal_sandbox: Sandbox, path: str) -> None:
    response = httpx.post(f"{fal_sandbox.url}{path}", json={"prompt": "p"})
    assert response.status_code == 401
    assert "detail" in response.json()
    assert fal_sandbox.submits == 0


def test_unknown_endpoints_and_requests_are_not_found(http: httpx.Client) -> None:
    assert http.post("/queue/me/nothing", json={"prompt": "p"}).status_code == 404
    video = http.post("/run/fal-ai/veo3", json={"prompt": "p"})
    assert (video.status_code, "makes videos" in video.text) == (404, True)
    assert http.get(f"/queue/{QWEN}/requests/none/status").status_code == 404
    cancelled = http.put(f"/queue/{QWEN}/requests/none/cancel")
    assert cancelled.json() == {"status": "NOT_FOUND"}
    with Sandbox(unknown_endpoints=True) as sandbox:
        response = httpx.post(
            f"{sandbox.url}/run/me/mine", json={"prompt": "p"}, headers=KEY
        )
        assert response.json()["images"]


def test_the_recorded_requests_contain_no_key(
    http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    submit(http)
    [request] = fal_sandbox.requests
    assert request.headers["authorization"] == "Key …"
    assert "secret" not in repr(request)


def test_a_request_for_a_file_with_a_key_is_a_leak(
    http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    url = fal_sandbox.files.put("a.bin", b"x", "application/octet-stream")
    assert httpx.get(url).content == b"x"
    assert fal_sandbox.leaks == []
    assert http.get(url).status_code == 403
    assert len(fal_sandbox.leaks) == 1


@pytest.mark.parametrize(("storage", "leaks"), [("gcs", 0), ("fal-cdn-v3", 1), ("", 1)])
def test_only_uploads_to_the_older_storage_may_carry_the_key(
    storage: str, leaks: int, http: httpx.Client, fal_sandbox: Sandbox
) -> None:
    body = {"file_name": "a.png", "content_type": "image/png"}
    path = f"/rest/storage/upload/initiate?storage_type={storage}"
    urls = http.post(path, json=body).json()
    assert http.put(urls["upload_url"], content=b"x").is_success is not bool(leaks)
    assert len(fal_sandbox.leaks) == leaks
    assert http.get(urls["upload_url"]).status_code == 403
    assert len(fal_sandbox.leaks) == leaks + 1


def test_faults_occur_in_order_and_end(
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


def test_the_openapi_documents_have_fals_form(http: httpx.Client) -> None:
    document = http.get("/openapi.json", params={"endpoint_id": QWEN}).json()
    assert document["openapi"].startswith("3.0")
    assert f"/{QWEN}" in document["paths"]
    schema = document["components"]["schemas"]["Input"]
    assert schema["x-fal-order-properties"][0] == "prompt"
    assert "$ref" not in json.dumps(schema)
    assert http.get("/openapi.json", params={"endpoint_id": "a/b"}).status_code == 404


def test_the_dashboard_has_its_files_and_the_state_of_the_requests(
    http: httpx.Client,
) -> None:
    page = http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for name in re.findall(r'(?:href|src)="(dashboard[^"]+)"', page.text):
        assert http.get(f"/{name}").status_code == 200
    assert http.get("/page.py").status_code == 404
    submit(http, image_url=f"data:image/png;base64,{'A' * 500}")
    [request] = http.get("/state.json").json()["requests"]
    assert request["input"] == "a hill"
    assert request["options"] == "image_url: data URI of 522 characters"


def test_the_command_explains_its_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "stand-in for fal" in capsys.readouterr().out
    with Sandbox() as sandbox:
        assert f"export FAL_SANDBOX_URL={sandbox.url}" in sandbox.usage()
