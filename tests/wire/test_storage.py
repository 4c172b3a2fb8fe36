"""Uploads in one request and in parts, downloads with redirects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stage import Stage, answer, body_of

from langchain_fal_image import errors
from langchain_fal_image.wire.config import Hosts, Limits
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import NotSent, ReplyLost, TooLarge, Unsendable
from langchain_fal_image.wire.files import download, upload

URL = "https://v3.fal.media/files/a.png"
SMALL = Limits(multipart_bytes=10, part_bytes=4)
PLACE = {"upload_url": "https://up.example/a/b?X-Sig=%2Fs&n=1", "file_url": URL}


def put(stage: Stage, content: bytes, **settings: Any) -> str:
    ctx = Context(now=lambda: stage.clock, **settings)
    flow = upload(ctx, content, content_type="image/png", file_name="a.png")
    return stage.play(flow)


@pytest.mark.parametrize(
    ("size", "parts"), [(0, 0), (1, 0), (10, 0), (11, 3), (12, 3), (13, 4), (40, 10)]
)
def test_only_large_files_are_sent_in_parts(size: int, parts: int) -> None:
    stage = Stage(initiate=[answer(200, PLACE)])
    content = bytes(range(size))
    assert put(stage, content, limits=SMALL) == URL
    assert len(stage.sent) == (parts + 2 if parts else 2)
    sent = stage.sent[1 : parts + 1] if parts else stage.sent[1:]
    assert b"".join(body_of(each) for each in sent) == content


def test_the_url_of_a_part_has_its_number_and_the_query() -> None:
    stage = Stage(initiate=[answer(200, PLACE)])
    put(stage, b"0123456789ab", limits=SMALL)
    assert [(each.method, each.url) for each in stage.sent[1:]] == [
        ("PUT", "https://up.example/a/b/1?X-Sig=%2Fs&n=1"),
        ("PUT", "https://up.example/a/b/2?X-Sig=%2Fs&n=1"),
        ("PUT", "https://up.example/a/b/3?X-Sig=%2Fs&n=1"),
        ("POST", "https://up.example/a/b/complete?X-Sig=%2Fs&n=1"),
    ]
    assert {each.client for each in stage.sent[1:]} == {"media"}
    assert stage.sent[-1].headers["content-type"] == "application/json"


def test_a_failed_part_is_sent_again_in_its_order() -> None:
    replies = [
        answer(200, {}, etag="1"),
        *(ReplyLost("reset"), answer(503, b""), answer(200, {"etag": "2"})),
        answer(200, {}, etag="3"),
        answer(200, {}),
    ]
    stage = Stage(initiate=[answer(200, PLACE)], put=replies)
    put(stage, b"0123456789ab", limits=SMALL)
    assert [body_of(each) for each in stage.sent[1:6]] == [
        *(b"0123", b"4567", b"4567", b"4567", b"89ab"),
    ]
    parts = json.loads(body_of(stage.sent[-1]))["parts"]
    assert [(each["partNumber"], each["etag"]) for each in parts] == [
        *((1, "1"), (2, "2"), (3, "3")),
    ]


@pytest.mark.parametrize(
    "url",
    [
        *("http://169.254.169.254/put", "http://127.0.0.1/put", "file:///etc/passwd"),
        *("https://u:p@up.example/", "https://localhost/", "", "put", "https://["),
    ],
)
@pytest.mark.parametrize("size", [1, 20])
def test_an_upload_url_that_is_not_public_is_not_used(url: str, size: int) -> None:
    stage = Stage(initiate=[answer(200, {**PLACE, "upload_url": url})])
    with pytest.raises(errors.FalResponseError) as caught:
        put(stage, b"x" * size, limits=SMALL)
    assert stage.operations() == ["initiate"]
    assert caught.value.charged == "no"


def test_an_upload_url_on_a_configured_origin_is_used() -> None:
    own = "http://127.0.0.1:8000"
    stage = Stage(initiate=[answer(200, {**PLACE, "upload_url": f"{own}/put"})])
    assert put(stage, b"x", hosts=Hosts(rest=f"{own}/storage")) == URL


@pytest.mark.parametrize(
    "script",
    [
        {"put": [answer(200, {}), answer(200, {})]},
        {"put": [answer(200, {"etag": 7})]},
        {"put": [answer(200, b"")]},
        {"put": [answer(200, {}, etag="1"), answer(403, {"detail": "expired"})]},
        {"put": [*[answer(200, {}, etag="1")] * 3, answer(400, {"detail": "no"})]},
        {"put": [TooLarge("much")]},
        {"put": [Unsendable("odd")]},
        {"initiate": [ReplyLost("reset")]},
        {"initiate": [answer(422, {"detail": "no such type"})]},
        {"initiate": [answer(200, {"upload_url": 7, "file_url": URL})]},
        {"initiate": [answer(200, [])]},
    ],
    ids=str,
)
def test_an_upload_in_parts_that_fails_costs_nothing(script: dict[str, Any]) -> None:
    stage = Stage(**{"initiate": [answer(200, PLACE)], **script})
    with pytest.raises(errors.FalError) as caught:
        put(stage, b"0123456789ab", limits=SMALL)
    assert caught.value.charged == "no"


def test_an_invalid_file_name_is_sent_as_text() -> None:
    stage = Stage()
    flow = upload(
        stage.context, b"x", content_type="image/png", file_name="\udcffa.png"
    )
    stage.play(flow)
    assert json.loads(body_of(stage.sent[0]))["file_name"] == "?a.png"


def moved(to: str, status: int = 302) -> Any:
    return answer(status, b"", location=to)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b.png", "https://v3.fal.media/b.png"),
        ("b.png?x=1", "https://v3.fal.media/files/b.png?x=1"),
        ("//cdn.example/b.png", "https://cdn.example/b.png"),
        ("https://cdn.example/b.png", "https://cdn.example/b.png"),
    ],
)
def test_a_redirect_is_followed(location: str, url: str, status: int) -> None:
    stage = Stage(media=[moved(location, status), answer(200, b"there")])
    assert stage.play(download(stage.context, URL)).content == b"there"
    assert stage.sent[1].url == url
    assert stage.sent[1].client == "media"


@pytest.mark.parametrize(
    "location",
    [
        *("http://127.0.0.1/", "//localhost/", "http://[::1]/", "file:///etc/passwd"),
        *("http://169.254.169.254/", "https://u:p@cdn.example/", "data:,x", "http://["),
        *("https://[zz]/", "http://10.0.0.1:99999/", "\\\\localhost\\a", "ftp://a.b/"),
    ],
)
def test_a_redirect_to_anywhere_else_is_refused(location: str) -> None:
    stage = Stage(media=[moved(location)])
    with pytest.raises(errors.FalDownloadError):
        stage.play(download(stage.context, URL))
    assert len(stage.sent) == 1


@pytest.mark.parametrize(("times", "ends"), [(5, True), (6, False)])
def test_redirects_have_a_limit(times: int, ends: bool) -> None:  # noqa: FBT001 - a row of the table
    stage = Stage(media=[*[moved("/b.png")] * times, answer(200, b"there")])
    if ends:
        assert stage.play(download(stage.context, URL)).content == b"there"
        return
    with pytest.raises(errors.FalDownloadError, match="redirects"):
        stage.play(download(stage.context, URL))


def test_a_redirect_without_a_location_is_a_failed_download() -> None:
    stage = Stage(media=[answer(302, b"")])
    with pytest.raises(errors.FalDownloadError, match="302"):
        stage.play(download(stage.context, URL))


@pytest.mark.parametrize(
    "failure",
    [ReplyLost("cut"), NotSent("refused"), answer(500, b""), answer(429, {})],
    ids=repr,
)
def test_a_download_is_retried(failure: Any) -> None:
    stage = Stage(media=[failure, failure, answer(200, b"whole")])
    assert stage.play(download(stage.context, URL)).content == b"whole"


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (TooLarge("much"), 1),
        (Unsendable("odd"), 1),
        (answer(404, b""), 1),
        (answer(403, b""), 1),
        (answer(410, b""), 1),
        (ReplyLost("cut"), 5),
    ],
)
def test_a_download_is_not_retried_forever(failure: Any, tries: int) -> None:
    stage = Stage(media=[failure])
    with pytest.raises(errors.FalDownloadError) as caught:
        stage.play(download(stage.context, URL))
    assert len(stage.sent) == tries
    assert caught.value.charged == "yes"


@pytest.mark.parametrize(
    "url", ["data:image/png;base64," + "A" * 5000, "https://a.example/" + "a" * 70_000]
)
def test_an_error_contains_neither_bytes_nor_a_long_url(url: str) -> None:
    stage = Stage(media=[Unsendable("InvalidURL: URL too long")])
    with pytest.raises(errors.FalDownloadError) as caught:
        stage.play(download(stage.context, url))
    assert "AAAA" not in str(caught.value)
    assert len(str(caught.value)) < 600
