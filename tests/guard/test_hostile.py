"""Hostile URLs, paths and answers: none is touched, read or sent the key."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import PIL.Image
import pytest
from conftest import CANARY

from langchain_fal_image import (
    FalImageEdit,
    FalTextToImage,
    GeneratedImage,
    create_fal,
    errors,
)
from langchain_fal_image.wire.config import Limits

QUEUE = "https://queue.fal.run"


class Trap:
    """A server on loopback that nobody may touch.

    Attributes:
        touched: What it was asked, headers included.
    """

    def __init__(self) -> None:
        trap = self
        self.touched: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def _touched(self) -> None:
                trap.touched.append(f"{self.command} {self.path} {self.headers}")
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_HEAD = _touched  # noqa: N815 - http.server's names

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    assert trap.touched == []
    trap.close()


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let names under `.evil.example` resolve to this machine, and no other at all."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else str(host)
        if text.endswith(".evil.example"):
            return real("127.0.0.1", port, *args, **named)
        if not text.replace(".", "").isdigit() and ":" not in text:
            message = f"{text} is not resolved in a test"
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
async def test_a_hostile_url_is_not_touched(url: str, trap: Trap) -> None:
    url = url.replace("{}", str(trap.port))
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        # The endpoint is asked for nothing else than the submit.
        return httpx.Response(500, json={"detail": "no"})

    async with create_fal(CANARY, timeout=2) as plain:
        image = GeneratedImage(url=url).using(plain)
        for read in (image.aread, lambda: asyncio.to_thread(image.read)):
            with pytest.raises(errors.FalDownloadError) as caught:
                await read()
            assert CANARY not in repr(caught.value)
    client = httpx.Client(transport=httpx.MockTransport(answer))
    with client:
        fal = create_fal(CANARY, http_client=client)
        edit = FalImageEdit(fal=fal, prompt="night")
        try:
            edit.invoke({"images": [url]})
        except errors.FalInputImageError:
            assert sent == []
        except errors.FalServerError:
            # A name that only its resolver gives away is fal's to fetch, not ours.
            assert "evil.example" in url
        else:
            pytest.fail(f"{url} was taken")


@pytest.mark.parametrize("url", [url for url in URLS if "\r" not in url])
async def test_a_redirect_to_it_is_not_followed(url: str, trap: Trap) -> None:
    url = url.replace("{}", str(trap.port))
    headers = {"location": url.encode("utf-8").decode("latin-1")}
    with Redirecting(headers) as first:
        async with create_fal(CANARY, base_url=first.url, timeout=2) as fal:
            image = GeneratedImage(url=f"{first.url}/x.png").using(fal)
            with pytest.raises(errors.FalDownloadError):
                await asyncio.to_thread(image.read)
            with pytest.raises(errors.FalDownloadError):
                await image.aread()
        assert first.asked >= 2


class Redirecting:
    """A configured host whose every answer is the same."""

    def __init__(
        self, headers: dict[str, str], *, status: int = 302, body: bytes = b""
    ) -> None:
        here = self
        self.asked = 0
        self.keys: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                here.asked += 1
                here.keys.append(self.headers.get("authorization", ""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert not any(self.keys)


# --- Answers that lead elsewhere ---

ANSWERS = {
    "status_url": "http://127.0.0.1:{}/status",
    "response_url": "http://a.evil.example:{}/result",
    "cancel_url": "https://queue.fal.run.evil.example:{}/cancel",
    "status_url ": "https://queue.fal.run@127.0.0.1:{}/status",
    "response_url ": "https://queue.fal.run\\@127.0.0.1:{}/result",
    "status_url  ": "http://queue.fal.run/status",
    "response_url  ": "https://queue.fal.run:8443/result",
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_an_answer_leads_the_key_nowhere(name: str, way: str, trap: Trap) -> None:
    hostile = ANSWERS[name].replace("{}", str(trap.port))
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Key {CANARY}"
        hosts.append(f"{request.url.scheme}://{request.url.netloc.decode()}")
        if request.method == "POST":
            told = {"request_id": "r", "status": "IN_QUEUE", name.strip(): hostile}
            return httpx.Response(200, json=told)
        if request.url.path.endswith("/stream"):
            text = 'data: {"status": "COMPLETED", "request_id": "r"}\n\n'
            kind = {"content-type": "text/event-stream"}
            return httpx.Response(200, text=text, headers=kind)
        if request.method == "PUT":
            return httpx.Response(200, json={"status": "OK"})
        images = [{"url": "https://v3.fal.media/a.png"}]
        return httpx.Response(200, json={"images": images})

    transport = httpx.MockTransport(answer)
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
def test_an_upload_goes_nowhere_private(name: str, trap: Trap) -> None:
    hostile = UPLOADS[name].replace("{}", str(trap.port))
    content = io.BytesIO()
    PIL.Image.new("RGB", (512, 512), "red").save(content, "PNG")
    submits = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "queue.fal.run":
            submits.append(request)
        good = "https://v3.fal.media/files/x.png"
        told = {"upload_url": good, "file_url": good, name.strip(): hostile}
        return httpx.Response(200, json=told)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        fal = create_fal(
            CANARY, http_client=client, limits=Limits(inline_bytes=10), timeout=2
        )
        with pytest.raises(errors.FalError) as caught:
            FalImageEdit(fal=fal, prompt="a").invoke([content.getvalue()])
    assert caught.value.charged == "no"
    assert submits == []


# --- Paths ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    secret = tmp_path / "secret.png"
    PIL.Image.new("RGB", (512, 512)).save(secret)
    (allowed / "link.png").symlink_to(secret)
    (allowed / "dir").symlink_to(tmp_path)
    (tmp_path / "allowed-too").mkdir()
    PIL.Image.new("RGB", (512, 512)).save(tmp_path / "allowed-too" / "x.png")
    os.mkfifo(allowed / "pipe.png")
    return allowed


PATHS = (
    "../secret.png",
    "link.png",
    "dir/secret.png",
    "dir/../../secret.png",
    "../allowed-too/x.png",
    "pipe.png",
    ".",
    "none.png",
    "a\0b.png",
    "/etc/passwd",
    "/dev/zero",
    "/proc/self/environ",
    "~/.ssh/id_rsa",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_hostile_path_is_not_read(path: str, folder: Path, trap: Trap) -> None:
    fal = create_fal(
        CANARY, base_url=f"http://127.0.0.1:{trap.port}", allowed_dirs=[folder]
    )
    named = path if path.startswith(("/", "~")) else f"{folder}/{path}"
    with pytest.raises(errors.FalInputImageError, match="refused"):
        FalImageEdit(fal=fal, prompt="a").invoke({"images": [named]})


def test_a_file_that_is_exchanged_is_not_read(
    folder: Path, tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = folder / "good.png"
    PIL.Image.new("RGB", (512, 512)).save(good)
    real = Path.open

    def exchanged(self: Path, *args: Any, **named: Any) -> Any:
        if self == good and not good.is_symlink():
            good.unlink()
            good.symlink_to(tmp_path / "secret.png")
        return real(self, *args, **named)

    monkeypatch.setattr(Path, "open", exchanged)
    fal = create_fal(
        CANARY, base_url=f"http://127.0.0.1:{trap.port}", allowed_dirs=[folder]
    )
    with pytest.raises(errors.FalInputImageError, match="refused"):
        FalImageEdit(fal=fal, prompt="a").invoke({"images": [str(good)]})


# --- Sizes ---


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_compressed_bomb_is_not_unpacked(way: str) -> None:
    bomb = gzip.compress(bytes(300 * 1024 * 1024))
    headers = {"content-encoding": "gzip", "content-type": "image/png"}
    with Redirecting(headers, status=200, body=bomb) as here:
        limits = Limits(download_bytes=1024 * 1024)
        async with create_fal(CANARY, base_url=here.url, limits=limits) as fal:
            image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
            with pytest.raises(errors.FalDownloadError, match="than 1048576"):
                await (
                    asyncio.to_thread(image.read) if way == "sync" else image.aread()
                )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    content = io.BytesIO()
    PIL.Image.new("1", (12_000, 12_000)).save(content, "PNG")
    with Redirecting({}, status=200, body=content.getvalue()) as here:
        fal = create_fal(CANARY, base_url=here.url)
        image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
        with pytest.raises(errors.FalDownloadError, match="12000x12000 pixels"):
            image.to_pil()
        fal.close()


@pytest.mark.parametrize(
    "content", [b"", b"<html>gone</html>", json.dumps({"detail": "no"}).encode()]
)
def test_what_is_no_image_is_told_by_its_bytes(content: bytes) -> None:
    with Redirecting({"content-type": "image/png"}, status=200, body=content) as here:
        fal = create_fal(CANARY, base_url=here.url)
        image = GeneratedImage(url=f"{here.url}/x.png").using(fal)
        with pytest.raises(errors.FalDownloadError, match="is not an image"):
            image.read()
        fal.close()
