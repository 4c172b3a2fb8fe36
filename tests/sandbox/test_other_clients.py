"""Clients of other authors generate images with the sandbox."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fal_client
import fal_client.client
import pytest

from langchain_fal_image.sandbox import Sandbox

# fal-client leaves the connections of its uploads open.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

QWEN = "fal-ai/qwen-image"
EDIT = "fal-ai/qwen-image-2/edit"


@pytest.fixture
def python_client(
    fal_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fal_client.SyncClient]:
    """Return fal-client with other URL formats, because it always uses TLS."""
    module = fal_client.client
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", f"{fal_sandbox.url}/queue/")
    monkeypatch.setattr(module, "RUN_URL_FORMAT", f"{fal_sandbox.url}/run/")
    monkeypatch.setattr(module, "REST_URL", f"{fal_sandbox.url}/rest")
    monkeypatch.setattr(module, "CDN_URL", fal_sandbox.url)
    client = fal_client.SyncClient(key="id:secret")
    yield client
    client._client.close()
    del client
    gc.collect()


def test_the_python_client_submits_follows_and_fetches_a_request(
    python_client: fal_client.SyncClient, fal_sandbox: Sandbox
) -> None:
    updates: list[Any] = []
    output = python_client.subscribe(
        QWEN,
        {"prompt": "a hill", "seed": 1},
        with_logs=True,
        on_queue_update=updates.append,
    )
    assert output["images"][0]["url"].startswith(fal_sandbox.url)
    assert isinstance(updates[-1], fal_client.Completed)
    handle = python_client.submit(QWEN, {"prompt": "a hill", "seed": 1})
    assert handle.get()["images"] == output["images"]
    assert isinstance(handle.status(), fal_client.Completed)
    again = python_client.get_handle(QWEN, handle.request_id)
    assert again.get() == handle.get()
    assert fal_sandbox.submits == 2


def test_the_python_client_raises_the_error_of_an_invalid_payload(
    python_client: fal_client.SyncClient,
) -> None:
    handle = python_client.submit(QWEN, {"prompt": "a hill", "num_images": 9})
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        handle.get()
    assert caught.value.status_code == 422


def test_the_python_client_runs_an_endpoint_and_uploads_a_file(
    python_client: fal_client.SyncClient, fal_sandbox: Sandbox
) -> None:
    output = python_client.run(QWEN, {"prompt": "a hill"})
    image = fal_sandbox.files.get(
        output["images"][0]["url"].removeprefix(f"{fal_sandbox.url}/files/")
    )
    assert image is not None
    url = python_client.upload(image.content, "image/png", "a.png")
    edited = python_client.run(EDIT, {"prompt": "night", "image_urls": [url]})
    assert edited["images"]


SCRIPT = """
import { createFalClient } from "@fal-ai/client";
const [, , url] = process.argv;
const proxied = createFalClient({
  credentials: "id:secret", proxyUrl: { url: `${url}/proxy`, when: "always" } });
const rewritten = createFalClient({
  credentials: "id:secret",
  requestMiddleware: async (request) => ({
    ...request, url: request.url.replace("https://queue.fal.run", `${url}/queue`) }) });
const runs = [];
for (const fal of [proxied, rewritten]) {
  const { request_id: requestId } = await fal.queue.submit("fal-ai/qwen-image", {
    input: { prompt: "a hill", seed: 1 } });
  const statuses = [];
  await fal.queue.subscribeToStatus("fal-ai/qwen-image", {
    requestId, logs: true, pollInterval: 20,
    onQueueUpdate: (update) => statuses.push(update.status) });
  const status = await fal.queue.status("fal-ai/qwen-image", { requestId, logs: true });
  const result = await fal.queue.result("fal-ai/qwen-image", { requestId });
  runs.push({ statuses, status, images: result.data.images, id: result.requestId });
}
console.log(JSON.stringify(runs));
"""


@pytest.mark.skipif(
    shutil.which("npm") is None, reason="node and npm are not installed"
)
def test_the_javascript_client_submits_follows_and_fetches_a_request(
    fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.mjs").write_text(SCRIPT)
    install = ["npm", "install", "--no-audit", "--no-fund", "@fal-ai/client@1"]
    installed = subprocess.run(
        install, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    if installed.returncode:
        pytest.skip(f"@fal-ai/client cannot be installed: {installed.stderr[-200:]}")
    node = shutil.which("node") or "node"
    ran = subprocess.run(
        [node, "run.mjs", fal_sandbox.url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    for run in json.loads(ran.stdout):
        assert run["statuses"][-1] == "COMPLETED"
        assert run["status"]["status"] == "COMPLETED"
        assert run["images"][0]["url"].startswith(fal_sandbox.url)
    assert fal_sandbox.submits == 2
