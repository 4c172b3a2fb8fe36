"""Paid once and never lost: a killed process, a lost response, a missing key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clocks import expire_after_submit

from langchain_fal_image import FalProvider, FalTextToImage, create_fal
from langchain_fal_image._formats.image import sniff_image
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalSubmitUncertainError,
    FalTimeoutError,
)
from langchain_fal_image.sandbox import Sandbox

SUBMITTER = """
import os, signal, sys
from langchain_fal_image import FalTextToImage, create_fal
fal = create_fal("sandbox", base_url=sys.argv[1])
request = FalTextToImage(fal=fal).submit("Mount Fuji in spring")
print(request.endpoint_id, request.request_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_no_image(
    fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", SUBMITTER, f"{fal_sandbox.url}/queue"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    endpoint_id, request_id = killed.stdout.split()
    result = fal.request(endpoint_id, request_id).result()
    assert sniff_image(result.images[0].save(tmp_path / "a").read_bytes()) is not None
    assert fal_sandbox.submits == 1


def test_a_lost_response_is_not_submitted_again(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.drop("submit")
    with pytest.raises(FalSubmitUncertainError) as caught:
        FalTextToImage(fal=fal).invoke("a hill")
    assert caught.value.charged == "maybe"
    assert caught.value.is_retryable is False
    assert fal_sandbox.submits == 1


async def test_a_lost_response_is_not_submitted_again_async(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    fal_sandbox.faults.drop("submit")
    with pytest.raises(FalSubmitUncertainError):
        await FalTextToImage(fal=fal).ainvoke("a hill")
    assert fal_sandbox.submits == 1


def test_a_request_can_be_resumed_after_a_timeout() -> None:
    with Sandbox(run_seconds=0.6) as sandbox:
        fal = expire_after_submit(sandbox.provider(), sandbox)
        with pytest.raises(FalTimeoutError) as caught:
            FalTextToImage(fal=fal, timeout=600).invoke("a hill")
        assert str(caught.value.request_id) in str(caught.value)
        assert caught.value.request.result().images[0].read()
        assert sandbox.submits == 1


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_raises_and_names_both_variables(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FAL_API_KEY", "FAL_KEY"):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    model = FalTextToImage()
    with pytest.raises(FalConfigurationError, match=r"FAL_API_KEY.*FAL_KEY"):
        model.invoke("a hill")


def test_an_empty_variable_counts_as_unset(
    fal_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_API_KEY", "")
    monkeypatch.setenv("FAL_KEY", "k:s")
    with create_fal(base_url=f"{fal_sandbox.url}/queue") as fal:
        assert FalTextToImage(fal=fal).invoke("a hill").images


def test_kinds_that_fal_does_not_serve_raise(fal: FalProvider) -> None:
    with pytest.raises(FalConfigurationError, match="Embedding models"):
        fal.embedding_model("text-embedding-3")
    with pytest.raises(FalConfigurationError, match="Chat models"):
        fal.chat_model("gpt")


def test_the_provider_returns_the_matching_runnable(fal: FalProvider) -> None:
    assert type(fal.image("fal-ai/qwen-image")).__name__ == "FalTextToImage"
    assert type(fal.image("fal-ai/qwen-image-edit")).__name__ == "FalImageEdit"
    assert type(fal.image("me/mine/edit")).__name__ == "FalImageEdit"
    assert fal.text_to_image(seed=3).options == {"seed": 3}


def test_a_repr_has_no_key() -> None:
    fal = create_fal("canary-key", headers={"Authorization": "canary"})
    assert "canary" not in repr(fal) + repr(FalTextToImage(fal=fal))
