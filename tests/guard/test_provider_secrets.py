"""A provider keeps its key and its secret headers, and sends them only to its hosts."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import httpx
import pytest
from conftest import CANARY
from pydantic import SecretStr

from langchain_fal_image import create_fal, errors
from langchain_fal_image.sandbox import Sandbox

SECRET_HEADERS = {
    "Authorization": f"Bearer {CANARY}",
    "Proxy-Authorization": f"Basic {CANARY}",
    "Cookie": f"session={CANARY}",
    "X-API-Key": CANARY,
    "X-Fal-Key": CANARY,
    "x-auth-token": CANARY,
    "X-Amz-Security-Token": CANARY,
    "X-Gateway-Secret": CANARY,
    "X-Goog-Signature": CANARY,
}


@pytest.mark.parametrize("name", SECRET_HEADERS)
def test_a_pickle_and_a_repr_have_no_secret_header(name: str) -> None:
    headers = {name: SECRET_HEADERS[name], "X-Fal-Store-IO": "0"}
    fal = create_fal(CANARY, headers=headers)
    pickled = pickle.dumps(fal)
    assert CANARY.encode() not in pickled
    assert b"X-Fal-Store-IO" in pickled
    assert CANARY not in f"{fal!r} {fal.context!r} {vars(fal)}"
    assert pickle.loads(pickled)._headers == {"X-Fal-Store-IO": "0"}  # noqa: S301 - our own


@pytest.mark.parametrize(
    "setting", ["base_url", "run_url", "rest_url", "platform_url", "openapi_url"]
)
@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{CANARY}@proxy.example",
        f"https://{CANARY}@proxy.example/fal",
        f"//{CANARY}.example",
        f"ftp://{CANARY}.example",
        f"{CANARY}.example",
        f"https://proxy.example:{CANARY}",
        "https://",
    ],
)
def test_a_url_with_a_password_or_of_another_form_is_refused(
    setting: Any, url: str
) -> None:
    settings: Any = {setting: url}
    with pytest.raises(errors.FalConfigurationError) as caught:
        create_fal("k", **settings)
    assert CANARY not in str(caught.value)


# --- FAL_SANDBOX_URL ---

ELSEWHERE = [
    "https://evil.example",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1@evil.example",
    "http://user:pw@127.0.0.1",
    "http://10.0.0.1:8000",
    "http://0.0.0.0:8000",
    "http://[::ffff:8.8.8.8]",
    "//127.0.0.1",
    "127.0.0.1:8000",
    "file://localhost/etc",
    "http://",
    "http://[",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_the_environment_cannot_name_another_host(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_SANDBOX_URL", url)
    with pytest.raises(errors.FalConfigurationError, match="of this machine") as caught:
        create_fal()
    assert "create_fal(base_url=" in caught.value.next_step


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://localhost:1", "https://[::1]:8000"]
)
def test_the_environment_can_name_a_sandbox_on_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_SANDBOX_URL", url)
    assert create_fal().context.hosts.queue == f"{url.rstrip('/')}/queue"
    assert create_fal("").context.hosts.queue.startswith(url.rstrip("/"))


@pytest.mark.parametrize("key", [CANARY, SecretStr(CANARY)], ids=type)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://evil.example"])
def test_a_given_key_does_not_go_to_a_sandbox_of_the_environment(
    key: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_SANDBOX_URL", url)
    with pytest.raises(errors.FalConfigurationError, match="Both api_key and") as found:
        create_fal(key)
    assert CANARY not in str(found.value)
    with pytest.raises(
        errors.FalConfigurationError, match="Both the header X-Fal-Key and"
    ):
        create_fal(headers={"X-Fal-Key": CANARY})
    # Hosts that the developer passes win over the environment.
    hosts = create_fal(key, base_url="https://fal.example").context.hosts
    assert hosts.queue == "https://fal.example"
    assert hosts.rest == "https://rest.fal.ai"


def test_a_sandbox_itself_takes_a_key(
    fal_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_SANDBOX_URL", "http://127.0.0.1:9")
    with fal_sandbox.provider(api_key=CANARY) as fal:
        assert fal.context.hosts.queue.startswith(fal_sandbox.url)


def test_the_default_provider_is_not_redirected_either() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from langchain_fal_image import fal"],
        env={
            "FAL_SANDBOX_URL": "https://evil.example",
            "PYTHONPATH": ":".join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "FalConfigurationError: FAL_SANDBOX_URL is not" in done.stderr


def test_a_redirect_of_the_api_does_not_take_the_headers_along() -> None:
    seen: list[tuple[str, bool]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, CANARY in str(request.headers.raw)))
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    client = httpx.Client(transport=httpx.MockTransport(respond), follow_redirects=True)
    fal = create_fal(CANARY, headers=SECRET_HEADERS, http_client=client)
    with pytest.raises(errors.FalError):
        fal.request("fal-ai/qwen-image", "r-1").status()
    assert seen == [("queue.fal.run", True)]
