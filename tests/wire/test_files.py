"""Uploads and downloads, refused hosts and paths, and who receives the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stage import Stage, answer, body_of

from langchain_fal_image import errors
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.config import Hosts, Limits
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import NotSent, ReplyLost, TooLarge
from langchain_fal_image.wire.files import download, upload

URL = "https://v3.fal.media/files/a.png"


def test_a_download_returns_bytes_and_type() -> None:
    stage = Stage()
    media = stage.play(download(stage.context, URL))
    assert (media.content, media.content_type) == (b"bytes", "image/png")
    assert stage.sent[0].client == "media"


def test_a_download_follows_public_redirects_only() -> None:
    moved = answer(302, b"", location="/files/b.png")
    stage = Stage(media=[moved, answer(200, b"there")])
    assert stage.play(download(stage.context, URL)).content == b"there"
    assert stage.sent[1].url == "https://v3.fal.media/files/b.png"
    stage = Stage(media=[answer(302, b"", location="http://169.254.169.254/")])
    with pytest.raises(errors.FalDownloadError, match="public address"):
        stage.play(download(stage.context, URL))
    assert len(stage.sent) == 1


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ([answer(302, b"", location="/a")], "redirects"),
        ([answer(404, b"")], "expired"),
        ([TooLarge("more")], "larger than"),
        ([ReplyLost("cut short")], "cut short"),
        ([NotSent("refused")], "refused"),
        ([answer(503, b"")], "503"),
    ],
)
def test_a_failed_download_raises_a_download_error(
    script: list[Any], text: str
) -> None:
    stage = Stage(media=script)
    with pytest.raises(errors.FalDownloadError, match=text) as caught:
        stage.play(download(stage.context, URL))
    assert caught.value.charged == "yes"
    assert not caught.value.is_retryable
    assert set(stage.operations()) == {"media"}


def test_a_download_that_was_cut_short_is_repeated() -> None:
    stage = Stage(media=[ReplyLost("cut"), answer(503, b""), answer(200, b"whole")])
    assert stage.play(download(stage.context, URL)).content == b"whole"


def test_an_upload_is_initiated_then_put_without_the_key() -> None:
    stage = Stage()
    url = stage.play(
        upload(stage.context, b"pixels", content_type="image/png", file_name="a.png")
    )
    begin, put = stage.sent
    assert url == "https://v3.fal.media/in.png"
    assert "storage/upload/initiate?storage_type=fal-cdn-v3" in begin.url
    assert json.loads(body_of(begin)) == {
        "file_name": "a.png",
        "content_type": "image/png",
    }
    assert (put.method, body_of(put), put.client) == ("PUT", b"pixels", "media")
    assert not guard.compile_api_urls(stage.context.hosts).fullmatch(put.url)


def test_a_large_upload_is_sent_in_ordered_parts() -> None:
    limits = Limits(multipart_bytes=10, part_bytes=4)
    stage = Stage(put=[answer(200, {}, etag=f'"{n}"') for n in (1, 2, 3)] + [answer()])
    context = Context(limits=limits, now=lambda: 0.0)
    stage.play(
        upload(context, b"0123456789ab", content_type="image/png", file_name="a")
    )
    begin, *parts, complete = stage.sent
    assert "initiate-multipart" in begin.url
    assert [body_of(part) for part in parts] == [b"0123", b"4567", b"89ab"]
    assert parts[1].url == "https://up.example/put/2?sig=1"
    assert complete.url == "https://up.example/put/complete?sig=1"
    assert json.loads(body_of(complete))["parts"] == [
        {"partNumber": number, "etag": f'"{number}"'} for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "script",
    [
        {"initiate": [answer(200, {"file_url": "x"})]},
        {"initiate": [answer(200, b"no")]},
        {"initiate": [answer(401, {"detail": "no"})]},
        {"initiate": [NotSent("refused")]},
        {"put": [answer(403, b"")]},
        {"put": [ReplyLost("reset")]},
    ],
)
def test_a_failed_upload_costs_nothing(script: dict[str, Any]) -> None:
    stage = Stage(**script)
    with pytest.raises(errors.FalError) as caught:
        stage.play(upload(stage.context, b"x", content_type="image/png", file_name="a"))
    assert caught.value.charged == "no"


HOSTILE = [
    *(
        "file:///etc/passwd",
        "ftp://example.com/a",
        "gopher://x.example/",
        "//x.example",
    ),
    *("javascript:alert(1)", "http:///a", "https://", "", "example.com/a.png"),
    *("http://localhost/a", "http://LOCALHOST./a", "http://a.localhost/", "http://db/"),
    *("http://printer.local/", "http://metadata.google.internal/", "http://nas.lan/"),
    *("http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/"),
    *("http://0177.0.0.1/", "http://0x7f.1/", "http://017700000001/", "http://0/"),
    *(
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://0.0.0.0/",
    ),
    *("http://169.254.169.254/latest", "http://100.64.0.1/", "http://224.0.0.1/"),
    *("http://255.255.255.255/", "http://192.0.2.1/", "http://198.18.0.1/"),
    *("http://[::1]/", "http://[::]/", "http://[fe80::1]/", "http://[fc00::1]/"),
    *("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[ff02::1]/"),
    *(
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1%25eth0]/",
    ),
    *(
        "http://user@example.com/",
        "http://u:p@example.com/",
        "http://example.com:99999/",
    ),
    *("http://exa mple.com/", "http://example.com\\@127.0.0.1/", "http://a.example\n/"),
    *(
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://127\u30020\u30020\u30021/",
        "http://ⓛocalhost/",
        "http://127.0.0.1./",
    ),
    *("http://host.docker.internal/", "http://1.0.0.127.in-addr.arpa/", "http://[::1/"),
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_and_never_fetched(url: str) -> None:
    with pytest.raises(guard.AccessRefused):
        guard.check_url(url)
    stage = Stage()
    with pytest.raises(errors.FalDownloadError):
        stage.play(download(stage.context, url))
    assert stage.sent == []


@pytest.mark.parametrize(
    "url",
    [
        "https://v3.fal.media/files/a.png?x=1#y",
        "http://example.com:8080/a",
        "https://8.8.8.8/a",
        "https://[2606:4700:4700::1111]/a",
        "https://bücher.example/a",
    ],
)
def test_a_public_url_is_allowed(url: str) -> None:
    guard.check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "224.0.0.1", "240.0.0.1", "fd00::1"),
        "no address",
    ],
)
def test_a_private_address_is_refused(address: str) -> None:
    with pytest.raises(guard.AccessRefused):
        guard.check_address(address)


def test_a_configured_origin_is_trusted_but_not_its_host() -> None:
    hosts = Hosts(queue="http://127.0.0.1:8000/queue")
    trusted = guard.find_configured_origins(hosts)
    guard.check_url("http://127.0.0.1:8000/files/a.png", trusted=trusted)
    for url in ("http://127.0.0.1:8001/a", "https://127.0.0.1:8000/a"):
        with pytest.raises(guard.AccessRefused):
            guard.check_url(url, trusted=trusted)


@pytest.mark.parametrize(
    ("url", "gets"),
    [
        ("https://queue.fal.run/a", True),
        ("https://fal.run/a", True),
        ("https://rest.fal.ai/a", True),
        ("https://api.fal.ai/v1/models", True),
        ("https://QUEUE.fal.run:443/a", True),
        ("http://queue.fal.run/a", False),
        ("https://v3.fal.media/a", False),
        ("https://fal.media/a", False),
        ("https://queue.fal.run.evil.example/a", False),
        ("https://evil.example/queue.fal.run", False),
        ("https://queue.fal.run:8443/a", False),
    ],
)
def test_only_fals_api_receives_the_key(url: str, gets: bool) -> None:  # noqa: FBT001 - a row of the table
    assert bool(guard.compile_api_urls(Hosts()).fullmatch(url)) is gets


def test_only_files_below_allowed_directories_are_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for each in (inside, outside):
        each.mkdir()
        (each / "a.png").write_bytes(b"x")
    (inside / "link.png").symlink_to(outside / "a.png")
    (inside / "loop").symlink_to(inside / "loop")
    allowed = [inside.resolve()]
    assert guard.resolve_path(inside / "a.png", allowed_dirs=allowed)
    hostile = [outside / "a.png", inside / "../out/a.png", inside / "link.png"]
    hostile += [inside, inside / "none.png", inside / "loop", Path("/etc/passwd")]
    for path in [*map(str, hostile), "a\0b", "x" * 5000, "~/.ssh/id_rsa"]:
        with pytest.raises(guard.AccessRefused):
            guard.resolve_path(path, allowed_dirs=allowed)
    with pytest.raises(guard.AccessRefused, match="no directory is allowed"):
        guard.resolve_path(inside / "a.png", allowed_dirs=[])
