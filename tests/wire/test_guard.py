"""Refused addresses, and URLs that receive the key."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image.wire import guard
from langchain_fal_image.wire.config import Hosts

OWN = Hosts(queue="http://127.0.0.1:8000/queue", rest="https://proxy.example/rest")

THIS_MACHINE = [
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001"),
    *("0x7F.1", "0177.0.0.01", "0x7f.0.0x0.1", "127.0.0.1.", "127.0.0.1..", "0"),
    *("0.0.0.0", "00000000", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]"),  # noqa: S104 - refused
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]"),
    *("[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain"),
    *("ip6-loopback", "\uff4cocalhost", "\uff11\uff12\uff17.0.0.1"),
    *("127\u30020\u30020\u30021", "\u2460\u2461\u2466.0.0.1", "127.0.0.1%eth0"),
]
PRIVATE = [
    *("10.0.0.1", "172.31.255.1", "192.168.0.1", "100.64.0.1", "100.100.100.200"),
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376"),
    *("169.254.170.2", "192.0.0.192", "168.63.129.16", "198.18.0.1", "192.0.2.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "[fe80::1]", "[fe80::1%25eth0]"),
    *("[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]"),
    *("[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]"),
    *("[2001:0:a9fe:a9fe::]", "[100::1]", "metadata", "metadata.google.internal"),
    *("db", "nas.local", "nas.LAN.", "wiki.corp", "vault.intranet", "router.home.arpa"),
    *("host.docker.internal", "1.0.0.127.in-addr.arpa"),
]
MALFORMED = [
    *("https://", "https:///a", "https://?x", "https://:80/", "https://./", ""),
    *("a.png", "/etc/passwd", "//host.example/a", "file:///etc/passwd", "data:,x"),
    *("ftp://a.example/", "gopher://a.example/", "javascript:alert(1)", "HTTPX://a.b/"),
    *("https://a.example:port/", "https://a.example:65536/", "https://a.example:-1/"),
    *("https://u@a.example/", "https://u:p@a.example/", "https://@a.example/"),
    *(
        "https://a.example\\@127.0.0.1/",
        "https:\\\\a.example\\",
        "https://a.example\t/",
    ),
    *("https://a.ex ample/", "https://a.example/\r\nx: y", "https://a.example/\0", " "),
    *("https://[::1", "https://::1]/", "https://[zz::]/", "https://[127.0.0.1]/"),
    *("https://8.8.8.8%.evil.example/", "https://%31%32%37.0.0.1/", "https://a%00.b/"),
    *("https://a.example\u2100b.example/", "https://a.example\uff0f@b.example/"),
]
HOSTILE = [f"http://{host}/latest" for host in (*THIS_MACHINE, *PRIVATE)] + MALFORMED


@pytest.mark.parametrize("url", HOSTILE)
def test_a_url_that_is_not_public_is_refused(url: str) -> None:
    with pytest.raises(guard.AccessRefused):
        guard.check_url(url)
    with pytest.raises(guard.AccessRefused):
        guard.check_url(url, trusted=guard.find_configured_origins(OWN))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://v3.fal.media/files/a.png",
            "HTTPS://A.EXAMPLE/",
            "http://a.example:1",
        ),
        *(
            "https://a.example./",
            "https://8.8.8.8/",
            "https://134744072/",
            "http://1.1/",
        ),
        *("https://[2606:4700::1111]/", "https://[64:ff9b::8.8.8.8]/"),
        *("https://a.example/?u=http://127.0.0.1/", "https://a.example/@b#c%00"),
    ],
)
def test_a_public_url_is_allowed(url: str) -> None:
    guard.check_url(url)


@given(st.text(max_size=30) | st.text(max_size=20).map("http://{}/".format))
def test_any_text_is_allowed_or_refused(text: str) -> None:
    with contextlib.suppress(guard.AccessRefused):
        guard.check_url(text)
        assert text.lower().startswith(("http://", "https://"))


@given(st.integers(0, 2**32 - 1))
def test_every_notation_of_an_address_is_treated_alike(number: int) -> None:
    def refused(host: str) -> bool:
        try:
            guard.check_url(f"http://{host}/")
        except guard.AccessRefused:
            return True
        return False

    high, low = divmod(number, 65536)
    spellings = [
        str(number),
        hex(number),
        f"0{number:o}",
        f"{number >> 24}.{number & 0xFFFFFF}",
    ]
    inside = [f"[::ffff:{high:x}:{low:x}]", f"[64:ff9b::{high:x}:{low:x}]"]
    plain = refused(".".join(map(str, number.to_bytes(4, "big"))))
    assert [refused(each) for each in spellings + inside] == [plain] * 6


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "::1", "fe80::1%eth0", "fec0::1", "168.63.129.16", "::"),
        "name",
        "",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(guard.AccessRefused):
        guard.check_address(address)


@pytest.mark.parametrize(
    "url",
    [
        *("https://queue.fal.run/a", "https://fal.run/a", "https://rest.fal.ai:443/a"),
        *("https://api.fal.ai/v1/models", "https://QUEUE.FAL.RUN./a"),
    ],
)
def test_fals_api_receives_the_key(url: str) -> None:
    assert guard.compile_api_urls(Hosts()).fullmatch(url)


@pytest.mark.parametrize(
    "url",
    [
        *("http://queue.fal.run/a", "https://queue.fal.run:8443/a", "https://fal.ai/a"),
        *("https://v3.fal.media/a", "https://xfal.run/a", "https://a.fal.run/a"),
        *("https://queue.fal.run.evil.example/", "https://evil.example/queue.fal.run"),
        *(
            "https://queue.fal.run@evil.example/",
            "https://queue.fal.run:x@evil.example",
        ),
        *(
            "https://evil.example#@queue.fal.run/",
            "https://evil.example\\@queue.fal.run",
        ),
        *("https://u:p@queue.fal.run/", "https://@queue.fal.run/"),
        *(
            "https://queue.fal.run%.evil.example/",
            "https://queue.fal.run%2eevil.example",
        ),
        *(
            "https://queue.fal.run\uff0eevil.example/",
            "https://queue.fal.run /",
            "",
            "x",
        ),
        *("http://127.0.0.1:8000/queue/a", "https://proxy.example/rest"),
    ],
)
def test_no_other_url_receives_the_key(url: str) -> None:
    assert not guard.compile_api_urls(Hosts()).fullmatch(url)


def test_configured_origins_receive_the_key() -> None:
    assert guard.compile_api_urls(OWN).fullmatch("http://127.0.0.1:8000/other")
    assert guard.compile_api_urls(OWN).fullmatch("https://proxy.example/x")
    for url in (
        *("https://127.0.0.1:8000/queue", "http://127.0.0.1/queue"),
        *("http://proxy.example/rest", "https://queue.fal.run/a"),
    ):
        assert not guard.compile_api_urls(OWN).fullmatch(url)


def test_an_origin_with_an_ipv6_address_receives_the_key() -> None:
    own = guard.compile_api_urls(Hosts(queue="http://[::1]:8000/queue"))
    assert own.fullmatch("http://[::1]:8000/queue/a?b=1")
    assert not own.fullmatch("http://[::1]:80001/queue/a")
    assert not own.fullmatch("http://[::1]/queue/a")


def test_invalid_base_urls_receive_no_key() -> None:
    own = guard.compile_api_urls(Hosts(queue="x", run="x", rest="x", platform="x"))
    assert not any(map(own.fullmatch, ("", "/", "x", "x/a", "https://queue.fal.run/")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("in", "in/sub", "in-other", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"x")
    (tmp_path / "in/link.png").symlink_to(tmp_path / "out/a.png")
    (tmp_path / "in/linked").symlink_to(tmp_path / "out")
    (tmp_path / "in/inner.png").symlink_to(tmp_path / "in/sub/a.png")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in/loop")
    return tmp_path


@pytest.mark.parametrize("name", ["in/a.png", "in/sub/../a.png", "in/inner.png"])
def test_a_file_below_an_allowed_directory_is_allowed(folder: Path, name: str) -> None:
    found = guard.resolve_path(folder / name, allowed_dirs=[(folder / "in").resolve()])
    assert found.read_bytes() == b"x"


@pytest.mark.parametrize(
    "name",
    [
        *("out/a.png", "in/../out/a.png", "in/link.png", "in/linked/a.png", "in"),
        *("in-other/a.png", "in/none.png", "in/loop", "in/sub", "in/a.png\0", "in/\0"),
        *("in/a.png/b", "in/" + "x" * 5000, "../../../../../../etc/passwd"),
        *("/etc/passwd", "/dev/zero", "/proc/self/environ", "~/a.png", "", "."),
    ],
    ids=lambda name: name[:20],
)
def test_any_other_path_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(guard.AccessRefused):
        guard.resolve_path(str(folder / name), allowed_dirs=[(folder / "in").resolve()])
