"""JavaScript clients work with the sandbox: fal's own and the AI SDK's.

These tests need Node.js and install npm packages.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_fal_image.sandbox import Sandbox

PACKAGES = ("@fal-ai/client@1.10.1", "@ai-sdk/fal@3.0.41", "ws@8")
Run = Callable[[str], Any]

SETUP = """
import { createFalClient } from "@fal-ai/client";
const url = process.argv[2];
const proxied = createFalClient({
  credentials: "id:secret", proxyUrl: { url: `${url}/proxy`, when: "always" } });
const redirect = (target) => target
  .replace("https://queue.fal.run", `${url}/queue`)
  .replace("https://rest.fal.ai", `${url}/rest`)
  .replace("https://fal.run", `${url}/run`);
const rewritten = createFalClient({
  credentials: "id:secret",
  fetch: (target, options) => fetch(redirect(target), options) });
const runs = [];
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the packages are installed."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "package.json").write_text('{"type": "module"}')
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", *PACKAGES],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if installed.returncode:
        pytest.skip(f"the npm packages cannot be installed: {installed.stderr[-200:]}")
    return folder


@pytest.fixture
def run(packages: Path, fal_sandbox: Sandbox) -> Run:
    """Return a function that runs a script, which fills `runs`, and returns them."""

    def run_script(script: str) -> Any:
        lines = [SETUP, script, "console.log(JSON.stringify(runs));"]
        (packages / "run.mjs").write_text("\n".join(lines))
        ran = subprocess.run(
            [shutil.which("node") or "node", "run.mjs", fal_sandbox.url],
            cwd=packages,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return run_script


def test_the_javascript_client_submits_follows_and_fetches_a_request(
    run: Run, fal_sandbox: Sandbox
) -> None:
    runs = run("""
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
""")
    for each in runs:
        assert each["statuses"][-1] == "COMPLETED"
        assert each["status"]["status"] == "COMPLETED"
        assert each["images"][0]["url"].startswith(fal_sandbox.url)
    assert fal_sandbox.submits == 2


def test_the_javascript_client_streams_with_the_key_and_with_a_token(
    run: Run, fal_sandbox: Sandbox
) -> None:
    runs = run("""
const input = { prompt: "a hill", seed: 1, image_size: { width: 128, height: 96 } };
for (const fal of [proxied, rewritten]) {
  for (const connectionMode of ["server", "client"]) {
    for (const id of ["fal-ai/flux-lora", "fal-ai/flux-lora/stream"]) {
      const direct = `${url}/run/fal-ai/flux-lora/stream`;
      const stream = await fal.stream(id, { input, connectionMode,
        ...(connectionMode == "client" && { url: direct }) });
      const widths = [];
      for await (const event of stream) { widths.push(event.images[0].width); }
      const output = await stream.done();
      runs.push({ widths, image: output.images[0].url, id: stream.requestId });
    }
  }
}
""")
    assert len(runs) == 8
    for each in runs:
        assert each["widths"] == [96, 128]
        assert each["image"].startswith(fal_sandbox.url)
        assert each["id"]
    assert fal_sandbox.submits == 8


def test_the_javascript_client_raises_the_errors_of_streams(run: Run) -> None:
    runs = run("""
const url_ = `${url}/run/fal-ai/flux-lora/stream`;
const fail = async (id, options) => {
  const stream = await rewritten.stream(id, options);
  await stream.done().then(
    () => runs.push(null), (error) => runs.push([error.name, error.status]));
};
await fail("fal-ai/flux-lora", { input: {} });
await fail("fal-ai/qwen-image", { input: { prompt: "a hill" } });
await fail("fal-ai/flux-lora", { input: {}, connectionMode: "client", url: url_,
  tokenProvider: async () => "made-up" });
""")
    assert runs == [["ValidationError", 422], ["ApiError", 404], ["ApiError", 401]]


def test_the_javascript_client_uploads_small_and_large_files(
    run: Run, fal_sandbox: Sandbox
) -> None:
    size = 90 * 1024 * 1024 + 1
    runs = run(f"""
const large = new Uint8Array({size});
large[{size} - 1] = 7;
for (const [fal, content] of [
  [proxied, "abc"], [rewritten, "abc"], [rewritten, large]]) {{
  const file = new File([content], "a.png", {{ type: "image/png" }});
  runs.push(await fal.storage.upload(file));
}}
""")
    for url, expected in zip(runs, (3, 3, size), strict=True):
        stored = fal_sandbox.files.get(url.removeprefix(f"{fal_sandbox.url}/files/"))
        assert stored is not None
        assert url.endswith("/a.png")
        assert (len(stored.content), stored.content_type) == (expected, "image/png")
    assert fal_sandbox.leaks == []


def test_realtime_of_the_javascript_client_reports_that_the_sandbox_has_none(
    run: Run,
) -> None:
    runs = run("""
import WebSocketOfNode from "ws";
globalThis.WebSocket = class extends WebSocketOfNode {
  constructor(target) {
    super(target.replace("wss://fal.run", `${url.replace("http", "ws")}/run`)); }
};
for (const fal of [proxied, rewritten]) {
  await new Promise((resolve) => {
    const connection = fal.realtime.connect("fal-ai/flux-2/klein", {
      onResult: () => {},
      onError: (error) => { runs.push(error.message); resolve(); } });
    connection.send({ prompt: "a hill" });
  });
}
console.log(JSON.stringify(runs));
process.exit(0);
""")
    assert len(runs) >= 2
    for each in runs:
        assert "The sandbox has no realtime endpoints." in each


def test_the_ai_sdk_makes_an_image_speech_and_a_transcription(
    run: Run, fal_sandbox: Sandbox
) -> None:
    # The AI SDK downloads nothing from this machine, so files get another URL.
    image, speech, text = run("""
import { createFal } from "@ai-sdk/fal";
const cdn = "https://v3.fal.media";
const sdk = createFal({ apiKey: "id:secret", fetch: async (target, options) => {
  const response = await fetch(redirect(String(target)).replace(cdn, url), options);
  if (!response.headers.get("content-type").includes("json")) return response;
  const body = (await response.text()).replaceAll(url, cdn);
  return new Response(body, response);
} });
const providerOptions = {};
const image = await sdk.image("fal-ai/qwen-image").doGenerate({
  prompt: "a hill", n: 1, size: "128x96", seed: 1, providerOptions });
const { audio } = await sdk.speech("fal-ai/minimax/speech-02-hd").doGenerate({
  text: "Hello", providerOptions });
const { text } = await sdk.transcription("whisper").doGenerate({
  audio, mediaType: "audio/wav", providerOptions });
runs.push([...image.images[0].slice(0, 4)], [...audio.slice(0, 4)], text);
""")
    assert bytes(image) == b"\x89PNG"
    assert bytes(speech) == b"RIFF"
    assert text == "Hello"
    assert fal_sandbox.leaks == []
    assert fal_sandbox.submits == 3
