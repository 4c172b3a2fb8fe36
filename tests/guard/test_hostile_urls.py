"""Hostile URLs, in inputs, redirects and responses, are not requested."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import PIL.Image
import pytest
from conftest import CANARY
from hostile_servers import FixedResponse, Trap

from langchain_fal_image import (
    FalImageEdit,
    FalTextToImage,
    GeneratedImage,
    Limits,
    Retry,
    create_fal,
    errors,
)

QUEUE = "https://queue.fal.run"


@pytest.fixture
def trap() -> Iterator[Trap]:
    with Trap() as trap:
        yield trap


@pytest.fixture(autouse=True)
def resolve_only_evil_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve names under `.evil.example` to this machine, and no other names."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else str(host)
        if text.endswith(".evil.example"):
            return real("127.0.0.1", port, *args, **named)
        if not text.replace(".", "").isdigit() and ":" not in text:
            message = f"{text} must not be resolved in a test"
            raise socket.gaierror(message)
        return real(host, port, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


# {} is the port of the trap.
URLS = (
    "http://127.0.0.1:{}/x.png",
    "http://127.1:{}/x.png",
    "http://127.0.1:{}/x.png",
    "http://0:{}/x.png",
    "http://0.0.0.0:{}/x.png",
    "http://2130706433:{}/x.png",
    "http://0x7f000001:{}/x.png",
    "http://0x7f.0.0.1:{}/x.png",
    "http://0177.0.0.1:{}/x.png",
    "http://017700000001:{}/x.png",
    "http://[::1]:{}/x.png",
    "http://[::]:{}/x.png",
    "http://[::ffff:127.0.0.1]:{}/x.png",
    "http://[::ffff:7f00:1]:{}/x.png",
    "http://[0:0:0:0:0:ffff:7f00:1]:{}/x.png",
    "http://[64:ff9b::7f00:1]:{}/x.png",
    "http://[2002:7f00:1::]:{}/x.png",
    "http://[fe80::1%25lo]:{}/x.png",
    "http://[fc00::1]:{}/x.png",
    "http://localhost:{}/x.png",
    "http://LOCALHOST.:{}/x.png",
    "http://a.localhost:{}/x.png",
    "http://ip6-localhost:{}/x.png",
    "http://printer:{}/x.png",
    "http://db.internal:{}/x.png",
    "http://a.evil.example:{}/x.png",
    "http://user:pass@127.0.0.1:{}/x.png",
    "http://v3.fal.media@127.0.0.1:{}/x.png",
    "http://127.0.0.1:{}\\@v3.fal.media/x.png",
    "http://\uff11\uff12\uff17.0.0.1:{}/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://10.0.0.1/x.png",
    "http://172.16.0.1/x.png",
    "http://192.168.1.1/x.png",
    "ftp://127.0.0.1:{}/x.png",
    "gopher://127.0.0.1:{}/x",
    "file:///etc/passwd",
    "jar:http://127.0.0.1:{}!/x.png",
    "http://127.0.0.1:{}/x.png\r\nHost: a",
    "http:///x.png",
)


@pytest.mark.parametrize("url", URLS)
async def test_a_hostile_url_is_not_requested(url: str, trap: Trap) -> None:
    url = url.replace("{}", str(trap.port))
    sent: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        # Nothing but the submit is sent.
        return httpx.Response(500, json={"detail": "no"})

    async with create_fal(CANARY, timeout=60) as plain:
        image = GeneratedImage(url=url).using(plain)
        for read in (image.aread, lambda: asyncio.to_thread(image.read)):
            with pytest.raises(errors.FalDownloadError) as caught:
                await read()
            assert CANARY not in repr(caught.value)
    client = httpx.Client(transport=httpx.MockTransport(respond))
    with client:
        fal = create_fal(CANARY, http_client=client)
        edit = FalImageEdit(fal=fal, prompt="night")
        try:
            edit.invoke({"images": [url]})
        except errors.FalInputImageError:
            assert sent == []
        except errors.FalServerError:
            # Only DNS shows that this name is local, and only fal resolves it.
            assert "evil.example" in url
        else:
            pytest.fail(f"{url} was accepted")


@pytest.mark.parametrize("url", [url for url in URLS if "\r" not in url])
async def test_a_redirect_to_a_hostile_url_is_not_followed(
    url: str, trap: Trap
) -> None:
    url = url.replace("{}", str(trap.port))
    headers = {"location": url.encode("utf-8").decode("latin-1")}
    with FixedResponse(headers) as first:
        async with create_fal(CANARY, base_url=first.url, timeout=60) as fal:
            image = GeneratedImage(url=f"{first.url}/x.png").using(fal)
            with pytest.raises(errors.FalDownloadError):
                await asyncio.to_thread(image.read)
            with pytest.raises(errors.FalDownloadError):
                await image.aread()
        assert first.requests >= 2


# --- Hostile URLs in fal's responses ---

RESPONSES = {
    "status_url": "http://127.0.0.1:{}/status",
    "response_url": "http://a.evil.example:{}/result",
    "cancel_url": "https://queue.fal.run.evil.example:{}/cancel",
    "status_url ": "https://queue.fal.run@127.0.0.1:{}/status",
    "response_url ": "https://queue.fal.run\\@127.0.0.1:{}/result",
    "status_url  ": "http://queue.fal.run/status",
    "response_url  ": "https://queue.fal.run:8443/result",
}


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_the_key_is_not_sent_to_urls_of_a_response(
    name: str, way: str, trap: Trap
) -> None:
    hostile = RESPONSES[name].replace("{}", str(trap.port))
    hosts: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Key {CANARY}"
        hosts.append(f"{request.url.scheme}://{request.url.netloc.decode()}")
        if request.method == "POST":
            queued = {"request_id": "r", "status": "IN_QUEUE", name.strip(): hostile}
            return httpx.Response(200, json=queued)
        if request.url.path.endswith("/stream"):
            text = 'data: {"status": "COMPLETED", "request_id": "r"}\n\n'
            kind = {"content-type": "text/event-stream"}
            return httpx.Response(200, text=text, headers=kind)
        if request.method == "PUT":
            return httpx.Response(200, json={"status": "OK"})
        images = [{"url": "https://v3.fal.media/a.png"}]
        return httpx.Response(200, json={"images": images})

    transport = httpx.MockTransport(respond)
    with httpx.Client(transport=transport) as client:
        async with httpx.AsyncClient(transport=transport) as asynchronous:
            fal = create_fal(CANARY, http_client=client, http_async_client=asynchronous)
            t2i = FalTextToImage(fal=fal)
            if way == "sync":
                assert t2i.invoke("a").images
                t2i.submit("a").cancel()
            else:
                assert (await t2i.ainvoke("a")).images
                await (await t2i.asubmit("a")).acancel()
    assert set(hosts) == {QUEUE}


UPLOADS = {
    "upload_url": "http://127.0.0.1:{}/put",
    "upload_url ": "http://a.evil.example:{}/put",
    "file_url": "http://169.254.169.254/x.png",
    "upload_url  ": "file:///tmp/x",
}


@pytest.mark.parametrize("name", UPLOADS)
def test_nothing_is_uploaded_to_a_private_address(name: str, trap: Trap) -> None:
    hostile = UPLOADS[name].replace("{}", str(trap.port))
    content = io.BytesIO()
    PIL.Image.new("RGB", (512, 512), "red").save(content, "PNG")
    submits = []

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.host == "queue.fal.run":
            submits.append(request)
        good = "https://v3.fal.media/files/x.png"
        urls = {"upload_url": good, "file_url": good, name.strip(): hostile}
        return httpx.Response(200, json=urls)

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        fal = create_fal(
            CANARY,
            http_client=client,
            limits=Limits(inline_bytes=10),
            retry=Retry(first_pause=0, longest_pause=0, jitter=0),
        )
        with pytest.raises(errors.FalError) as caught:
            FalImageEdit(fal=fal, prompt="a").invoke([content.getvalue()])
    assert caught.value.charged == "no"
    assert submits == []
