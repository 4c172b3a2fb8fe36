"""fal's Python client works with the sandbox, sync and async."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fal_client
import fal_client.client
import httpx_sse
import PIL.Image
import pytest

from langchain_fal_image.sandbox import Fault, Sandbox

# fal-client leaves the connections of its uploads open.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

QWEN = "fal-ai/qwen-image"
EDIT = "fal-ai/qwen-image-2/edit"
LORA = "fal-ai/flux-lora"
SMALL = {"width": 128, "height": 96}
Call = Callable[..., Any]


@pytest.fixture
def python_urls(
    fal_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Give fal-client other URL formats, because it always uses TLS."""
    module = fal_client.client
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", f"{fal_sandbox.url}/queue/")
    monkeypatch.setattr(module, "RUN_URL_FORMAT", f"{fal_sandbox.url}/run/")
    websocket_url = fal_sandbox.url.replace("http", "ws")
    monkeypatch.setattr(module, "REALTIME_URL_FORMAT", f"{websocket_url}/run/")
    monkeypatch.setattr(module, "REST_URL", f"{fal_sandbox.url}/rest")
    monkeypatch.setattr(module, "CDN_URL", fal_sandbox.url)
    yield
    gc.collect()


@pytest.fixture
def python_client(python_urls: None) -> Iterator[fal_client.SyncClient]:
    client = fal_client.SyncClient(key="id:secret")
    yield client
    client._client.close()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, python_urls: None) -> Call:
    """Return a function that calls a method of a client by its name.

    It returns the events of a stream as a list.
    """

    def call_sync(method: str, *args: Any, **options: Any) -> Any:
        client = fal_client.SyncClient(key="id:secret")
        result = getattr(client, method)(*args, **options)
        result = list(result) if method == "stream" else result
        client._client.close()
        return result

    async def call_async(method: str, *args: Any, **options: Any) -> Any:
        client = fal_client.AsyncClient(key="id:secret")
        result = getattr(client, method)(*args, **options)
        if method == "stream":
            result = [event async for event in result]
        else:
            result = await result
        await (await client._client).aclose()
        return result

    def run_async(method: str, *args: Any, **options: Any) -> Any:
        return asyncio.run(call_async(method, *args, **options))

    return call_sync if request.param == "sync" else run_async


def read_file(sandbox: Sandbox, url: str) -> tuple[bytes, str]:
    """Return the content and type of a file that the sandbox serves."""
    stored = sandbox.files.get(url.removeprefix(f"{sandbox.url}/files/"))
    assert stored is not None
    return stored.content, stored.content_type


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


@pytest.mark.parametrize("repository", ["fal_v3", "cdn", "fal", None])
def test_the_python_client_uploads_to_each_repository(
    repository: Any, call: Call, fal_sandbox: Sandbox
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # "cdn"
        url = call("upload", b"a,b", "text/csv", "a.csv", repository=repository)
    assert url.endswith("/a.csv")
    assert read_file(fal_sandbox, url) == (b"a,b", "text/csv")
    assert fal_sandbox.leaks == []


def test_the_python_client_falls_back_to_the_other_repository(
    call: Call, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.add(Fault(on="upload", status=500, skip=1))
    url = call("upload", b"a,b", "text/csv")
    assert read_file(fal_sandbox, url) == (b"a,b", "text/csv")


def test_the_python_client_uploads_a_large_file_in_parts(
    call: Call, fal_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 10)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 10)
    content = bytes(range(256)) * 2
    (tmp_path / "a.webp").write_bytes(content)
    for url in (
        call("upload_file", tmp_path / "a.webp"),
        call("upload", content, "image/webp", "a.webp"),
    ):
        assert url.endswith("/a.webp")
        assert read_file(fal_sandbox, url) == (content, "image/webp")
    assert fal_sandbox.leaks == []


def test_the_python_client_uploads_a_file_above_its_usual_threshold(
    python_client: fal_client.SyncClient, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    size = 100 * 1024 * 1024 + 4
    with (tmp_path / "a.bin").open("wb") as file:
        file.seek(size - 4)
        file.write(b"last")
    url = python_client.upload_file(tmp_path / "a.bin")
    content, _ = read_file(fal_sandbox, url)
    assert (len(content), content[-4:]) == (size, b"last")


@pytest.mark.parametrize("endpoint_id", [LORA, "fal-ai/flux/dev"])
def test_the_python_client_streams_previews_and_the_output(
    endpoint_id: str, call: Call, fal_sandbox: Sandbox
) -> None:
    arguments = {"prompt": "a hill", "seed": 1, "image_size": SMALL}
    *previews, output = call("stream", endpoint_id, arguments)
    assert previews
    for event in previews:
        header, _, body = event["images"][0]["url"].partition(",")
        assert header == "data:image/jpeg;base64"
        preview = PIL.Image.open(io.BytesIO(base64.b64decode(body)))
        assert preview.width < SMALL["width"]
        assert event["seed"] == 1
    [image] = output["images"]
    content, _ = read_file(fal_sandbox, image["url"])
    assert PIL.Image.open(io.BytesIO(content)).width == SMALL["width"]
    assert fal_sandbox.submits == 1


def test_the_python_client_streams_a_transcription_and_speech(
    call: Call, fal_sandbox: Sandbox
) -> None:
    arguments = {"text": "Hello there", "prompt": "calm"}
    progress, output = call("stream", "fal-ai/maya", arguments)
    assert progress["progress"] < 1
    url = output["audio"]["url"]
    assert read_file(fal_sandbox, url)[1] == "audio/wav"
    assert call("stream", "fal-ai/speech-to-text", {"audio_url": url}) == [
        {"output": "Hello", "partial": True},
        {"output": "Hello there", "partial": False},
    ]


def test_a_stream_that_fails_is_no_event_stream(
    call: Call, fal_sandbox: Sandbox
) -> None:
    for endpoint_id, arguments in (
        (LORA, {"num_images": 1}),
        (QWEN, {"prompt": "a hill"}),
    ):
        with pytest.raises(httpx_sse.SSEError):
            call("stream", endpoint_id, arguments)


@pytest.mark.parametrize("options", [{}, {"use_jwt": False}])
def test_realtime_connections_report_that_the_sandbox_has_none(
    options: Any, python_client: fal_client.SyncClient
) -> None:
    with python_client.realtime("fal-ai/flux-2/klein", **options) as connection:
        connection.send({"prompt": "a hill"})
        with pytest.raises(
            fal_client.client.RealtimeError, match="no realtime endpoints"
        ):
            connection.recv()
    with python_client.ws_connect(LORA, **options) as websocket:
        assert "no realtime endpoints" in str(websocket.recv())


def test_async_realtime_connections_report_that_the_sandbox_has_none(
    python_urls: None,
) -> None:
    async def connect() -> None:
        client = fal_client.AsyncClient(key="id:secret")
        async with client.realtime("fal-ai/flux-2/klein") as connection:
            with pytest.raises(
                fal_client.client.RealtimeError, match="no realtime endpoints"
            ):
                await connection.recv()
        await (await client._client).aclose()

    asyncio.run(connect())
